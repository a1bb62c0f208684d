"""The worker wakes at the instants that the events imply, however its clock is set, and however long it was away."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from threading import Event
from typing import TYPE_CHECKING

import pytest
from clocks import SetClock
from clockwork import Clockwork, clockwork, utc
from crew import soon
from given import DEADLINE, REPORT_DEADLINE
from variants import by_lead, variant

from grantflow import alarms, worker
from grantflow.alarms import Alarms
from grantflow.domain.call import CALL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from grantflow.store import Store

FIRST = utc("2023-08-21 07:00")
"""The first reminder of a draft."""
SECOND = timedelta(seconds=1)


@pytest.fixture
def work(store: Store) -> Iterator[Clockwork]:
    with clockwork(store, utc("2023-08-20 12:00")) as work:
        yield work


def late(work: Clockwork, case: UUID) -> list[float]:
    """How many seconds after it was due each thing was done."""
    return [(at - done.due_at).total_seconds() for done, at in work.recorded(case)]


def test_the_worker_wakes_at_the_instant_and_not_before(work: Clockwork) -> None:
    case = work.draft()
    work.start()
    soon(lambda: work.next_at == FIRST, 10)
    work.clock.set(FIRST - 2 * SECOND)
    soon(lambda: work.recorded(case), 10)
    (done,) = late(work, case)
    assert 0 <= done < 1
    soon(lambda: work.next_at == utc("2023-08-27 07:00"), 5)


def test_more_time_given_while_the_worker_sleeps_moves_the_alarm(work: Clockwork) -> None:
    case = work.draft()
    work.clock.set(DEADLINE - timedelta(hours=2))
    work.start()
    soon(lambda: work.next_at == DEADLINE, 10)
    work.extend(case, "application", "2023-08-31")
    soon(lambda: work.next_at == utc("2023-08-30 07:00"), 5)
    work.clock.set(DEADLINE + timedelta(days=3) - 2 * SECOND)
    soon(lambda: work.service.states.case(case, fresh=True).state == "lapsed", 10)
    assert work.recorded(case)[-1][0].due_at == DEADLINE + timedelta(days=3)
    assert 0 <= late(work, case)[-1] < 1


def test_a_revision_of_the_call_moves_the_alarm_of_the_cases_that_are_moved_to_it(work: Clockwork) -> None:
    case = work.draft()
    work.start()
    soon(lambda: work.next_at == FIRST, 10)
    files = variant("clock", "8000000.00")
    files[CALL] = files[CALL].replace("date = 2023-08-28\n", "date = 2023-09-04\n")
    work.service.calls.revise(files, "Utsatt frist.", by_lead("revise", work.clock.now()))
    work.act(case, "move-to-revision", "call-manager", grounds="Utsatt frist.")
    soon(lambda: work.next_at == utc("2023-08-28 07:00"), 5)


def test_a_clock_that_is_set_past_an_instant_is_noticed_within_seconds(work: Clockwork) -> None:
    case = work.draft()
    work.start()
    soon(lambda: work.next_at == FIRST, 10)
    work.clock.set(FIRST + timedelta(hours=3))
    assert soon(lambda: work.recorded(case), 10) < 3
    assert late(work, case)[0] >= timedelta(hours=3).total_seconds()


def test_a_clock_that_is_set_back_does_nothing_twice_and_leaves_no_alarm_behind(work: Clockwork) -> None:
    case = work.draft()
    work.start()
    work.look(FIRST + timedelta(minutes=1))
    assert len(work.recorded(case)) == 1
    for back in (timedelta(minutes=2), timedelta(days=3), timedelta(days=400)):
        work.look(FIRST - back)
        assert len(work.recorded(case)) == 1
    work.clock.set(utc("2023-08-27 07:00") - 2 * SECOND)
    soon(lambda: len(work.recorded(case)) == 2, 10)
    assert 0 <= late(work, case)[1] < 1


def test_where_no_step_is_seen_the_sweep_finds_what_is_due(
    work: Clockwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine's clock may also creep, or what woke us may have failed: nothing waits for longer than the sweep."""
    monkeypatch.setattr(alarms, "STEP_SECONDS", float("inf"))
    monkeypatch.setattr(worker, "SWEEP_SECONDS", 1.0)
    case = work.draft()
    work.start()
    soon(lambda: work.next_at == FIRST, 10)
    work.clock.set(FIRST + timedelta(hours=3))
    soon(lambda: work.recorded(case), 10)


@pytest.mark.parametrize("late_by", [timedelta(), timedelta(seconds=30), timedelta(days=30)])
def test_an_alarm_that_comes_late_comes_all_the_same(late_by: timedelta) -> None:
    clock, rung = SetClock(FIRST), Event()
    alarms = Alarms(clock.now)
    alarms.ask("one", FIRST - late_by, rung.set)
    time.sleep(0.1)
    alarms.start()
    assert rung.wait(5)
    alarms.stop()


def test_alarms_are_kept_for_instants_as_far_away_as_any_calendar_goes() -> None:
    alarms = Alarms(lambda: datetime.now(UTC))
    alarms.start()
    alarms.ask("one", datetime.max.replace(tzinfo=UTC), lambda: None)
    alarms.ask("one", None, lambda: None)
    alarms.forget("one")
    alarms.forget("two")
    alarms.stop()


def test_a_worker_that_was_down_from_27_august_to_3_september_does_what_was_due_once_and_says_when(
    work: Clockwork,
) -> None:
    case, longer = work.draft(), work.draft()
    work.extend(longer, "application", "2023-09-10")
    work.start()
    work.pass_by(FIRST)
    work.look(utc("2023-08-26 20:00"))
    work.stop()
    before = work.recorded(case)
    assert [done.due_at for done, _ in before] == [FIRST]
    started = utc("2023-09-03 09:00")
    work.clock.set(started)
    work.start()
    work.settle(started)
    ((lapse, at),) = work.recorded(case)[1:]
    assert (lapse.topic, lapse.due_at) == ("application-lapsed@1", DEADLINE)
    assert started <= at < started + timedelta(seconds=20)
    assert [(done.topic, done.due_at) for done, _ in work.recorded(longer)] == [
        ("reminder-sent@2", utc("2023-09-03 07:00"))
    ]
    for _ in range(2):
        work.look(work.clock.now() + timedelta(minutes=5))
    assert (len(work.recorded(case)), len(work.recorded(longer))) == (2, 1)


def test_a_worker_that_was_down_over_a_whole_winter_sends_one_reminder_and_not_all_it_has_missed(
    work: Clockwork,
) -> None:
    case = work.paid()
    for at, topics in (
        ("2024-01-31 10:00", ["reminder-sent@2"]),
        ("2024-03-05 10:00", ["reminder-sent@2", "marked-overdue@1", "overdue-followed-up@1"]),
    ):
        work.clock.set(utc(at))
        work.start()
        work.settle(utc(at))
        work.stop()
        assert [done.topic for done, _ in work.recorded(case)] == topics
    _, overdue, followed_up = (done for done, _ in work.recorded(case))
    assert overdue.due_at == REPORT_DEADLINE
    assert followed_up.due_at == utc("2024-03-02 08:00")
