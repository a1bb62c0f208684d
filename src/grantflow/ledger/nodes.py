"""The nodes of the tree as the ledger keeps them: those over whole tiles as rows, those below from the leaves.

Half of all nodes are at level 1 and nearly all below level 8: kept as rows, they took as much room as half the leaves.
A tile's leaves stand together, so a node within it costs one short read, and at most 127 hashes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from grantflow.ledger.merkle import Frontier, node_hash, peaks_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from grantflow.connections import Connection

T = TypeVar("T")

TILE_LEVEL = 8
"""The lowest level whose nodes are kept as rows; the table's own check says the same."""
TILE = 1 << TILE_LEVEL
"""So many leaves are a tile."""
HASH_BYTES = 32

_BELOW = (
    "SELECT CASE WHEN w.level >= %s THEN "
    "(SELECT n.hash FROM ledger_nodes n WHERE n.level = w.level AND n.index = w.index) "
    "ELSE (SELECT string_agg(l.hash, '' ORDER BY l.position) FROM ledger_leaves l "
    "WHERE l.position > w.index << w.level AND l.position <= (w.index + 1) << w.level) END "
    "FROM unnest(%s::int[], %s::bigint[]) WITH ORDINALITY AS w (level, index, place) ORDER BY w.place"
)
_FIRST_GAP = (
    "SELECT p.position FROM generate_series(%s::bigint, %s::bigint) AS p (position) "
    "WHERE NOT EXISTS (SELECT FROM ledger_leaves l WHERE l.position = p.position) ORDER BY 1 LIMIT 1"
)


def hashes_of(connection: Connection, places: Sequence[tuple[int, int]]) -> list[bytes | None]:
    """The hashes of nodes, each named by (level, index), in one query; None for one that the ledger has lost."""
    levels, indexes = [level for level, _ in places], [index for _, index in places]
    rows = connection.execute(_BELOW, (TILE_LEVEL, levels, indexes), binary=True).fetchall()
    return [_hash(level, found) for level, (found,) in zip(levels, rows, strict=True)]


def _hash(level: int, found: bytes | None) -> bytes | None:
    """The hash of a node, from its row or from the leaves under it."""
    if found is None or level >= TILE_LEVEL:
        return found
    leaves = split(found)
    return root_of(leaves) if len(found) == HASH_BYTES << level else None


def split(hashes: bytes) -> list[bytes]:
    """Hashes that were read as one."""
    return [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]


def root_of(hashes: Sequence[bytes]) -> bytes:
    """The hash of the node over so many; they are a power of two."""
    level = list(hashes)
    while len(level) > 1:
        level = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def fetched(connection: Connection, made: Callable[[Callable[[int, int], bytes]], T]) -> T:
    """What is made of nodes, which are fetched together: `made` is told twice how to get one.

    The first time it gets nothing but zeros, and what it asked for is noted. LookupError when a node is not there.
    """
    wanted: list[tuple[int, int]] = []

    def noted(level: int, index: int) -> bytes:
        wanted.append((level, index))
        return bytes(HASH_BYTES)

    made(noted)
    found: dict[tuple[int, int], bytes] = {}
    for (level, index), hashed in zip(wanted, hashes_of(connection, wanted), strict=True):
        if hashed is None:
            raise LookupError(lost(connection, level, index))
        found[level, index] = hashed
    return made(lambda level, index: found[level, index])


def lost(connection: Connection, level: int, index: int) -> str:
    """What is missing where a node can't be had: its row, or one of the leaves under it."""
    first, last = (index << level) + 1, (index + 1) << level
    row = connection.execute(_FIRST_GAP, (first, last)).fetchone() if level < TILE_LEVEL else None
    if row is None:
        return f"the ledger has lost its node {index} at level {level}"
    return f"the event at position {row[0]} is not sealed any more, the ledger has lost its leaf"


def frontier_of(connection: Connection, size: int | None = None) -> Frontier:
    """The right edge of the tree as it is, or as it was at an earlier size. LookupError when a node is gone."""
    if size is None:
        row = connection.execute("SELECT coalesce(max(position), 0) FROM ledger_leaves").fetchone()
        size = int(row[0]) if row else 0
    places = peaks_of(size)
    return Frontier(size, fetched(connection, lambda get: [get(level, index) for level, index in places]))
