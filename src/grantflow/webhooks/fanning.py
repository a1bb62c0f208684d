"""From the log to what waits for each subscriber: the events that they may see, have asked for, and have not had."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from grantflow.domain.announcement import CallPublished
from grantflow.domain.application import CaseEvent
from grantflow.domain.notice import NoticeEvent
from grantflow.domain.occasions import kind_of
from grantflow.following import may_follow
from grantflow.states import call_stream, frame_stream
from grantflow.turns import going_on
from grantflow.webhooks.subscriber import COLUMNS, Subscriber

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from grantflow.domain.event import Entry
    from grantflow.states import States
    from grantflow.store import Store

BATCH = 500
MOST_WAITING = 5_000
"""Somebody who lets so many wait gets no more put there until some are gone; they stay in the log."""

_BEHIND = f"""
    SELECT {COLUMNS} FROM webhook_subscribers s WHERE state = 'active' AND position < %(last)s
        AND (SELECT count(*) FROM (
            SELECT FROM webhook_deliveries d WHERE d.subscriber = s.id AND d.state = 'waiting' LIMIT %(most)s
        ) waiting) < %(most)s
"""  # noqa: S608 - the columns are ours
_PUT = """
    INSERT INTO webhook_deliveries (subscriber, position, stream, state, next_at)
    SELECT %s, position, stream, 'waiting', %s FROM unnest(%s::bigint[], %s::uuid[]) AS wanted (position, stream)
"""
_CALLS = (
    "SELECT originator_id FROM stored_events WHERE topic LIKE 'call-published@%' ORDER BY notification_id"
)


class Fan:
    """Looks the log through for all subscribers together. Any number may run: each stretch is put by one of them."""

    def __init__(self, store: Store, states: States) -> None:
        self._store, self._states = store, states

    def out(self, now: datetime) -> bool:
        """Put what the next stretch of the log has for each who is behind; whether there may be more.

        One stretch serves all who stand within it, so that nobody waits for somebody further behind.
        """
        with self._store.connection() as connection:
            last = self._store.last_position()
            rows = connection.execute(_BEHIND, {"last": last, "most": MOST_WAITING}).fetchall()
        behind = [Subscriber.of(row) for row in rows]
        more = False
        while behind:
            going_on()
            entries = self._store.read(min(one.position for one in behind), BATCH)
            if not entries:
                break
            end = entries[-1].position
            # for this stretch alone, and after it was read: a call in the next one may be the organisation's first
            is_behind_a_call = cache(self._is_behind_a_call)
            for one in behind:
                if one.position < end:
                    wanted = [
                        e
                        for e in entries
                        if e.position > one.position and self._has(one, e, is_behind_a_call)
                    ]
                    self._put(one, end, wanted, now)
            behind = [one for one in behind if one.position >= end]
            more = True
        return more

    def read(self, subscriber: Subscriber, position: int) -> Entry | None:
        """The event at a position, or None where it is one that the subscriber is not to have (any more)."""
        entry = self._store.entry(position)
        return entry if self._has(subscriber, entry, self._is_behind_a_call) else None

    def _has(self, subscriber: Subscriber, entry: Entry, is_behind_a_call: Callable[[str], bool]) -> bool:
        """Whether a subscriber is to have an event: has asked for it, and may see it."""
        if subscriber.types and kind_of(entry.event) not in subscriber.types:
            return False
        if subscriber.call and not self._is_of(subscriber.call, entry):
            return False
        return may_follow(
            self._states,
            subscriber.follower,
            entry,
            directorate=lambda: is_behind_a_call(subscriber.organisation),
        )

    def _is_of(self, call: str, entry: Entry) -> bool:
        if isinstance(entry.event, CaseEvent):
            return self._states.case(entry.originator_id, fresh=False).call == call
        if isinstance(entry.event, NoticeEvent):
            return entry.event.call == call
        return entry.originator_id in {call_stream(call), frame_stream(call)}

    def _put(self, one: Subscriber, position: int, wanted: Sequence[Entry], now: datetime) -> None:
        """Store the deliveries and how far it has been looked, if nobody else has meanwhile."""
        with self._store.connection() as connection, connection.transaction():
            row = connection.execute(
                "UPDATE webhook_subscribers SET position = %s "
                "WHERE id = %s AND position = %s AND state = 'active' RETURNING 1",
                (position, one.id, one.position),
            ).fetchone()
            if row is not None and wanted:
                positions, streams = [e.position for e in wanted], [e.originator_id for e in wanted]
                connection.execute(_PUT, (one.id, now, positions, streams))

    def _is_behind_a_call(self, organisation: str) -> bool:
        """Whether it is the directorate of some call, by the log itself: no read model has to have seen it."""
        with self._store.connection() as connection:
            streams = [row[0] for row in connection.execute(_CALLS).fetchall()]
        for stream in streams:
            published = self._store.load(stream)[0].event
            if isinstance(published, CallPublished):
                digest = self._states.announcement(published.call).digest
                if self._states.call(published.call, digest).authority == organisation:
                    return True
        return False
