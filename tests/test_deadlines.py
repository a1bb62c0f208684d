"""The sweep takes what is due, once, however often it is called, and says when it was due."""

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import psycopg
import pytest
from given import DEADLINE, IMDI, OSLO_KOMMUNE
from psycopg import sql
from steps import CALL_FOLDER

from grantflow.deadlines import next_instant, sweep
from grantflow.definitions import definition_files
from grantflow.domain.deciding import Circumstances
from grantflow.domain.followup import ReminderSent
from grantflow.domain.submission import ApplicationLapsed
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Request, Service
from grantflow.store import Store

if TYPE_CHECKING:
    from uuid import UUID

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
def drafts(store: Store) -> tuple[Service, Projector, list["UUID"]]:
    """A published call and three drafts that nobody submits."""
    service = Service(store)
    service.publish(definition_files(CALL_FOLDER), by("publish", "call-manager"))
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


def test_a_case_that_refuses_the_clock_holds_up_no_other(
    drafts: tuple[Service, Projector, list["UUID"]],
) -> None:
    service, projector, cases = drafts
    ahead = Circumstances(
        at=DEADLINE + timedelta(days=400),
        person="p-applicant",
        organisation=OSLO_KOMMUNE,
        role="applicant",
        channel="test",
        command="from a machine whose clock is a year ahead",
    )
    odd = cases[0]
    service.handle(
        Request(step="edit", case=odd, data={"section": "partners", "content": {}}, by=ahead),
    )
    swept = sweep(DEADLINE, service, projector)
    assert [(request.case, refusal.code) for request, refusal in swept.refused] == [(odd, "clock-behind")]
    assert {receipt.case for receipt in swept.done} == set(cases[1:])
    assert len(sweep(DEADLINE + timedelta(days=401), service, projector).done) == 1


def test_the_servers_time_zone_changes_no_event(
    drafts: tuple[Service, Projector, list["UUID"]], database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        connection.execute(sql.SQL("ALTER DATABASE {} SET timezone = 'Pacific/Auckland'").format(name))
    cases = drafts[2]
    with Store(database_url) as elsewhere:
        service = Service(elsewhere)
        sweep(datetime(2023, 8, 21, 7, tzinfo=UTC), service, Projector(elsewhere, projections()))
        reminder = elsewhere.load(cases[0])[-1].event
    assert isinstance(reminder, ReminderSent)
    assert reminder.due_at.isoformat() == "2023-08-21T07:00:00+00:00"
    assert reminder.stamp.command.endswith("/2023-08-21T07:00:00+00:00")
