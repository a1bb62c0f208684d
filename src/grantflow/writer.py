"""One thread that stores what is in flight, many callers' in one commit, first come first stored."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

import msgspec
import psycopg

from grantflow.connections import connect
from grantflow.domain.errors import Refused
from grantflow.recorder import CONFLICT, REPEATED, REUSED, Answer, StoredCommand, insert_commands

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from grantflow.connections import Connection

MOST_AT_ONCE = 512
"""Callers' in one statement."""
MOST_WAITING = 20_000
"""Callers kept waiting before more are refused."""
RETRY_SECONDS = 15.0
"""How long a database that left is waited for."""


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
    """More wait than can be kept waiting honestly."""

    code = "overloaded"
    status = 503

    def __init__(self) -> None:
        super().__init__("Too many are waiting. Nothing was stored; try again shortly.")


class Unavailable(Refused):
    """The database does not answer. A command sent again, with the same key, is stored at most once."""

    code = "database-unavailable"
    status = 503

    @classmethod
    def because(cls, error: object) -> Unavailable:
        """Say it with the first line of what the database said."""
        said = str(error).strip().partition("\n")[0] or "it said nothing"
        return cls(f"The database does not answer: {said}")


Asked = TypeVar("Asked")
Told = TypeVar("Told")
_Waiting: TypeAlias = "tuple[Asked, Future[Told]]"


class Writer(Generic[Asked, Told]):
    """Takes from any thread what is to be stored, and stores it on a connection of its own.

    `insert` stores what many have asked for in one commit, and says of each what became of it: what its future is told,
    or raises. When the connection is lost it is called again, and may find that it had been done.
    """

    def __init__(
        self,
        address: str,
        insert: Callable[[Connection, Sequence[Asked]], Sequence[Told | Exception]],
        name: str = "grantflow-writer",
    ) -> None:
        self._address = address
        self._insert = insert
        self._queue: queue.SimpleQueue[_Waiting[Asked, Told] | None] = queue.SimpleQueue()
        self._closing = False
        self._gate = threading.Lock()
        self._connection: Connection | None = None
        self._lost_at: float | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, asked: Asked) -> Future[Told]:
        """Queue what is asked. Cancelling its future before it is taken up means it is not stored."""
        future: Future[Told] = Future()
        with self._gate:
            if self._closing:
                msg = "The store is closed."
                raise Unavailable(msg)
            if self._queue.qsize() >= MOST_WAITING:
                raise Overloaded
            self._queue.put((asked, future))
        return future

    def close(self) -> None:
        """Take nothing more, store what waits, and let go of the connection."""
        with self._gate:
            if not self._closing:
                self._closing = True
                self._queue.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        more = True
        while more:
            batch, more = self._next()
            if batch:
                self._store(batch)
        if self._connection is not None:
            self._connection.close()

    def _next(self) -> tuple[list[_Waiting[Asked, Told]], bool]:
        """Wait for somebody, take all that have come with them, and say whether there will be more."""
        batch: list[_Waiting[Asked, Told]] = []
        item = self._queue.get()
        while item is not None:
            if item[1].set_running_or_notify_cancel():
                batch.append(item)
            if len(batch) >= MOST_AT_ONCE:
                return batch, True
            try:
                item = self._queue.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _store(self, batch: Sequence[_Waiting[Asked, Told]]) -> None:
        try:
            answers = self._stored([asked for asked, _ in batch])
        except Unavailable as error:
            for _, future in batch:
                future.set_exception(error)
        except Exception as error:  # noqa: BLE001 - one of them can't be stored, and only that one may fail
            if len(batch) == 1:
                batch[0][1].set_exception(_meaning(error))
            else:
                for waiting in batch:
                    self._store([waiting])
        else:
            for (_, future), answer in zip(batch, answers, strict=True):
                if isinstance(answer, Exception):
                    future.set_exception(answer)
                else:
                    future.set_result(answer)

    def _stored(self, together: Sequence[Asked]) -> Sequence[Told | Exception]:
        """Store what is asked; on a lost connection again, as long as there is patience."""
        while True:
            try:
                if self._connection is None:
                    self._connection = connect(self._address)
                answers = self._insert(self._connection, together)
            except psycopg.Error as error:
                if not self._lost(error):
                    raise
                self._wait(error)
            else:
                self._lost_at = None
                return answers

    def _lost(self, error: psycopg.Error) -> bool:
        """Tell whether the connection failed (or its server has become a standby), and not the statement."""
        connection, standby = self._connection, isinstance(error, psycopg.errors.ReadOnlySqlTransaction)
        if connection is None:
            return isinstance(error, psycopg.OperationalError)
        if connection.closed or standby:
            connection.close()
            self._connection = None
            return True
        return False

    def _wait(self, error: psycopg.Error) -> None:
        """Wait a little for the database; Unavailable when it has been gone for too long."""
        now = time.monotonic()
        if self._lost_at is None:
            self._lost_at = now
        if now - self._lost_at > RETRY_SECONDS:
            raise Unavailable.because(error) from error
        time.sleep(0.05)


def _meaning(error: Exception) -> Exception:
    """Make a refusal of a database that has no room or no time; anything else is a bug, and told as it is."""
    return Unavailable.because(error) if isinstance(error, psycopg.OperationalError) else error


def store_commands(connection: Connection, commands: Sequence[StoredCommand]) -> list[Appended | Exception]:
    """Store commands, in their order. Their keys see to it that nothing is stored twice."""
    return [_told(answer) for answer in insert_commands(connection, commands)]


def _told(answer: Answer) -> Appended | Exception:
    if answer.outcome == CONFLICT:
        return Conflict()
    if answer.outcome == REUSED:
        return KeyReused()
    return appended(answer)


def appended(answer: Answer) -> Appended:
    """Put an answer as the caller sees it."""
    return Appended(tuple(range(answer.first, answer.last + 1)), answer.outcome == REPEATED)
