"""Disk per event: log, commands and ledger with all their indexes, beside a bare table of the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg

from benchmarks.bench import say
from benchmarks.peers.bare import TABLE
from benchmarks.results import Figure, Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.bench import Bench
    from benchmarks.stores import Log

KEPT = ("stored_events", "commands", "ledger_leaves", "ledger_nodes", "ledger_checkpoints")
FILLED = (
    "INSERT INTO bare SELECT originator_id, originator_version, topic, state FROM stored_events "
    "ORDER BY notification_id"
)
SIZE = "SELECT pg_total_relation_size(%s::regclass)"
MODELS = (
    "SELECT c.relname, pg_total_relation_size(c.oid) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
    "WHERE n.nspname = 'read' AND c.relkind = 'r' ORDER BY 2 DESC"
)


def measure(_: Bench, log: Log) -> Iterator[Row | Figure]:
    """What the tables of one log take."""
    with psycopg.connect(log.address) as connection:

        def size(table: str) -> int:
            row = connection.execute(SIZE, (table,)).fetchone()
            return int(row[0]) if row else 0

        events = size_of_log(connection)
        connection.execute(TABLE)
        connection.execute(FILLED)
        bare = size("bare")
        connection.rollback()
        kept = {table: size(table) for table in KEPT}
        models: dict[str, int] = dict(connection.execute(MODELS).fetchall())
        (payload,) = connection.execute(
            "SELECT avg(length(state))::float8 FROM stored_events"
        ).fetchone() or (0.0,)
    say(f"disk: {sum(kept.values()) / events:,.0f} bytes an event, bare {bare / events:,.0f}")
    at = f"-{log.size}"
    yield Row(
        id=f"disk/bare{at}",
        what=f"disk an event, with indexes, commands and ledger ({events} events of {payload:.0f} bytes)",
        beside="bare table of the same bytes with its primary key",
        unit="bytes",
        ours=[sum(kept.values()) / events],
        theirs=[bare / events],
        higher_is_better=False,
    )
    for what, parts in (("kept", kept), ("read", models)):
        total = sum(parts.values())
        name = "read models" if what == "read" else "log, commands and ledger"
        yield Figure(
            id=f"disk-{what}{'-all' if what == 'read' else ''}{at}",
            what=f"disk at {events} events: {name}",
            unit="MB",
            values=[total / 1e6],
        )
        for table, took in parts.items():
            yield Figure(
                id=f"disk-{what}-{table}{at}",
                what=f"disk an event at {events} events: {table}",
                unit="bytes",
                values=[took / events],
            )


def size_of_log(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    """How many events there are."""
    row = connection.execute("SELECT count(*) FROM stored_events").fetchone()
    return int(str(row[0])) if row else 0
