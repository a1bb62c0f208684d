"""Waits until whoever started it is gone, then stops what runs in a folder, by its number, and removes it."""

from __future__ import annotations

import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil  # type: ignore[import-untyped]


def server_of(home: Path) -> psutil.Process | None:
    """Find the server that runs on the data folder of `home`, if one does."""
    data = home / "postgres"
    try:
        process = psutil.Process(int((data / "postmaster.pid").read_text().splitlines()[0]))
        return process if str(data) in process.cmdline() else None
    except (OSError, ValueError, IndexError, psutil.Error):
        return None


def stopped(process: psutil.Process) -> bool:
    """Tell whether a process has ended. Where nobody takes note of that, it remains as a zombie."""
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def clear(folder: Path) -> None:
    """Stop the servers that run in a folder, asking less and less politely, and remove the folder."""
    for note in folder.glob("**/postgres/postmaster.pid"):
        server, socket = server_of(note.parents[1]), note.read_text().splitlines()[4:5]
        for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if server is None or stopped(server):
                break
            server.send_signal(how)
            give_up = time.monotonic() + 10
            while not stopped(server) and time.monotonic() < give_up:
                time.sleep(0.02)
        for elsewhere in socket:  # where the folder's own name was too long for one
            with suppress(OSError):
                Path(elsewhere).rmdir()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.stdin.buffer.read()  # it ends with whoever is at the other side, however they end
    clear(Path(sys.argv[1]).resolve())
