"""Carries events to the read models in batches: rows and position are stored together or not at all."""

from __future__ import annotations

import itertools
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, LiteralString

import msgspec
import psycopg
import structlog
from psycopg import sql
from psycopg.rows import dict_row

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
from grantflow.pen import TablePen, create_tables, index_tables
from grantflow.turns import going_on
from grantflow.writer import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from psycopg import Connection

    from grantflow.domain.event import Entry
    from grantflow.projection import Projection, Row
    from grantflow.store import Store

log = structlog.get_logger(__name__)

_PASSING = frozenset({"08", "40", "53", "55", "57"})
"""PostgreSQL's classes of errors that pass: connection, rollback, resources, locks, an operator's intervention."""
_NO_HASTE = "SET LOCAL synchronous_commit = off"
"""Rows and position go together: what a crash takes of them is computed again, so that nobody waits for the disk."""
_SETUP_LOCK, _REBUILD_LOCK = 7_201, 7_202
_POSITION = "SELECT position, error FROM projection_positions WHERE name = %s"


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
            if not self._applied_together(behind, entries):
                for name in behind:
                    going_on()
                    self._apply(self.projections[name], entries)
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
            live = max(self._locked(connection, projection.name)[0] for projection in chosen)
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
            live = self._position(connection, name)[0]
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

    def _locked(self, connection: Connection[Any], name: str) -> tuple[int, str | None]:
        return self._position(connection, name, _POSITION + " FOR UPDATE")

    def _position(
        self, connection: Connection[Any], name: str, query: LiteralString = _POSITION
    ) -> tuple[int, str | None]:
        row = connection.execute(query, (name,)).fetchone()
        if row is None:
            msg = f"The read model {name} has no position."
            raise LookupError(msg)
        return row[0], row[1]

    def _applied_together(self, names: Sequence[str], entries: Sequence[Entry]) -> bool:
        """Bring several read models a batch further in one transaction; False, and nothing done, if one fails."""
        going_on()
        try:
            with self.store.connection() as connection, connection.transaction():
                connection.execute(_NO_HASTE)
                standing = connection.execute(
                    "SELECT name, position FROM projection_positions "
                    "WHERE name = ANY(%s) AND error IS NULL ORDER BY name FOR UPDATE",
                    (list(names),),
                ).fetchall()
                for name, position in standing:
                    self._write(connection, self.projections[name], entries, position)
        except Exception as error:  # noqa: BLE001 - which of them it is, and why, shows when they go one by one
            if passing := _passing(error):
                raise passing from None
            return False
        return True

    def _apply(self, projection: Projection, entries: Sequence[Entry]) -> None:
        try:
            self._apply_batch(projection, entries)
        except Exception as error:  # noqa: BLE001 - whatever a read model does, only it may stop
            if passing := _passing(error):
                raise passing from None
            self._apply_one_by_one(projection, entries)

    def _apply_batch(self, projection: Projection, entries: Sequence[Entry]) -> None:
        with self.store.connection() as connection, connection.transaction():
            connection.execute(_NO_HASTE)
            position, error = self._locked(connection, projection.name)
            if error is None:
                self._write(connection, projection, entries, position)

    def _write(
        self, connection: Connection[Any], projection: Projection, entries: Sequence[Entry], position: int
    ) -> None:
        """Write what comes after a position, and the new one, in the transaction that has locked the old."""
        todo = [entry for entry in entries if entry.position > position]
        if not todo or todo[0].position != position + 1:
            return
        pen = TablePen(connection, LIVE, projection.tables, empty=False)
        pen.fetch({entry.originator_id for entry in todo})
        for entry in todo:
            projection.write(pen, entry)
        pen.flush()
        connection.execute(
            "UPDATE projection_positions SET position = %s WHERE name = %s",
            (todo[-1].position, projection.name),
        )

    def _apply_one_by_one(self, projection: Projection, entries: Sequence[Entry]) -> None:
        for entry in entries:
            going_on()
            try:
                self._apply_batch(projection, [entry])
            except Exception as error:
                if passing := _passing(error):
                    raise passing from None
                reason = (
                    f"at position {entry.position} ({entry.event.topic}): {type(error).__name__}: {error}"
                )
                log.exception(
                    "projection-stopped", projection=projection.name, position=entry.position, reason=reason
                )
                with self.store.connection() as connection:
                    connection.execute(
                        "UPDATE projection_positions SET error = %s WHERE name = %s AND position < %s",
                        (reason, projection.name, entry.position),
                    )
                return


def _passing(error: Exception) -> Unavailable | None:
    """The refusal where the database had no time, room or connection just then; None where the read model failed."""
    if isinstance(error, Unavailable):
        return error
    if not isinstance(error, psycopg.OperationalError) or (error.sqlstate or "08")[:2] not in _PASSING:
        return None
    return Unavailable.because(error)
