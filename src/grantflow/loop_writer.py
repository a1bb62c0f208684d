"""A writer that event loops ask, and that stores on the loop itself: no thread is woken, and none waited for."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic

from psycopg.pq import TransactionStatus
from psycopg.waiting import Ready, Wait

from grantflow.writer import Asked, Told, Writer, tell

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Sequence

    from psycopg.abc import PQGen

    from grantflow.connections import Connection
    from grantflow.writer import Answered


class Promise(Generic[Told]):
    """A future of an event loop, as the writer sees it: it is told on that loop, whoever stored."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop, self.future = loop, loop.create_future()

    def set_running_or_notify_cancel(self) -> bool:
        """Whether somebody still waits for it."""
        return not self.future.cancelled()

    def done(self) -> bool:
        """Whether it was told."""
        return bool(self.future.done())

    def set_result(self, result: Told) -> None:
        """Tell it the outcome."""
        self._told(self.future.set_result, result)

    def set_exception(self, exception: Exception) -> None:
        """Tell it that it failed."""
        self._told(self.future.set_exception, exception)

    def _told(self, how: Callable[..., None], what: object) -> None:
        if running_here() is self.loop:
            self._once(how, what)
        else:
            with suppress(RuntimeError):  # the loop is closed: nobody waits there any more
                self.loop.call_soon_threadsafe(self._once, how, what)

    def _once(self, how: Callable[..., None], what: object) -> None:
        if not self.future.done():
            how(what)


class LoopWriter(Writer[Asked, Told]):
    """A writer that event loops ask too: the loop that asks stores, for itself and for all who wait meanwhile.

    `converse` does what `insert` does, as one of psycopg's generators: it waits for nothing by itself, but says what
    there is to wait for. What goes wrong on a loop is left to the writer's thread, which can wait and try again.
    """

    def __init__(
        self,
        address: str,
        insert: Callable[[Connection, Sequence[Asked]], Sequence[Told | Exception]],
        converse: Callable[[Connection, Sequence[Asked]], PQGen[Sequence[Told | Exception]]],
        name: str = "grantflow-writer",
    ) -> None:
        self._converse = converse
        self._together = 1
        """How many were stored together the last time."""
        super().__init__(address, insert, name)

    def put_from(self, loop: AbstractEventLoop, asked: Asked, whose: str = "") -> asyncio.Future[Told]:
        """Queue what is asked on an event loop, whose future is told there.

        Where nobody stores, this loop does: once it has come round, or half as many wait as went together the last
        time. So it decides on one half while the other is being stored.
        """
        promise: Promise[Told] = Promise(loop)
        turn = Turn(loop)
        leader = self._queued(asked, promise, whose, at_it=turn)
        if leader is None:
            self._called.release()
        elif leader is turn:
            loop.call_soon(self._begin, turn)
        if isinstance(leader, Turn) and leader.loop is loop and 2 * len(self._waiting) >= self._together:
            self._begin(leader)
        return promise.future

    def _queued(
        self, asked: Asked, answered: Answered[Told], whose: str, *, at_it: object | None = None
    ) -> object | None:
        self._look(waits=False)
        return super()._queued(asked, answered, whose, at_it=at_it)

    def _look(self, *, waits: bool) -> None:
        """Take the turn from a loop that doesn't go round any more, or will not as long as we wait here."""
        turn = self._leader
        if isinstance(turn, Turn) and (not turn.loop.is_running() or (waits and running_here() is turn.loop)):
            self._left(turn)

    def _begin(self, turn: Turn) -> None:
        """Store what waits, or what the thread has taken up for this loop."""
        if self._leader is not turn or turn.talk is not None:
            return
        try:
            if self._batch or self._taken_up(turn):
                self._send(turn)
        except Exception:  # noqa: BLE001 - the thread does it again, and finds out whose fault it is
            self._left(turn)

    def _go_on(self, turn: Turn, ready: Ready = Ready.NONE) -> None:
        """Take the conversation as far as it comes; when it has ended, tell the outcome and begin the next."""
        if self._leader is not turn or turn.talk is None:
            return
        try:
            try:
                wait = turn.talk.send(ready) if ready else next(turn.talk)
            except StopIteration as ended:
                turn.talk = None
                self._tell(turn, ended.value)
            else:
                turn.hear(self._go_on, wait)
        except Exception:  # noqa: BLE001 - as above
            self._left(turn)

    def _send(self, turn: Turn) -> None:
        if self._connection is None:
            self._left(turn)
            return
        self._together = len(self._batch)
        turn.line = self._connection.fileno()
        turn.talk = self._converse(self._connection, [asked for asked, _ in self._batch])
        self._go_on(turn)

    def _tell(self, turn: Turn, answers: Sequence[Told | Exception]) -> None:
        batch, self._batch = self._batch, []
        tell(batch, answers)
        # Those who are told will ask again: half of all is stored next, the other half is decided meanwhile.
        if self._taken_up(turn, (len(batch) + len(self._waiting) + 1) // 2):
            self._send(turn)
        else:
            turn.hear_nothing()

    def _left(self, turn: Turn) -> None:
        """Leave to the thread what a loop was about to store, or was storing."""
        with self._gate:
            if self._leader is not turn:
                return
            self._leader = self._thread
            turn.hear_nothing()
            if self._connection and self._connection.info.transaction_status != TransactionStatus.IDLE:
                self._connection.close()
                self._connection = None
        self._called.release()

    def _lead(self, leader: object) -> None:
        """Store what a loop has left to us, and what waits, until a loop can do it."""
        if self._batch:
            self._store(self._batch)
        while self._taken_up(leader):
            loop = next((one.loop for _, one in self._batch if isinstance(one, Promise)), None)
            if loop is not None and self._given_to(loop, leader):
                break
            self._store(self._batch)

    def _given_to(self, loop: AbstractEventLoop, leader: object) -> bool:
        """Let a loop store the batch that was taken up; not one that has ended."""
        turn = Turn(loop)
        with self._gate:
            if self._closing or self._connection is None or not loop.is_running():
                return False
            self._leader = turn
        try:
            loop.call_soon_threadsafe(self._begin, turn)
        except RuntimeError:  # it has ended just now
            with self._gate:
                if self._leader is turn:  # else somebody else has noticed, and left it to the thread
                    self._leader = leader
                    return False
        return True


class Turn:
    """An event loop's turn at storing."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        self.loop = loop
        self.talk: PQGen[Any] | None = None
        self.line = -1
        """The connection's socket."""
        self._heard = 0

    def hear(self, go_on: Callable[[Turn, Ready], None], wait: Wait) -> None:
        """Go on when the line can be read from; and where that is waited for, when it can be written to.

        Asked for anew each time: uvloop hears of a line that was reset once, and then nothing more.
        """
        self.hear_nothing()
        self.loop.add_reader(self.line, go_on, self, Ready.R)
        if wait & Wait.W:
            self.loop.add_writer(self.line, go_on, self, Ready.W)
        self._heard = wait | Wait.R

    def hear_nothing(self) -> None:
        """Let the line be."""
        with suppress(RuntimeError):  # the loop is closed
            if self._heard & Wait.R:
                self.loop.remove_reader(self.line)
            if self._heard & Wait.W:
                self.loop.remove_writer(self.line)
        self._heard = 0


def running_here() -> AbstractEventLoop | None:
    """The event loop that runs in this thread."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
