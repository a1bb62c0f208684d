"""An event loop stores what it asks for, and what threads ask meanwhile; and nothing is lost with it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import uuid4

import psycopg
import pytest
import uvloop
from noted import append, noted
from psycopg.generators import execute
from test_store_crash import kept

from grantflow.loop_writer import LoopWriter
from grantflow.recorder import on_record
from grantflow.store import Store, Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from uuid import UUID

    from psycopg.abc import PQGen

    from grantflow.connections import Connection
    from grantflow.store import Append, Appended

Told = list[str | Exception]
T = TypeVar("T")
Run = Callable[[Coroutine[Any, Any, T]], T]
LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture(params=LOOPS)
def run(request: pytest.FixtureRequest) -> Run[Any]:
    """Run something on either of the loops that there are."""

    def run_it(what: Coroutine[Any, Any, T]) -> T:
        with asyncio.Runner(loop_factory=LOOPS[request.param]) as runner:
            return runner.run(what)

    return run_it


class Booking:
    """What a writer stores with: it writes down where each batch went, and takes as long as it is told to."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.on_loop: list[list[str]] = []
        self.in_thread: list[list[str]] = []
        self.seconds = seconds
        self.fails_on_loop = False
        self.begun = threading.Event()

    def insert(self, _: Connection, asked: Sequence[str]) -> Told:
        """As the writer's thread does it, or whoever comes alone."""
        self.in_thread.append(list(asked))
        return [name.upper() for name in asked]

    def converse(self, connection: Connection, asked: Sequence[str]) -> PQGen[Told]:
        """As a loop does it, with a question that the database takes its time to answer."""
        connection.pgconn.send_query(f"SELECT pg_sleep({self.seconds})".encode())
        self.begun.set()
        yield from execute(connection.pgconn)
        if self.fails_on_loop:
            msg = "the line is bad"
            raise psycopg.OperationalError(msg)
        self.on_loop.append(list(asked))
        return [name.upper() for name in asked]

    @property
    def stored(self) -> set[str]:
        """Everything, wherever."""
        return {name for batch in (*self.on_loop, *self.in_thread) for name in batch}


@pytest.fixture
def booking() -> Booking:
    return Booking()


@pytest.fixture
def writer(database_url: str, booking: Booking) -> Iterator[LoopWriter[str, str]]:
    """A writer that is connected already."""
    writer = LoopWriter(database_url, booking.insert, booking.converse)
    assert writer.keep("connected") == "CONNECTED"
    booking.in_thread.clear()
    yield writer
    writer.close()


def test_a_loop_stores_what_it_asks_for_without_a_thread(
    run: Run[Any], writer: LoopWriter[str, str], booking: Booking
) -> None:
    async def asks() -> str:
        return await writer.put_from(asyncio.get_running_loop(), "one")

    assert run(asks()) == "ONE"
    assert (booking.on_loop, booking.in_thread) == ([["one"]], [])


def test_of_those_who_ask_again_and_again_half_are_stored_while_the_other_half_are_decided(
    run: Run[Any], writer: LoopWriter[str, str], booking: Booking
) -> None:
    async def client(name: str) -> None:
        for _ in range(8):
            await writer.put_from(asyncio.get_running_loop(), name)

    async def asks() -> None:
        await asyncio.gather(*map(client, "abcdefgh"))

    booking.seconds = 0.01
    run(asks())
    sizes = [len(batch) for batch in booking.on_loop]
    assert sizes[0] == 1  # it goes at once, as it would if nobody came after it
    assert sizes[2:10] == [4] * 8
    assert sum(sizes) == 64


def test_a_thread_that_asks_while_a_loop_stores_goes_with_it(
    run: Run[Any], writer: LoopWriter[str, str], booking: Booking
) -> None:
    async def asks() -> str:
        booking.seconds = 0.2
        mine = writer.put_from(asyncio.get_running_loop(), "mine")
        others = await asyncio.to_thread(writer.keep, "theirs")
        return await mine + others

    assert run(asks()) == "MINETHEIRS"
    assert (booking.on_loop, booking.in_thread) == ([["mine"], ["theirs"]], [])


def test_a_thread_that_stores_gives_the_loop_its_own_to_store(
    run: Run[Any], writer: LoopWriter[str, str], booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores, go_on = threading.Event(), threading.Event()

    def held(connection: Connection, asked: Sequence[str]) -> Told:
        stores.set()
        assert go_on.wait(10)
        return Booking.insert(booking, connection, asked)

    monkeypatch.setattr(writer, "_insert", held)

    async def asks() -> str:
        alone = asyncio.create_task(asyncio.to_thread(writer.keep, "alone"))
        await asyncio.to_thread(stores.wait, 10)
        mine = writer.put_from(asyncio.get_running_loop(), "mine")
        go_on.set()
        return await alone + await mine

    assert run(asks()) == "ALONEMINE"
    assert (booking.on_loop, booking.in_thread) == ([["mine"]], [["alone"]])


def test_what_nobody_waits_for_any_more_is_not_stored(
    run: Run[Any], writer: LoopWriter[str, str], booking: Booking
) -> None:
    async def asks() -> None:
        loop = asyncio.get_running_loop()
        booking.seconds = 0.05
        first = writer.put_from(loop, "first")
        writer.put_from(loop, "left").cancel()
        last = writer.put_from(loop, "last")
        first.cancel()  # on its way already: it is stored, and nobody is told
        await last

    run(asks())
    assert booking.on_loop == [["first"], ["last"]]


def test_what_goes_wrong_on_a_loop_is_done_again_by_the_thread(
    run: Run[Any], writer: LoopWriter[str, str], booking: Booking
) -> None:
    async def asks() -> list[str]:
        loop = asyncio.get_running_loop()
        booking.fails_on_loop = True
        first = await writer.put_from(loop, "first")
        booking.fails_on_loop = False
        return [first, await writer.put_from(loop, "second")]

    assert run(asks()) == ["FIRST", "SECOND"]
    assert (booking.on_loop, booking.in_thread) == ([["second"]], [["first"]])


def test_of_what_a_loop_could_not_store_only_what_is_at_fault_fails(
    run: Run[Any], database_url: str, booking: Booking
) -> None:
    def no_b(connection: Connection, asked: Sequence[str]) -> Told:
        if "b" in asked:
            msg = "b cannot be"
            raise ValueError(msg)
        return booking.insert(connection, asked)

    writer = LoopWriter(database_url, no_b, booking.converse)
    writer.keep("connected")

    async def asks() -> list[str | BaseException]:
        loop = asyncio.get_running_loop()
        booking.fails_on_loop = True
        return await asyncio.gather(*(writer.put_from(loop, name) for name in "abc"), return_exceptions=True)

    first, second, third = run(asks())
    writer.close()
    assert (first, third) == ("A", "C")
    assert isinstance(second, ValueError)


def _ended(
    writer: LoopWriter[str, str], booking: Booking, loop: asyncio.AbstractEventLoop
) -> asyncio.AbstractEventLoop:
    """A loop that ends while it stores."""
    booking.seconds = 30.0

    async def asks() -> None:
        writer.put_from(asyncio.get_running_loop(), "gone")
        writer.put_from(asyncio.get_running_loop(), "with it")

    loop.run_until_complete(asks())
    assert booking.begun.is_set()
    assert booking.on_loop == []
    return loop


@pytest.mark.parametrize("new", LOOPS.values(), ids=LOOPS)
def test_what_a_loop_was_storing_when_it_ended_is_stored_and_stops_nobody_else(
    writer: LoopWriter[str, str], booking: Booking, new: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    loop = _ended(writer, booking, new())
    loop.close()
    assert writer.put("next").result(10) == "NEXT"
    assert booking.stored == {"gone", "with it", "next"}


@pytest.mark.parametrize("new", LOOPS.values(), ids=LOOPS)
def test_a_loop_that_stands_still_stops_nobody_else_and_may_go_on(
    writer: LoopWriter[str, str], booking: Booking, new: Callable[[], asyncio.AbstractEventLoop]
) -> None:
    loop = _ended(writer, booking, new())
    assert writer.keep("next") == "NEXT"
    assert booking.stored == {"gone", "with it", "next"}
    booking.seconds = 0.0

    async def asks() -> str:
        return await writer.put_from(asyncio.get_running_loop(), "again")

    assert loop.run_until_complete(asks()) == "AGAIN"
    loop.close()
    assert booking.on_loop == [["again"]]


def test_whoever_waits_behind_a_loop_that_ends_is_stored_for_before_long(
    run: Run[Any], writer: LoopWriter[str, str], booking: Booking
) -> None:
    waiting = threading.Event()
    told: list[str] = []

    def keeps() -> None:
        waiting.set()
        told.append(writer.keep("behind"))

    async def asks() -> None:
        booking.seconds = 30.0
        writer.put_from(asyncio.get_running_loop(), "gone")
        thread.start()
        await asyncio.to_thread(waiting.wait, 10)
        await asyncio.sleep(0.1)

    thread = threading.Thread(target=keeps)
    run(asks())
    thread.join(10)
    assert told == ["BEHIND"]
    assert booking.stored == {"gone", "behind"}


def test_what_a_loop_asks_of_itself_and_waits_for_does_not_hang(
    run: Run[Any], writer: LoopWriter[str, str], booking: Booking
) -> None:
    async def asks() -> str:
        booking.seconds = 30.0
        first = writer.put_from(asyncio.get_running_loop(), "first")
        return writer.keep("here and now") + await first

    assert run(asks()) == "HERE AND NOWFIRST"


@pytest.mark.usefixtures("noted_is_known")
def test_a_connection_that_is_reset_while_a_loop_has_other_things_to_do_is_noticed(
    run: Run[Any], store: Store, database_url: str
) -> None:
    """Some loops tell of a reset once, and of nothing on that line afterwards."""
    store.keep(append(noted(uuid4(), 1)))
    connection = store._writer._connection
    assert connection is not None
    pid = connection.info.backend_pid

    async def asks() -> Appended:
        os.kill(pid, signal.SIGSTOP)
        asked = store.append_from(asyncio.get_running_loop(), append(noted(uuid4(), 1)))
        await asyncio.sleep(0.1)
        _cut(database_url, pid)
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.3)  # noqa: ASYNC251 - the other things
        return await asyncio.wait_for(asked, 10)

    assert run(asks()).positions == (2,)


def test_closing_stores_what_a_loop_was_storing_even_on_that_loop(
    run: Run[Any], writer: LoopWriter[str, str], booking: Booking
) -> None:
    async def asks() -> str:
        booking.seconds = 30.0
        asked = writer.put_from(asyncio.get_running_loop(), "last")
        writer.close()
        with pytest.raises(Unavailable):
            writer.put_from(asyncio.get_running_loop(), "too late")
        return await asked

    assert run(asks()) == "LAST"
    assert booking.in_thread == [["last"]]


def test_closing_waits_for_what_another_threads_loop_stores(
    run: Run[Any], writer: LoopWriter[str, str], booking: Booking
) -> None:
    async def asks() -> str:
        booking.seconds = 0.2
        asked = writer.put_from(asyncio.get_running_loop(), "last")
        await asyncio.to_thread(writer.close)
        return await asked

    assert run(asks()) == "LAST"
    assert (booking.on_loop, booking.in_thread) == ([["last"]], [])


@pytest.mark.usefixtures("noted_is_known")
def test_a_lost_connection_loses_and_repeats_nothing_of_what_loops_and_threads_append(
    run: Run[Any], store: Store, database_url: str
) -> None:
    until = asyncio.Event()
    done: list[tuple[UUID, Appended]] = []

    async def write(how: Callable[[asyncio.AbstractEventLoop, Append], Awaitable[Appended]]) -> None:
        stream, version = uuid4(), 0
        while not until.is_set():
            version += 1
            command = append(noted(stream, version), noted(uuid4(), 1))
            done.append((on_record(command.key), await how(asyncio.get_running_loop(), command)))

    def in_thread(_: object, command: Append) -> Awaitable[Appended]:
        return asyncio.to_thread(store.keep, command)

    async def all_of_them() -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(12):
                group.create_task(write(store.append_from if number % 4 else in_thread))
            for _ in range(20):
                await asyncio.sleep(0.05)
                if (connection := store._writer._connection) is not None:
                    pid = connection.info.backend_pid
                    await asyncio.to_thread(_cut, database_url, pid)
            until.set()

    run(all_of_them())
    assert len(done) > 100
    assert kept(database_url) == {key: (a.positions[0], a.positions[-1]) for key, a in done}


def _cut(address: str, pid: int) -> None:
    with psycopg.connect(address, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (pid,))
