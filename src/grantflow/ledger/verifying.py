"""Recomputes the ledger from the log, in constant memory, and names the first thing that is wrong and what it is."""

from __future__ import annotations

from collections import deque
from hashlib import sha256
from typing import TYPE_CHECKING

import msgspec

from grantflow.ledger.diagnosis import Fault, diagnose
from grantflow.ledger.leaf import LABEL, PLACE, SALT_BYTES
from grantflow.ledger.merkle import Frontier, peaks_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from grantflow.connections import Connection
    from grantflow.ledger.anchors import Anchor

LEVELS = 12
CHUNK = 1 << LEVELS
"""So many events are looked at together: a whole subtree."""
HASH_BYTES = 32

_ROWS = (
    "SELECT notification_id, uuid_send(originator_id), originator_version, topic, state FROM stored_events "
    "WHERE notification_id > %s AND notification_id <= %s ORDER BY notification_id"
)
_LEAVES = (
    "SELECT string_agg(salt, '' ORDER BY position), string_agg(fields, '' ORDER BY position), "
    "string_agg(hash, '' ORDER BY position) FROM ledger_leaves WHERE position > %s AND position <= %s"
)
_NODES = (
    "SELECT level, string_agg(hash, '' ORDER BY index) FROM ledger_nodes "
    "WHERE level BETWEEN 1 AND %s AND index >= %s >> level AND index < %s >> level GROUP BY level"
)
_HIGHER = "SELECT hash FROM ledger_nodes WHERE level = %s AND index = %s"
_BESIDE = (
    "SELECT l.position, s.originator_id, s.originator_version FROM ledger_leaves l "
    "JOIN stored_events s ON s.notification_id = l.position "
    "WHERE (l.stream, l.version, l.topic, l.body) IS DISTINCT FROM "
    "(s.originator_id, s.originator_version, s.topic, sha256(l.salt || s.state)) ORDER BY l.position LIMIT 100"
)
"""Leaves whose plain columns are not the event's. They are kept for saying what was changed; the hash covers them."""
_SIZES = (
    "SELECT coalesce((SELECT max(notification_id) FROM stored_events), 0), "
    "coalesce((SELECT max(position) FROM ledger_leaves), 0)"
)


class Looked(msgspec.Struct):
    """How much has been looked at: events, how many of them are sealed, and checkpoints that hold."""

    events: int = 0
    sealed: int = 0
    checkpoints: int = 0


def verify_log(
    connection: Connection,
    anchors: Sequence[Anchor],
    looked: Looked,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Iterator[Fault]:
    """Every fault of the stored log against the ledger, and of the ledger against the checkpoints, in order.

    `anchors` are checkpoints whose signatures have been looked at already, those of this database and those that
    others have kept, by size. What it takes does not grow with the log.
    """
    log, sealed = connection.execute(_SIZES).fetchone() or (0, 0)
    frontier, checkpoints, found = Frontier(), _Checkpoints(anchors, sealed), False
    for start in range(0, max(log, sealed), CHUNK):
        rows = connection.execute(_ROWS, (start, start + CHUNK), binary=True).fetchall()
        leaves, faulty = _recomputed(connection, rows, start, min(start + CHUNK, sealed))
        if faulty:
            found = True
            yield from diagnose(connection, rows, start, start + CHUNK, sealed)
        levels = _levels(leaves)
        yield from _nodes(connection, levels, start, sealed)
        yield from checkpoints.reached(frontier, levels)
        for level, place in peaks_of(len(leaves)):
            for node in frontier.add(levels[level][place], level):
                if node.level > LEVELS:
                    yield from _higher(connection, *node)
        looked.events += len(rows)
        looked.sealed += min(len(rows), len(leaves))
        looked.checkpoints = checkpoints.holding
        progress(min(start + CHUNK, log), log)
    if not found:
        yield from _beside(connection)
    yield from checkpoints.beyond()


class _Checkpoints:
    """The checkpoints that the log is held against, as it grows past each of them."""

    def __init__(self, anchors: Sequence[Anchor], sealed: int) -> None:
        in_order = sorted(anchors, key=lambda anchor: anchor.checkpoint.size)
        self._waiting = deque(anchor for anchor in in_order if anchor.checkpoint.size <= sealed)
        self._beyond = [anchor for anchor in in_order if anchor.checkpoint.size > sealed]
        self._sealed, self._since = sealed, 0
        self.holding = 0

    def reached(self, frontier: Frontier, levels: list[list[bytes]]) -> Iterator[Fault]:
        """Those that speak of no more than this frontier and the next leaves: each holds, or the log is a fork."""
        while self._waiting and self._waiting[0].checkpoint.size <= frontier.size + len(levels[0]):
            anchor = self._waiting.popleft()
            size, root = anchor.checkpoint.size, anchor.checkpoint.root
            if _root_at(frontier, levels, size - frontier.size) == root:
                self._since = size
                self.holding += 1
            else:
                yield anchor.forked(since=self._since)

    def beyond(self) -> Iterator[Fault]:
        """Those that speak of more than there is."""
        return (anchor.truncated(self._sealed) for anchor in self._beyond)


def _beside(connection: Connection) -> Iterator[Fault]:
    for position, stream, version in connection.execute(_BESIDE).fetchall():
        what = "the ledger's plain columns for this event are not what it was sealed with"
        yield Fault(kind="ledger-changed", position=position, event=f"{stream}.{version}", what=what)


def _recomputed(
    connection: Connection, rows: Sequence[tuple[Any, ...]], start: int, end: int
) -> tuple[list[bytes], bool]:
    """The leaves' hashes as the ledger has them, and whether the rows of the log lead to others."""
    if end <= start:
        return [], [row[0] for row in rows] != list(range(start + 1, start + 1 + len(rows)))
    stored = connection.execute(_LEAVES, (start, end), binary=True).fetchone() or ()
    salts, fields, hashes = (bytes(value or b"") for value in stored)
    count = end - start
    leaves = [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
    whole = len(salts) == count * SALT_BYTES and len(fields) == len(hashes) == count * HASH_BYTES
    if not whole or len(rows) < count:
        return leaves, True
    pack, label, position = PLACE.pack, b"\x00" + LABEL, start
    for number, leaf in enumerate(leaves):
        there, stream, version, topic, state = rows[number]
        position += 1
        salt = salts[number * SALT_BYTES : number * SALT_BYTES + SALT_BYTES]
        at = number * HASH_BYTES
        body = sha256(salt + state).digest()
        data = label + pack(there, stream, version) + body + fields[at : at + HASH_BYTES] + topic.encode()
        if there != position or sha256(data).digest() != leaf:
            return leaves, True
    after = [row[0] for row in rows[count:]]
    return leaves, after != list(range(end + 1, end + 1 + len(after)))


def _levels(leaves: list[bytes]) -> list[list[bytes]]:
    """Every level of whole nodes over these leaves, the leaves first."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        below = levels[-1]
        levels.append(
            [sha256(b"\x01" + below[at] + below[at + 1]).digest() for at in range(0, len(below) - 1, 2)]
        )
    return levels


def _nodes(connection: Connection, levels: list[list[bytes]], start: int, sealed: int) -> Iterator[Fault]:
    """The stored inner nodes under one subtree that are not what they should be."""
    stored = dict(
        connection.execute(_NODES, (LEVELS, start, min(start + CHUNK, sealed)), binary=True).fetchall()
    )
    for level, computed in enumerate(levels[1:], start=1):
        if stored.get(level, b"") != b"".join(computed):
            what = (
                f"the ledger's nodes at level {level} after position {start} are not what the leaves lead to"
            )
            yield Fault(kind="ledger-changed", position=start + 1, what=what)
            return


def _higher(connection: Connection, level: int, index: int, computed: bytes) -> Iterator[Fault]:
    row = connection.execute(_HIGHER, (level, index), binary=True).fetchone()
    if row is None or bytes(row[0]) != computed:
        first = (index << level) + 1
        what = f"the ledger's node {index} at level {level} is not what the leaves lead to"
        yield Fault(kind="ledger-changed", position=first, what=what)


def _root_at(frontier: Frontier, levels: list[list[bytes]], more: int) -> bytes:
    """The root of the tree that is the frontier and so many more leaves of the next subtree."""
    there = Frontier(frontier.size, frontier.peaks)
    for level, place in peaks_of(more):
        for _ in there.add(levels[level][place], level):
            pass
    return there.root
