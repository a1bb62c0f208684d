"""The sweep takes what is due, once, however often it is called, and says when it was due."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import msgspec
import pytest
from given import DEADLINE, IMDI, OSLO_KOMMUNE, REPORT_DEADLINE
from steps import CALL_FOLDER, paid, report
from variants import prepared, publish

from grantflow.deadlines import next_instant, sweep
from grantflow.definitions import definition_files
from grantflow.domain.circumstances import Circumstances
from grantflow.domain.followup import OverdueFollowedUp, ReminderSent
from grantflow.domain.submission import ApplicationLapsed
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Request, Service

if TYPE_CHECKING:
    from uuid import UUID

    from grantflow.store import Store

CALL = "imdi-2023-tillegg"


def by(command: str, role: str = "applicant") -> Circumstances:
    return Circumstances(
        at=datetime(2023, 8, 14, 8, tzinfo=UTC),
        person=f"p-{role}",
        organisation=IMDI if role == "call-manager" else OSLO_KOMMUNE,
        role=role,
        channel="test",
        command=command,
    )


@pytest.fixture
def drafts(store: "Store") -> tuple[Service, Projector, list["UUID"]]:
    """A published call and three drafts that nobody submits."""
    service = Service(store)
    service.calls.publish(definition_files(CALL_FOLDER), by("publish", "call-manager"))
    started = [service.handle(Request(step="start", call=CALL, by=by(f"begin-{n}"))).case for n in range(3)]
    return service, Projector(store, projections()), started


def test_a_draft_is_reminded_before_the_deadline_and_lapses_at_it(
    drafts: tuple[Service, Projector, list["UUID"]],
) -> None:
    service, projector, cases = drafts
    first = datetime(2023, 8, 21, 7, tzinfo=UTC)
    assert len(sweep(first - timedelta(microseconds=1), service, projector).done) == 0
    assert next_instant(first - timedelta(seconds=1), projector) == first
    assert len(sweep(first, service, projector).done) == len(cases)
    assert len(sweep(first, service, projector).done) == 0
    assert len(sweep(DEADLINE - timedelta(microseconds=1), service, projector).done) == len(cases)
    assert len(sweep(DEADLINE, service, projector).done) == len(cases)
    assert {service.states.case(case).state for case in cases} == {"lapsed"}
    assert len(sweep(DEADLINE + timedelta(days=30), service, projector).done) == 0


def test_what_a_stopped_worker_missed_is_done_late_and_says_when_it_was_due(
    drafts: tuple[Service, Projector, list["UUID"]],
) -> None:
    service, projector, cases = drafts
    late = DEADLINE + timedelta(days=6)
    assert len(sweep(late, service, projector).done) == len(cases)
    events = [entry.event for entry in service.store.load(cases[0])]
    lapsed = events[-1]
    assert isinstance(lapsed, ApplicationLapsed)
    assert lapsed.due_at == DEADLINE
    assert lapsed.stamp.recorded_at == late
    assert not any(isinstance(event, ReminderSent) for event in events)


def test_the_deadline_read_model_rebuilt_equals_the_one_that_followed_along(
    drafts: tuple[Service, Projector, list["UUID"]],
) -> None:
    service, projector, _ = drafts
    sweep(DEADLINE, service, projector)
    assert projector.check("deadlines") == []


def test_a_missing_report_is_marked_overdue_and_followed_up_and_a_late_one_is_still_received(
    store: "Store",
) -> None:
    service = Service(store)
    call = publish(service, "report", "7900000.00")
    (case,) = prepared(store, call, 1, *paid())
    projector = Projector(store, projections())
    for _ in range(2):
        sweep(REPORT_DEADLINE - timedelta(microseconds=1), service, projector)
    told = [entry.event for entry in store.load(case)]
    assert [event.due_at.day for event in told if isinstance(event, ReminderSent)] == [31], (
        "the latest of three"
    )
    assert not service.states.case(case).overdue
    sweep(REPORT_DEADLINE, service, projector)
    assert service.states.case(case).overdue == {"report": REPORT_DEADLINE}
    sweep(REPORT_DEADLINE + timedelta(days=31), service, projector)
    assert isinstance(store.load(case)[-1].event, OverdueFollowedUp)
    delivered = report().data
    by_lead = Circumstances(
        at=REPORT_DEADLINE + timedelta(days=32),
        person="lead",
        organisation=OSLO_KOMMUNE,
        role="project-lead",
        channel="test",
        command="late",
    )
    service.handle(Request(step="submit-report", case=case, data=delivered, by=by_lead))
    assert service.states.case(case).report is not None


def test_two_sweeps_at_once_take_each_step_once(drafts: tuple[Service, Projector, list["UUID"]]) -> None:
    service, projector, cases = drafts
    with ThreadPoolExecutor(4) as pool:
        swept = list(pool.map(lambda _: sweep(DEADLINE, service, projector), range(4)))
    for case in cases:
        lapses = [e for e in service.store.load(case) if isinstance(e.event, ApplicationLapsed)]
        assert len(lapses) == 1
    assert {receipt.case for one in swept for receipt in one.done} == set(cases)


def test_a_case_with_more_time_does_not_lapse_before_its_own_limit(
    drafts: tuple[Service, Projector, list["UUID"]],
) -> None:
    service, projector, (case, *_) = drafts
    officer = Circumstances(
        at=DEADLINE - timedelta(days=2),
        person="officer",
        organisation=IMDI,
        role="case-officer",
        channel="test",
        command="extend",
    )
    more_time = {"deadline": "application", "until": "2023-09-01", "reason": "Dataangrep."}
    service.handle(Request(step="extend-deadline", case=case, data=more_time, by=officer))
    sweep(DEADLINE, service, projector)
    assert service.states.case(case).state == "draft"
    day_before = datetime(2023, 8, 31, 7, tzinfo=UTC)
    assert next_instant(DEADLINE, projector) == day_before
    sweep(day_before, service, projector)
    reminders = [e.event for e in service.store.load(case) if isinstance(e.event, ReminderSent)]
    assert [reminder.due_at for reminder in reminders] == [datetime(2023, 8, 25, 7, tzinfo=UTC), day_before]
    assert next_instant(day_before, projector) == DEADLINE + timedelta(days=4)
    sweep(DEADLINE + timedelta(days=4), service, projector)
    assert service.states.case(case).state == "lapsed"
    revived = {**more_time, "until": "2023-09-10"}
    late = msgspec.structs.replace(officer, at=DEADLINE + timedelta(days=5), command="revive")
    service.handle(Request(step="extend-deadline", case=case, data=revived, by=late))
    assert service.states.case(case).state == "draft"
