"""The subtrees that hold none of a pack's events: with them and the events' leaves, anybody computes the root."""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice
from typing import TYPE_CHECKING

from grantflow.evidence.selecting import NotSealed
from grantflow.ledger.merkle import Node

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grantflow.connections import Connection

BATCH = 10_000
_NODES = (
    "SELECT wanted.level, wanted.index, coalesce(nodes.hash, leaves.hash) "
    "FROM unnest(%s::int[], %s::bigint[]) WITH ORDINALITY AS wanted(level, index, place) "
    "LEFT JOIN ledger_nodes nodes ON nodes.level = wanted.level AND nodes.index = wanted.index "
    "LEFT JOIN ledger_leaves leaves ON wanted.level = 0 AND leaves.position = wanted.index + 1 "
    "ORDER BY wanted.place"
)


def missing(positions: Sequence[int], size: int) -> Iterator[tuple[int, int]]:
    """The fewest whole subtrees (level, index) without any of these positions, from the left; positions rise from 1."""
    todo = [(0, size)]
    while todo:
        start, end = todo.pop()
        length = end - start
        first = bisect_left(positions, start + 1)
        held = bisect_left(positions, end + 1, first) - first
        if held == length:
            continue
        if held == 0 and length & (length - 1) == 0:
            level = length.bit_length() - 1
            yield level, start >> level
            continue
        middle = start + (1 << (length - 1).bit_length() - 1)
        todo += [(middle, end), (start, middle)]


def missing_nodes(connection: Connection, positions: Sequence[int], size: int) -> Iterator[Node]:
    """Those subtrees with their hashes, some thousands at a time. NotSealed when the ledger has lost one."""
    wanted = missing(positions, size)
    while batch := list(islice(wanted, BATCH)):
        levels, indexes = zip(*batch, strict=True)
        rows = connection.execute(_NODES, (list(levels), list(indexes)), binary=True).fetchall()
        for level, index, hashed in rows:
            if hashed is None:
                msg = f"The ledger has lost its node {index} at level {level}."
                raise NotSealed(msg)
            yield Node(level, index, hashed)
