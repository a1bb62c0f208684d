"""What waits to be delivered: taken one at a time under a row's lock, and what came of it noted with that lock held."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from grantflow.webhooks import pace
from grantflow.webhooks.subscriber import COLUMNS, Subscriber

if TYPE_CHECKING:
    from uuid import UUID

    from grantflow.connections import Connection
    from grantflow.webhooks.sending import Outcome

_FIRST_OF_ITS_CASE = """NOT EXISTS (
    SELECT FROM webhook_deliveries earlier WHERE earlier.subscriber = d.subscriber AND earlier.stream = d.stream
        AND earlier.state = 'waiting' AND earlier.position < d.position)"""
_READY = f"""
    FROM webhook_deliveries d JOIN webhook_subscribers s ON s.id = d.subscriber
    WHERE d.state = 'waiting' AND s.state = 'active' AND {_FIRST_OF_ITS_CASE}
"""
_DUE = " AND d.next_at <= %(now)s AND coalesce(s.rests_until, '-infinity') <= %(now)s"
_LANES = f"""
    SELECT d.subscriber, count(*), max(s.failures) {_READY} {_DUE}
    GROUP BY d.subscriber ORDER BY max(s.failures), random()
"""
_NEXT = f"SELECT min(greatest(d.next_at, s.rests_until)) {_READY}"
_TAKE = f"""
    SELECT d.position, d.stream, d.attempts, d.first_at, {", ".join(f"s.{name}" for name in COLUMNS.split(", "))}
    {_READY} {_DUE} AND d.subscriber = %(subscriber)s ORDER BY d.attempts > 0, d.position LIMIT 1
    FOR UPDATE OF d SKIP LOCKED
"""
_DELIVERED = """
    UPDATE webhook_deliveries SET state = 'delivered', attempts = attempts + 1, first_at = coalesce(first_at, %(now)s),
        status = %(status)s, reason = '', delivered_at = %(now)s
    WHERE subscriber = %(subscriber)s AND position = %(position)s
"""
_WELL = (
    "UPDATE webhook_subscribers SET failures = 0, failing_since = NULL, rests_until = NULL "
    "WHERE id = %(subscriber)s AND failures > 0"
)
_FAILED = (
    "UPDATE webhook_deliveries SET state = %(state)s, attempts = attempts + 1, first_at = coalesce(first_at, %(now)s),"
    " next_at = %(next)s, status = %(status)s, reason = %(reason)s "
    "WHERE subscriber = %(subscriber)s AND position = %(position)s"
)
_ILL = (
    "UPDATE webhook_subscribers SET failures = failures + 1, failing_since = coalesce(failing_since, %(now)s) "
    "WHERE id = %(subscriber)s RETURNING failures, failing_since, state"
)
_REST = "UPDATE webhook_subscribers SET rests_until = %(until)s WHERE id = %(subscriber)s"
_PAUSE = (
    "UPDATE webhook_subscribers SET state = 'paused', reason = %(reason)s, since = %(now)s "
    "WHERE id = %(subscriber)s AND state = 'active'"
)
_FORGET = "DELETE FROM webhook_deliveries WHERE state = 'delivered' AND delivered_at < %s"


class Taken(NamedTuple):
    """A delivery that is ours until its transaction ends, and whose it is."""

    position: int
    stream: UUID
    attempts: int
    first_at: datetime | None
    subscriber: Subscriber


class Lanes(NamedTuple):
    """How many cases of a subscriber have something due, and how often it has failed in a row."""

    subscriber: UUID
    due: int
    failures: int


def lanes(connection: Connection, now: datetime) -> list[Lanes]:
    """The subscribers with something due, those who work before those who fail, and else in no order."""
    return [Lanes(*row) for row in connection.execute(_LANES, {"now": now}).fetchall()]


def next_due(connection: Connection) -> datetime | None:
    """When the next thing is due, or was; None when nothing waits."""
    row = connection.execute(_NEXT).fetchone()
    return row[0] if row else None


def begin(connection: Connection) -> None:
    """Begin a transaction that keeps a lock while something is sent, and loses it when nothing is heard of it."""
    connection.execute(
        f"BEGIN; SET LOCAL idle_in_transaction_session_timeout = '{pace.LOCK_SECONDS * 1_000:.0f}ms'"
    )


def take(connection: Connection, subscriber: UUID, now: datetime) -> Taken | None:
    """Lock a delivery that is due and nobody's; the connection is in a transaction, which keeps the lock.

    What was never tried comes first, so that a case that always fails does not stand in the way of the others.
    Only the first that waits in a case is ever taken, so whoever has it holds the whole case.
    """
    row = connection.execute(_TAKE, {"subscriber": subscriber, "now": now}).fetchone()
    if row is None:
        return None
    position, stream, attempts, first_at, *rest = row
    return Taken(position, stream, attempts, first_at, Subscriber.of(rest))


def note(connection: Connection, taken: Taken, outcome: Outcome, now: datetime) -> str:
    """Write down what came of a sending; gives the reason why the subscriber is paused by it, or nothing."""
    of_this = {"subscriber": taken.subscriber.id, "position": taken.position, "now": now}
    if outcome.delivered:
        connection.execute(_DELIVERED, {**of_this, "status": outcome.status})
        connection.execute(_WELL, of_this)
        return ""
    again = pace.next_attempt(taken.attempts + 1, taken.first_at or now, now)
    asked = pace.retry_after(outcome.retry_after, now) if outcome.retry_after else None
    if again is not None and asked is not None:
        again = max(again, asked)
    failed = {"state": "dead" if again is None else "waiting", "next": again or now}
    told = {"status": outcome.status, "reason": outcome.reason}
    connection.execute(_FAILED, {**of_this, **failed, **told})
    row = connection.execute(_ILL, of_this).fetchone()
    if row is None or row[2] != "active":
        return ""
    reason = _why_paused(outcome, row[0], row[1], now)
    if reason:
        connection.execute(_PAUSE, {**of_this, "reason": reason})
        return reason
    silent = outcome.status is None
    if (until := asked or (pace.rest(row[0], now) if silent else None)) is not None:
        connection.execute(_REST, {**of_this, "until": until})
    return ""


def drop(connection: Connection, taken: Taken, reason: str, now: datetime) -> None:
    """Send it no more, for a reason that is not the receiver's."""
    of_this = {"subscriber": taken.subscriber.id, "position": taken.position, "now": now}
    connection.execute(_FAILED, {**of_this, "state": "dead", "next": now, "status": None, "reason": reason})


def forget(connection: Connection, now: datetime) -> int:
    """Forget what was delivered long ago; gives how many."""
    return connection.execute(_FORGET, (now - pace.KEPT_FOR,)).rowcount


def _why_paused(outcome: Outcome, failures: int, failing_since: datetime, now: datetime) -> str:
    if outcome.gone:
        return "it answered 410 Gone"
    if pace.is_to_be_paused(failures, failing_since, now):
        days = pace.PAUSED_AFTER / timedelta(days=1)
        return f"nothing has come through for {days:.0f} days: {outcome.reason}"
    return ""
