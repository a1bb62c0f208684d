"""A worker in this process, on a clock that a test sets, with cases that wait for their deadlines."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from clocks import SetClock, recorded_in
from conftest import ledger_keys
from crew import rota, soon
from given import IMDI, OSLO_KOMMUNE
from steps import paid, started
from variants import prepared, publish

from grantflow.app import App
from grantflow.domain.circumstances import Circumstances
from grantflow.service import Request
from grantflow.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from uuid import UUID

    from clocks import Done

    from grantflow.store import Store

EARLY = timedelta(milliseconds=40)
"""So long before an instant the clock is set, for the alarm to be what wakes the worker."""


class Clockwork:
    """One database, one clock, and a worker that may be started and stopped."""

    def __init__(self, store: Store, at: datetime) -> None:
        self.store, self.clock, self.app = store, SetClock(at), App.on(store, ledger_keys())
        self.service = self.app.service
        self.call = publish(self.service, "clock", "8000000.00")
        self._thread: Thread | None = None
        self._stop = Event()

    def draft(self) -> UUID:
        """A case that nobody submits."""
        return prepared(self.store, self.call, 1, started())[0]

    def paid(self) -> UUID:
        """A case that nobody reports on."""
        return prepared(self.store, self.call, 1, *paid())[0]

    def act(self, case: UUID, step: str, role: str, **data: Any) -> None:
        """Somebody takes a step now, by the clock."""
        by = Circumstances(
            at=self.clock.now(),
            person=f"p-{role}",
            organisation=OSLO_KOMMUNE if role == "applicant" else IMDI,
            role=role,
            channel="test",
            command=f"{step}-{case}-{data.get('until')}",
        )
        self.service.handle(Request(step=step, case=case, data=data, by=by))

    def extend(self, case: UUID, deadline: str, until: str) -> None:
        self.act(
            case, "extend-deadline", "case-officer", deadline=deadline, until=until, reason="Dataangrep."
        )

    def start(self) -> None:
        """Start a worker."""
        self._stop = Event()
        worker = Worker(self.store, self.app.chores(), self.clock.now)
        self._thread = Thread(target=worker.run, args=(self._stop,))
        self._thread.start()

    def stop(self) -> None:
        """Stop it, if one runs."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
        self._thread = None

    @property
    def next_at(self) -> datetime | None:
        """The next instant that the worker knows of."""
        return rota(self.app)["deadlines"].next_at

    def look(self, at: datetime) -> None:
        """Set the clock, and wait until the worker has seen it and done what is due by then."""
        self.clock.set(at)
        self.settle(at)

    def pass_by(self, at: datetime) -> None:
        """Set the clock to a moment before an instant, so that it passes by that, and wait as above."""
        self.clock.set(at - EARLY)
        self.settle(at)

    def settle(self, at: datetime) -> None:
        """Wait until the worker has seen the clock as it is from `at` on, and knows of nothing that is due."""
        soon(lambda: self._settled(at), 20)

    def _settled(self, at: datetime) -> bool:
        seen, shown = rota(self.app)["deadlines"], self.clock.now()
        if seen.last_run is None or not at - EARLY <= seen.last_run <= shown or shown < at:
            return False
        return seen.next_at is None or seen.next_at > shown

    def recorded(self, case: UUID) -> list[tuple[Done, datetime]]:
        return recorded_in(self.store.load(case))


@contextmanager
def clockwork(store: Store, at: datetime) -> Iterator[Clockwork]:
    """Lend one; nothing is left running."""
    made = Clockwork(store, at)
    try:
        yield made
    finally:
        made.stop()
        made.app.accesses.close()


def utc(text: str) -> datetime:
    """An instant, in UTC where nothing is said: `2023-08-28 22:00`."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


__all__ = ["EARLY", "Clockwork", "clockwork", "utc"]
