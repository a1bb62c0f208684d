"""Writes stretches of the log into the read models: rows and position are stored together or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import psycopg
import structlog

from grantflow.aside import LIVE
from grantflow.outcomes import Unavailable
from grantflow.pen import TablePen
from grantflow.turns import going_on

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from psycopg import Connection

    from grantflow.domain.event import Entry
    from grantflow.projection import Projection
    from grantflow.store import Store

log = structlog.get_logger(__name__)

_PASSING = frozenset({"08", "40", "53", "55", "57"})
"""PostgreSQL's classes of errors that pass: connection, rollback, resources, locks, an operator's intervention."""
_NO_HASTE = "SET LOCAL synchronous_commit = off"
"""Rows and position go together: what a crash takes of them is computed again, so that nobody waits for the disk."""
_POSITION = "SELECT position, error FROM projection_positions WHERE name = %s"
_LOCKED = _POSITION + " FOR UPDATE"


class Applying:
    """Brings the live read models of one store on. Any number may try at once: each batch is applied by one of them."""

    def __init__(self, store: Store, projections: Mapping[str, Projection]) -> None:
        self._store, self._projections = store, projections

    def apply(self, names: Sequence[str], entries: Sequence[Entry]) -> None:
        """Bring these read models on by a stretch of the log, together where none of them fails.

        One that fails is stopped at the event that it fails at, with the reason. Unavailable when the database has no
        time for it.
        """
        if not self._applied_together(names, entries):
            for name in names:
                going_on()
                self._apply(self._projections[name], entries)

    def _applied_together(self, names: Sequence[str], entries: Sequence[Entry]) -> bool:
        """Bring several read models a batch further in one transaction; False, and nothing done, if one fails."""
        going_on()
        try:
            with self._store.connection() as connection, connection.transaction():
                connection.execute(_NO_HASTE)
                standing = connection.execute(
                    "SELECT name, position FROM projection_positions "
                    "WHERE name = ANY(%s) AND error IS NULL ORDER BY name FOR UPDATE",
                    (list(names),),
                ).fetchall()
                for name, position in standing:
                    self._write(connection, self._projections[name], entries, position)
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
        with self._store.connection() as connection, connection.transaction():
            connection.execute(_NO_HASTE)
            position, error = position_of(connection, projection.name, locked=True)
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
                with self._store.connection() as connection:
                    connection.execute(
                        "UPDATE projection_positions SET error = %s WHERE name = %s AND position < %s",
                        (reason, projection.name, entry.position),
                    )
                return


def position_of(connection: Connection[Any], name: str, *, locked: bool = False) -> tuple[int, str | None]:
    """Where a read model stands, and what stopped it, if anything; `locked` until the transaction ends."""
    row = connection.execute(_LOCKED if locked else _POSITION, (name,)).fetchone()
    if row is None:
        msg = f"The read model {name} has no position."
        raise LookupError(msg)
    return row[0], row[1]


def _passing(error: Exception) -> Unavailable | None:
    """The refusal where the database had no time, room or connection just then; None where the read model failed."""
    if isinstance(error, Unavailable):
        return error
    if not isinstance(error, psycopg.OperationalError) or (error.sqlstate or "08")[:2] not in _PASSING:
        return None
    return Unavailable.because(error)
