"""Grounds: the rule, the facts, the main considerations, in each decision and in its letter (L6, fvl §§ 24-25)."""

import pytest
from given import Given, Step
from steps import GROUNDS, assessed, call_2023, declared, grant, granted, reject

from grantflow.domain.errors import BadRequest
from grantflow.domain.letters import LetterIssued

ON = {"grounds": GROUNDS, "authority": "IMDi-2023-014"}
TO_DECIDE = (*assessed(), declared("decider"))
DECISIONS: dict[str, tuple[tuple[Step, ...], Step]] = {
    "grant": (TO_DECIDE, grant()),
    "reject": (TO_DECIDE, reject()),
    "dismiss": (TO_DECIDE, Step("dismiss", {"cause": "too-late", **ON}, role="decider")),
    "reverse": ((*TO_DECIDE, reject()), Step("reverse", {"case_of_35": "invalid", **ON}, role="decider")),
    "reduce": (granted(), Step("reduce", {"amount": "1.00", "case_of_35": "invalid", **ON}, role="decider")),
}
"""Every decision that gives grounds, with a history in which it can be made."""
BY_LETTER = {"reject": "Avslag", "dismiss": "Avvisning", "reverse": "Omgjøring"}
"""How the letter about it begins, where the standard text is the one that tells the grounds."""


@pytest.mark.parametrize("name", sorted(DECISIONS))
@pytest.mark.parametrize("part", sorted(GROUNDS))
def test_l6_a_decision_that_lacks_a_part_of_its_grounds_is_refused(name: str, part: str) -> None:
    history, step = DECISIONS[name]
    given = Given(call_2023(), *history)
    for nothing in ("", " \n\t"):
        refusal = given.when(step.saying(grounds={**GROUNDS, part: nothing})).refused(BadRequest)
        assert f"grounds.{part}" in refusal.detail
    left_out = {key: text for key, text in GROUNDS.items() if key != part}
    given.when(step.saying(grounds=left_out)).refused(BadRequest)


@pytest.mark.parametrize("name", sorted(DECISIONS))
def test_l6_a_decision_keeps_all_three_parts_as_they_were_written(name: str) -> None:
    history, step = DECISIONS[name]
    outcome = Given(call_2023(), *history).when(step)
    assert outcome.refusal is None
    assert outcome.events[-1].facts()["grounds"] == GROUNDS


@pytest.mark.parametrize("name", sorted(DECISIONS))
def test_l6_grounds_have_these_three_parts_and_no_other(name: str) -> None:
    history, step = DECISIONS[name]
    given = Given(call_2023(), *history)
    given.when(step.saying(grounds={**GROUNDS, "mood": "God."})).refused(BadRequest)
    given.when(step.saying(grounds="Fordi.")).refused(BadRequest)
    given.when(step.saying(grounds=None)).refused(BadRequest)


@pytest.mark.parametrize("name", sorted(BY_LETTER))
def test_l6_the_letter_about_what_went_against_the_applicant_gives_the_grounds(name: str) -> None:
    history, step = DECISIONS[name]
    given = Given(call_2023(), *history, step)
    given.when(Step("issue-letter", role="decider")).then(LetterIssued)
    event = given.events[-1]
    assert isinstance(event, LetterIssued)
    assert event.text.startswith(BY_LETTER[name])
    for part in GROUNDS.values():
        assert part in event.text
