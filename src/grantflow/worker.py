"""The worker keeps the duties: each on a thread of its own, and each held by one worker in the whole system."""

from __future__ import annotations

import signal
import time
from datetime import UTC, datetime
from threading import Event, Thread
from typing import TYPE_CHECKING

import structlog

from grantflow.alarms import Alarms
from grantflow.duties import BEAT_SECONDS, TRY_SECONDS, Duty
from grantflow.rota import rota
from grantflow.store import Overloaded, Unavailable
from grantflow.turns import TurnEnded, heard_by

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from grantflow.chores import Chore
    from grantflow.store import Store

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 30.0
"""How often a turn is taken in any case, for what nobody rang for."""
_BREATH = 0.02
"""Seconds between two turns where the first has left more to do."""
_SHORTEST_REST, _LONGEST_REST = 0.1, 1.0
"""Seconds between two turns otherwise: what is stored meanwhile is done together, for little more than one event is."""
_LONGEST_PAUSE = 30.0
_MOST_TURNS = 1_000
_GOODBYE_SECONDS = 15.0


def now() -> datetime:
    """The machine's clock, in UTC."""
    return datetime.now(UTC)


class Worker:
    """Any number may run: of each duty one is the holder, and the next takes over when that one is gone, or hangs.

    Two at work by mistake would do no harm: the ledger's lock, a read model's position and the key of what is due let
    each thing happen once.
    """

    def __init__(self, store: Store, chores: Sequence[Chore], clock: Callable[[], datetime] = now) -> None:
        self._store, self._address = store, store.database_url
        self._chores, self._clock = chores, clock

    def once(self) -> list[str]:
        """Do all that is due now, one chore after the other; gives the duties that another worker holds.

        What is raised by one chore stops no other: the first of it is raised when all have had their turns.
        """
        elsewhere, failed = [], []
        for chore in self._chores:
            try:
                with Duty(self._address, chore.name) as duty:
                    if not duty.taken() or not _all_turns(chore, duty, self._clock()):
                        self._held_elsewhere(duty)
                        elsewhere.append(chore.name)
            except Exception as error:
                log.exception("turn-failed", duty=chore.name)
                failed.append(error)
        if failed:
            raise failed[0]
        return elsewhere

    def run(self, stop: Event | None = None) -> None:
        """Stand ready for every duty, and keep those that are held, until told to stop: by SIGTERM, SIGINT, the event.

        A thread that is stuck in a turn is left behind: its duty is another's by then.
        """
        stop = stop or _stopped_by_signals()
        alarms = Alarms(self._clock)
        alarms.start()
        keepers = [_Keeper(self._address, chore, self._clock, alarms, stop) for chore in self._chores]
        threads = [
            Thread(target=keeper.run, name=f"grantflow-{chore.name}", daemon=True)
            for keeper, chore in zip(keepers, self._chores, strict=True)
        ]
        for thread in threads:
            thread.start()
        stop.wait()
        give_up = time.monotonic() + _GOODBYE_SECONDS
        for keeper, thread in zip(keepers, threads, strict=True):
            keeper.wake()
            thread.join(max(0.0, give_up - time.monotonic()))
            if thread.is_alive():
                log.warning("left-behind", thread=thread.name)
        alarms.stop()

    def _held_elsewhere(self, duty: Duty) -> None:
        """Unavailable where a duty isn't ours for want of the database, and not because another holds it."""
        if duty.away is not None and rota(self._store, [duty.name], {})[0].holder is None:
            raise Unavailable.because(duty.away)


class _Keeper:
    """One chore and its duty, on a thread of their own."""

    def __init__(
        self, address: str, chore: Chore, clock: Callable[[], datetime], alarms: Alarms, stop: Event
    ) -> None:
        self._chore, self._clock, self._alarms, self._stop = chore, clock, alarms, stop
        self._duty = Duty(address, chore.name, stop.is_set)
        self._more = False

    def wake(self) -> None:
        """Let it notice at once that it is to stop."""
        self._duty.ring()

    def run(self) -> None:
        """Try for the duty, and keep it while it is ours, until told to stop."""
        with self._duty as duty:
            while not self._stop.is_set():
                try:
                    if duty.taken():
                        self._keep(duty)
                    else:
                        self._stop.wait(TRY_SECONDS)
                except Exception:
                    log.exception("duty-broken", duty=duty.name)
                    duty.let_go()
                    self._stop.wait(TRY_SECONDS)

    def _keep(self, duty: Duty) -> None:
        log.info("duty-taken", duty=duty.name)
        rung, turned, ready, failures = True, time.monotonic(), 0.0, 0
        try:
            while True:
                begun = time.monotonic()
                rung = rung or begun - turned >= SWEEP_SECONDS
                if rung and begun >= ready:
                    rung = False
                    failures = 0 if self._turned(duty) else failures + 1
                    turned = time.monotonic()
                    ready = turned + self._rest(turned - begun, failures)
                    rung = rung or self._more or failures > 0
                left = max(ready - time.monotonic(), 0.0) if rung else BEAT_SECONDS
                rung |= duty.wait(min(left, BEAT_SECONDS), deaf=rung)
                self._alarms.look()
        except TurnEnded:
            log.info("duty-ended", duty=duty.name)
        finally:
            self._alarms.forget(duty.name)
            duty.let_go()

    def _turned(self, duty: Duty) -> bool:
        """Take a turn; whether it was finished. What goes wrong is noted, and tried again after a pause."""
        at, self._more = self._clock(), False
        try:
            with heard_by(duty.going_on):
                upcoming = self._chore.turn(at)
        except (Unavailable, Overloaded) as refusal:
            log.warning("turn-interrupted", duty=duty.name, reason=refusal.detail)
            duty.failed(refusal.detail)
            return False
        except Exception as error:
            log.exception("turn-failed", duty=duty.name)
            duty.failed(f"{type(error).__name__}; the log of {at.isoformat(timespec='seconds')} says more")
            return False
        self._more = upcoming is not None and upcoming <= at
        self._alarms.ask(duty.name, None if self._more else upcoming, duty.ring)
        duty.ran(at, upcoming)
        return True

    def _rest(self, seconds: float, failures: int) -> float:
        """Seconds until the next turn: more after each that failed, few where more is to do, else as this one took."""
        if failures:
            return float(min(2.0 ** (failures - 1), _LONGEST_PAUSE))
        return _BREATH if self._more else min(max(seconds, _SHORTEST_REST), _LONGEST_REST)


def _all_turns(chore: Chore, duty: Duty, at: datetime) -> bool:
    """Take turns as long as there is more to do at an instant; False when the duty is lost on the way."""
    try:
        for _ in range(_MOST_TURNS):
            with heard_by(duty.going_on):
                upcoming = chore.turn(at)
            duty.ran(at, upcoming)
            if upcoming is None or upcoming > at:
                break
    except TurnEnded:
        return False
    return True


def _stopped_by_signals() -> Event:
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        # On a thread of its own: the handler may run while this one is inside the event, and holds its lock.
        signal.signal(number, lambda *_: Thread(target=stop.set).start())
    return stop
