"""Recomputes the ledger from the log, in constant memory, and names the first thing that is wrong and what it is."""

from __future__ import annotations

import os
from collections import deque
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING

import msgspec
from psycopg import sql

from grantflow.connections import connect
from grantflow.ledger.diagnosis import Fault, diagnose
from grantflow.ledger.looking import CHUNK, CLOCKS_APART, LEVELS, backdated, look
from grantflow.ledger.merkle import Frontier

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from grantflow.connections import Connection
    from grantflow.ledger.anchors import Anchor
    from grantflow.ledger.looking import Peaks, Stretch

ALONE = 16 * CHUNK
"""A log up to so long is looked at by this process; a longer one is shared by several."""
TOGETHER = 8
"""So many stretches a process looks at in one go."""

_HIGHER = "SELECT hash FROM ledger_nodes WHERE level = %s AND index = %s"
_SIZES = (
    "SELECT coalesce((SELECT max(notification_id) FROM stored_events), 0), "
    "coalesce((SELECT max(position) FROM ledger_leaves), 0)"
)


class Looked(msgspec.Struct):
    """How much has been looked at: events, how many of them are sealed, and checkpoints that hold."""

    events: int = 0
    sealed: int = 0
    checkpoints: int = 0


def verify_log(  # noqa: PLR0913 - what to hold against what, and how to read and tell it
    connection: Connection,
    anchors: Sequence[Anchor],
    looked: Looked,
    progress: Callable[[int, int], None] = lambda _done, _of: None,
    *,
    address: str = "",
    content_of: Callable[[bytes], bytes] = bytes,
) -> Iterator[Fault]:
    """Every fault of the stored log against the ledger, and of the ledger against the checkpoints, in order.

    `anchors` are checkpoints whose signatures have been looked at already, those of this database and those that
    others have kept. The connection is in a transaction that sees one instant; where its `address` is given, a long
    log is shared by processes that see the same. What it takes does not grow with the log.
    """
    log, sealed = connection.execute(_SIZES).fetchone() or (0, 0)
    frontier, checkpoints = Frontier(), _Checkpoints(anchors, sealed)
    latest: datetime | None = None
    starts = range(0, max(log, sealed), CHUNK)
    asked = {start: checkpoints.within(start) for start in starts if checkpoints.within(start)}
    shared = address if len(starts) * CHUNK > ALONE else ""
    for stretch in _stretches(connection, shared, starts, sealed, asked):
        if stretch.changed:
            yield from diagnose(connection, stretch.start, stretch.start + CHUNK, sealed, content_of)
        yield from stretch.faults
        yield from _dated_back(latest, stretch)
        latest = max(filter(None, (latest, stretch.clock.latest)), default=None)
        yield from checkpoints.reached(frontier, stretch)
        for level, hashed in stretch.peaks:
            for node in frontier.add(hashed, level):
                if node.level > LEVELS:
                    yield from _higher(connection, *node)
        looked.events += stretch.events
        looked.sealed += min(stretch.events, stretch.leaves)
        looked.checkpoints = checkpoints.holding
        progress(min(stretch.start + CHUNK, log), log)
    yield from checkpoints.beyond()


def _dated_back(latest: datetime | None, stretch: Stretch) -> Iterator[Fault]:
    """The earliest event of a stretch, where it was recorded long before what came in an earlier one."""
    clock = stretch.clock
    if latest is not None and clock.earliest is not None and latest - clock.earliest > CLOCKS_APART:
        yield backdated(clock.position, clock.event, clock.earliest, latest)


class _Checkpoints:
    """The checkpoints that the log is held against, as it grows past each of them."""

    def __init__(self, anchors: Sequence[Anchor], sealed: int) -> None:
        in_order = sorted(anchors, key=lambda anchor: anchor.checkpoint.size)
        self._waiting = deque(anchor for anchor in in_order if anchor.checkpoint.size <= sealed)
        self._beyond = [anchor for anchor in in_order if anchor.checkpoint.size > sealed]
        self._sealed, self._held = sealed, [0]
        self._sizes = {anchor.checkpoint.size for anchor in self._waiting}
        self.holding = 0

    def within(self, start: int) -> list[int]:
        """How many leaves after a position there are checkpoints of."""
        return sorted(size - start for size in self._sizes if start <= size <= start + CHUNK)

    def reached(self, frontier: Frontier, stretch: Stretch) -> Iterator[Fault]:
        """Those that speak of no more than this frontier and these leaves: each holds, or the log is a fork."""
        while self._waiting and self._waiting[0].checkpoint.size <= stretch.start + stretch.leaves:
            anchor = self._waiting.popleft()
            size, root = anchor.checkpoint.size, anchor.checkpoint.root
            if _root_with(frontier, stretch.partly.get(size - stretch.start)) == root:
                self._held.append(size)
                self.holding += 1
            else:
                yield anchor.forked(since=max(held for held in self._held if held < size or held == 0))

    def beyond(self) -> Iterator[Fault]:
        """Those that speak of more than there is."""
        return (anchor.truncated(self._sealed) for anchor in self._beyond)


def _root_with(frontier: Frontier, peaks: Peaks | None) -> bytes | None:
    """The root of the tree that is the frontier and these subtrees."""
    if peaks is None:
        return None
    there = Frontier(frontier.size, frontier.peaks)
    for level, hashed in peaks:
        for _ in there.add(hashed, level):
            pass
    return there.root


def _higher(connection: Connection, level: int, index: int, computed: bytes) -> Iterator[Fault]:
    row = connection.execute(_HIGHER, (level, index), binary=True).fetchone()
    if row is None or bytes(row[0]) != computed:
        first = (index << level) + 1
        what = f"the ledger's node {index} at level {level} is not what the leaves lead to"
        yield Fault(kind="ledger-changed", position=first, what=what)


def _stretches(
    connection: Connection, address: str, starts: Sequence[int], sealed: int, asked: dict[int, list[int]]
) -> Iterator[Stretch]:
    """Every stretch of the log in order; looked at by other processes where an address is given."""
    if not address:
        for start in starts:
            yield look(connection, start, sealed, asked.get(start, ()))
        return
    snapshot = (connection.execute("SELECT pg_export_snapshot()").fetchone() or ("",))[0]
    with ProcessPoolExecutor(os.cpu_count() or 1, mp_context=get_context("spawn")) as pool:
        tasks = deque(
            [(start, asked.get(start, [])) for start in starts[at : at + TOGETHER]]
            for at in range(0, len(starts), TOGETHER)
        )
        ahead = 2 * (os.cpu_count() or 1)
        running = deque(
            pool.submit(_apart, address, snapshot, sealed, tasks.popleft())
            for _ in range(min(ahead, len(tasks)))
        )
        while running:
            yield from running.popleft().result()
            if tasks:
                running.append(pool.submit(_apart, address, snapshot, sealed, tasks.popleft()))


def _apart(
    address: str, snapshot: str, sealed: int, wanted: Sequence[tuple[int, Sequence[int]]]
) -> list[Stretch]:
    """The same in a process of its own, seeing what the first one sees."""
    with connect(address) as connection, connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(snapshot)))
        return [look(connection, start, sealed, asked) for start, asked in wanted]
