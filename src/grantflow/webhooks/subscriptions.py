"""What the owner of a subscriber may do: register it, see it, pause, resume, rotate its secret, redrive, remove."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID, uuid4, uuid5

import msgspec
import structlog

from grantflow.cloud_events import kinds
from grantflow.domain.errors import BadRequest, NotAllowed, NotFound
from grantflow.following import FOLLOWERS
from grantflow.outcomes import KeyReused
from grantflow.settings import MASK
from grantflow.states import NAMESPACE
from grantflow.webhooks.pace import OLD_SECRET_FOR
from grantflow.webhooks.signing import new_secret
from grantflow.webhooks.subscriber import COLUMNS, Counts, Subscriber, SubscriberView, view

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from grantflow.connections import Connection
    from grantflow.states import States
    from grantflow.store import Store
    from grantflow.webhooks.target import Targets

log = structlog.get_logger(__name__)

MOST = 20
"""The most subscribers that one organisation has."""
ROLES = ("integration", "call-manager")
"""In which roles one subscribes: the events that come are those that the role may follow."""

_LOCK = 7_206
"""Held with an organisation's hash while one of its subscribers is added."""
_ADD = (
    "INSERT INTO webhook_subscribers (id, organisation, role, registered_by, url, types, call, state, since, "
    "created_at, position, secret, asked) VALUES (%s, %s, %s, %s, %s, %s, %s, 'active', %s, %s, %s, %s, %s)"
)
_COUNTS = """
    SELECT subscriber, count(*) FILTER (WHERE state = 'waiting'), count(*) FILTER (WHERE state = 'dead'),
           count(*) FILTER (WHERE state = 'delivered'), min(next_at) FILTER (WHERE state = 'waiting' AND attempts > 0),
           (array_agg(ARRAY[status::text, reason] ORDER BY attempts DESC, position DESC)
               FILTER (WHERE state <> 'delivered' AND attempts > 0))[1:1]
    FROM webhook_deliveries WHERE subscriber = ANY(%s) GROUP BY subscriber
"""
_WAITING = (
    "SELECT FROM webhook_deliveries WHERE subscriber = %s AND state = 'waiting' ORDER BY position FOR UPDATE"
)


class Owner(NamedTuple):
    """Who looks after a subscriber: a pseudonym, for which organisation, in which role."""

    person: str
    organisation: str
    role: str


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where to send, and what: only these kinds of events, only those of this call; from now on, or a position on."""

    url: str
    types: list[str] = []
    call: str | None = None
    after: int | None = None


class Redriven(msgspec.Struct, frozen=True):
    """How many events that were dead are sent again."""

    redriven: int


class Subscriptions:
    """The subscribers of one store. Whoever does not own one finds none there."""

    def __init__(self, store: Store, states: States, targets: Targets) -> None:
        self._store, self._states, self._targets = store, states, targets

    def add(self, asked: Asked, owner: Owner, at: datetime, key: str = "") -> SubscriberView:
        """Register a subscriber; its secret is in the answer, and never told again but to the same `key` and asking.

        TargetRefused where it can't be sent to, BadRequest for kinds of events that there are not, NotFound for a call.
        """
        if owner.role not in ROLES or owner.role not in FOLLOWERS:
            msg = f"Events are sent to the roles {' and '.join(ROLES)}, and not to {owner.role[:60]}."
            raise NotAllowed(msg)
        body = sha256(msgspec.json.encode((asked, owner))).digest()
        which = uuid5(NAMESPACE, f"webhook:{owner.organisation}:{key}") if key else uuid4()
        before = self._repeated(which, body) if key else None
        if before is not None:
            return before
        unknown = sorted(set(asked.types) - kinds())
        if unknown:
            msg = f"There are no events of the kind {unknown[0][:60]!r}. There are: {', '.join(sorted(kinds()))}."
            raise BadRequest(msg)
        if asked.call:
            self._states.announcement(asked.call)
        self._targets.checked(asked.url)
        with self._store.connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_LOCK, owner.organisation))
            self._room_for_one(connection, owner.organisation)
            last = self._store.last_position()
            if asked.after is not None and not 0 <= asked.after <= last:
                msg = f"The log does not reach position {asked.after}."
                raise BadRequest(msg)
            start = last if asked.after is None else asked.after
            secret = new_secret()
            connection.execute(
                _ADD,
                (
                    which, owner.organisation, owner.role, owner.person, asked.url, sorted(set(asked.types)),
                    asked.call or "", at, at, start, secret, body,
                ),
            )  # fmt: skip
        log.info("webhook-added", subscriber=str(which), organisation=owner.organisation)
        return self.show(which, owner.organisation, secret=secret)

    def list(self, organisation: str) -> list[SubscriberView]:
        """An organisation's subscribers, the oldest first; all there are, where none is named."""
        with self._store.connection() as connection:
            rows = connection.execute(
                f"SELECT {COLUMNS} FROM webhook_subscribers WHERE %(who)s IN ('', organisation)"  # noqa: S608
                " ORDER BY created_at, id",
                {"who": organisation},
            ).fetchall()
            found = [Subscriber.of(row) for row in rows]
            counts = _counts(connection, [one.id for one in found])
        return [view(one, counts.get(one.id, Counts())) for one in found]

    def show(self, which: UUID, organisation: str, *, secret: str = MASK) -> SubscriberView:
        """One subscriber; NotFound where the organisation has no such one."""
        with self._store.connection() as connection:
            found = _owned(connection, which, organisation)
            return view(found, _counts(connection, [which]).get(which, Counts()), secret=secret)

    def pause(self, which: UUID, owner: Owner, at: datetime) -> SubscriberView:
        """Send nothing more for now; what happens meanwhile is sent when it is resumed."""
        with self._store.connection() as connection, connection.transaction():
            _owned(connection, which, owner.organisation, lock=True)
            connection.execute(
                "UPDATE webhook_subscribers SET state = 'paused', reason = %s, since = %s "
                "WHERE id = %s AND state = 'active'",
                (f"paused by {owner.person}", at, which),
            )
        log.info("webhook-paused", subscriber=str(which), organisation=owner.organisation, reason="asked")
        return self.show(which, owner.organisation)

    def resume(self, which: UUID, owner: Owner, at: datetime) -> SubscriberView:
        """Send again, from where it stopped; what waits has all its attempts before it once more."""
        with self._store.connection() as connection, connection.transaction():
            _owned(connection, which, owner.organisation)
            connection.execute(_WAITING, (which,))
            connection.execute(
                "UPDATE webhook_deliveries SET attempts = 0, first_at = NULL, next_at = %s "
                "WHERE subscriber = %s AND state = 'waiting'",
                (at, which),
            )
            connection.execute(
                "UPDATE webhook_subscribers SET state = 'active', reason = '', failures = 0, failing_since = NULL, "
                "rests_until = NULL, since = CASE WHEN state = 'paused' THEN %s ELSE since END WHERE id = %s",
                (at, which),
            )
        log.info("webhook-resumed", subscriber=str(which), organisation=owner.organisation)
        return self.show(which, owner.organisation)

    def rotate(self, which: UUID, owner: Owner, at: datetime, key: str = "") -> SubscriberView:
        """Give a new secret, told here once; the old one signs beside it for OLD_SECRET_FOR.

        The same `key` again gives the same secret, and does not rotate again.
        """
        with self._store.connection() as connection, connection.transaction():
            found = _owned(connection, which, owner.organisation, lock=True)
            row = connection.execute(
                "SELECT rotation_key FROM webhook_subscribers WHERE id = %s", (which,)
            ).fetchone()
            if key and row == (key,):
                secret = found.secret
            else:
                secret = new_secret()
                connection.execute(
                    "UPDATE webhook_subscribers SET old_secret = secret, old_until = %s, secret = %s, "
                    "rotation_key = %s WHERE id = %s",
                    (at + OLD_SECRET_FOR, secret, key, which),
                )
        log.info("webhook-rotated", subscriber=str(which), organisation=owner.organisation)
        return self.show(which, owner.organisation, secret=secret)

    def redrive(self, which: UUID, owner: Owner, at: datetime) -> Redriven:
        """Send again what is dead, in the order of the log, before what waits in the same case."""
        with self._store.connection() as connection, connection.transaction():
            _owned(connection, which, owner.organisation)
            connection.execute(_WAITING, (which,))
            count = connection.execute(
                "UPDATE webhook_deliveries SET state = 'waiting', attempts = 0, first_at = NULL, next_at = %s, "
                "reason = '' WHERE subscriber = %s AND state = 'dead'",
                (at, which),
            ).rowcount
        log.info("webhook-redriven", subscriber=str(which), organisation=owner.organisation, count=count)
        return Redriven(count)

    def remove(self, which: UUID, owner: Owner, at: datetime) -> SubscriberView:
        """Send nothing more, ever, and forget the subscriber and what was sent to it."""
        last = self.pause(which, owner, at)
        with self._store.connection() as connection, connection.transaction():
            connection.execute("DELETE FROM webhook_deliveries WHERE subscriber = %s", (which,))
            connection.execute("DELETE FROM webhook_subscribers WHERE id = %s", (which,))
        log.info("webhook-removed", subscriber=str(which), organisation=owner.organisation)
        return last

    def _repeated(self, which: UUID, body: bytes) -> SubscriberView | None:
        """The answer that the same asking got before; KeyReused where it was another."""
        with self._store.connection() as connection:
            row = connection.execute(
                "SELECT asked, secret, organisation FROM webhook_subscribers WHERE id = %s", (which,)
            ).fetchone()
        if row is None:
            return None
        if row[0] != body:
            raise KeyReused
        return self.show(which, row[2], secret=row[1])

    @staticmethod
    def _room_for_one(connection: Connection, organisation: str) -> None:
        row = connection.execute(
            "SELECT count(*) FROM webhook_subscribers WHERE organisation = %s", (organisation,)
        ).fetchone()
        if row and row[0] >= MOST:
            msg = f"There are {MOST} subscribers already, which is the most: remove one first."
            raise NotAllowed(msg)


def _owned(connection: Connection, which: UUID, organisation: str, *, lock: bool = False) -> Subscriber:
    """A subscriber of an organisation (of whichever, where none is named), for changing it if it is locked."""
    row = connection.execute(
        f"SELECT {COLUMNS} FROM webhook_subscribers WHERE id = %s AND %s IN ('', organisation)"  # noqa: S608
        + (" FOR UPDATE" if lock else ""),
        (which, organisation),
    ).fetchone()
    if row is None:
        msg = "There is no such subscriber."
        raise NotFound(msg)
    return Subscriber.of(row)


def _counts(connection: Connection, which: Sequence[UUID]) -> dict[UUID, Counts]:
    rows: list[Any] = connection.execute(_COUNTS, (list(which),)).fetchall()
    found = {}
    for subscriber, waiting, dead, delivered, next_at, last in rows:
        status, reason = last[0] if last else (None, None)
        found[subscriber] = Counts(
            waiting=waiting,
            dead=dead,
            delivered=delivered,
            next_at=next_at,
            last_status=int(status) if status else None,
            last_reason=reason or None,
        )
    return found
