"""The log of all that happened: appends with group commit, reads in order, and the documents beside it."""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import UUID
from weakref import WeakValueDictionary

import msgspec
import psycopg
from eventsourcing.application import Application
from eventsourcing.utils import Environment

from grantflow.connections import Connection, connect, pool
from grantflow.domain.errors import NotFound
from grantflow.domain.event import Entry
from grantflow.loop_writer import LoopWriter
from grantflow.mapper import EventMapper
from grantflow.outcomes import (
    Appended,
    Conflict,
    KeyReused,
    Overloaded,
    Unavailable,
    appended,
    store_commands,
    storing_commands,
)
from grantflow.recorder import CHANNEL, REPEATED, Answer, Factory, StoredCommand, half, on_record, set_up
from grantflow.warming import warm_up

if TYPE_CHECKING:
    import asyncio
    from asyncio import AbstractEventLoop
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from eventsourcing.persistence import InfrastructureFactory
    from eventsourcing.utils import EnvType


__all__ = ["Append", "Appended", "Conflict", "KeyReused", "Overloaded", "Store", "Unavailable"]

LINE_SECONDS = 20
"""The longest anybody stands in line for a stream."""
_IN_LINE = "SELECT set_config('lock_timeout', %s, false), pg_advisory_lock(%s)"

_ANSWERED = "SELECT body, first_position, last_position FROM commands WHERE key = %s"
_LOG = "SELECT originator_id, originator_version, topic, state, notification_id FROM stored_events "
_LOAD = _LOG + "WHERE originator_id = %s AND originator_version > %s ORDER BY originator_version"
_READ_OF = _LOG + "WHERE originator_id = ANY(%s) AND notification_id > %s ORDER BY notification_id LIMIT %s"
_BY_STREAM = (
    _LOG + "WHERE (originator_id, originator_version) > (%s, %s) AND notification_id <= %s "
    "ORDER BY originator_id, originator_version LIMIT %s"
)
_READ = _LOG + "WHERE notification_id > %s ORDER BY notification_id LIMIT %s"


class Append(msgspec.Struct, frozen=True):
    """One command's outcome, to be stored whole or not at all.

    `key` is its idempotency key, `body` the SHA-256 of what was asked. `entries` may span streams, each
    stream's versions going up by one; the last entry is the one the receipt speaks of.

    `reads` are further streams that were looked at, each with the version it had then (0: nothing in it): when one has
    gone on since, this is a Conflict.

    `after` is for outcomes decided on one that is still in flight: that command's key. Its last entry must
    then be the newest in this one's stream, or this is a Conflict: a version that fits by chance is not enough.
    """

    key: str
    body: bytes
    entries: tuple[Entry, ...]
    after: str = ""
    reads: tuple[tuple[UUID, int], ...] = ()


class Store(Application[UUID]):
    """eventsourcing's application on PostgreSQL, with a writer of our own.

    Safe to use from many threads. Not across a fork: open one in each process, after forking. `library` is
    what the library is to be told of compression and encryption (COMPRESSOR_TOPIC, CIPHER_TOPIC, CIPHER_KEY);
    it does not read the process's environment. Unavailable when the database can't be reached.
    """

    name = "stored"

    def __init__(
        self, database_url: str, *, readers: int = 8, library: Mapping[str, str] | None = None
    ) -> None:
        warm_up()
        self.database_url = database_url
        self._library = dict(library or {})
        try:
            with connect(database_url) as connection:
                set_up(connection)
        except psycopg.OperationalError as error:
            raise Unavailable.because(error) from error
        self._pool = pool(database_url, most=readers)
        self._lines = pool(database_url, most=4, least=0)
        super().__init__()
        self._writer = LoopWriter(database_url, store_commands, storing_commands)
        self._queues: WeakValueDictionary[UUID, threading.Lock] = WeakValueDictionary()
        self._queues_lock = threading.Lock()

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """Give the library our settings, and not the process's."""
        return Environment(name, {**self._library, **(env or {})})

    def construct_factory(self, env: Environment) -> InfrastructureFactory:
        """Make the library's factory, on our pool."""
        factory: InfrastructureFactory[Any] = Factory(env, self._pool)
        return factory

    def construct_mapper(self) -> EventMapper:
        """Make our mapper, with the library's compressor and cipher."""
        self._mapper = EventMapper(self.factory.compressor(), self.factory.cipher())
        return self._mapper

    def append(self, append: Append, whose: str = "") -> Future[Appended]:
        """Store a command's outcome together with all that is in flight; the future is done when it is kept.

        Those in whose name something waits take turns; what waits in one name is stored in the order it came.

        The future raises Conflict, KeyReused or Unavailable. Overloaded and Unavailable (closed) are raised at once,
        and ValueError for entries that can't be one command's.
        """
        return self._writer.put(self._command(append), whose)

    def append_from(
        self, loop: AbstractEventLoop, append: Append, whose: str = ""
    ) -> asyncio.Future[Appended]:
        """Store it as `append` does, for somebody on an event loop: the future is that loop's own."""
        return self._writer.put_from(loop, self._command(append), whose)

    def keep(self, append: Append, whose: str = "") -> Appended:
        """Store it as `append` does, and wait for it; what its future would raise is raised."""
        return self._writer.keep(self._command(append), whose)

    def _command(self, append: Append) -> StoredCommand:
        command = StoredCommand(
            append.key,
            append.body,
            tuple(map(self._mapper.to_stored_event, append.entries)),
            append.after,
            append.reads,
        )
        if not command.key or not command.events:
            msg = "An append has a key and at least one entry."
            raise ValueError(msg)
        command.heads()
        return command

    def answered(self, key: str, body: bytes) -> Appended | None:
        """Find the answer a key got before; None when it is new, KeyReused when it was for something else."""
        rows = self._rows(_ANSWERED, (on_record(key),))
        if not rows:
            return None
        if rows[0][0] != half(body):
            raise KeyReused
        return appended(Answer(REPEATED, rows[0][1], rows[0][2]))

    def load(self, stream: UUID, after_version: int = 0) -> list[Entry]:
        """Read a stream's entries after a version, in order."""
        return self._entries(self._rows(_LOAD, (stream, after_version)))

    def read(self, after: int, limit: int) -> list[Entry]:
        """Read the log after a position, in order."""
        return self._entries(self._rows(_READ, (after, limit)))

    def read_of(self, streams: Sequence[UUID], after: int, limit: int) -> list[Entry]:
        """Read what the log has of these streams after a position, in order."""
        return self._entries(self._rows(_READ_OF, (list(streams), after, limit)))

    def by_stream(self, until: int, *, together: int) -> Iterator[list[Entry]]:
        """Read the log up to a position one stream after the other, so many entries at a time."""
        stream, version = UUID(int=0), 0
        while entries := self._entries(self._rows(_BY_STREAM, (stream, version, until, together))):
            yield entries
            stream, version = entries[-1].originator_id, entries[-1].originator_version

    def everything(self, *, together: int = 5_000) -> Iterator[Entry]:
        """Read the whole log in order, so many entries at a time."""
        after = 0
        while entries := self.read(after, together):
            yield from entries
            after = entries[-1].position

    def entry(self, position: int) -> Entry:
        """Read the entry at a position; NotFound when the log is shorter."""
        entries = self.read(position - 1, 1)
        if not entries or position < 1:
            msg = f"The log has no position {position}."
            raise NotFound(msg)
        return entries[0]

    def digest(self, position: int) -> str:
        """The SHA-256 of the entry at a position, as it was stored: upcasting changes what is read, never this."""
        rows = self._rows(_READ, (position - 1, 1))
        if not rows or position < 1:
            msg = f"The log has no position {position}."
            raise NotFound(msg)
        return sha256(self._mapper.body(rows[0][3])).hexdigest()

    @property
    def library(self) -> dict[str, str]:
        """What the library was told, for opening the same store in another process."""
        return dict(self._library)

    def entry_of(self, stream: UUID, version: int, topic: str, state: bytes, position: int) -> Entry:
        """Read one row; eventsourcing's MapperDeserialisationError when it can't be."""
        return self._mapper.entry(stream, version, topic, state, position)

    def body(self, state: bytes) -> bytes:
        """The JSON in a stored state, decrypted and decompressed where it is."""
        return self._mapper.body(state)

    def last_position(self) -> int:
        """Read the position of the newest event, 0 for an empty log."""
        return int(self._rows("SELECT coalesce(max(notification_id), 0) FROM stored_events")[0][0])

    def wait(self, after: int, seconds: float) -> int:
        """Wait until the log goes on after a position, or time is up; give the last position by then."""
        last = self.last_position()
        if last > after or seconds <= 0:
            return last
        give_up = time.monotonic() + seconds
        try:
            with connect(self.database_url) as listening:
                listening.execute(f"LISTEN {CHANNEL}")
                while (last := self.last_position()) <= after and (left := give_up - time.monotonic()) > 0:
                    for _ in listening.notifies(timeout=left, stop_after=1):
                        pass
        except psycopg.OperationalError as error:
            raise Unavailable.because(error) from error
        return last

    def put_document(self, digest: str, media_type: str, content: bytes) -> None:
        """Keep a document under its digest. Keeping it again changes nothing."""
        with self.connection() as connection:
            connection.execute(
                "INSERT INTO documents VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (digest, media_type, len(content), content),
            )

    def get_document(self, digest: str) -> tuple[str, bytes]:
        """Read a document's media type and bytes; NotFound when there is none."""
        rows = self._rows("SELECT media_type, content FROM documents WHERE digest = %s", (digest,))
        if not rows:
            msg = f"No document has the digest {digest}."
            raise NotFound(msg)
        return rows[0][0], rows[0][1]

    @contextmanager
    def connection(self) -> Iterator[Connection]:
        """Lend a connection in autocommit; Unavailable when there is none to be had, or it is lost."""
        connection: Connection | None = None
        try:
            with self._pool.connection() as connection:
                yield connection
        except psycopg.OperationalError as error:
            if connection is None or connection.closed:
                raise Unavailable.because(error) from error
            raise

    @contextmanager
    def exclusive(self, stream: UUID) -> Iterator[None]:
        """Stand in line for a stream that many want to write: in this process first, then across processes.

        The line is a courtesy, kept for LINE_SECONDS at most. What keeps a stream whole is its version,
        checked when storing.
        """
        with self._queues_lock:
            queue = self._queues.setdefault(stream, threading.Lock())
        first = queue.acquire(timeout=LINE_SECONDS)
        try:
            with self._ahead_of_others(stream):
                yield
        finally:
            if first:
                queue.release()

    def close(self) -> None:
        """Store what is in flight, refuse the rest, and let go of the database."""
        for part in ("_writer", "_lines", "_pool"):  # of one that could not be made, only some are there
            if hasattr(self, part):
                getattr(self, part).close()

    @contextmanager
    def _ahead_of_others(self, stream: UUID) -> Iterator[None]:
        key = int.from_bytes(stream.bytes[:8], signed=True) ^ int.from_bytes(stream.bytes[8:], signed=True)
        try:
            connection = self._lines.getconn()
        except psycopg.OperationalError as error:
            raise Unavailable.because(error) from error
        try:
            with suppress(psycopg.OperationalError):
                connection.execute(_IN_LINE, (f"{LINE_SECONDS}s", key), prepare=True)
            yield
        finally:
            with suppress(psycopg.OperationalError):
                connection.execute("SELECT pg_advisory_unlock_all()", prepare=True)
            self._lines.putconn(connection)

    def _rows(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        with self.connection() as connection:
            return connection.execute(query, parameters, prepare=True, binary=True).fetchall()

    def _entries(self, rows: Sequence[tuple[Any, ...]]) -> list[Entry]:
        entry = self._mapper.entry
        return [entry(*row) for row in rows]
