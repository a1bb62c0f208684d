"""The processes that answer, with nothing to say but their numbers: a program for tests that end and renew them."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from grantflow import logs
from grantflow.web import processes
from grantflow.web.processes import OURS, Processes, listening

if TYPE_CHECKING:
    import socket
    from multiprocessing.connection import Connection

SILENT_SECONDS, KILL_SECONDS = 3.0, 4.0
"""Much shorter than in the service, and long enough for a machine that has much to do."""


def answer(listener: socket.socket, telling: Connection) -> None:
    """Tell everybody who connects which process this is, and give a sign of life ten times a second."""
    for number in OURS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, OURS)
    time.sleep(float(os.environ.get("PLAYED_START", "0")))
    listener.settimeout(0.1)
    while True:
        with suppress(TimeoutError):
            taken, _ = listener.accept()
            with taken:
                taken.sendall(str(os.getpid()).encode())
        telling.send_bytes(b"here")


class Stopping(Processes):
    """Stops itself and all others when told (SIGUSR1), between hearing of them and judging them."""

    _told = False

    def told(self, *_: object) -> None:
        self._told = True

    def _replace_the_dead(self) -> None:
        if self._told:
            self._told = False
            os.killpg(0, signal.SIGSTOP)
        super()._replace_the_dead()


def main() -> None:
    """Serve at the port that is the first argument, with as many processes as the second says."""
    logs.set_up("info", "json", keeps_running=True)
    processes.SILENT_SECONDS, processes.KILL_SECONDS = SILENT_SECONDS, KILL_SECONDS
    with listening("127.0.0.1", int(sys.argv[1])) as listener:
        played = Stopping(answer, listener, int(sys.argv[2]))
        signal.signal(signal.SIGUSR1, played.told)
        played.serve()


if __name__ == "__main__":
    main()
