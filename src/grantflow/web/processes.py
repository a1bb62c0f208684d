"""The processes that answer: replaced one at a time, and started again when one dies or hangs: the service stays up.

All take their connections from one socket, which the process above them holds: what has come in waits there for
whichever takes it, also while they are replaced.
"""

from __future__ import annotations

import signal
import socket
import time
from contextlib import contextmanager
from multiprocessing import get_context, resource_tracker
from multiprocessing.connection import wait
from typing import TYPE_CHECKING, Any

import structlog

from grantflow.domain.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection

    Answering = Callable[[socket.socket, Connection], None]
    """What a process does: it takes requests at the socket until it is told to stop (SIGTERM), and gives a sign of
    life every second from when it does so."""

log = structlog.get_logger(__name__)

START_SECONDS = 60.0
"""How long a process may take until it answers."""
SILENT_SECONDS = 30.0
"""How long a process that answers may give no sign of life before it is killed."""
SHORT_LIFE_SECONDS = 5.0
PAUSE_SECONDS = 1.0
"""How long is waited before a process that died young is started again: its database may be away."""
KILL_SECONDS = 20.0
"""How long a process may take to finish what it has begun before it is killed."""
LOOK_SECONDS = 1.0
"""How long it may be from one look after the processes to the next."""
_BREATH = 0.05
BACKLOG = 1_024
"""How many connections may wait until one of the processes takes them."""
OURS = frozenset({signal.SIGINT, signal.SIGHUP})
"""What a terminal tells all processes together, and only the one above heeds: these are blocked where one begins."""
_STOP = frozenset({signal.SIGTERM, signal.SIGINT})
_RENEW = signal.SIGHUP


class NotStarted(Refused):
    """The service can't be started: its port is taken, or none of its processes comes up."""

    code = "not-started"
    status = 500


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens at a place, for the processes to share. NotStarted when the place can't be had."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        listener = socket.socket(found[0][0])
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(found[0][4])
            listener.listen(BACKLOG)
            listener.setblocking(False)  # noqa: FBT003 - the standard library's own
        except OSError:
            listener.close()
            raise
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or "no such name"
        msg = f"{host}:{port} can't be listened at: {said}. --host and --port name another place."
        raise NotStarted(msg) from error
    return listener


class Awake:
    """How many seconds one has been awake, as of the last look.

    Whoever was stopped (by a terminal, or with the machine) finds out at the next look. All others may have been, too,
    and could not be heard of: of the time between two looks, no more counts than there should be.
    """

    def __init__(self) -> None:
        self.seconds = 0.0
        self._looked = time.monotonic()

    def look(self) -> None:
        """Look at the clock."""
        now = time.monotonic()
        self.seconds += min(now - self._looked, LOOK_SECONDS)
        self._looked = now


class Process:
    """One process that answers, from its start on. Instants are seconds that the one above it has been awake."""

    def __init__(self, number: int, answering: Answering, listener: socket.socket, now: float) -> None:
        context = get_context("spawn")
        self.signs, telling = context.Pipe(duplex=False)
        self.number, self.born = number, now
        self.heard: float | None = None
        """When it gave its last sign of life; None as long as it does not answer."""
        self.ends_by: float | None = None
        """By when it is to have ended; None as long as it is to go on."""
        self._process = context.Process(target=answering, args=(listener, telling))
        resource_tracker.ensure_running()  # it would unblock what is blocked here
        masked = signal.pthread_sigmask(signal.SIG_BLOCK, OURS)
        try:
            with telling:
                self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, masked)
        self.pid, self.end = self._process.pid, self._process.sentinel

    def code(self) -> int | None:
        """Its exit code; None while it runs."""
        if wait([self.end], 0):
            self._process.join()
        return self._process.exitcode

    def listen(self, now: float) -> None:
        """Hear the signs of life that it has given by now."""
        try:
            while not self.signs.closed and self.signs.poll():
                self.signs.recv_bytes()
                self.heard = now
        except (EOFError, OSError):  # it ends
            self.signs.close()

    @property
    def gives_up(self) -> float:
        """When it has taken too long: to answer, to give a sign of life, or to end."""
        if self.ends_by is not None:
            return self.ends_by
        return self.born + START_SECONDS if self.heard is None else self.heard + SILENT_SECONDS

    def tell_to_stop(self, by: float) -> None:
        """Let it take no more, finish what it has begun, and end by an instant."""
        self.ends_by = by
        self._process.terminate()

    def kill(self) -> None:
        """End it now."""
        log.warning("process-killed", number=self.number, pid=self.pid)
        self._process.kill()
        self._process.join()

    def is_young(self, now: float) -> bool:
        """Whether it has not lived for long."""
        return now - self.born < SHORT_LIFE_SECONDS


class Processes:
    """So many processes at one socket, until this one is told to stop (SIGTERM, SIGINT).

    SIGHUP puts new ones in place of the old, one at a time: an old one is stopped when the new one takes requests, and
    kept when that does not come up. One that died, or gives no sign of life, is started again for as long as it takes.
    """

    def __init__(self, answering: Answering, listener: socket.socket, count: int) -> None:
        self._answering, self._listener, self._count = answering, listener, count
        self._at_work: dict[int, Process] = {}
        self._again_at: dict[int, float] = {}
        """When those that have died are started again."""
        self._to_renew: list[int] = []
        self._coming: Process | None = None
        """The one that is to be put in another's place, as soon as it answers."""
        self._leaving: list[Process] = []
        self._stopping = False
        self._awake = Awake()
        self._signals, self._bell = socket.socketpair()
        self._bell.setblocking(False)  # noqa: FBT003 - the standard library's own

    def serve(self) -> None:
        """Serve until told to stop. NotStarted when none of the first processes comes up."""
        with self._heeding():
            try:
                self._begin()
                while not self._stopping:
                    self._replace_the_dead()
                    self._renew()
                    self._see_off()
                    self._wait()
            finally:
                self._stop()

    @property
    def _now(self) -> float:
        return self._awake.seconds

    def _begin(self) -> None:
        for number in range(1, self._count + 1):
            self._at_work[number] = self._started(number)
        while not self._stopping and any(map(self._comes_up, self._at_work.values())):
            self._wait()
        if self._stopping:
            return
        if not any(process.heard for process in self._at_work.values()):
            msg = "No process of the service came to answer; the reason stands in the log above."
            raise NotStarted(msg)
        log.info("answering", processes=self._count)

    def _replace_the_dead(self) -> None:
        for number, process in list(self._at_work.items()):
            if process.code() is None and self._now >= process.gives_up:
                log.error("process-hangs", number=number, pid=process.pid)
                process.kill()
            if (code := process.code()) is not None:
                log.error("process-died", number=number, pid=process.pid, code=code)
                del self._at_work[number]
                self._again_at[number] = self._now + PAUSE_SECONDS * process.is_young(self._now)
        for number, at in list(self._again_at.items()):
            if self._now >= at:
                try:
                    self._at_work[number] = self._started(number)
                except OSError as error:
                    log.error("process-not-started", number=number, reason=str(error))  # noqa: TRY400
                    self._again_at[number] = self._now + PAUSE_SECONDS
                else:
                    del self._again_at[number]

    def _renew(self) -> None:
        """Go on with putting new ones in place of the old."""
        if (new := self._coming) is not None and not self._comes_up(new):
            self._coming, old = None, self._at_work.get(new.number)
            if new.heard is None:
                log.error("process-not-replaced", number=new.number, old=old and old.pid, new=new.pid)
                self._let_go(new, self._now)
            else:
                log.info("process-replaced", number=new.number, old=old and old.pid, new=new.pid)
                self._at_work[new.number] = new
                self._again_at.pop(new.number, None)
                if old is not None:
                    self._let_go(old, self._now + KILL_SECONDS)
        if self._coming is None and self._to_renew:
            number = self._to_renew.pop(0)
            try:
                self._coming = self._started(number)
            except OSError as error:
                log.error("process-not-replaced", number=number, reason=str(error))  # noqa: TRY400

    def _let_go(self, process: Process, by: float) -> None:
        process.tell_to_stop(by)
        self._leaving.append(process)

    def _see_off(self) -> None:
        """Kill those that were told to stop and take too long, and forget those that have ended."""
        for process in self._leaving:
            if process.code() is None and self._now >= process.gives_up:
                process.kill()
        self._leaving = [process for process in self._leaving if process.code() is None]

    def _stop(self) -> None:
        """Tell all to stop together, and see each of them end."""
        by = self._now + KILL_SECONDS
        for process in self._wanted():
            self._let_go(process, by)
        self._at_work, self._coming, self._again_at = {}, None, {}
        while self._leaving:
            self._wait()
            self._see_off()

    def _wanted(self) -> list[Process]:
        """Those that are not to end."""
        return [*self._at_work.values(), *filter(None, [self._coming])]

    def _started(self, number: int) -> Process:
        return Process(number, self._answering, self._listener, self._now)

    def _comes_up(self, process: Process) -> bool:
        """Whether a process may still come to answer, and does not yet."""
        return process.heard is None and process.code() is None and self._now < process.gives_up

    def _wait(self) -> None:
        """Wait until a process has said something or ended, one has taken too long, or a signal has come."""
        every = [*self._wanted(), *self._leaving]
        alive = [process for process in every if process.code() is None]
        soonest = min([*self._again_at.values(), *(process.gives_up for process in alive)], default=0.0)
        until_then = soonest - self._now if len(alive) == len(every) else 0.0
        things: list[Any] = [self._signals, *(process.end for process in alive)]
        things += [process.signs for process in alive if not process.signs.closed]
        come = wait(things, min(max(_BREATH, until_then), LOOK_SECONDS))
        self._awake.look()
        for process in alive:
            process.listen(self._now)
        if self._signals in come:
            told = set(self._signals.recv(1_024))
            self._stopping = self._stopping or bool(told & _STOP)
            if _RENEW in told:
                self._to_renew = sorted(range(1, self._count + 1))

    @contextmanager
    def _heeding(self) -> Iterator[None]:
        """Have signals ring where this process waits, instead of doing what they usually do."""
        woken = signal.set_wakeup_fd(self._bell.fileno(), warn_on_full_buffer=False)
        before = {number: signal.signal(number, lambda *_: None) for number in (*_STOP, _RENEW)}
        try:
            yield
        finally:
            signal.set_wakeup_fd(woken)
            for number, handler in before.items():
                signal.signal(number, handler)
            self._signals.close()
            self._bell.close()
