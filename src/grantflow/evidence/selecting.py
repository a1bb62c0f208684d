"""Which events a pack is of: those of a call, or of one case, as they stood when the checkpoint was signed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from grantflow.domain.errors import NotFound, Refused
from grantflow.states import (
    authority_stream,
    call_stream,
    contacts_stream,
    frame_stream,
    notices_stream,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from uuid import UUID

    from grantflow.connections import Connection

BATCH = 2_000
_LOG = "SELECT notification_id, originator_id, state FROM stored_events WHERE notification_id <= %s AND "
_STARTS = _LOG + "originator_version = 1 AND topic LIKE 'application-started@%%' ORDER BY notification_id"
_STREAMS = _LOG + "originator_id = ANY(%s) ORDER BY notification_id"
_LOST = (
    "SELECT min(l.position) FROM ledger_leaves l LEFT JOIN stored_events s ON s.notification_id = l.position "
    "WHERE l.position <= %s AND l.stream = ANY(%s) AND s.notification_id IS NULL"
)


class NotSealed(Refused):
    """The ledger does not (yet) hold what the pack would be of."""

    code = "not-sealed"


class NotAsSealed(Refused):
    """The log does not say what was sealed: it was changed after that, and a pack of it would prove nothing."""

    code = "not-as-sealed"


@dataclass(frozen=True)
class Scope:
    """What a pack is of: a whole call, by its identifier, or one case, by its stream."""

    call: str = ""
    case: UUID | None = None

    def __post_init__(self) -> None:
        if bool(self.call) == bool(self.case):
            msg = "A pack is of a call or of a case."
            raise ValueError(msg)


@dataclass(frozen=True)
class Selected:
    """The events of a scope by their positions, in order; the case's number where it is one; about how many bytes."""

    scope: Scope
    call: str
    number: str
    cases: int
    positions: Sequence[int]
    size: int


class _Stamp(msgspec.Struct):
    organisation: str = ""


class _Told(msgspec.Struct):
    """So much of an event as selecting looks at."""

    stamp: _Stamp
    call: str = ""
    case: str = ""


def select(connection: Connection, body: Callable[[bytes], bytes], scope: Scope, size: int) -> Selected:
    """The events of a scope among the first `size` of the log; `body` gives the JSON in a stored state."""
    reading = _Reading(connection, body, size)
    starts = {stream: told.call for _, stream, told in reading.each(_STARTS)}
    if scope.case is not None:
        if scope.case not in starts:
            msg = f"The checkpoint of {size} events covers no case {scope.case}."
            raise NotFound(msg)
        call = starts[scope.case]
        under = [stream for stream, its in starts.items() if its == call]
        number, cases = f"{call}-{under.index(scope.case) + 1:04d}", [scope.case]
    else:
        call, number = scope.call, ""
        cases = [stream for stream, its in starts.items() if its == call]
    chosen = reading.chosen([call_stream(call), *cases])
    if not any(stream == call_stream(call) for stream in chosen.streams):
        msg = f"The checkpoint of {size} events covers no call {call[:80]!r}."
        raise NotFound(msg)
    chosen.add(reading.chosen([frame_stream(call)], only=str(scope.case) if scope.case else ""))
    chosen.add(reading.chosen([notices_stream(one) for one in cases]))
    organisations = sorted(chosen.organisations)
    chosen.add(reading.chosen([authority_stream(one) for one in organisations]))
    chosen.add(reading.chosen([contacts_stream(one) for one in organisations]))
    reading.nothing_is_lost({*chosen.streams} - ({frame_stream(call)} if scope.case else set()))
    return Selected(scope, call, number, len(cases), sorted(chosen.positions), chosen.bytes)


class _Chosen:
    """What has been chosen so far, and whose it is."""

    def __init__(self) -> None:
        self.positions: list[int] = []
        self.streams: set[UUID] = set()
        self.organisations: set[str] = set()
        self.bytes = 0

    def add(self, others: _Chosen) -> None:
        """And these."""
        self.positions += others.positions
        self.streams |= others.streams
        self.organisations |= others.organisations
        self.bytes += others.bytes


class _Reading:
    """Reads the log up to a size, an event at a time."""

    def __init__(self, connection: Connection, body: Callable[[bytes], bytes], size: int) -> None:
        self._connection, self._body, self._size = connection, body, size
        self._read = 0
        self._decoder = msgspec.json.Decoder(_Told)

    def each(self, query: str, *parameters: object) -> Iterator[tuple[int, UUID, _Told]]:
        """Each event of a query with its place; the whole is never in memory."""
        with self._connection.cursor(name="grantflow_selecting", binary=True) as cursor:
            cursor.itersize = BATCH
            rows: Any = cursor.execute(query, (self._size, *parameters))
            for position, stream, state in rows:
                content = self._body(state)
                self._read = len(content)
                yield position, stream, self._decoder.decode(content)

    def chosen(self, streams: Sequence[UUID], *, only: str = "") -> _Chosen:
        """The events of these streams; only those that name a case, where one is given."""
        chosen = _Chosen()
        for position, stream, told in self.each(_STREAMS, streams):
            if not only or told.case == only:
                chosen.positions.append(position)
                chosen.streams.add(stream)
                chosen.organisations.add(told.stamp.organisation)
                chosen.bytes += self._read
        return chosen

    def nothing_is_lost(self, streams: Collection[UUID]) -> None:
        """NotAsSealed when an event of these streams was sealed, and is in the log no more."""
        row = self._connection.execute(_LOST, (self._size, list(streams))).fetchone()
        if row is not None and row[0] is not None:
            msg = f"The event at position {row[0]} was sealed and is not in the log any more: the log was changed."
            raise NotAsSealed(msg)
