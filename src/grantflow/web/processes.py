"""The processes that answer: replaced one at a time, and started again when one dies, so that the service stays up.

Each has a socket of its own at the same place, among which the system deals out connections: at one socket, the process
that wakes first would take them all.
"""

from __future__ import annotations

import signal
import socket
import time
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from grantflow.domain.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    Answering = Callable[[socket.socket, Connection], None]
    """What a process does: it sends something when it has begun to take requests at the socket, and goes on until it
    is told to stop (SIGTERM)."""

log = structlog.get_logger(__name__)

START_SECONDS = 60.0
"""How long a process may take until it answers."""
SHORT_LIFE_SECONDS = 5.0
PAUSE_SECONDS = 1.0
"""How long is waited before a process that died young is started again: its database may be away."""
KILL_SECONDS = 20.0
"""How long a process may take to finish what it has begun before it is killed."""
BACKLOG = 1_024
"""How many connections may wait until one of the processes takes them."""
_STOP = frozenset({signal.SIGTERM, signal.SIGINT})
_RENEW = signal.SIGHUP


class NotStarted(Refused):
    """The service can't be started: its port is taken, or none of its processes comes up."""

    code = "not-started"
    status = 500


class Place(NamedTuple):
    """Where the service listens."""

    family: socket.AddressFamily
    address: Any

    @classmethod
    def of(cls, host: str, port: int) -> Place:
        """The place that a host and a port name. NotStarted when there is none, or somebody else listens there."""
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            place = cls(found[0][0], found[0][4])
            with socket.socket(place.family) as alone:
                alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                alone.bind(place.address)
                alone.listen()
        except (OSError, UnicodeError) as error:
            said = getattr(error, "strerror", None) or "no such name"
            msg = f"{host}:{port} can't be listened at: {said}. --host and --port name another place."
            raise NotStarted(msg) from error
        return place

    def shared(self) -> socket.socket:
        """One more socket at the place, that does not listen yet."""
        one = socket.socket(self.family)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        one.bind(self.address)
        return one


class Process:
    """One process that answers, from its start on."""

    def __init__(self, number: int, answering: Answering, place: Place) -> None:
        context = get_context("spawn")
        self.ready, telling = context.Pipe(duplex=False)
        """Can be read from when it answers, and when it has died before that."""
        self.number, self.born = number, time.monotonic()
        with place.shared() as listener, telling:
            self._process = context.Process(target=answering, args=(listener, telling))
            self._process.start()
        self.pid, self.end = self._process.pid, self._process.sentinel

    @property
    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.exitcode

    def answers(self) -> bool:
        """Whether it takes requests, as it has told; ask once, when `ready` can be read from."""
        try:
            return bool(self.ready.recv())
        except EOFError:
            return False

    def tell_to_stop(self) -> None:
        """Let it take no more, finish what it has begun, and end."""
        self._process.terminate()

    def see_end(self) -> None:
        """Wait for its end, and kill it when that takes too long."""
        self._process.join(KILL_SECONDS)
        if self.code is None:
            log.warning("process-killed", number=self.number, pid=self.pid)
            self._process.kill()
            self._process.join()
        self.ready.close()


class Processes:
    """So many processes at one place, until this one is told to stop (SIGTERM, SIGINT).

    SIGHUP puts new ones in place of the old, one at a time: an old one is stopped when the new one takes requests, and
    kept when that does not come up. One that died is started again for as long as it takes.
    """

    def __init__(self, answering: Answering, place: Place, count: int) -> None:
        self._answering, self._place, self._count = answering, place, count
        self._processes: list[Process] = []
        self._stopping = self._renewing = False
        self._signals, self._bell = socket.socketpair()
        self._bell.setblocking(False)  # noqa: FBT003 - the standard library's own

    def serve(self) -> None:
        """Serve until told to stop. NotStarted when none of the first processes comes up."""
        with self._heeding():
            try:
                self._processes = [self._started(number) for number in range(1, self._count + 1)]
                up = [process for process in self._processes if self._comes_up(process)]
                if not up and not self._stopping:
                    msg = "No process of the service came to answer; the reason stands in the log above."
                    raise NotStarted(msg)
                self._keep_up()
            finally:
                self._stop()

    def _keep_up(self) -> None:
        if not self._stopping:
            log.info("answering", processes=self._count)
        while not self._stopping:
            for process in self._processes:
                if process.code is not None:
                    self._start_again(process)
            if self._renewing:
                self._renewing = False
                self._renew()
            if not self._stopping:
                self._wait(*(process.end for process in self._processes))

    def _renew(self) -> None:
        for old in tuple(self._processes):
            new = self._started(old.number)
            if self._comes_up(new):
                self._put(new, old)
                log.info("process-replaced", number=old.number, old=old.pid, new=new.pid)
                old.tell_to_stop()
                old.see_end()
            elif not self._stopping:
                log.error("process-not-replaced", number=old.number, old=old.pid, new=new.pid)
            if self._stopping:
                return

    def _start_again(self, dead: Process) -> None:
        log.error("process-died", number=dead.number, pid=dead.pid, code=dead.code)
        if time.monotonic() - dead.born < SHORT_LIFE_SECONDS:
            self._wait(until=time.monotonic() + PAUSE_SECONDS)
        if not self._stopping:
            dead.see_end()
            self._put(self._started(dead.number), dead)

    def _started(self, number: int) -> Process:
        return Process(number, self._answering, self._place)

    def _put(self, new: Process, old: Process) -> None:
        self._processes[self._processes.index(old)] = new

    def _comes_up(self, process: Process) -> bool:
        """Wait until a process takes requests. One that dies, takes too long, or is no longer wanted, is ended."""
        give_up = process.born + START_SECONDS
        while not self._stopping and time.monotonic() < give_up:
            if process.ready in self._wait(process.ready, until=give_up):
                if process.answers():
                    return True
                break
        process.tell_to_stop()
        process.see_end()
        return False

    def _wait(self, *things: Any, until: float | None = None) -> list[Any]:  # noqa: ANN401 - whatever can be waited on
        """Wait for one of the things or a signal, or until an instant of the monotonic clock; which have come."""
        seconds = None if until is None else max(0.0, until - time.monotonic())
        come = wait([*things, self._signals], seconds)
        if self._signals in come:
            told = {signal.Signals(number) for number in self._signals.recv(1_024)}
            self._stopping |= bool(told & _STOP)
            self._renewing |= _RENEW in told
        return come

    def _stop(self) -> None:
        """Tell all to stop together, and see each of them end."""
        for process in self._processes:
            process.tell_to_stop()
        for process in self._processes:
            process.see_end()

    @contextmanager
    def _heeding(self) -> Iterator[None]:
        """Have signals ring where this process waits, instead of doing what they usually do."""
        before = {number: signal.signal(number, lambda *_: None) for number in (*_STOP, _RENEW)}
        woken = signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(woken)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._signals.close()
            self._bell.close()
