"""The decision and its letter: frame, bounds, conditions, later years, reservations (R3, R14, R19, R20, R29, R34)."""

from typing import Any
from uuid import UUID

import pytest
from given import FRAME, Given, Step
from steps import (
    ASKED,
    BLOCKS,
    GRANTED,
    GROUNDS,
    RESERVATIONS,
    assessed,
    call_2023,
    declared,
    drafted,
    grant,
    granted,
    letter,
    reject,
    submitted,
)

from grantflow.domain.decision import ApplicationGranted, ApplicationRejected
from grantflow.domain.errors import BadRequest, FrameExceeded, NotAllowed, RoleNotAllowed, StepNotAllowed
from grantflow.domain.frame import Commitment, Frame, FrameCommitted
from grantflow.domain.letters import LetterIssued
from grantflow.domain.money import kr, ore

OTHER_CASE = UUID(int=7)
CONDITION = {"id": "metodehefte", "text": "Lever metodeheftet.", "due": "2024-02-01"}
REJECTION = {"decision": "Søknaden er avslått.", "grounds": "Lav måloppnåelse."}


def to_decide(left_ore: int | None = None) -> Given:
    """An assessed case with a decider, in a frame where so much is left (default: all of it)."""
    limit = call_2023().frame
    frame = Frame(id=FRAME, version=1, limit_ore=limit)
    if left_ore is not None:
        frame = frame.but(commitments={OTHER_CASE: Commitment(limit - left_ore)})
    return Given(call_2023(), *assessed(), declared("decider"), frame=frame)


def rejected() -> Given:
    return Given(call_2023(), *assessed(), declared("decider"), reject())


def rejection_letter(**changes: Any) -> Step:
    data = {"language": "nn", "blocks": REJECTION, "reservations": {"no-appeal": "Ingen klagerett."}}
    return Step("issue-letter", data | changes, role="decider")


def test_r3_the_frame_is_seven_million_nine_hundred_thousand_kroner() -> None:
    assert call_2023().frame == 790_000_000


def test_r3_a_grant_of_exactly_what_is_left_is_accepted() -> None:
    outcome = to_decide(left_ore=ore(GRANTED)).when(grant())
    outcome.then(FrameCommitted, ApplicationGranted)
    committed = outcome.events[0]
    assert isinstance(committed, FrameCommitted)
    assert (committed.committed_ore, committed.left_ore) == (790_000_000, 0)
    assert committed.stamp.state == "spent"


def test_r3_one_oere_more_than_what_is_left_is_refused() -> None:
    refusal = to_decide(left_ore=ore(GRANTED) - 1).when(grant()).refused(FrameExceeded)
    assert "799\N{NO-BREAK SPACE}999,99" in refusal.detail


def test_r3_a_grant_takes_its_part_of_the_frame_in_the_same_step() -> None:
    given = to_decide()
    given.when(grant()).then(FrameCommitted, ApplicationGranted)
    assert given.frame.left_ore == 790_000_000 - ore(GRANTED)
    committed, event = given.events[-2].stamp, given.events[-1].stamp
    assert (committed.command, committed.authority) == (event.command, event.authority)


def test_r3_a_refused_grant_takes_nothing() -> None:
    given = to_decide()
    given.when(grant("900000.01")).refused(NotAllowed)
    assert given.frame.left_ore == 790_000_000


def test_r19_later_years_are_intentions_and_take_nothing_of_the_frame() -> None:
    given = to_decide(left_ore=ore(GRANTED))
    later = [{"year": 2024, "amount": "900000.00"}, {"year": 2025, "amount": "500000.00"}]
    outcome = given.when(grant(later_years=later))
    outcome.then(FrameCommitted, ApplicationGranted)
    committed, event = outcome.events
    assert isinstance(committed, FrameCommitted)
    assert isinstance(event, ApplicationGranted)
    assert committed.amount_ore == ore(GRANTED)
    assert [(year.year, year.amount_ore) for year in event.later_years] == [
        (2024, 90_000_000),
        (2025, 50_000_000),
    ]


@pytest.mark.parametrize("year", [2023, 2022])
def test_r19_the_grant_year_is_no_later_year(year: int) -> None:
    later = [{"year": year, "amount": "1.00"}]
    assert "2023" in to_decide().when(grant(later_years=later)).refused(NotAllowed).detail


def test_r19_each_later_year_is_named_once() -> None:
    later = [{"year": 2024, "amount": "1.00"}, {"year": 2024, "amount": "2.00"}]
    to_decide().when(grant(later_years=later)).refused(BadRequest)


def test_r20_as_much_as_was_asked_for_may_be_granted_and_not_an_oere_more() -> None:
    given = to_decide()
    given.when(grant("900000.01")).refused(NotAllowed)
    given.when(grant(ASKED)).then(FrameCommitted, ApplicationGranted)


@pytest.mark.parametrize("amount", ["0.00", "-1.00", "800000", "8e5", "NaN", "1 000.00", "", "\u0661.00"])
def test_r20_an_amount_is_kroner_and_oere_above_zero(amount: str) -> None:
    to_decide().when(grant(amount)).refused(BadRequest)


def test_nothing_is_decided_before_the_assessment() -> None:
    given = Given(call_2023(), *submitted(), declared("decider"))
    given.when(grant()).refused(StepNotAllowed)
    given.when(reject()).refused(StepNotAllowed)


def test_nothing_is_decided_twice() -> None:
    Given(call_2023(), *granted()).when(grant()).refused(StepNotAllowed)
    rejected().when(grant()).refused(StepNotAllowed)


def test_a_case_officer_recommends_and_does_not_decide() -> None:
    Given(call_2023(), *assessed()).when(grant().by("imdi-case-officer", "case-officer")).refused(
        RoleNotAllowed
    )


@pytest.mark.parametrize("step", [grant(), reject()], ids=["grant", "reject"])
@pytest.mark.parametrize("part", sorted(GROUNDS))
def test_a_decision_gives_the_rule_the_facts_and_the_considerations(step: Step, part: str) -> None:
    lacking = step.saying(grounds={**GROUNDS, part: " "})
    assert part in to_decide().when(lacking).refused(BadRequest).detail


@pytest.mark.parametrize("step", [grant(), reject()], ids=["grant", "reject"])
def test_a_decision_names_the_authority_it_is_made_on(step: Step) -> None:
    given = to_decide()
    given.when(step.saying(authority="")).refused(BadRequest)
    given.when(step)
    assert given.events[-1].stamp.authority == "IMDi-2023-014"


@pytest.mark.parametrize("name", ["legal_basis", "budget_cover", "economically_sound"])
def test_a_grant_needs_each_of_the_three_confirmations(name: str) -> None:
    yes = dict.fromkeys(("legal_basis", "budget_cover", "economically_sound"), True)
    refusal = to_decide().when(grant(confirmations={**yes, name: False})).refused(NotAllowed)
    assert name in refusal.detail


def test_a_rejection_commits_no_money() -> None:
    given = to_decide()
    case = given.when(reject()).then(ApplicationRejected)
    assert (case.state, given.frame.committed_ore) == ("rejected", 0)


def test_r14_the_grant_sets_special_conditions_with_a_day_to_show_them_by() -> None:
    case = to_decide().when(grant(conditions=[CONDITION])).then(FrameCommitted, ApplicationGranted)
    assert case.decision is not None
    assert [(c.id, str(c.due)) for c in case.decision.conditions] == [("metodehefte", "2024-02-01")]


@pytest.mark.parametrize("lacking", [{"id": " "}, {"text": ""}, {"due": None}, {"due": "2024-02-30"}])
def test_r14_a_special_condition_says_what_and_by_when(lacking: dict[str, Any]) -> None:
    to_decide().when(grant(conditions=[CONDITION | lacking])).refused(BadRequest)


def test_r14_two_special_conditions_are_told_apart() -> None:
    to_decide().when(grant(conditions=[CONDITION, CONDITION])).refused(BadRequest)


@pytest.mark.parametrize("block", sorted(BLOCKS))
def test_r34_a_grant_letter_without_one_of_its_five_blocks_is_refused(block: str) -> None:
    lacking = {name: text for name, text in BLOCKS.items() if name != block}
    given = Given(call_2023(), *granted())
    assert block in given.when(letter().saying(blocks=lacking)).refused(NotAllowed).detail
    given.when(letter().saying(blocks={**BLOCKS, block: " "})).refused(NotAllowed)


@pytest.mark.parametrize("reservation", sorted(RESERVATIONS))
def test_r34_a_grant_letter_without_one_of_its_reservations_is_refused(reservation: str) -> None:
    lacking = {name: text for name, text in RESERVATIONS.items() if name != reservation}
    given = Given(call_2023(), *granted())
    assert reservation in given.when(letter().saying(reservations=lacking)).refused(NotAllowed).detail


def test_r34_control_and_the_consequences_of_breach_are_required_by_the_call() -> None:
    assert "control" in call_2023().letter.reservations
    assert {"conditions", "consequences"} <= set(call_2023().letter.blocks)


def test_r34_a_block_that_the_call_does_not_know_is_refused() -> None:
    given = Given(call_2023(), *granted())
    given.when(letter().saying(blocks={**BLOCKS, "greetings": "Hilsen"})).refused(NotAllowed)


def test_r34_a_whole_letter_is_signed_by_whoever_decided_on_their_authority() -> None:
    outcome = Given(call_2023(), *granted()).when(letter())
    outcome.then(LetterIssued)
    event = outcome.events[0]
    assert isinstance(event, LetterIssued)
    assert (event.signed_by, event.stamp.authority) == ("imdi-decider", "IMDi-2023-014")


def test_a_letter_is_issued_once() -> None:
    Given(call_2023(), *granted(), letter()).when(letter()).refused(NotAllowed)


def test_a_letter_is_in_bokmaal_or_nynorsk() -> None:
    Given(call_2023(), *granted()).when(letter().saying(language="en")).refused(BadRequest)


def test_r29_the_call_has_no_appeal_and_names_the_sections_that_say_so() -> None:
    regime = call_2023().declared.legal_regime
    assert (regime.appeal, regime.prior_notice, regime.grounds) == (False, True, True)
    assert "28" in regime.source
    assert "no-appeal" in call_2023().letter.reservations


def test_r29_a_rejections_letter_gives_the_grounds_and_says_that_there_is_no_appeal() -> None:
    rejected().when(rejection_letter()).then(LetterIssued)
    rejected().when(rejection_letter(reservations={"no-appeal": " "})).refused(NotAllowed)
    rejected().when(rejection_letter(reservations={"control": "Kontroll."})).refused(NotAllowed)
    rejected().when(rejection_letter(blocks={"decision": "Avslag."})).refused(NotAllowed)


@pytest.mark.parametrize(("language", "said"), [("nb", "kan ikke påklages"), ("nn", "ikkje klagerett")])
def test_r29_a_rejection_that_nobody_words_has_its_grounds_and_says_that_there_is_no_appeal(
    language: str, said: str
) -> None:
    outcome = rejected().when(Step("issue-letter", {"language": language}, role="decider"))
    outcome.then(LetterIssued)
    event = outcome.events[0]
    assert isinstance(event, LetterIssued)
    assert said in event.text
    assert all(part in event.text for part in GROUNDS.values())
    assert (event.kind, event.language) == ("rejection", language)


def test_r34_a_grant_that_nobody_words_has_every_block_and_reservation_filled_in_from_the_case() -> None:
    outcome = Given(call_2023(), *granted(conditions=[CONDITION])).when(Step("issue-letter", role="decider"))
    outcome.then(LetterIssued)
    event = outcome.events[0]
    assert isinstance(event, LetterIssued)
    assert (set(event.blocks), set(event.reservations)) == (set(BLOCKS), set(RESERVATIONS))
    amounts = (kr(ore(GRANTED)), kr(ore(ASKED)))
    for fact in (*amounts, "Rett i jobb", "Lever metodeheftet", "01.02.2024", "Oslo (958935420)"):
        assert fact in event.text
    assert "$" not in event.text
    assert event.text.rstrip().endswith("imdi-decider")


def test_r34_null_stands_for_the_standard_text_beside_ones_own() -> None:
    own = {**dict.fromkeys(BLOCKS, None), "purpose": "Bare til det som er avtalt."}
    outcome = Given(call_2023(), *granted()).when(letter().saying(blocks=own))
    outcome.then(LetterIssued)
    event = outcome.events[0]
    assert isinstance(event, LetterIssued)
    assert event.blocks["purpose"] == "Bare til det som er avtalt."
    assert kr(ore(GRANTED)) in event.blocks["amount"]


def test_no_letter_before_a_decision() -> None:
    for history in (submitted(), assessed()):
        given = Given(call_2023(), *history, declared("decider"))
        assert "Nothing is decided" in given.when(letter()).refused(NotAllowed).detail
    Given(call_2023(), *drafted()).when(letter()).refused(StepNotAllowed)
