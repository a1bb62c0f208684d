"""Looks at one stretch of the log, a whole subtree of the ledger: recomputes its leaves and nodes from the rows."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

import msgspec

from grantflow.ledger.diagnosis import ROWS, Fault
from grantflow.ledger.leaf import LABEL, PLACE, SALT_BYTES
from grantflow.ledger.merkle import peaks_of
from grantflow.ledger.nodes import HASH_BYTES, TILE_LEVEL, split

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from grantflow.connections import Connection

LEVELS = 12
CHUNK = 1 << LEVELS
"""So many events are looked at together."""
CLOCKS_APART = timedelta(minutes=5)
"""An event recorded so long before one that stands earlier in the log was dated back: no two clocks differ as much."""

_LEAVES = (
    "SELECT string_agg(salt, '' ORDER BY position), string_agg(fields, '' ORDER BY position), "
    "string_agg(hash, '' ORDER BY position), "
    "string_agg(int8send(position) || uuid_send(stream) || int8send(version) || convert_to(topic, 'UTF8'), '' "
    "ORDER BY position) FROM ledger_leaves WHERE position > %s AND position <= %s"
)
_NODES = "SELECT string_agg(hash, '' ORDER BY index) FROM ledger_nodes WHERE level = %s AND index >= %s AND index < %s"

Peaks = list[tuple[int, bytes]]
"""The whole subtrees that so many leaves are made of, as (level, hash), the largest first."""


class _Stamp(msgspec.Struct):
    recorded_at: datetime


class _Dated(msgspec.Struct):
    """So much of an event as says when it was recorded."""

    stamp: _Stamp


_dated = msgspec.json.Decoder(_Dated)


class Clock(NamedTuple):
    """When the events of a stretch were recorded: the latest, and the earliest with its position and id."""

    latest: datetime | None = None
    earliest: datetime | None = None
    position: int = 0
    event: str = ""


class Stretch(NamedTuple):
    """What was found from one position on: how many events and leaves, what they come to, and what is wrong.

    `partly` has the subtrees of the first so many leaves, for each number that was asked for. `changed` is whether
    the events are not those that the leaves were made of; which, and how, is not told here.
    """

    start: int
    events: int
    leaves: int
    peaks: Peaks
    partly: dict[int, Peaks]
    clock: Clock
    changed: bool
    faults: list[Fault]


def look(connection: Connection, start: int, sealed: int, asked: Sequence[int]) -> Stretch:
    """Look at the events after one position, as many as a whole subtree has; `sealed` is how many leaves there are."""
    end = start + CHUNK
    rows = connection.execute(ROWS, (start, end), binary=True).fetchall()
    leaves, changed = _leaves(connection, rows, start, min(end, sealed))
    levels = _levels(leaves)
    faults = list(_nodes(connection, levels, start))
    clock, backdated = _clock(rows)
    faults += backdated
    partly = {more: _peaks(levels, more) for more in asked if more <= len(leaves)}
    return Stretch(start, len(rows), len(leaves), _peaks(levels, len(leaves)), partly, clock, changed, faults)


def _leaves(
    connection: Connection, rows: Sequence[tuple[Any, ...]], start: int, end: int
) -> tuple[list[bytes], bool]:
    """The leaves' hashes as the ledger has them, and whether the rows of the log lead to others."""
    if end <= start:
        return [], [row[0] for row in rows] != list(range(start + 1, start + 1 + len(rows)))
    stored = connection.execute(_LEAVES, (start, end), binary=True).fetchone() or ()
    salts, fields, hashes, places = (bytes(value or b"") for value in stored)
    count = end - start
    leaves = split(hashes)
    whole = len(salts) == count * SALT_BYTES and len(fields) == len(hashes) == count * HASH_BYTES
    if not whole or len(rows) < count:
        return leaves, True
    digest, pack, label = sha256, PLACE.pack, b"\x00" + LABEL
    salt_at = field_at = 0
    computed: list[bytes] = []
    place_of: list[bytes] = []
    for position, stream, version, topic, state in rows[:count]:
        body = digest(salts[salt_at : salt_at + SALT_BYTES] + state).digest()
        place, called = pack(position, stream, version), topic.encode()
        computed.append(
            digest(label + place + body + fields[field_at : field_at + HASH_BYTES] + called).digest()
        )
        place_of += (place, called)
        salt_at += SALT_BYTES
        field_at += HASH_BYTES
    in_order = [row[0] for row in rows] == list(range(start + 1, start + 1 + len(rows)))
    as_sealed = computed == leaves and b"".join(place_of) == places
    return leaves, not (in_order and as_sealed)


def _levels(leaves: list[bytes]) -> list[list[bytes]]:
    """Every level of whole nodes over these leaves, the leaves first."""
    levels, digest = [leaves], sha256
    while len(below := levels[-1]) > 1:
        pairs = zip(below[::2], below[1::2], strict=False)
        levels.append([digest(b"\x01" + left + right).digest() for left, right in pairs])
    return levels


def _nodes(connection: Connection, levels: list[list[bytes]], start: int) -> Iterator[Fault]:
    """The stored inner nodes that are not what these leaves lead to; the lowest level is told."""
    for level, computed in enumerate(levels[TILE_LEVEL:], start=TILE_LEVEL):
        first = start >> level
        row = connection.execute(_NODES, (level, first, first + len(computed)), binary=True).fetchone()
        if bytes((row and row[0]) or b"") != b"".join(computed):
            what = (
                f"the ledger's nodes at level {level} after position {start} are not what the leaves lead to"
            )
            yield Fault(kind="ledger-changed", position=start + 1, what=what)
            return


def _peaks(levels: list[list[bytes]], count: int) -> Peaks:
    return [(level, levels[level][place]) for level, place in peaks_of(count)]


def _clock(rows: Sequence[tuple[Any, ...]]) -> tuple[Clock, list[Fault]]:
    """When these events were recorded, and those that were dated back. What isn't plain JSON is not looked at here."""
    latest = earliest = None
    position, event, faults = 0, "", []
    for row in rows:
        try:
            at = _dated.decode(row[4]).stamp.recorded_at
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if latest is not None and latest - at > CLOCKS_APART:
            faults.append(backdated(row[0], f"{UUID(bytes=row[1])}.{row[2]}", at, latest))
        if earliest is None or at < earliest:
            earliest, position, event = at, row[0], f"{UUID(bytes=row[1])}.{row[2]}"
        latest = at if latest is None or at > latest else latest
    return Clock(latest, earliest, position, event), faults


def backdated(position: int, event: str, at: datetime, latest: datetime) -> Fault:
    """An event that says it was recorded before what was in the log already."""
    what = (
        f"it says it was recorded at {at.isoformat()}, and the log had events of {latest.isoformat()} by then"
    )
    return Fault(kind="backdated", position=position, event=event, what=what)
