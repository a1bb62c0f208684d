"""Other rules for cases that are decided: who falls, who rises, and what the money does."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from gathered import BERGEN, TRONDHEIM, clean_year, gathered, of, to_its_end
from given import OSLO_KOMMUNE, START, Given, Step
from lived import lived
from steps import call_2023, paid, started
from walking import PDF
from ways import first_way, second_way

from grantflow.domain.call import CALL, Call
from grantflow.whatif import Change, Outcome, whatif

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from walking import Way

    from grantflow.history import History

MILLION = 100_000_000
GRANTED = 80_000_000
ASKED_FOR_30 = """
[[rules]]
id = "at-least-30"
rule = "R0"
source = "Tenkt"
when = ["submit"]
require = "project.participants >= 30"
path = "project.participants"
message = { nb = "Minst 30.", nn = "Minst 30.", en = "At least 30." }
"""
POINTS = {
    OSLO_KOMMUNE: {"purpose": 6, "priority-theme": 1},
    TRONDHEIM: {"purpose": 5, "priority-theme": 5},
    BERGEN: {"purpose": 1, "priority-theme": 6},
}
"""Two criteria on which the three differ; on the others they have five points each."""


def under(*changes: tuple[str, str], added: str = "") -> Call:
    """The 2023 call with some of its words changed."""
    text = call_2023().files[CALL]
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, f"{new[:1]}\0{new[1:]}")
    return Call.read({**call_2023().files, CALL: text.replace("\0", "") + added})


def pointed(municipality: str, steps: Iterable[Step]) -> tuple[Step, ...]:
    """The steps of a municipality's case, with the points it got."""
    points = POINTS[municipality]
    return of(
        municipality,
        *(
            one.saying(points=points.get(one.data["criterion"], 5)) if one.name == "score" else one
            for one in steps
        ),
    )


@cache
def three() -> History:
    """Three that were granted and closed, one after the other; the last one has 40 participants."""
    groups = {"introduction_act": 30, "integration_act": 6, "chapter_6a": 4, "other": 0}
    many = [
        one.saying(content={**one.data["content"], "participants": 40, "target_groups": groups})
        if one.data.get("section") == "project"
        else one
        for one in paid()
    ]
    return gathered(
        call_2023(),
        to_its_end(*pointed(OSLO_KOMMUNE, paid())),
        to_its_end(*pointed(TRONDHEIM, paid())),
        to_its_end(*pointed(BERGEN, many)),
    )


def outcomes(history: History, call: Call) -> list[Outcome]:
    return whatif(history, call)


@pytest.mark.parametrize("history", [clean_year, three])
def test_the_same_rules_change_nothing(history: Callable[[], History]) -> None:
    found = outcomes(history(), call_2023())
    assert len(found) == len(history().cases)
    for outcome in found:
        assert not outcome.changed
        assert outcome.why is None


@pytest.mark.timeout(600)
@pytest.mark.parametrize("through", [first_way, second_way])
def test_in_whole_lives_the_same_rules_change_nothing(
    through: Callable[[], Way], server: str, template: str
) -> None:
    """A revision in between gives one krone more, which is nobody's; those who were moved to it are as they were."""
    way = through()
    for life in islice(lived(way, server, template), 8):
        newest = list(life.history.definitions.values())[-1]
        for outcome in whatif(life.history, newest):
            assert not outcome.changed, outcome
            assert outcome.why is None, outcome


def test_a_new_rule_refuses_some_and_their_drafts_lapse() -> None:
    first, second, third = outcomes(three(), under(added=ASKED_FOR_30))
    for outcome in (first, second):
        assert outcome.state == Change("closed", "lapsed")
        assert outcome.granted == outcome.by_rank == Change(GRANTED, 0)
        assert outcome.rank.now is None
        assert outcome.score.now is None
        assert outcome.why is not None
        assert (outcome.why.step, outcome.why.rules) == ("submit", ("at-least-30",))
        assert "At least 30." in outcome.why.message
    assert third.state == Change("closed", "closed")
    assert third.rank == Change(3, 1)
    assert third.why is None


def test_an_earlier_deadline_makes_them_all_lapse() -> None:
    for outcome in outcomes(three(), under(("date = 2023-08-28", "date = 2023-08-11"))):
        assert outcome.state.now == "lapsed"
        assert outcome.why is not None
        assert (outcome.why.step, outcome.why.rules) == ("submit", ())


def test_with_a_later_deadline_a_draft_that_lapsed_is_still_a_draft_until_that_one() -> None:
    lapsed = outcomes(clean_year(), under(("date = 2023-08-28", "date = 2030-08-28")))[-1]
    assert lapsed.state == Change("lapsed", "draft")
    assert lapsed.why is not None
    assert lapsed.why.step == "lapse"


def test_other_weights_change_scores_and_ranks_and_whom_the_ranking_would_have_given_the_money() -> None:
    swapped = ("weight = 35", "weight = 15"), ("weight = 15", "weight = 35")
    frame = ('"7900000.00"', '"1700000.00"')
    found = outcomes(three(), under(*swapped, frame))
    assert [outcome.applicant for outcome in found] == ["Oslo", "Trondheim", "Bergen"]
    assert [outcome.score for outcome in found] == [
        Change(Decimal("4.75"), Decimal("3.75")),
        Change(Decimal("5.00"), Decimal("5.00")),
        Change(Decimal("3.75"), Decimal("4.75")),
    ]
    assert [outcome.rank for outcome in found] == [Change(2, 3), Change(1, 1), Change(3, 2)]
    assert [outcome.granted.now for outcome in found] == [GRANTED, GRANTED, 0], "as they were decided"
    assert [outcome.by_rank.now for outcome in found] == [MILLION // 10, GRANTED, GRANTED], "down the ranking"


def test_a_smaller_frame_leaves_out_the_last_who_was_granted() -> None:
    first, second, third = outcomes(three(), under(('"7900000.00"', '"1700000.00"')))
    assert not first.changed
    assert not second.changed
    assert third.state == Change("closed", "assessed")
    assert third.granted == Change(GRANTED, 0)
    assert third.by_rank == Change(GRANTED, MILLION // 10), "the last one is cut"
    assert third.why is not None
    assert third.why.step == "grant"
    assert "exceed the call's frame" in third.why.message


def test_a_document_and_a_correction_come_again_and_reminders_that_fall_away_are_no_change() -> None:
    reminded = Step(
        "remind", {"deadline": "application", "due_at": "2023-08-21T07:00:00Z"}, role="clock", person="clock"
    ).when(START.replace(day=21))
    attached = Step("attach", {"filename": "plan.pdf", "media_type": "application/pdf", "content": PDF})
    case = Given(call_2023(), started(), attached, reminded, *paid()[1:])
    version = max(map(int, case.case.noted))
    corrected = Step(
        "correct",
        {"entry": version, "field": "bank_reference", "value": "BANK-2", "reason": "Feil."},
        role="case-officer",
    )
    history = gathered(call_2023(), case.and_then(corrected))
    fewer = under(("reminders_days_before = [7, 1]", "reminders_days_before = [1]"))
    assert [(outcome.changed, outcome.why) for outcome in outcomes(history, fewer)] == [(False, None)]


def test_cases_of_other_calls_are_left_alone_and_nothing_is_written() -> None:
    other = under((f'id = "{call_2023().id}"', 'id = "another"'))
    before = three().entries
    assert outcomes(three(), other) == []
    assert three().entries == before
