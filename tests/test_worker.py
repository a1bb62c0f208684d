"""Of any number of workers one has each duty; whatever becomes of it, another takes over; nothing is done twice."""

from __future__ import annotations

import signal
from contextlib import ExitStack
from datetime import UTC, datetime
from threading import Event, Thread
from typing import TYPE_CHECKING

import psycopg
import pytest
from crew import TAKEOVER_SECONDS, Crew, soon

from grantflow import chores, deadlines, projector
from grantflow.chores import Deadlines, Project
from grantflow.domain.errors import NotFound
from grantflow.ledger.note import Checkpoint, Note
from grantflow.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantflow.ledger.book import Ledger
    from grantflow.store import Store


@pytest.fixture
def crew(store: Store) -> Iterator[Crew]:
    with ExitStack() as stack:
        yield Crew(store, stack)


def all_done(crew: Crew) -> bool:
    """Whether read models and ledger have all that is stored."""
    last = crew.store.last_position()
    return all(one.position == last for one in crew.projector.standings()) and sealed(crew.ledger) == last


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP])
def test_when_the_worker_on_duty_ends_or_hangs_the_next_one_takes_over_and_keeps_the_deadlines(
    crew: Crew, how: signal.Signals
) -> None:
    first = crew.drafts(5)
    crew.join(2)
    soon(lambda: crew.lapsed() == first, 10)
    before = crew.holders()["deadlines"]
    assert before is not None
    second = crew.drafts(5)
    assert crew.overthrow(before, how) < TAKEOVER_SECONDS
    soon(lambda: crew.lapsed() == first | second, 10)
    soon(lambda: all_done(crew), 10)
    held = crew.holders()
    if how == signal.SIGSTOP:
        crew.processes[before].send_signal(signal.SIGCONT)
        soon(lambda: before in crew.waiting(), 10)
        crew.drafts(1)
        soon(lambda: len(crew.lapsed()) == 11, 10)
        assert crew.holders() == held, "who was silent stands in line again"
        assert crew.processes[before].poll() is None
    else:
        assert crew.gone(before) == (0 if how == signal.SIGTERM else -how)
    assert set(crew.times("application-lapsed").values()) == {1}
    assert all(crew.projector.check(name) == [] for name in crew.projector.projections)


def test_a_worker_whose_connection_is_cut_lives_on_and_somebody_has_the_duty_again(crew: Crew) -> None:
    crew.join(2)
    with psycopg.connect(crew.store.database_url, autocommit=True) as other:
        for name in (chore.name for chore in crew.app.chores()):
            before = crew.backend(name)
            assert other.execute("SELECT pg_terminate_backend(%s, 5000)", (before,)).fetchone() == (True,)
            assert soon(lambda: crew.holders()[name] and crew.backend(name) != before, 20) < TAKEOVER_SECONDS  # noqa: B023
    assert [process.poll() for process in crew.processes.values()] == [None, None]
    latest = crew.drafts(1)
    soon(lambda: crew.lapsed() == latest and all_done(crew), 10)


def test_a_worker_that_has_lost_its_whole_database_for_a_moment_goes_on(crew: Crew) -> None:
    crew.join(1)
    with psycopg.connect(crew.store.database_url, autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name LIKE 'grantflow % %'"
        )
    assert soon(lambda: all(crew.holders().values()), 20) < TAKEOVER_SECONDS
    latest = crew.drafts(1)
    soon(lambda: crew.lapsed() == latest and all_done(crew), 10)


def test_what_is_stored_is_sealed_within_a_second_while_somebody_has_the_duty(crew: Crew) -> None:
    crew.join(1)
    for _ in range(3):
        crew.drafts(3)
        size = crew.store.last_position()
        waited = soon(lambda: sealed(crew.ledger) >= size, 10)  # noqa: B023 - waited for at once
        assert waited < TAKEOVER_SECONDS


def sealed(ledger: Ledger) -> int:
    """The size of the newest checkpoint; 0 for none."""
    try:
        return Checkpoint.read(Note.read(ledger.checkpoint()).text).size
    except NotFound:
        return 0


def test_what_is_stored_is_in_the_read_models_at_once_while_somebody_has_the_duty(crew: Crew) -> None:
    stop = Event()
    worker = Thread(target=Worker(crew.store, crew.app.chores()).run, args=(stop,))
    worker.start()
    try:
        soon(lambda: all(crew.holders().values()), 10)
        waits = []
        for _ in range(5):
            crew.drafts(1)
            position = crew.store.last_position()
            waits.append(
                soon(lambda p=position: all(s.position >= p for s in crew.projector.standings()), 5)  # type: ignore[misc]
            )
    finally:
        stop.set()
        worker.join()
    assert min(waits) < 0.5
    assert not any(crew.holders().values())


def test_what_is_due_is_done_in_several_turns_where_it_is_much(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chores, "MOST_STEPS", 3)
    monkeypatch.setattr(deadlines, "_TOGETHER", 2)
    monkeypatch.setattr(projector, "BATCH", 20)
    first = crew.drafts(10)
    swept = Deadlines(crew.service, crew.projector)
    at = datetime.now(UTC)
    assert swept.turn(at) == at, "there is more"
    assert swept.taken == 4
    assert Worker(crew.store, crew.app.chores()).once() == []
    assert crew.lapsed() == first
    stop = Event()
    thread = Thread(target=Worker(crew.store, crew.app.chores()).run, args=(stop,))
    thread.start()
    try:
        second = crew.drafts(20)
        soon(lambda: crew.lapsed() == first | second, 20)
    finally:
        stop.set()
        thread.join()
    assert set(crew.times("application-lapsed").values()) == {1}


def test_a_turn_at_the_deadlines_follows_the_log_by_a_stretch_and_leaves_the_rest_to_whose_duty_it_is(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chores, "_COURTESY_SECONDS", 0.0)
    monkeypatch.setattr(projector, "BATCH", 20)
    due = crew.drafts(20)
    swept = next(chore for chore in crew.app.chores() if isinstance(chore, Deadlines))
    at, turns = datetime.now(UTC), 1
    assert swept.turn(at) == at, "there is more"
    assert {one.position for one in crew.projector.standings()} == {20}
    while (upcoming := swept.turn(at)) is not None and upcoming <= at:
        turns += 1
        assert all(one.position <= 20 * turns for one in crew.projector.standings())
    assert crew.lapsed() == due
    assert swept.taken == len(due)
    assert set(crew.times("application-lapsed").values()) == {1}
    once = next(chore for chore in crew.app.chores(once=True) if isinstance(chore, Deadlines))
    more = crew.drafts(20)
    assert once.turn(at) is None
    assert crew.lapsed() == due | more, "where nobody else may follow the log, one turn does it all"


def test_a_turn_at_the_read_models_asks_no_oftener_than_needed_where_they_stand(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projector, "BATCH", 20)
    crew.drafts(10)
    asked, really = [], crew.store.last_position

    def last_position() -> int:
        asked.append(1)
        return really()

    monkeypatch.setattr(crew.store, "last_position", last_position)
    at, follows = datetime.now(UTC), Project(crew.projector)
    assert follows.turn(at) == at
    assert len(asked) == 4, "to know where to, before and after the stretch, and to decide"
    while follows.turn(at):
        pass
    assert {one.lag for one in crew.projector.standings()} == {0}


def test_what_is_stored_during_a_turn_at_the_read_models_is_no_reason_for_another_at_once(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It rings for itself, and what comes until then is done together: not a turn for each few events."""
    crew.drafts(2)
    follows, really = Project(crew.projector), crew.projector.catch_up

    def meanwhile(*, stretches: int | None = None) -> int:
        reached = really(stretches=stretches)
        crew.drafts(1)
        return reached

    monkeypatch.setattr(crew.projector, "catch_up", meanwhile)
    assert follows.turn(datetime.now(UTC)) is None
    assert {one.lag > 0 for one in crew.projector.standings()} == {True}


def test_a_turn_at_the_deadlines_reads_nothing_of_the_log_where_the_read_models_have_been_brought_to_its_end(
    crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    due = crew.drafts(3)
    crew.projector.catch_up()
    read: list[int] = []
    really = crew.store.read

    def reading(after: int, limit: int) -> object:
        read.append(after)
        return really(after, limit)

    monkeypatch.setattr(crew.store, "read", reading)
    end = crew.store.last_position()
    Deadlines(crew.service, crew.projector, stretches=1).turn(datetime.now(UTC))
    assert crew.lapsed() == due
    assert read == [end], "once, for what the turn itself has stored"


def test_one_turn_at_each_duty_is_not_taken_where_another_worker_keeps_it(crew: Crew) -> None:
    crew.drafts(2)
    assert Worker(crew.store, crew.app.chores()).once() == []
    assert len(crew.lapsed()) == 2
    assert all_done(crew)
    crew.join(1)
    assert Worker(crew.store, crew.app.chores()).once() == [chore.name for chore in crew.app.chores()]
