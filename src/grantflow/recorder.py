"""Writes the log: one statement takes the lock, stores many commands in order, and gives their positions."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any
from uuid import UUID
from weakref import WeakSet

import msgspec
import psycopg
from eventsourcing.persistence import InfrastructureFactory, IntegrityError, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresFactory
from psycopg.generators import execute
from psycopg.pq import ExecStatus, Format

from grantflow.arrays import bigints, byteas, ints, texts, uuids
from grantflow.connections import Connection, Datastore
from grantflow.domain.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eventsourcing.postgres import ConnectionPool
    from eventsourcing.utils import Environment
    from psycopg.abc import PQGen
    from psycopg.pq.abc import PGresult


STORED, REPEATED, REUSED, CONFLICT = range(4)
CHANNEL = "stored_events"
"""Where PostgreSQL is heard to say that the log has grown (`LISTEN stored_events`)."""

SCHEMA_VERSION = 2
"""Raised when an older program could not work on the tables any more."""

_SCHEMA = files("grantflow").joinpath("schema.sql").read_bytes()
_SCHEMA_DIGEST = sha256(_SCHEMA).hexdigest()
_SCHEMA_LOCK = 7_199
_APPEND = b"SELECT * FROM grantflow_append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)"
_APPEND_NAME = b"grantflow_append"
_ALL_BINARY = [Format.BINARY] * 11
_PREPARED: WeakSet[Connection] = WeakSet()
"""The connections that know the statement."""


class SchemaTooNew(Refused):
    """The database has been used by a newer GrantFlow, whose tables this one does not know."""

    code = "schema-too-new"
    status = 503


class StoredCommand(msgspec.Struct, frozen=True):
    """One command's events, with its key (or none), the SHA-256 of what was asked, and what it builds on."""

    key: str
    body: bytes
    events: tuple[StoredEvent, ...]
    after: str = ""
    reads: tuple[tuple[Any, int], ...] = ()

    def heads(self) -> list[tuple[Any, int]]:
        """Name the streams it has read and those it appends to, and the version it expects next in each.

        The last event's stream comes last: that is the one that what it builds on must be the newest in.

        ValueError when the versions in a stream do not go up by one.
        """
        firsts: dict[Any, int] = {}
        nexts: dict[Any, int] = {}
        for event in self.events:
            stream, version = event.originator_id, event.originator_version
            firsts.setdefault(stream, version)
            if nexts.get(stream, version) != version:
                msg = f"In stream {stream}, version {nexts[stream]} was to come before {version}."
                raise ValueError(msg)
            nexts[stream] = version + 1
        if self.events:
            last = self.events[-1].originator_id
            firsts[last] = firsts.pop(last)
        return [*((stream, version + 1) for stream, version in self.reads), *firsts.items()]


class Answer(msgspec.Struct, frozen=True):
    """What became of one command: STORED, REPEATED, REUSED or CONFLICT, and its first and last position."""

    outcome: int
    first: int
    last: int


class Recorder(PostgresApplicationRecorder):
    """The library's recorder, with our table (no sequence: positions are gapless) and our one statement."""

    def insert_events(self, stored_events: Sequence[StoredEvent], **_: Any) -> Sequence[int] | None:  # noqa: ANN401
        """Store what `Application.save` brings, in the same statement, without a key."""
        if not stored_events:
            return []
        with self.datastore.get_connection() as connection:
            answer = insert_commands(connection, [StoredCommand("", b"", tuple(stored_events))])[0]
        if answer.outcome == CONFLICT:
            msg = "another writer was first"
            raise IntegrityError(msg)
        return range(answer.first, answer.last + 1)


class Factory(PostgresFactory):
    """The library's factory, making our recorder on our pool; it does not read the process's POSTGRES_*."""

    application_recorder_class = Recorder

    def __init__(self, env: Environment, connections: ConnectionPool[Connection]) -> None:
        InfrastructureFactory.__init__(self, env)
        self.datastore = Datastore(connections)

    def env_create_table(self) -> bool:
        """Say no: `set_up` has made the tables."""
        return False


def half(digest: bytes) -> UUID:
    """Half a SHA-256, as a command is on record: `grantflow_half` in the tables' language."""
    return UUID(bytes=digest[:16].ljust(16, b"\0"))


def on_record(key: str) -> UUID:
    """What a command's key is on record as."""
    return half(sha256(key.encode()).digest())


def insert_commands(connection: Connection, commands: Sequence[StoredCommand]) -> list[Answer]:
    """Store commands in one statement and one commit, in their order; the connection is in autocommit."""
    _send(connection, commands)
    return _answers(connection, connection.wait(execute(connection.pgconn)))


def inserting_commands(connection: Connection, commands: Sequence[StoredCommand]) -> PQGen[list[Answer]]:
    """Do so as one of psycopg's generators, which says what there is to wait for."""
    _send(connection, commands)
    return _answers(connection, (yield from execute(connection.pgconn)))


def _send(connection: Connection, commands: Sequence[StoredCommand]) -> None:
    """Send the one statement, prepared once on each connection.

    Its parameters are ready to be sent: a cursor would look each of them over again, which costs more than the rest of
    the way there and back.
    """
    heads = [command.heads() for command in commands]
    events = [event for command in commands for event in command.events]
    parameters = (
        texts(command.key for command in commands),
        byteas([command.body for command in commands]),
        texts(command.after for command in commands),
        ints(len(streams) for streams in heads),
        ints(len(command.events) for command in commands),
        uuids(stream for streams in heads for stream, _ in streams),
        bigints(version for streams in heads for _, version in streams),
        uuids(event.originator_id for event in events),  # type: ignore[misc]
        bigints(event.originator_version for event in events),
        texts(event.topic for event in events),
        byteas([event.state for event in events]),
    )
    pgconn = connection.pgconn
    if connection not in _PREPARED:
        prepared = pgconn.prepare(_APPEND_NAME, _APPEND, [type(one).array for one in parameters])
        _refuse_if_failed(connection, prepared)
        _PREPARED.add(connection)
    pgconn.send_query_prepared(_APPEND_NAME, parameters, _ALL_BINARY, result_format=Format.BINARY)


def _answers(connection: Connection, results: Sequence[PGresult]) -> list[Answer]:
    result = results[-1]
    _refuse_if_failed(connection, result)
    return [Answer(*_numbers(result, row)) for row in range(result.ntuples)]


def _refuse_if_failed(connection: Connection, result: PGresult) -> None:
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise psycopg.errors.error_from_result(result, encoding=connection.info.encoding)


def _numbers(result: PGresult, row: int) -> list[int]:
    return [int.from_bytes(result.get_value(row, column) or b"") for column in range(3)]


def set_up(connection: Connection) -> None:
    """Create what is missing. Safe when many start at once; later starts need no right to create anything."""
    if _standing(connection) == (SCHEMA_VERSION, _SCHEMA_DIGEST):
        return
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
        version, digest = _standing(connection)
        if version > SCHEMA_VERSION:
            msg = (
                f"This database has been used by a newer GrantFlow (its tables are version {version}, "
                f"this program knows {SCHEMA_VERSION}). Start the newer program."
            )
            raise SchemaTooNew(msg)
        if digest != _SCHEMA_DIGEST:
            connection.execute(_SCHEMA, prepare=False)
            connection.execute(
                "CREATE TABLE IF NOT EXISTS schema_version ("
                "version int NOT NULL, digest text NOT NULL, since timestamptz NOT NULL DEFAULT now())"
            )
            connection.execute("DELETE FROM schema_version")
            connection.execute(
                "INSERT INTO schema_version (version, digest) VALUES (%s, %s)",
                (SCHEMA_VERSION, _SCHEMA_DIGEST),
            )


def _standing(connection: Connection) -> tuple[int, str]:
    """Which tables the database has: a version and the digest of the text that made them."""
    if connection.execute("SELECT to_regclass('schema_version') IS NULL").fetchone() == (True,):
        return 0, ""
    row = connection.execute("SELECT version, digest FROM schema_version").fetchone()
    return (row[0], row[1]) if row else (0, "")
