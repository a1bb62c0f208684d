"""Writes and reads the log: one statement that takes the lock, stores many commands, and gives their positions."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import msgspec
from eventsourcing.persistence import IntegrityError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresFactory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg import Connection

STORED, REPEATED, REUSED, CONFLICT = range(4)
_SETUP_LOCK = 7_199
_APPEND = "SELECT * FROM grantflow_append(%b, %b, %b, %b, %b, %b, %b)"


class StoredCommand(msgspec.Struct, frozen=True):
    """One command's stored events, with its key (empty: none) and the SHA-256 of what was asked."""

    key: str
    body: bytes
    events: tuple[StoredEvent, ...]


class Answer(msgspec.Struct, frozen=True):
    """What became of one command: STORED, REPEATED, REUSED or CONFLICT, and its first and last position."""

    outcome: int
    first: int
    last: int


class Recorder(PostgresApplicationRecorder):
    """The library's recorder, with our table (no sequence: positions are gapless) and our one insert."""

    def create_table(self) -> None:
        """Create what is missing. Safe when many processes start at once."""
        with self.datastore.get_connection() as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_SETUP_LOCK,))
            if connection.execute("SELECT to_regclass('grantflow_schema')::text AS name").fetchone() != {
                "name": None
            }:
                row = connection.execute("SELECT digest FROM grantflow_schema").fetchone()
                if row == {"digest": _SCHEMA_DIGEST}:
                    return
            connection.execute(_SCHEMA, prepare=False)
            connection.execute("CREATE TABLE IF NOT EXISTS grantflow_schema (digest text NOT NULL)")
            connection.execute("DELETE FROM grantflow_schema")
            connection.execute("INSERT INTO grantflow_schema VALUES (%s)", (_SCHEMA_DIGEST,))

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:  # noqa: ANN401
        """The library's way in, for `Application.save`: the same statement, without a key."""
        if not stored_events:
            return []
        with self.datastore.get_connection() as connection:
            answer = self.insert_commands(connection, [StoredCommand("", b"", tuple(stored_events))])[0]
        if answer.outcome == CONFLICT:
            msg = "another writer was first"
            raise IntegrityError(msg)
        return range(answer.first, answer.last + 1)

    def insert_commands(self, connection: Connection[Any], commands: Sequence[StoredCommand]) -> list[Answer]:
        """Store commands in one statement and one commit; the connection is in autocommit."""
        events = [(n, event) for n, command in enumerate(commands, start=1) for event in command.events]
        parameters = (
            [command.key for command in commands],
            [command.body for command in commands],
            [owner for owner, _ in events],
            [event.originator_id for _, event in events],
            [event.originator_version for _, event in events],
            [event.topic for _, event in events],
            [event.state for _, event in events],
        )
        rows = connection.execute(_APPEND, parameters, prepare=True).fetchall()
        return [Answer(row["outcome"], row["first_position"] or 0, row["last_position"] or 0) for row in rows]

    def answered(self, key: str) -> tuple[bytes, Answer] | None:
        """What a key was used for, and the answer it got; None when it is new."""
        with self.datastore.get_connection() as connection:
            row = connection.execute(
                "SELECT body, first_position, last_position FROM commands WHERE key = %s",
                (key,),
                prepare=True,
            ).fetchone()
        return (
            (bytes(row["body"]), Answer(REPEATED, row["first_position"], row["last_position"]))
            if row
            else None
        )


class Factory(PostgresFactory):
    """The library's factory, making our recorder."""

    application_recorder_class = Recorder


_SCHEMA = files("grantflow").joinpath("schema.sql").read_bytes()
_SCHEMA_DIGEST = sha256(_SCHEMA).hexdigest()
