"""Stores what is in flight, many callers' in one commit, first come first stored."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

import psycopg
import structlog

from grantflow.connections import connect
from grantflow.outcomes import Overloaded, Unavailable
from grantflow.taking_turns import Turns

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from grantflow.connections import Connection

log = structlog.get_logger(__name__)

MOST_AT_ONCE = 512
"""Callers' in one statement."""
MOST_WAITING = 20_000
"""Callers kept waiting before more are refused."""
RETRY_SECONDS = 15.0
"""How long a database that left is waited for."""
LOOK_SECONDS = 1.0
"""How often the writer's thread looks whether whoever stores is still there."""


Asked = TypeVar("Asked")
Told = TypeVar("Told")
Outcome_contra = TypeVar("Outcome_contra", contravariant=True)


class Answered(Protocol[Outcome_contra]):
    """What is told what became of something asked: a `Future`, or what stands for one."""

    def set_running_or_notify_cancel(self) -> bool:
        """Whether somebody still waits for it."""

    def done(self) -> bool:
        """Whether it was told."""

    def set_result(self, result: Outcome_contra, /) -> None:
        """Tell it the outcome."""

    def set_exception(self, exception: Exception, /) -> None:
        """Tell it that it failed."""


class Writer(Generic[Asked, Told]):
    """Takes from any thread what is to be stored, and stores it on a connection of its own.

    `insert` stores what many have asked for in one commit, and says of each what became of it: what its future is told,
    or raises. When the connection is lost it is called again, and may find that it had been done.

    One at a time stores: whoever comes alone and can wait does it by itself, without a thread being woken for it; for
    all others a thread of the writer's own does. Each asks in somebody's name (`whose`), and these take turns, so that
    a flood of one's commands makes nobody else wait; what is asked in one name is stored in the order it was asked.
    """

    def __init__(
        self,
        address: str,
        insert: Callable[[Connection, Sequence[Asked]], Sequence[Told | Exception]],
        name: str = "grantflow-writer",
    ) -> None:
        self._address = address
        self._insert = insert
        self._waiting: Turns[tuple[Asked, Answered[Told]]] = Turns()
        self._batch: list[tuple[Asked, Answered[Told]]] = []
        self._leader: object | None = None
        """The thread of the writer's own, or the future of whoever stores by itself."""
        self._closing = False
        self._gate = threading.Lock()
        self._called = threading.Semaphore(0)
        self._connection: Connection | None = None
        self._lost_at: float | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, asked: Asked, whose: str = "") -> Future[Told]:
        """Queue what is asked. Cancelling its future before it is taken up means it is not stored."""
        future: Future[Told] = Future()
        if self._queued(asked, future, whose) is None:
            self._called.release()
        return future

    def keep(self, asked: Asked, whose: str = "") -> Told:
        """Store what is asked and wait for it: here and now, if nobody else is at it."""
        future: Future[Told] = Future()
        self._look(waits=True)
        try:
            if self._queued(asked, future, whose, at_it=future) is future:
                self._lead(future)
        except BaseException:
            self._broken_off(future)
            raise
        return future.result()

    def close(self) -> None:
        """Take nothing more, store what waits, and let go of the connection."""
        with self._gate:
            self._closing = True
        self._look(waits=True)
        self._called.release()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _queued(
        self, asked: Asked, answered: Answered[Told], whose: str, *, at_it: object | None = None
    ) -> object | None:
        """Queue it, and tell who stores; who is `at_it` from now on, if nobody was."""
        with self._gate:
            if self._closing:
                msg = "The store is closed."
                raise Unavailable(msg)
            if len(self._waiting) >= MOST_WAITING:
                raise Overloaded
            self._waiting.put(whose, (asked, answered))
            if self._leader is None:
                self._leader = at_it
            return self._leader

    def _run(self) -> None:
        """Store for those who don't do it themselves, whenever called, until closed and nothing waits."""
        while True:
            if not self._called.acquire(timeout=LOOK_SECONDS):
                self._look(waits=False)
                continue
            with self._gate:
                if self._leader is None and self._waiting:
                    self._leader = self._thread
                ours = self._leader is self._thread
                over = self._closing and self._leader is None and not self._waiting
            if over:
                break
            if ours:
                try:
                    self._lead(self._thread)
                except Exception:
                    log.exception("writer-fault")
                    self._broken_off(self._thread)
        if self._connection is not None:
            self._connection.close()

    def _look(self, *, waits: bool) -> None:
        """Look whether whoever stores still does, also if we are about to `wait` here for what they do."""

    def _lead(self, leader: object) -> None:
        """Store what waits, batch by batch; whoever has got their own answer hands over to the thread what is left."""
        while self._taken_up(leader):
            self._store(self._batch)

    def _broken_off(self, leader: object) -> None:
        """Tell those who were being stored for when the leader broke off, and let another lead."""
        with self._gate:
            if self._leader is leader:
                left, self._batch, self._leader = self._batch, [], None
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None
                for _, answered in left:
                    if not answered.done():
                        answered.set_exception(
                            Unavailable("The program was interrupted while this was stored.")
                        )
        self._called.release()

    def _taken_up(self, leader: object, most: int = MOST_AT_ONCE) -> bool:
        """Take up those who wait, so many at most; False when there are none, or they are handed over."""
        with self._gate:
            self._batch = []
            while not self._batch:
                if not self._waiting or (isinstance(leader, Future) and leader.done()):
                    self._leader = self._thread if self._waiting else None
                    if self._waiting or self._closing:
                        self._called.release()
                    return False
                taken = self._waiting.take(min(most, MOST_AT_ONCE))
                self._batch = [waiting for waiting in taken if waiting[1].set_running_or_notify_cancel()]
            return True

    def _store(self, batch: Sequence[tuple[Asked, Answered[Told]]]) -> None:
        answers: Sequence[Told | Exception]
        try:
            answers = self._stored([asked for asked, _ in batch])
        except Unavailable as error:
            answers = [error] * len(batch)
        except Exception as error:  # noqa: BLE001 - one of them can't be stored, and only that one may fail
            if len(batch) > 1:
                for waiting in batch:
                    self._store([waiting])
                return
            answers = [_meaning(error)]
        tell(batch, answers)

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


def tell(batch: Sequence[tuple[object, Answered[Told]]], answers: Sequence[Told | Exception]) -> None:
    """Tell each what became of it."""
    for (_, answered), answer in zip(batch, answers, strict=True):
        if isinstance(answer, Exception):
            answered.set_exception(answer)
        else:
            answered.set_result(answer)
