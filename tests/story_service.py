"""The HTTP service as a process of its own, as in production but for its clock, on which a test has its hand."""

from __future__ import annotations

import mmap
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any, Self

HOST = "127.0.0.1"
CLOCK_FILE = "STORY_CLOCK"
_EPOCH, _TICK = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_START_SECONDS, _STOP_SECONDS = 60, 30


class HeldClock:
    """An instant in a file that two processes have in memory: one sets it, the other reads it."""

    def __init__(self, file: Path) -> None:
        if not file.exists():
            file.write_bytes(struct.pack("=q", 0))
        with file.open("r+b") as opened:
            self._held = mmap.mmap(opened.fileno(), 8)

    def set(self, at: datetime) -> None:
        """Let it be this instant, to the microsecond, until it is set again."""
        self._held[:] = struct.pack("=q", (at - _EPOCH) // _TICK)

    def now(self) -> datetime:
        """The instant it was last set to."""
        ticks: int = struct.unpack("=q", self._held[:])[0]
        return _EPOCH + ticks * _TICK


class StoryService:
    """The service on a database, with a home of its own.

    It stops when its standard input ends, so also when the test that started it is killed.
    """

    def __init__(self, database_url: str, home: Path) -> None:
        self.home, self.clock = home, HeldClock(home / "clock")
        self._log, self._port = home / "service.log", _free_port()
        others = {name: text for name, text in os.environ.items() if not name.startswith("GRANTFLOW_")}
        self._environment = {
            **others,
            CLOCK_FILE: str(home / "clock"),
            "GRANTFLOW_HOME": str(home),
            "GRANTFLOW_DATABASE_URL": database_url,
            "GRANTFLOW_LEDGER_KEYS": os.environ["GRANTFLOW_LEDGER_KEYS"],
            "GRANTFLOW_LOG_FORMAT": "json",
        }

    def __enter__(self) -> Self:
        """Start it, and go on at once; it is ready once its address is asked for."""
        command = [sys.executable, __file__, str(self._port)]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, env=self._environment, stdin=subprocess.PIPE, stdout=log, stderr=log
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=_STOP_SECONDS)

    def address(self) -> str:
        """Where it listens, when it is ready."""
        end = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            assert self._process.poll() is None, self._log.read_text()
            assert time.monotonic() < end, self._log.read_text()
            time.sleep(0.05)
        return f"http://{HOST}:{self._port}"

    def _is_ready(self) -> bool:
        connection = HTTPConnection(HOST, self._port, timeout=_START_SECONDS)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, HTTPException):
            return False
        finally:
            connection.close()


def created() -> Any:
    """The ASGI application, as the service makes it, with the clock that its environment names."""
    from grantflow import logs  # noqa: PLC0415 - in the process that answers, and not in the one above it
    from grantflow.settings import Settings  # noqa: PLC0415
    from grantflow.web.answering import on  # noqa: PLC0415

    settings = Settings.from_env(os.environ)
    logs.set_up(settings.log_level, settings.log_format, keeps_running=True)
    return on(settings, HeldClock(Path(os.environ[CLOCK_FILE])).now)


def _serve(port: int) -> None:
    threading.Thread(target=_until_left, daemon=True).start()
    from grantflow.web.answering import Server, configured  # noqa: PLC0415
    from grantflow.web.processes import listening  # noqa: PLC0415

    with listening(HOST, port) as listener:
        Server(configured(created()), listener, lambda: None, []).run()


def _until_left() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port: int = taken.getsockname()[1]
        return port


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
