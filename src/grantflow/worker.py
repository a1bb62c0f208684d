"""The duties that run once in the whole system: the log is sealed, read models follow it, and deadlines are kept."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger

from grantflow.deadlines import next_instant, sweep
from grantflow.duties import Duty
from grantflow.store import Overloaded, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from grantflow.ledger.book import Ledger
    from grantflow.projector import Projector
    from grantflow.service import Service

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 30
"""How often to look for what a stopped worker missed; the instants themselves wake the worker at once."""
TURN_SECONDS = 1.0
"""How often a worker without the duty tries to take it, and one that has it makes sure that it still does."""
_MISSED = "missed"


def now() -> datetime:
    """The machine's clock, in UTC."""
    return datetime.now(UTC)


class Worker:
    """Seals, projects and sweeps on time. Any number may run: one has the duty, the next takes over when it is gone.

    Two at work by mistake would do no harm: the ledger's lock, a read model's position and a due step's key let each
    thing happen once.
    """

    def __init__(
        self, service: Service, projector: Projector, ledger: Ledger, clock: Callable[[], datetime] = now
    ) -> None:
        self._service, self._projector, self._ledger, self._clock = service, projector, ledger, clock
        self._scheduler = BackgroundScheduler(timezone=UTC)

    def once(self) -> int:
        """Take what is due now, and set the alarm for what comes next. Returns how many steps were taken."""
        instant = self._clock()
        swept = sweep(instant, self._service, self._projector)
        self._ledger.seal()
        upcoming = next_instant(instant, self._projector)
        log.info("swept", done=len(swept.done), stale=swept.stale, next=upcoming and upcoming.isoformat())
        for due, refusal in swept.refused:
            log.warning("not-taken", case=str(due.case), step=due.step, refused=refusal.code)
        if upcoming is not None and self._scheduler.get_job(_MISSED) is not None:
            self._scheduler.add_job(self._awake, DateTrigger(upcoming), id="next", replace_existing=True)
        return len(swept.done)

    def run(self, stop: Event | None = None) -> None:
        """Stand ready for the duty, and work while it is held, until told to stop: by SIGTERM, SIGINT, or the event."""
        stop = stop or _stopped_by_signals()
        self._scheduler.start()
        try:
            with Duty(self._service.store.database_url) as duty:
                while not stop.is_set():
                    if duty.taken():
                        self._work(duty, stop)
                    else:
                        stop.wait(TURN_SECONDS)
        finally:
            self._scheduler.shutdown()

    def _work(self, duty: Duty, stop: Event) -> None:
        log.info("duty-taken", duty=duty.name)
        self._scheduler.add_job(
            self._awake,
            "interval",
            seconds=INTERVAL_SECONDS,
            next_run_time=datetime.now(UTC),
            coalesce=True,
            id=_MISSED,
        )
        try:
            self._follow()
            while not stop.is_set() and duty.waited(TURN_SECONDS):
                self._follow()
        except (Unavailable, Overloaded) as refusal:
            log.warning("duty-interrupted", duty=duty.name, reason=refusal.detail)
            duty.let_go()
        finally:
            self._scheduler.remove_all_jobs()
            log.info("duty-ended", duty=duty.name)

    def _follow(self) -> None:
        """What follows on new events: they are sealed, and the read models see them."""
        self._ledger.seal()
        self._projector.catch_up()

    def _awake(self) -> None:
        """Sweep as an alarm does: what is missed while the database is away is swept when it is back."""
        try:
            self.once()
        except (Unavailable, Overloaded) as refusal:
            log.warning("not-swept", reason=refusal.detail)


def _stopped_by_signals() -> Event:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
