"""Brings the read models to the end of the log, reads from them, makes them anew, and holds them against the log."""

from __future__ import annotations

import itertools
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from psycopg import sql
from psycopg.rows import dict_row

from grantflow.applying import Applying, position_of
from grantflow.aside import (
    ASIDE,
    BATCH,
    LIVE,
    Difference,
    build,
    complete,
    fill,
    fingerprint,
    only_in,
    put_in_place,
)
from grantflow.pen import create_tables, index_tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from psycopg import Connection

    from grantflow.projection import Projection, Row
    from grantflow.store import Store

_SETUP_LOCK, _REBUILD_LOCK = 7_201, 7_202


class Standing(msgspec.Struct, frozen=True):
    """How far a read model has come: its position, how many events it lacks, and what stopped it, if anything."""

    name: str
    question: str
    position: int
    lag: int
    error: str | None


class Projector:
    """Runs a set of read models on one store. Any number may run at once: each batch is applied by one of them."""

    def __init__(self, store: Store, projections: Sequence[Projection]) -> None:
        self.store = store
        self.projections = {projection.name: projection for projection in projections}
        self._applying = Applying(store, self.projections)
        self._set_up()

    def catch_up(self, *, stretches: int | None = None) -> int:
        """Bring every read model to the end of the log; returns the last position. One that failed stays behind.

        Told how many `stretches` of 2 000 events to go at most, it may stop before the end.
        """
        for _ in itertools.count() if stretches is None else range(stretches):
            standing = {s.name: s.position for s in self._standings() if s.error is None}
            if not standing:
                return self.store.last_position()
            entries = self.store.read(min(standing.values()), BATCH)
            if not entries:
                return min(standing.values())
            behind = [name for name, position in standing.items() if position < entries[-1].position]
            self._applying.apply(behind, entries)
        return min((s.position for s in self._standings() if s.error is None), default=0)

    def standings(self) -> list[Standing]:
        """Where each read model stands, by name."""
        return self._standings()

    def wait_for(self, position: int, *, seconds: float = 5.0) -> bool:
        """Wait until every read model that has not failed has reached `position`; False when time ran out."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if all(s.position >= position for s in self._standings() if s.error is None):
                return True
            time.sleep(0.02)
        return False

    def rows(self, query: str, parameters: Mapping[str, object] | None = None) -> list[Row]:
        """Rows of a SELECT over the read models' tables, which it names without a schema."""
        with self.reading() as connection:
            return connection.cursor(row_factory=dict_row).execute(sql.SQL(query), parameters).fetchall()

    @contextmanager
    def reading(self) -> Iterator[Connection[Any]]:
        """A connection that sees the read models, in one read-only transaction."""
        with self.store.connection() as connection, connection.transaction():
            connection.execute("SET TRANSACTION READ ONLY")
            connection.execute("SET LOCAL search_path = read, pg_catalog")
            yield connection

    def due(self, now: datetime) -> list[Row]:
        """What the agenda says is due at `now`."""
        return [
            row
            for p in self.projections.values()
            if p.agenda
            for row in self.rows(p.agenda.due, {"now": now})
        ]

    def next_due(self, after: datetime) -> datetime | None:
        """The first instant after `after` at which the agenda has something, or None."""
        instants: list[datetime] = [
            row["due_at"]
            for p in self.projections.values()
            if p.agenda
            for row in self.rows(p.agenda.upcoming, {"now": after})
            if row["due_at"] is not None
        ]
        return min(instants, default=None)

    def rebuild(self, *names: str) -> int:
        """Make read models anew, aside, and put them in place in one transaction. Returns their position.

        Those that are made together read the log together. While they are made, readers have the old ones.
        """
        chosen = [self.projections[name] for name in sorted(names)]
        with self.store.connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_REBUILD_LOCK,))
            made = self.store.last_position()
            build(connection, self.store, chosen, made)
            complete(connection, chosen)
            live = max(position_of(connection, projection.name, locked=True)[0] for projection in chosen)
            position = max(live, self.store.last_position())
            fill(connection, self.store, chosen, made, position)
            put_in_place(connection, chosen, position)
        return position

    def check(self, name: str, *, most: int = 20) -> list[Difference]:
        """Rebuild aside to where the read model stands and compare row by row; no difference is no row.

        Compared is what stood at one instant: all read models go on meanwhile.
        """
        projection = self.projections[name]
        with self._no_rebuild() as connection, connection.transaction(force_rollback=True):
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            live = position_of(connection, name)[0]
            build(connection, self.store, [projection], live)
            return [
                difference
                for table in projection.tables
                for sides in ((LIVE, ASIDE, "live"), (ASIDE, LIVE, "rebuilt"))
                for difference in only_in(connection, table, sides, most=most)
            ]

    @contextmanager
    def _no_rebuild(self) -> Iterator[Connection[Any]]:
        """Lend a connection. No rebuild puts other tables in place from before its first snapshot until it is back."""
        with self.store.connection() as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (_REBUILD_LOCK,))
            try:
                yield connection
            finally:
                if not connection.closed:
                    connection.execute("SELECT pg_advisory_unlock(%s)", (_REBUILD_LOCK,))

    def _set_up(self) -> None:
        """Create what is missing. Where nothing is, nothing is written: that needs no right, and no lock."""
        wanted = {name: fingerprint(projection) for name, projection in self.projections.items()}
        if wanted.items() <= self._known().items():
            return
        with self.store.connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_SETUP_LOCK,))
            connection.execute(
                "CREATE TABLE IF NOT EXISTS projection_positions ("
                "name text PRIMARY KEY, position bigint NOT NULL, fingerprint text NOT NULL, error text)"
            )
            for schema in (LIVE, ASIDE):
                connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
            for projection in self.projections.values():
                known = connection.execute(
                    "SELECT fingerprint FROM projection_positions WHERE name = %s", (projection.name,)
                ).fetchone()
                if known is None:
                    create_tables(connection, LIVE, projection.tables)
                    index_tables(connection, LIVE, projection.tables)
                    connection.execute(
                        "INSERT INTO projection_positions VALUES (%s, 0, %s, NULL)",
                        (projection.name, fingerprint(projection)),
                    )
                elif known[0] != fingerprint(projection):
                    connection.execute(
                        "UPDATE projection_positions SET error = %s WHERE name = %s",
                        ("its tables are declared differently now: rebuild it", projection.name),
                    )

    def _known(self) -> dict[str, str]:
        """The read models that the database has, each with the fingerprint of its tables."""
        with self.store.connection() as connection:
            if connection.execute("SELECT to_regclass('projection_positions') IS NULL").fetchone() == (True,):
                return {}
            return dict(connection.execute("SELECT name, fingerprint FROM projection_positions").fetchall())

    def _standings(self) -> list[Standing]:
        with self.store.connection() as connection:
            rows = connection.execute(
                "SELECT name, position, error FROM projection_positions ORDER BY name"
            ).fetchall()
        last = self.store.last_position()
        return [
            Standing(name, self.projections[name].question, position, last - position, error)
            for name, position, error in rows
            if name in self.projections
        ]
