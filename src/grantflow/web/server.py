"""The service as it runs: processes that answer at one place, and the duties beside them."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from grantflow import embedded
from grantflow.app import open_app
from grantflow.identity import Authenticator
from grantflow.web.answering import answer
from grantflow.web.processes import Processes, listening
from grantflow.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grantflow.settings import Settings

log = structlog.get_logger(__name__)


def run(settings: Settings, *, host: str, port: int, processes: int, duties: bool) -> None:
    """Serve until told to stop (SIGTERM, SIGINT); SIGHUP puts new processes in place of the old, one at a time.

    Unavailable when the database can't be reached, BadSettings when an issuer can't be trusted, NotStarted when the
    port is taken or no process comes up.
    """
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there are processes to be replaced
    with closing(listening(host, port)) as listener, ExitStack() as opened:
        if not settings.database_url:
            embedded.database(embedded.start(settings.home), settings.database)
        with open_app(settings):
            Authenticator.on(settings)
        opened.enter_context(_counting_together())
        if duties:
            opened.enter_context(_worker(settings))
        log.info("serving", host=host, port=port, processes=processes, duties=duties)
        Processes(partial(answer, processes == 1), listener, processes).serve()
    log.info("stopped")


@contextmanager
def _worker(settings: Settings) -> Iterator[None]:
    """Keep the duties in this process, on threads of their own, as long as the service runs."""
    stop = threading.Event()
    with open_app(settings, working=True) as app:
        worker = Worker(app.store, app.chores())
        thread = threading.Thread(target=worker.run, args=(stop,), name="grantflow-duties")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


@contextmanager
def _counting_together() -> Iterator[None]:
    """Let the processes count into one folder, so that whichever is asked for metrics answers for all."""
    with tempfile.TemporaryDirectory(prefix="grantflow-metrics-") as folder:
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(Path(folder))
        try:
            yield
        finally:
            del os.environ["PROMETHEUS_MULTIPROC_DIR"]
