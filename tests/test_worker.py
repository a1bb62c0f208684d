"""Of any number of workers one has the duty; whatever becomes of it, the next takes over, and nothing is done twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

import psycopg
import pytest
from steps import drafted
from variants import prepared, publish

from grantflow.domain.errors import NotFound
from grantflow.duties import Duty, holder
from grantflow.ledger.book import Ledger
from grantflow.ledger.keys import KeyFile
from grantflow.ledger.note import Checkpoint, Note
from grantflow.projector import Projector
from grantflow.rooms import projections
from grantflow.service import Service
from grantflow.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from uuid import UUID

    from grantflow.store import Store

COMMAND = [str(Path(sys.executable).parent / "grantflow"), "work"]
TAKEOVER_SECONDS = 5.0


def soon(holds: Callable[[], object], seconds: float) -> float:
    """Wait until something holds, and give the seconds it took."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < seconds, f"not within {seconds} seconds"
        time.sleep(0.02)
    return time.monotonic() - begun


class Crew:
    """Some workers, each a process of its own, on one database."""

    def __init__(self, store: Store, stack: ExitStack) -> None:
        self.store, self._stack = store, stack
        self.service = Service(store)
        self.projector = Projector(store, projections())
        self.ledger = Ledger(store, KeyFile(Path(os.environ["GRANTFLOW_LEDGER_KEYS"])))
        self.call = publish(self.service, "work", "8000000.00")
        self.processes: dict[int, subprocess.Popen[bytes]] = {}

    def join(self, many: int) -> None:
        """Start workers, and wait until one has the duty."""
        environment = {**os.environ, "GRANTFLOW_DATABASE_URL": self.store.database_url}
        for _ in range(many):
            process = subprocess.Popen(COMMAND, env=environment, stderr=subprocess.DEVNULL)
            self._stack.enter_context(process)
            self._stack.callback(process.kill)
            self.processes[process.pid] = process
        soon(lambda: holder(self.store), 20)

    @property
    def on_duty(self) -> int | None:
        """The process that has the duty, if any."""
        known = holder(self.store)
        return int(known.rpartition(":")[2]) if known else None

    def drafts(self, many: int) -> set[UUID]:
        """Store drafts that were due to lapse in 2023."""
        return set(prepared(self.store, self.call, many, *drafted()))

    def lapsed(self) -> set[UUID]:
        """The cases that the read model shows as lapsed."""
        rows = self.projector.rows("SELECT case_id FROM case_list WHERE state = 'lapsed'")
        return {row["case_id"] for row in rows}

    def lapses(self) -> int:
        """How often a case lapsed, by the log."""
        return sum(entry.event.topic == "application-lapsed@1" for entry in self.store.read(0, 10_000))


@pytest.fixture
def crew(store: Store) -> Iterator[Crew]:
    with ExitStack() as stack:
        yield Crew(store, stack)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_when_the_worker_on_duty_ends_the_next_one_takes_over_and_keeps_the_deadlines(
    crew: Crew, how: signal.Signals
) -> None:
    first = crew.drafts(5)
    crew.join(3)
    soon(lambda: crew.lapsed() == first, 10)
    gone = crew.on_duty
    assert gone in crew.processes
    second = crew.drafts(5)
    crew.processes[gone].send_signal(how)
    soon(lambda: crew.on_duty not in {None, gone}, TAKEOVER_SECONDS)
    soon(lambda: crew.lapsed() == first | second, 10)
    assert crew.lapses() == 10
    assert crew.processes[gone].wait(10) == (0 if how == signal.SIGTERM else -how)
    assert [process.poll() for pid, process in crew.processes.items() if pid != gone] == [None, None]
    assert all(crew.projector.check(name) == [] for name in crew.projector.projections)


def test_a_worker_whose_connection_is_cut_lives_on_and_somebody_has_the_duty_again(crew: Crew) -> None:
    crew.join(2)
    with psycopg.connect(crew.store.database_url, autocommit=True) as other:
        for _ in range(3):
            cut = other.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
                "WHERE datname = current_database() AND application_name LIKE 'grantflow worker %'"
            ).fetchall()
            assert cut
            soon(lambda: crew.on_duty, TAKEOVER_SECONDS)
    assert [process.poll() for process in crew.processes.values()] == [None, None]
    latest = crew.drafts(1)
    position = crew.store.last_position()
    soon(lambda: all(s.position >= position for s in crew.projector.standings()), TAKEOVER_SECONDS)
    assert crew.projector.rows("SELECT case_id FROM case_list") == [{"case_id": case} for case in latest]


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
    worker = Thread(target=Worker(crew.service, crew.projector, crew.ledger).run, args=(stop,))
    worker.start()
    try:
        soon(lambda: holder(crew.store), 10)
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
    assert holder(crew.store) is None


def test_a_duty_has_one_holder_until_it_is_let_go(store: Store) -> None:
    with Duty(store.database_url) as one, Duty(store.database_url) as other:
        assert holder(store) is None
        assert one.taken()
        assert not other.taken()
        assert str(holder(store)).endswith(f":{os.getpid()}")
        one.let_go()
        soon(other.taken, 1)
        assert not one.taken()
        assert other.waited(0.01)
        assert not one.waited(0.01)


def test_a_duty_that_was_lost_is_noticed(store: Store, database_url: str) -> None:
    with Duty(database_url) as duty, psycopg.connect(database_url, autocommit=True) as other:
        assert duty.taken()
        other.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name LIKE 'grantflow worker %'"
        )
        assert not duty.waited(5)
        assert holder(store) is None
        assert duty.taken()


def test_no_database_is_no_duty() -> None:
    with Duty("host=/nowhere dbname=none") as duty:
        assert not duty.taken()
        assert not duty.waited(5)
