"""The log of everything that happened: appends with group commit, reads in order, and the documents beside it."""

from __future__ import annotations

import threading
import time
from collections import deque
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import psycopg
from eventsourcing.application import Application
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool

from grantflow.domain.errors import NotFound, Refused
from grantflow.domain.event import Entry
from grantflow.mapper import EventMapper
from grantflow.recorder import CONFLICT, REPEATED, REUSED, Answer, Factory, Recorder, StoredCommand

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from eventsourcing.persistence import InfrastructureFactory, Mapper
    from eventsourcing.utils import Environment

MOST_AT_ONCE = 512
MOST_WAITING = 20_000
RETRY_SECONDS = 15.0


class Append(msgspec.Struct, frozen=True):
    """One command's outcome, to be stored whole or not at all.

    `key` is its idempotency key, `body` the SHA-256 of what was asked. `entries` may span streams, each stream's
    versions going up by one; the last entry is the one the receipt speaks of.
    """

    key: str
    body: bytes
    entries: tuple[Entry, ...]


class Appended(msgspec.Struct, frozen=True):
    """Where the entries stand in the log; `repeated` when the key had been answered before, there."""

    positions: tuple[int, ...]
    repeated: bool = False


class Conflict(Exception):  # noqa: N818 - what happened, not a fault
    """Another writer has taken a place in one of the streams: load, decide again."""


class KeyReused(Refused):
    """An idempotency key came again with another content."""

    code = "idempotency-key-reused"
    status = 422

    def __init__(self) -> None:
        super().__init__("This idempotency key was used for something else. Use a new key for a new command.")


class Overloaded(Refused):
    """More commands wait than can be kept waiting honestly."""

    code = "overloaded"
    status = 503

    def __init__(self) -> None:
        super().__init__("Too many commands are waiting. Nothing was stored; try again shortly.")


class Unavailable(Refused):
    """The database does not answer; whether the command was stored is learnt by sending it again with the same key."""

    code = "database-unavailable"
    status = 503


class Store(Application[UUID]):
    """eventsourcing's application on PostgreSQL, with a writer of our own. Safe to use from many threads, not forks."""

    name = "stored"

    def __init__(self, database_url: str, *, readers: int = 8) -> None:
        self.database_url = database_url
        self._pool = ConnectionPool(
            database_url, min_size=1, max_size=readers, kwargs={"autocommit": True}, open=True, timeout=30
        )
        super().__init__(env=_library_settings(database_url))
        self._writer = Writer(database_url, self._recorder)
        self._queues: dict[UUID, threading.Lock] = {}
        self._queues_lock = threading.Lock()

    def construct_factory(self, env: Environment) -> InfrastructureFactory:
        return Factory(env)  # type: ignore[return-value]

    def construct_mapper(self) -> Mapper[UUID]:
        return EventMapper(self.factory.compressor(), self.factory.cipher())

    @property
    def _recorder(self) -> Recorder:
        return self.recorder  # type: ignore[return-value]

    @property
    def _mapper(self) -> EventMapper:
        return self.mapper  # type: ignore[return-value]

    def append(self, append: Append) -> Future[Appended]:
        """Store a command's outcome together with all that is in flight; the future is done when it is durable.

        The future raises Conflict, KeyReused or Unavailable. Overloaded is raised at once.
        """
        events = tuple(map(self._mapper.to_stored_event, append.entries))
        return self._writer.put(StoredCommand(append.key, append.body, events))

    def answered(self, key: str, body: bytes) -> Appended | None:
        """The answer a key got before; None when it is new, KeyReused when it was for something else."""
        known = self._recorder.answered(key)
        if known is None:
            return None
        if known[0] != body:
            raise KeyReused
        return _appended(known[1])

    def load(self, stream: UUID, after_version: int = 0) -> list[Entry]:
        """A stream's entries after a version, in order (without positions)."""
        return list(self.events.get(stream, gt=after_version))  # type: ignore[arg-type]

    def read(self, after: int, limit: int) -> list[Entry]:
        """The log after a position, in order."""
        with self.connection() as connection:
            rows = connection.execute(
                "SELECT originator_id, originator_version, topic, state, notification_id FROM stored_events "
                "WHERE notification_id > %s ORDER BY notification_id LIMIT %s",
                (after, limit),
                prepare=True,
                binary=True,
            ).fetchall()
        mapper = self._mapper
        return [Entry(row[0], row[1], mapper.event(row[2], mapper.plain(row[3])), row[4]) for row in rows]

    def entry(self, position: int) -> Entry:
        """The entry at a position; NotFound when the log is shorter."""
        entries = self.read(position - 1, 1)
        if not entries:
            msg = f"The log has no position {position}."
            raise NotFound(msg)
        return entries[0]

    def last_position(self) -> int:
        """The position of the newest event, 0 for an empty log."""
        with self.connection() as connection:
            row = connection.execute("SELECT coalesce(max(notification_id), 0) FROM stored_events").fetchone()
        return int(row[0]) if row else 0

    def put_document(self, digest: str, media_type: str, content: bytes) -> None:
        """Keep a document under its digest. Keeping it again changes nothing."""
        with self.connection() as connection:
            connection.execute(
                "INSERT INTO documents VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
                (digest, media_type, len(content), content),
            )

    def get_document(self, digest: str) -> tuple[str, bytes]:
        """A document's media type and bytes; NotFound when there is none."""
        with self.connection() as connection:
            row = connection.execute(
                "SELECT media_type, content FROM documents WHERE digest = %s", (digest,)
            ).fetchone()
        if row is None:
            msg = f"No document has the digest {digest}."
            raise NotFound(msg)
        return row[0], bytes(row[1])

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """A connection of the store's own pool, in autocommit."""
        try:
            with self._pool.connection() as connection:
                yield connection
        except psycopg.OperationalError as error:
            msg = f"The database does not answer: {error}"
            raise Unavailable(msg) from error

    @contextmanager
    def exclusive(self, stream: UUID) -> Iterator[None]:
        """Stand in line for a stream that many want to write: in this process first, then across processes.

        The line is a courtesy; what keeps a stream whole is its version, checked when storing.
        """
        with self._queues_lock:
            queue = self._queues.setdefault(stream, threading.Lock())
        key = int.from_bytes(stream.bytes[:8], signed=True)
        with queue, self.connection() as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", (key,))
            try:
                yield
            finally:
                connection.execute("SELECT pg_advisory_unlock(%s)", (key,))

    def close(self) -> None:
        """Store what is in flight, refuse the rest, and let go of the database."""
        if hasattr(self, "_writer"):
            self._writer.close()
        self._pool.close()
        super().close()


class Writer:
    """One thread that stores what is in flight, many commands a commit; first come, first stored."""

    def __init__(self, database_url: str, recorder: Recorder) -> None:
        self._url, self._recorder = database_url, recorder
        self._waiting: deque[tuple[StoredCommand, Future[Appended]]] = deque()
        self._changed = threading.Condition()
        self._closing = False
        self._connection: psycopg.Connection[Any] | None = None
        self._thread = threading.Thread(target=self._run, name="grantflow-writer", daemon=True)
        self._thread.start()

    def put(self, command: StoredCommand) -> Future[Appended]:
        future: Future[Appended] = Future()
        with self._changed:
            if self._closing or len(self._waiting) >= MOST_WAITING:
                raise Overloaded
            self._waiting.append((command, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        if self._connection is not None:
            self._connection.close()

    def _run(self) -> None:
        while batch := self._next():
            commands = [command for command, _ in batch]
            try:
                answers = self._store(commands)
            except psycopg.OperationalError as error:
                for _, future in batch:
                    future.set_exception(Unavailable(f"The database does not answer: {error}"))
            except psycopg.Error:
                self._one_by_one(batch)
            except BaseException as error:  # noqa: BLE001 - nobody may wait forever for a future
                for _, future in batch:
                    future.set_exception(error)
            else:
                for (_, future), answer in zip(batch, answers, strict=True):
                    _settle(future, answer)

    def _next(self) -> list[tuple[StoredCommand, Future[Appended]]]:
        """What to store now: all that waits, but only the first of those that share a stream or a key."""
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            batch: list[tuple[StoredCommand, Future[Appended]]] = []
            taken: set[object] = set()
            while self._waiting and len(batch) < MOST_AT_ONCE:
                command = self._waiting[0][0]
                touched = {command.key, *(event.originator_id for event in command.events)} - {""}
                if taken & touched:
                    break
                taken |= touched
                batch.append(self._waiting.popleft())
            return batch

    def _store(self, commands: Sequence[StoredCommand]) -> list[Answer]:
        """Store a batch; a lost connection is tried again, and the keys see to it that nothing is stored twice."""
        give_up = time.monotonic() + RETRY_SECONDS
        while True:
            try:
                if self._connection is None or self._connection.closed:
                    self._connection = psycopg.connect(self._url, autocommit=True, row_factory=dict_row)
                return self._recorder.insert_commands(self._connection, commands)
            except psycopg.OperationalError:
                if self._connection is not None:
                    self._connection.close()
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.1)

    def _one_by_one(self, batch: Sequence[tuple[StoredCommand, Future[Appended]]]) -> None:
        """Something in the batch can't be stored: then each goes alone, and only that one fails."""
        for command, future in batch:
            try:
                _settle(future, self._store([command])[0])
            except psycopg.Error as error:
                future.set_exception(error)


def _settle(future: Future[Appended], answer: Answer) -> None:
    if answer.outcome == CONFLICT:
        future.set_exception(Conflict())
    elif answer.outcome == REUSED:
        future.set_exception(KeyReused())
    else:
        future.set_result(_appended(answer))


def _appended(answer: Answer) -> Appended:
    return Appended(tuple(range(answer.first, answer.last + 1)), answer.outcome == REPEATED)


def _library_settings(database_url: str) -> dict[str, str]:
    """What the library asks of its environment, from one URL; its own database functions stay off, always."""
    parts = conninfo_to_dict(database_url)
    return {
        "PERSISTENCE_MODULE": "eventsourcing.postgres",
        "POSTGRES_DBNAME": str(parts.get("dbname", "")),
        "POSTGRES_HOST": str(parts.get("host", "")),
        "POSTGRES_PORT": str(parts.get("port") or "5432"),
        "POSTGRES_USER": str(parts.get("user", "")),
        "POSTGRES_PASSWORD": str(parts.get("password", "")),
        "POSTGRES_POOL_SIZE": "1",
        "POSTGRES_MAX_OVERFLOW": "7",
        "POSTGRES_ENABLE_DB_FUNCTIONS": "n",
    }
