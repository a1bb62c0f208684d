"""The duties that run by the clock: what is due is swept at its instant, and at intervals for what was missed."""

from __future__ import annotations

import signal
from datetime import UTC, datetime
from threading import Event
from typing import TYPE_CHECKING

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger

from grantflow.deadlines import next_instant, sweep

if TYPE_CHECKING:
    from collections.abc import Callable

    from grantflow.projector import Projector
    from grantflow.service import Service

log = structlog.get_logger(__name__)

INTERVAL_SECONDS = 30
"""How often to look for what a stopped worker missed; the instants themselves wake the worker at once."""


def now() -> datetime:
    """The machine's clock, in UTC."""
    return datetime.now(UTC)


class Worker:
    """Sweeps on time. Any number may run: each due step has one key, so the store takes it once."""

    def __init__(self, service: Service, projector: Projector, clock: Callable[[], datetime] = now) -> None:
        self._service, self._projector, self._clock = service, projector, clock
        self._scheduler = BackgroundScheduler(timezone=UTC)

    def once(self) -> int:
        """Take what is due now, and set the alarm for what comes next. Returns how many steps were taken."""
        instant = self._clock()
        swept = sweep(instant, self._service, self._projector)
        upcoming = next_instant(instant, self._projector)
        for refusal in swept.refused:
            log.warning("duty-refused", code=refusal.code, detail=refusal.detail)
        log.info("swept", done=len(swept.done), stale=swept.stale, next=upcoming and upcoming.isoformat())
        if upcoming is not None and self._scheduler.running:
            self._scheduler.add_job(self.once, DateTrigger(upcoming), id="next", replace_existing=True)
        return len(swept.done)

    def run(self, stop: Event | None = None) -> None:
        """Work until told to stop, by SIGTERM, SIGINT, or the event."""
        stop = stop or _stopped_by_signals()
        self._scheduler.start()
        self._scheduler.add_job(
            self.once, "interval", seconds=INTERVAL_SECONDS, coalesce=True, max_instances=1, id="missed"
        )
        try:
            self.once()
            stop.wait()
        finally:
            self._scheduler.shutdown()


def _stopped_by_signals() -> Event:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
