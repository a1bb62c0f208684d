"""The chores: what has to be done once in the whole system, each a duty of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import structlog

from grantflow.deadlines import next_instant, sweep

if TYPE_CHECKING:
    from datetime import datetime

    from grantflow.ledger.book import Ledger
    from grantflow.projector import Projector
    from grantflow.service import Service

log = structlog.get_logger(__name__)

MOST_STEPS = 500
"""What one turn at the deadlines takes at most. A turn that ends soon shows that it isn't stuck."""
_COURTESY_SECONDS = 0.5
"""How long the deadlines wait for the read models to be brought up to date by the duty that does that."""


class Chore(Protocol):
    """Something to be done once in the whole system.

    A turn is taken when the log has grown, when the instant has come that the last turn gave, when the clock has been
    set, and every half minute in any case: it does what is to be done by then, and doing it again changes nothing. A
    turn that goes on for more than a second says so (`grantflow.turns.going_on`), before each step.
    """

    @property
    def name(self) -> str:
        """The duty's name, as people see it."""

    def turn(self, now: datetime) -> datetime | None:
        """Do what is to be done at `now` (UTC), and give the next instant that is known to need a turn, or None.

        Where there is much to do it is done in several turns: `now` says that there is more. Turns that end show that
        the chore isn't stuck, however slow the machine.

        What is raised is told and tried again; it stops no other chore.
        """


class Seal:
    """Each new event becomes a leaf of the ledger, and a checkpoint is signed."""

    name = "seal"

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def turn(self, now: datetime) -> None:
        """Seal what is not sealed yet."""
        del now
        self._ledger.seal()


class Project:
    """The read models follow the log."""

    name = "project"

    def __init__(self, projector: Projector) -> None:
        self._projector = projector

    def turn(self, now: datetime) -> datetime | None:
        """Bring every read model nearer to the end of the log, by a stretch."""
        end = self._projector.store.last_position()  # what is stored after this rings for itself
        self._projector.catch_up(stretches=1)
        behind = any(one.error is None and one.position < end for one in self._projector.standings())
        return now if behind else None


class Deadlines:
    """What is due is done: reminders, lapse, overdue, follow-up. `taken` is how many steps were, by this one.

    Following the log is another duty: where that is late, a turn brings the read models on by so many `stretches`
    itself, and leaves what it could not see by then for the next turn; or by all there are (None), where nobody may
    keep that duty.
    """

    name = "deadlines"

    def __init__(self, service: Service, projector: Projector, *, stretches: int | None = None) -> None:
        self._service, self._projector, self._stretches = service, projector, stretches
        self.taken = 0
        self._told: tuple[object, ...] = ()

    def turn(self, now: datetime) -> datetime | None:
        """Take what is due, so many steps a turn, and give the next instant at which something will be."""
        end = self._service.store.last_position()
        followed = self._projector.wait_for(end, seconds=_COURTESY_SECONDS)
        stretches = 0 if followed and self._stretches else self._stretches
        swept = sweep(now, self._service, self._projector, most=MOST_STEPS, stretches=stretches)
        taken = sum(not receipt.repeated for receipt in swept.done)
        self.taken += taken
        upcoming = next_instant(now, self._projector)
        refused = tuple((str(due.case), due.step, refusal.code) for due, refusal in swept.refused)
        told = (upcoming, swept.stale, refused)
        if taken or told != self._told:
            log.info("swept", done=taken, stale=swept.stale, next=upcoming and upcoming.isoformat())
            for case, step, code in refused:
                log.warning("not-taken", case=case, step=step, refused=code)
        self._told = told
        return now if swept.more else upcoming
