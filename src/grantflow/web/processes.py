"""The processes that answer: replaced one at a time, and started again when one dies, so that the service stays up."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

import psutil  # type: ignore[import-untyped]
import structlog
from granian.server import MPServer

from grantflow.domain.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable

log = structlog.get_logger(__name__)

START_SECONDS = 60.0
"""How long a process may take until it answers."""
SHORT_LIFE_SECONDS = 5.0
PAUSE_SECONDS = 1.0
"""How long is waited before a process that died young is started again: its database may be away."""
_LOOK_SECONDS = 0.05


class NotStarted(Refused):
    """The service can't be started: its port is taken, or none of its processes comes up."""

    code = "not-started"
    status = 500


class Processes(MPServer):
    """Granian's server, with a supervision that gives nothing up.

    Granian's own stops an old process some seconds after the new one was begun, whether that answers or not, and ends
    the whole service when a process dies soon after it was replaced. Here an old one is stopped when the new one takes
    requests, and kept when that does not come up; one that died is started again for as long as it takes.
    """

    failed = False
    """Whether none of the first processes came up, so that nothing was served."""

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:  # noqa: ANN401 - granian's own
        answering = [self._comes_up(worker) for worker in self.wrks]
        if not any(answering):
            self.failed = not self.interrupt_signal
            return
        if not all(answering):
            self.main_loop_interrupt.set()
        log.info("answering", host=self.bind_addr, port=self.bind_port)
        while not self.interrupt_signal:
            self.main_loop_interrupt.wait()
            self.main_loop_interrupt.clear()
            if self.reload_signal and not self.interrupt_signal:
                self.reload_signal = False
                self._respawn_workers(range(self.workers), spawn_target, target_loader)
            self._raise_the_dead(spawn_target, target_loader)

    def _respawn_workers(
        self,
        workers: Iterable[int],
        spawn_target: Any,  # noqa: ANN401 - granian's own
        target_loader: Any,  # noqa: ANN401
        delay: float = 0,  # noqa: ARG002 - granian waits so long, whatever becomes of the new process
    ) -> None:
        """Put new processes in place of old ones, one at a time; an old one goes on where the new does not come up."""
        for number in workers:
            new: Any = self._spawn_worker(number, spawn_target, target_loader)
            old: Any = self.wrks[number]
            new.inner.start()
            if self._comes_up(new):
                self.wrks[number] = new
                new._watch()  # noqa: SLF001 - granian's own: it tells this loop when the process has died
                log.info("process-replaced", number=number + 1, old=old.inner.pid, new=new.inner.pid)
            else:
                log.error("process-not-replaced", number=number + 1, old=old.inner.pid, new=new.inner.pid)
                old = new
            old.terminate()
            old.join(self.workers_kill_timeout)
            if old.is_alive():
                log.warning("process-killed", number=number + 1, old=old.inner.pid)
                old.kill()
                old.join()
            if self.interrupt_signal:
                return

    def shutdown(self, exit_code: int = 0) -> None:
        """Stop all processes. Those that have ended by themselves just now were told to together with this one."""
        self.interrupt_children.clear()
        super().shutdown(exit_code)  # type: ignore[no-untyped-call]

    def _raise_the_dead(self, spawn_target: Any, target_loader: Any) -> None:  # noqa: ANN401 - granian's own
        dead: Any
        for number, dead in enumerate(self.wrks):
            if self.interrupt_signal or dead.is_alive():
                continue
            log.error("process-died", number=number + 1, pid=dead.inner.pid, code=dead.inner.exitcode)
            if time.monotonic() - dead.birth < SHORT_LIFE_SECONDS:
                self.main_loop_interrupt.wait(PAUSE_SECONDS)
            if not self.interrupt_signal:
                new: Any = self._spawn_worker(number, spawn_target, target_loader)
                self.wrks[number] = new
                new.start()
        self.interrupt_children.clear()

    def _comes_up(self, worker: Any) -> bool:  # noqa: ANN401 - granian's own
        """Wait until a process takes requests; False when it dies, takes too long, or the service is to stop."""
        give_up = time.monotonic() + START_SECONDS
        while worker.is_alive() and not self.interrupt_signal and time.monotonic() < give_up:
            if _listens(worker.inner.pid, self.bind_port):
                return True
            time.sleep(_LOOK_SECONDS)
        return False


def address_of(host: str, port: int) -> str:
    """The address to listen at. NotStarted when there is none, or it can't be had.

    The processes share the port, so that they themselves would not notice somebody else there.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        family, kind, protocol, _, address = found[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or "no such name"
        msg = f"{host}:{port} can't be listened at: {said}. --host and --port name another place."
        raise NotStarted(msg) from error
    return str(address[0])


def _listens(pid: int, port: int) -> bool:
    """Whether a process takes requests at the port. Where that can't be seen, it is taken to as soon as it runs."""
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except psutil.AccessDenied:
        return True
    except psutil.Error:
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in connections)
