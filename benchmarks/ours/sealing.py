"""Seals what others store, as the worker does within its duty, and nothing else; until its standard input ends."""

from __future__ import annotations

import sys
import threading
from contextlib import closing
from pathlib import Path

from grantflow import logs
from grantflow.app import App
from grantflow.store import Store


def main() -> None:
    """Seal whenever the log has grown; say when it has begun."""
    logs.set_up("error", "json")
    stop = threading.Event()
    threading.Thread(target=_until_told, args=(stop,), daemon=True).start()
    with closing(Store(sys.argv[1])) as store:
        ledger = App.on(store, Path(sys.argv[2])).ledger
        sys.stdout.write("sealing\n")
        sys.stdout.flush()
        last = 0
        while not stop.is_set():
            ledger.seal()
            last = store.wait(last, 0.5)


def _until_told(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


if __name__ == "__main__":
    main()
