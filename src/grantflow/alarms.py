"""Alarms: who asked to be woken at an instant is, also when the clock is set to another time meanwhile."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)

STEP_SECONDS = 1.0
"""A clock that gains or loses as much between two looks at it has been set, or the machine has slept."""
_FURTHEST = timedelta(days=1)
"""No alarm is set further ahead: who is woken early looks what time it is, and asks again."""


class _Alarm(NamedTuple):
    instant: datetime | None
    ring: Callable[[], None]


class Alarms:
    """APScheduler does the waiting, with its jobs in memory: they are asked for anew when a worker starts.

    It waits for a time to pass that it has computed once, so the alarms are set anew when the clock is seen to have
    been set (`look`). Safe to use from many threads.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        # One that comes late is not left out, as the scheduler would after a second: it is why we are there.
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 3}
        )
        self._alarms: dict[str, _Alarm] = {}
        self._lock = Lock()
        self._ahead = self._measured()

    def start(self) -> None:
        """Begin to wake."""
        self._scheduler.start()

    def stop(self) -> None:
        """Wake nobody any more."""
        self._scheduler.shutdown(wait=False)

    def ask(self, name: str, instant: datetime | None, ring: Callable[[], None]) -> None:
        """Ring when `instant` has come, by the clock, and whenever the clock is set; what was asked before is off."""
        with self._lock:
            self._alarms[name] = _Alarm(instant, ring)
            self._schedule(name)

    def forget(self, name: str) -> None:
        """Ring no more for this one."""
        with self._lock:
            self._alarms.pop(name, None)
            self._schedule(name)

    def look(self) -> None:
        """Look at the clock; where it has been set since the last look, set all alarms anew and wake everybody."""
        with self._lock:
            ahead = self._measured()
            gained, self._ahead = ahead - self._ahead, ahead
            if abs(gained) < STEP_SECONDS:
                return
            log.warning("clock-stepped", seconds=round(gained, 1))
            woken = list(self._alarms.items())
            for name, _ in woken:
                self._schedule(name)
        for _, alarm in woken:
            alarm.ring()

    def _schedule(self, name: str) -> None:
        alarm = self._alarms.get(name)
        if alarm is None or alarm.instant is None:
            if self._scheduler.get_job(name) is not None:
                self._scheduler.remove_job(name)
            return
        left = min(alarm.instant - self._clock(), _FURTHEST)
        at = datetime.now(UTC) + left
        # Once a day from then on, should nobody ask anew: a job that ends by itself can take the scheduler with it,
        # when that is told to stop just then.
        self._scheduler.add_job(
            alarm.ring, "interval", days=1, next_run_time=at, id=name, replace_existing=True
        )

    def _measured(self) -> float:
        """How far the clock is ahead of the one that nobody can set."""
        return self._clock().timestamp() - time.monotonic()
