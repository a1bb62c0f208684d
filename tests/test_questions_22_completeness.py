"""Question 22: what is missing from the log, moved in it or dated back, and who does not belong in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from asked import asked, event_of
from gathered import added, changed, clean_year, moved, numbered, planted, the
from given import OSLO_KOMMUNE, STAVANGER

from grantflow.domain.announcement import CallPublished
from grantflow.domain.application import CaseEvent
from grantflow.domain.approval import ApplicationApproved
from grantflow.domain.assessment import CaseAssessed
from grantflow.domain.authority import AuthorityDelegated
from grantflow.domain.decision import ApplicationGranted
from grantflow.domain.drafting import ApplicationStarted, SectionEdited
from grantflow.domain.frame import FrameCommitted, FrameOpened
from grantflow.domain.letters import LetterIssued
from grantflow.domain.payment import PaymentConfirmed
from grantflow.domain.submission import ApplicationSubmitted
from grantflow.history import History, gather

if TYPE_CHECKING:
    from grantflow.domain.event import Event


class NeverShipped(CaseEvent, frozen=True, kw_only=True):
    """An event that no version of the engine ever recorded."""


def kinds(history: History) -> list[str]:
    return [row.found["kind"] for row in asked("completeness", history)]


def test_a_log_that_was_only_ever_added_to_is_whole() -> None:
    assert asked("completeness", clean_year()) == []


@pytest.mark.parametrize("kind", [SectionEdited, ApplicationStarted, CallPublished, FrameCommitted])
def test_an_event_that_is_missing_leaves_a_gap_in_its_stream_and_in_the_log(kind: type[Event]) -> None:
    entries = list(clean_year().entries)
    gone = the(entries, kind)
    place = entries.index(gone)
    rows = asked("completeness", gather([*entries[:place], *entries[place + 1 :]]))
    gaps = [row for row in rows if row.found["kind"] == "gap"]
    assert gaps[0].found["expected"] == f"position {gone.position}"
    assert gaps[0].events == (entries[place + 1].id,)
    assert [row.found["expected"] for row in gaps if row.found["stream"] == str(gone.originator_id)] or (
        gone.originator_version == len([one for one in entries if one.originator_id == gone.originator_id])
    )


def test_the_last_event_of_a_stream_leaves_its_gap_in_the_log() -> None:
    entries = [one for one in clean_year().entries if not isinstance(one.event, PaymentConfirmed)]
    assert "gap" in kinds(gather(entries))


def test_events_that_have_changed_places_are_found() -> None:
    entries = list(clean_year().entries)
    one, other = the(entries, SectionEdited), the(entries, SectionEdited, 1)
    first, second = entries.index(one), entries.index(other)
    entries[first], entries[second] = other, one
    assert {"order", "gap"} <= set(kinds(gather(entries)))


def test_an_event_that_stands_twice_is_found() -> None:
    entries = list(clean_year().entries)
    assert kinds(gather([*entries, entries[-1]])) == ["order", "order"]


@pytest.mark.parametrize(
    ("later", "earlier"),
    [
        (ApplicationApproved, SectionEdited),
        (LetterIssued, ApplicationGranted),
        (ApplicationGranted, CaseAssessed),
    ],
)
def test_a_log_that_was_written_anew_in_another_order_does_not_follow_the_process(
    later: type[Event], earlier: type[Event]
) -> None:
    history = planted(clean_year(), moved(later, before=earlier))
    assert "order" in kinds(history)


def test_an_excerpt_has_gaps_of_its_own() -> None:
    at = the(clean_year().entries, ApplicationSubmitted).event.stamp.recorded_at
    assert asked("completeness", gather(clean_year().entries, at=at)) == []


def test_a_clock_that_ran_backwards_is_found() -> None:
    at = the(clean_year().entries, CaseAssessed).event.stamp.recorded_at - timedelta(days=1)
    history = planted(clean_year(), changed(CaseAssessed, stamp={"recorded_at": at}))
    (row,) = asked("completeness", history)
    assert (row.found["kind"], row.found["found"]) == ("clock", at.isoformat())
    assert row.events == (event_of(history, CaseAssessed),)


def test_what_was_recorded_before_it_happened_is_found() -> None:
    at = the(clean_year().entries, CaseAssessed).event.stamp.recorded_at + timedelta(days=1)
    assert kinds(planted(clean_year(), changed(CaseAssessed, stamp={"effective_at": at}))) == ["clock"]


def test_a_clock_counts_within_its_stream_only() -> None:
    entries = sorted(clean_year().entries, key=lambda entry: (str(entry.originator_id), entry.position))
    assert asked("completeness", gather(numbered(entries))) == []


@pytest.mark.parametrize(
    ("kind", "stamp", "seen"),
    [
        (ApplicationGranted, {"role": "administrator"}, ["actor", "actor"]),
        (ApplicationGranted, {"role": "case-officer"}, ["actor"]),
        (ApplicationGranted, {"organisation": OSLO_KOMMUNE}, ["actor"]),
        (ApplicationSubmitted, {"organisation": STAVANGER}, ["actor"]),
        (CallPublished, {"role": "case-officer"}, ["actor"]),
        (FrameCommitted, {"organisation": OSLO_KOMMUNE}, ["actor"]),
        (AuthorityDelegated, {"role": "applicant"}, ["actor"]),
    ],
)
def test_somebody_who_does_not_belong_there_is_found(
    kind: type[Event], stamp: dict[str, Any], seen: list[str]
) -> None:
    history = planted(clean_year(), changed(kind, stamp=stamp))
    rows = asked("completeness", history)
    assert [row.found["kind"] for row in rows] == seen
    assert {row.events for row in rows} == {(event_of(history, kind),)}


def test_a_step_that_the_process_does_not_have_is_nobodys() -> None:
    assert kinds(planted(clean_year(), changed(CaseAssessed, stamp={"step": "nonsense"}))) == ["actor"]


def test_a_topic_that_was_never_shipped_is_found() -> None:
    history = planted(clean_year(), added(LetterIssued, lambda entry: NeverShipped(stamp=entry.event.stamp)))
    (row,) = asked("completeness", history)
    assert (row.found["kind"], row.found["found"]) == ("topic", "NeverShipped")


def test_an_event_in_another_kind_of_stream_is_found() -> None:
    entries = list(clean_year().entries)
    frame, opened = the(entries, FrameCommitted), the(entries, FrameOpened)
    case = the(entries, ApplicationStarted).originator_id
    lost = [msgspec.structs.replace(one, originator_id=case) if one is frame else one for one in entries]
    assert opened in lost
    assert "topic" in kinds(gather(numbered(lost)))


def test_a_case_under_a_definition_that_was_never_published_is_found() -> None:
    history = planted(clean_year(), changed(ApplicationStarted, definition="0" * 64))
    assert set(kinds(replace(history, cases=()))) == {"definition"}
