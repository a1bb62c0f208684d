"""Carries events from the log to subscribers: many at once, each case in order, and nobody waits for another."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import wait as wait_for
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import psycopg
import structlog

from grantflow.cloud_events import cloud_event
from grantflow.domain.access import Access
from grantflow.domain.application import CaseEvent
from grantflow.outcomes import Overloaded, Unavailable
from grantflow.turns import going_on
from grantflow.webhooks import deliveries
from grantflow.webhooks.fanning import Fan
from grantflow.webhooks.pace import AT_ONCE, AT_ONCE_TO_FAILING, AT_ONCE_TO_ONE
from grantflow.webhooks.signing import headers, message_id

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from concurrent.futures import Future
    from uuid import UUID

    from grantflow.accesses import AccessLog
    from grantflow.connections import Connection
    from grantflow.states import States
    from grantflow.store import Store
    from grantflow.webhooks.deliveries import Taken
    from grantflow.webhooks.room import Room
    from grantflow.webhooks.sending import Outcome
    from grantflow.webhooks.subscriber import Subscriber
    from grantflow.webhooks.target import Targets

    Told = Callable[[Subscriber, str, datetime], None]

log = structlog.get_logger(__name__)

_ONE_LANE = 100
"""After so many in a row a lane ends, and the next turn sees whether to go on."""
_STRETCHES = 20
"""How much of the log one turn looks through before it sees to what is due."""
_GOODBYE_SECONDS = 5.0
"""How long lanes may go on with what else is due when all is to end; what is under way then always ends."""
_BUSY = timedelta(milliseconds=500)
_FORGET_EVERY = timedelta(hours=1)


_PASSING = (
    Unavailable,
    Overloaded,
    psycopg.OperationalError,
    psycopg.errors.IdleInTransactionSessionTimeout,
)
"""What a lane ends with and the next one tries again: the database was away, or the lock was lost."""


class Message(NamedTuple):
    """What is sent: an id that stays the same, and the event."""

    id: str
    body: bytes


def _nobody(_: Subscriber, __: str, ___: datetime) -> None:
    """Tell nobody."""


class Deliverer:
    """The duty that sends. Any number may be at work: a row's lock keeps each case with one, and in order.

    `told` hears of a subscriber that is paused because it fails: who it is, why, and when. `trusted` are the
    certificates that receivers are known by; the system's, unless given. It costs nothing until something is sent.
    """

    name = "webhooks"

    def __init__(  # noqa: PLR0913 - what it stands on, and two things that tests and operators change
        self,
        store: Store,
        states: States,
        accesses: AccessLog,
        targets: Targets,
        *,
        trusted: ssl.SSLContext | None = None,
        told: Told = _nobody,
    ) -> None:
        self._store, self._accesses, self._told = store, accesses, told
        self._targets, self._trusted = targets, trusted
        self._fan = Fan(store, states)
        self._gate = threading.Lock()
        self._under_way: Counter[UUID] = Counter()
        self._lanes: set[Future[None]] = set()
        self._room: Room | None = None
        self._instant, self._told_at = datetime.min.replace(tzinfo=UTC), 0.0
        self._closing = False
        self._forgotten: datetime | None = None

    def turn(self, now: datetime) -> datetime | None:
        """Put what the log has where it waits, and begin to send what is due; gives the next instant to come back at.

        Nothing is waited for. Unavailable when the database is away.
        """
        self._instant, self._told_at = now, monotonic()
        more = True
        for _ in range(_STRETCHES):
            going_on()
            if not (more := self._fan.out(now)):
                break
        going_on()
        with self._store.connection() as connection:
            self._forget(connection, now)
            due = deliveries.lanes(connection, now)
            for one in due:
                self._begin(one.subscriber, 1, AT_ONCE_TO_FAILING if one.failures else AT_ONCE)
            for one in due:
                self._begin(one.subscriber, 0 if one.failures else min(one.due, AT_ONCE_TO_ONE), AT_ONCE)
            upcoming = deliveries.next_due(connection)
        if more:
            return now
        soon = now + _BUSY
        if self._lanes:
            return min(upcoming, soon) if upcoming and upcoming > now else soon
        return max(upcoming, soon) if upcoming else None

    def settle(self, seconds: float = 15.0) -> bool:
        """Wait until nothing is under way; False when time ran out."""
        with self._gate:
            lanes = tuple(self._lanes)
        return not wait_for(lanes, seconds).not_done

    def close(self) -> None:
        """Let what is under way end, as it does soon, and let go of everything."""
        self.settle(_GOODBYE_SECONDS)
        self._closing = True
        self.settle()
        with self._gate:
            room, self._room = self._room, None
        if room is not None:
            room.close()

    def _now(self) -> datetime:
        """The instant of the last turn, and what has passed since: the clock is whoever's takes the turns."""
        return self._instant + timedelta(seconds=monotonic() - self._told_at)

    def _begin(self, subscriber: UUID, most: int, in_all: int) -> None:
        """Begin so many lanes for a subscriber, less those that are under way; and no more than are to be in all."""
        from grantflow.webhooks.room import Room  # noqa: PLC0415 - heavy, and only needed here

        with self._gate:
            if self._room is None:
                self._room = Room(self._store.database_url, self._targets, self._trusted)
            free = min(most - self._under_way[subscriber], in_all - self._under_way.total())
            begun = [self._room.begin(self._lane(self._room, subscriber)) for _ in range(free)]
            self._under_way[subscriber] += len(begun)
            self._lanes.update(begun)
        for lane in begun:
            lane.add_done_callback(lambda done: self._ended(done, subscriber))

    def _ended(self, lane: Future[None], subscriber: UUID) -> None:
        with self._gate:
            self._lanes.discard(lane)
            self._under_way[subscriber] -= 1
        if not lane.cancelled() and (error := lane.exception()) is not None:
            log.error("webhook-fault", subscriber=str(subscriber), exc_info=error)

    async def _lane(self, room: Room, subscriber: UUID) -> None:
        """Send what is due to a subscriber, one after another, until nothing is or it fails."""
        try:
            for _ in range(_ONE_LANE):
                if self._closing:
                    return
                async with room.connection() as connection:
                    if not await self._one(room, connection, subscriber):
                        return
        except _PASSING as error:
            log.warning("webhook-interrupted", subscriber=str(subscriber), reason=type(error).__name__)

    async def _one(self, room: Room, connection: Connection, subscriber: UUID) -> bool:
        """Take one delivery, send it, and note what came of it, all while its row is locked; whether to go on."""
        taken, message = await room.beside(self._take, connection, subscriber)
        if taken is None or message is None:
            return taken is not None
        now = self._now()
        signed = headers(taken.subscriber.secrets(now), message.id, now, message.body)
        outcome = await room.sender.send(taken.subscriber.url, signed, message.body)
        await room.beside(self._note, connection, taken, outcome)
        return outcome.delivered

    def _take(self, connection: Connection, subscriber: UUID) -> tuple[Taken | None, Message | None]:
        """A delivery and its message, noted as seen. What its owner may see no more is dead, and has none."""
        now = self._now()
        deliveries.begin(connection)
        taken = deliveries.take(connection, subscriber, now)
        if taken is None:
            return None, None
        one = taken.subscriber
        entry = self._fan.read(one, taken.position)
        if entry is None:
            deliveries.drop(connection, taken, "not to be seen by its owner any more", now)
            connection.execute("COMMIT")
            return taken, None
        if not taken.attempts and isinstance(entry.event, CaseEvent):
            seen = Access(
                at=now,
                person=one.registered_by,
                organisation=one.organisation,
                role=one.role,
                channel="http",
                did="read",
                what="webhook",
                case=entry.originator_id,
            )
            self._accesses.note(seen)
        return taken, Message(message_id(one.id, entry.id), msgspec.json.encode(cloud_event(entry)))

    def _note(self, connection: Connection, taken: Taken, outcome: Outcome) -> None:
        now = self._now()
        paused = deliveries.note(connection, taken, outcome, now)
        connection.execute("COMMIT")
        which = str(taken.subscriber.id)
        told = {"subscriber": which, "position": taken.position, "attempts": taken.attempts + 1}
        if outcome.delivered:
            log.info("webhook-delivered", **told)
        else:
            log.warning("webhook-failed", **told, reason=outcome.reason)
        if paused:
            log.warning("webhook-paused", subscriber=which, reason=paused)
            self._told(taken.subscriber, paused, now)

    def _forget(self, connection: Connection, now: datetime) -> None:
        if self._forgotten is None or abs(now - self._forgotten) >= _FORGET_EVERY:
            self._forgotten = now
            deliveries.forget(connection, now)
