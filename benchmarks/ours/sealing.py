"""A worker that keeps one duty, to seal what others store; until its standard input ends."""

from __future__ import annotations

import sys
import threading
from contextlib import closing
from pathlib import Path

from grantflow import logs
from grantflow.app import App
from grantflow.chores import Seal
from grantflow.store import Store
from grantflow.worker import Worker


def main() -> None:
    """Keep the duty; say when it has begun."""
    logs.set_up("error", "json")
    stop = threading.Event()
    threading.Thread(target=_until_told, args=(stop,), daemon=True).start()
    with closing(Store(sys.argv[1])) as store:
        app = App.on(store, Path(sys.argv[2]))
        sys.stdout.write("sealing\n")
        sys.stdout.flush()
        Worker(store, [Seal(app.ledger)]).run(stop)


def _until_told(stop: threading.Event) -> None:
    sys.stdin.read()
    stop.set()


if __name__ == "__main__":
    main()
