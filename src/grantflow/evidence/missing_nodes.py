"""The subtrees that hold none of a pack's events: with them and the events' leaves, anybody computes the root."""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice
from typing import TYPE_CHECKING

from grantflow.evidence.selecting import NotSealed
from grantflow.ledger.merkle import Node
from grantflow.ledger.nodes import hashes_of, lost

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from grantflow.connections import Connection

BATCH = 2_000
"""So many are asked for at once; each may be made of up to 128 leaves."""


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
        for (level, index), hashed in zip(batch, hashes_of(connection, batch), strict=True):
            if hashed is None:
                msg = f"The ledger is not whole: {lost(connection, level, index)}."
                raise NotSealed(msg)
            yield Node(level, index, hashed)
