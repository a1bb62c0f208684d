"""Unequal treatment, changed rules, inversions and grounds: planted, and found where they are."""

from __future__ import annotations

from decimal import Decimal

import msgspec
from asked import asked, breach, breaches, event_of, found
from gathered import added, changed, clean_year, dropped, numbered, planted, stamped, the
from given import IMDI
from steps import GROUNDS, call_2023

from grantflow.domain.announcement import CallPublished, CallRevised
from grantflow.domain.assessment import CaseAssessed, CriterionScored
from grantflow.domain.call import CALL, Call
from grantflow.domain.decision import ApplicationGranted, ApplicationRejected
from grantflow.domain.event import Entry
from grantflow.domain.frame import FrameAdjusted
from grantflow.domain.parts import Grounds
from grantflow.domain.submission import ApplicationSubmitted
from grantflow.history import gather

FIRST, SECOND, REJECTED = (f"{call_2023().id}-000{number}" for number in (1, 2, 3))


def by_another(entry: Entry) -> CriterionScored:
    """The same points by another assessor."""
    event = stamped(entry.event, person="imdi-assessor", command="again")
    assert isinstance(event, CriterionScored)
    return event


def test_equal_treatment_finds_a_case_that_more_assessors_looked_at() -> None:
    # the first case's four scores come before those of the other cases' in each round of three
    history = clean_year()
    for nth in (0, 4, 8, 12):
        history = planted(history, added(CriterionScored, by_another, nth=nth))
    row = breach("equal-treatment", history)
    assert found(row, "case", "assessors", "breach") == (FIRST, 2, "2 assessors, where others had 1")
    assert row.events == (event_of(history, CaseAssessed),)


def test_equal_treatment_finds_a_case_that_was_not_assessed_on_every_criterion() -> None:
    history = planted(clean_year(), dropped(CriterionScored))
    row = breach("equal-treatment", history)
    assert row.found["case"] == FIRST
    assert "assessed on delivery-capacity, priority-theme, transfer-value, and not on" in row.found["breach"]


def test_equal_treatment_finds_a_score_that_the_points_do_not_come_to() -> None:
    history = planted(clean_year(), changed(CaseAssessed, nth=1, score=Decimal("5.50")))
    row = breach("equal-treatment", history)
    assert found(row, "case", "breach") == (SECOND, "the points come to 5.00, and not to 5.50")


def test_equal_treatment_tells_of_the_outcomes_of_the_same_score() -> None:
    outcomes = [row.found["outcomes_of_this_score"] for row in asked("equal-treatment", clean_year())]
    assert outcomes == [{"granted": 2}, {"granted": 2}, {"rejected": 1}, {}]


def test_inversions_finds_a_lower_score_that_was_funded_and_the_reason() -> None:
    history = planted(clean_year(), changed(CaseAssessed, nth=2, score=Decimal("5.50")))
    (row,) = asked("inversions", history)
    assert found(row, "case", "score", "outcome", "funded_below", "lowest_funded", "breach") == (
        REJECTED,
        "5.50",
        "rejected",
        [FIRST, SECOND],
        "5.00",
        "",
    )
    assert GROUNDS["considerations"] in row.found["reason"]
    assert {event_of(history, CaseAssessed, 2), event_of(history, ApplicationRejected)} < set(row.events)
    assert {event_of(history, ApplicationGranted), event_of(history, ApplicationGranted, 1)} < set(row.events)


def test_inversions_finds_one_without_a_reason() -> None:
    empty = Grounds(rule="", facts="", considerations=" ")
    history = planted(
        clean_year(),
        changed(CaseAssessed, nth=2, score=Decimal("5.50")),
        changed(ApplicationRejected, grounds=empty),
    )
    assert breach("inversions", history).found["breach"] == "no reason is given"


def test_grounds_finds_those_that_are_missing() -> None:
    empty = Grounds(rule="Utlysningen", facts="", considerations=" ")
    history = planted(clean_year(), changed(ApplicationGranted, nth=1, grounds=empty))
    row = breach("grounds", history)
    assert found(row, "case", "breach") == (SECOND, "missing: facts, considerations")
    assert row.events == (event_of(history, ApplicationGranted, 1),)


def test_grounds_finds_points_without_any() -> None:
    history = planted(clean_year(), changed(CriterionScored, grounds=""))
    row = breach("grounds", history)
    assert found(row, "what", "breach") == ("criterion-scored", "missing: grounds")
    assert row.events == (event_of(history, CriterionScored),)


def test_grounds_finds_those_that_are_the_same_in_another_case_however_spaced() -> None:
    first = the(clean_year().entries, ApplicationGranted).event
    assert isinstance(first, ApplicationGranted)
    same = msgspec.structs.replace(first.grounds, facts=f" {first.grounds.facts.upper()}")
    history = planted(clean_year(), changed(ApplicationGranted, nth=1, grounds=same))
    row = breach("grounds", history)
    assert found(row, "case", "breach") == (SECOND, f"identical to those of {FIRST}")
    assert row.events == (event_of(history, ApplicationGranted), event_of(history, ApplicationGranted, 1))
    assert breaches("grounds", clean_year()) == []


def revised(old: str, new: str) -> CallRevised:
    """The call with one thing in its file changed."""
    text = call_2023().files[CALL]
    assert text.count(old) == 1
    files = {**call_2023().files, CALL: text.replace(old, new)}
    call = Call.read(files)
    published = the(clean_year().entries, CallPublished).event
    return CallRevised(
        call=call.id,
        digest=call.digest,
        grounds="Vi ombestemte oss.",
        names=dict(call.names),
        year=call.year,
        frame_ore=call.frame,
        files=files,
        stamp=stamped(published, step="revise", command="revise").stamp,
    )


def with_revision(event: CallRevised, *, after: type[ApplicationSubmitted | CriterionScored]) -> list[Entry]:
    """The clean year with a revision just after the first event of a kind."""
    entries = list(clean_year().entries)
    place = entries.index(the(entries, after)) + 1
    at = entries[place - 1].event.stamp.recorded_at
    revision = Entry(the(entries, CallPublished).originator_id, 0, stamped(event, recorded_at=at))
    return numbered([*entries[:place], revision, *entries[place:]])


def test_rules_changed_finds_criteria_that_were_changed_after_a_score() -> None:
    entries = with_revision(revised("weight = 35", "weight = 34"), after=CriterionScored)
    history = gather(entries)
    row = breach("rules-changed", history)
    assert found(row, "what", "when", "person", "why", "changed") == (
        "revision",
        "after a score",
        f"{IMDI}-call-manager",
        "Vi ombestemte oss.",
        ["criteria.purpose.weight"],
    )
    assert row.events == (event_of(history, CallRevised),)


def test_rules_changed_tells_of_a_revision_while_all_could_still_apply() -> None:
    entries = with_revision(revised("weight = 35", "weight = 34"), after=ApplicationSubmitted)
    (row,) = asked("rules-changed", gather(entries))
    assert found(row, "when", "breach") == ("after publication", "")


def test_rules_changed_finds_a_frame_that_was_changed_by_itself() -> None:
    more = call_2023().frame + 100
    frame = clean_year().frames[call_2023().id]
    stamp = stamped(frame[0].event, step="revise", command="somebody", person="imdi-nobody").stamp
    adjusted = FrameAdjusted(
        call=call_2023().id,
        limit_ore=more,
        previous_ore=more - 100,
        committed_ore=0,
        left_ore=more,
        stamp=stamp,
    )
    entries = [
        *clean_year().entries[:1],
        Entry(frame[0].originator_id, 0, adjusted),
        *clean_year().entries[1:],
    ]
    history = gather(numbered(entries))
    row = breach("rules-changed", history)
    assert found(row, "what", "person") == ("frame 7900001.00", "imdi-nobody")
    assert "the call was not revised with it" in row.found["breach"]
    assert row.events == (event_of(history, FrameAdjusted),)
