"""Read models made anew: aside, while readers have the old ones, and then put in their place or compared with them."""

from __future__ import annotations

import time
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from grantflow.pen import TablePen, create_tables, index_tables
from grantflow.recorder import CHANNEL
from grantflow.turns import going_on

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection

    from grantflow.projection import Projection
    from grantflow.store import Store

LIVE, ASIDE = "read", "aside"
BATCH = 2_000
_MOST_WAITING = 50_000
_PAUSE_SECONDS = 0.05
_TOGETHER = 3
"""So many read models share one reading of the log: each remembers a row or two of every case."""


class Difference(msgspec.Struct, frozen=True):
    """A row that one of the two has and the other has not: `side` is `live` or `rebuilt`."""

    table: str
    side: str
    row: dict[str, Any]


def build(connection: Connection[Any], store: Store, projections: Sequence[Projection], until: int) -> None:
    """Make them aside from the first event up to a position. The rebuild lock is held by whoever asks for it."""
    for projection in projections:
        for table in projection.tables:
            connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(ASIDE, table)))
        create_tables(connection, ASIDE, projection.tables)
    fill(connection, store, projections, 0, until)


def fill(
    connection: Connection[Any], store: Store, projections: Sequence[Projection], after: int, until: int
) -> None:
    """Write the events after one position up to another into the tables aside."""
    if after == 0:
        _fill_by_stream(connection, store, [one for one in projections if one.by_stream], until)
        projections = [one for one in projections if not one.by_stream]
    for first in range(0, len(projections), _TOGETHER):
        _fill_in_order(connection, store, projections[first : first + _TOGETHER], after, until)


def _fill_in_order(
    connection: Connection[Any], store: Store, projections: Sequence[Projection], after: int, until: int
) -> None:
    pens = [(one, TablePen(connection, ASIDE, one.tables, empty=after == 0)) for one in projections]
    while after < until:
        entries = store.read(after, min(BATCH, until - after))
        streams = {entry.originator_id for entry in entries}
        for projection, pen in pens:
            pen.recall(streams)
            for entry in entries:
                projection.write(pen, entry)
            pen.flush(changed=pen.waiting > _MOST_WAITING)
        after = entries[-1].position
    for _, pen in pens:
        pen.flush()


def _fill_by_stream(
    connection: Connection[Any], store: Store, projections: Sequence[Projection], until: int
) -> None:
    """Write all events up to a position, one stream after the other, so that nothing is remembered for long."""
    for entries in store.by_stream(until, together=BATCH) if projections else ():
        for projection in projections:
            pen = TablePen(connection, ASIDE, projection.tables, empty=False)
            pen.fetch({entry.originator_id for entry in entries})
            for entry in entries:
                projection.write(pen, entry)
            pen.flush()


def complete(connection: Connection[Any], projections: Sequence[Projection]) -> None:
    """Give those that were made aside their further indexes, and let PostgreSQL know what is in them."""
    for projection in projections:
        index_tables(connection, ASIDE, projection.tables)
        for table in projection.tables:
            connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(ASIDE, table)))


def put_in_place(connection: Connection[Any], projections: Sequence[Projection], position: int) -> None:
    """Let what was made aside up to a position be what readers have, all at once."""
    tables = [table for projection in projections for table in projection.tables]
    _take_from_readers(connection, tables)
    for table in tables:
        connection.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(LIVE, table)))
        moved = sql.SQL("ALTER TABLE {} SET SCHEMA {}")
        connection.execute(moved.format(sql.Identifier(ASIDE, table), sql.Identifier(LIVE)))
    for projection in projections:
        connection.execute(
            "UPDATE projection_positions SET position = %s, fingerprint = %s, error = NULL WHERE name = %s",
            (position, fingerprint(projection), projection.name),
        )
    # What was stored meanwhile has rung already, and nobody carried it to a read model that had stopped.
    connection.execute(sql.SQL("NOTIFY {}").format(sql.Identifier(CHANNEL)))


def _take_from_readers(connection: Connection[Any], tables: Sequence[str]) -> None:
    """Wait until nobody reads any of these tables. Who reads several takes them in another order: each may go first."""
    there = [
        table
        for table in tables
        if connection.execute("SELECT to_regclass(%s) IS NOT NULL", (f"{LIVE}.{table}",)).fetchone()
        == (True,)
    ]
    all_of_them = sql.SQL(", ").join(sql.Identifier(LIVE, table) for table in there)
    while there:
        going_on()
        with (
            suppress(psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected),
            connection.transaction(),
        ):
            connection.execute("SET LOCAL lock_timeout = '200ms'")
            connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(all_of_them))
            connection.execute("SET LOCAL lock_timeout TO DEFAULT")
            return
        time.sleep(_PAUSE_SECONDS)


def fingerprint(projection: Projection) -> str:
    """What says that its tables are declared as they were."""
    return sha256(repr(sorted(projection.tables.items())).encode()).hexdigest()


def only_in(
    connection: Connection[Any], table: str, sides: tuple[str, str, str], *, most: int
) -> list[Difference]:
    """The rows that a table has in one schema and not in another."""
    here, there, side = sides
    query = sql.SQL("SELECT * FROM {} EXCEPT ALL SELECT * FROM {} LIMIT {}").format(
        sql.Identifier(here, table), sql.Identifier(there, table), sql.Literal(most)
    )
    rows = connection.cursor(row_factory=dict_row).execute(query).fetchall()
    return [Difference(table, side, row) for row in rows]
