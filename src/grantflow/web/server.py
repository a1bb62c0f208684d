"""The service as it runs: Granian's processes, each with the whole application, and the duties beside them."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
import tempfile
import threading
import time
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog
from granian.constants import HTTPModes, Interfaces
from granian.utils.proxies import wrap_asgi_with_proxy_headers

from grantflow import embedded, logs
from grantflow.app import open_app
from grantflow.domain.errors import Refused
from grantflow.identity import Authenticator
from grantflow.settings import Settings
from grantflow.web.app import Openness, service
from grantflow.web.processes import NotStarted, Processes, address_of
from grantflow.web.tracing import traced
from grantflow.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from grantflow.web.pulse import Pulse

log = structlog.get_logger(__name__)

KILL_SECONDS = 20
"""How long a process may take to finish what it has begun before it is killed."""
BACKLOG = 1_024
RUBBISH = 10_000
"""So many new objects are a reason to look for those that hold each other: a request makes some hundred."""


def created() -> Any:  # noqa: ANN401 - an ASGI application
    """The ASGI application of one process, on what its environment says; called by the server in each."""
    settings = Settings.from_env(os.environ)
    logs.set_up(settings.log_level, settings.log_format, keeps_running=True)
    threading.Thread(target=_end_with_the_service, name="grantflow-parent", daemon=True).start()
    try:
        application = on(settings)
    except Refused as refusal:
        log.error("process-not-started", code=refusal.code, reason=refusal.detail)  # noqa: TRY400 - no fault of ours
        raise SystemExit(1) from None
    _settle()
    return application


def _settle() -> None:
    """Spare what is there for good from being looked over again and again for rubbish, and look less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(RUBBISH)


def on(settings: Settings, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Any:  # noqa: ANN401
    """The ASGI application on what the settings name; its database is let go of when it has answered all."""
    opened = ExitStack()
    app = opened.enter_context(open_app(settings))
    openness = Openness(settings.rate_limit, settings.address_rate_limit, settings.cors_origins)
    built = service(
        app,
        Authenticator.on(settings),
        clock=clock,
        open_to=openness,
        at_the_start=_heeding,
        at_the_end=opened.close,
    )
    traced_app = traced(built)
    if settings.trusted_proxies:
        return wrap_asgi_with_proxy_headers(traced_app, list(settings.trusted_proxies))
    return traced_app


def run(settings: Settings, *, host: str, port: int, processes: int, duties: bool) -> None:
    """Serve until told to stop (SIGTERM, SIGINT); SIGHUP puts new processes in place of the old, one at a time.

    Unavailable when the database can't be reached, BadSettings when an issuer can't be trusted, NotStarted when the
    port is taken or no process comes up.
    """
    address = address_of(host, port)
    if not settings.database_url:
        embedded.database(embedded.start(settings.home), settings.database)
    with open_app(settings):
        Authenticator.on(settings)
    with ExitStack() as opened:
        opened.enter_context(_counting_together())
        if duties:
            opened.enter_context(_worker(settings))
        multiprocessing.set_start_method("spawn", force=True)
        server = Processes(
            f"{__name__}:created",
            address=address,
            port=port,
            interface=Interfaces.ASGI,
            http=HTTPModes.http1,
            websockets=False,
            workers=processes,
            backlog=BACKLOG,
            factory=True,
            log_enabled=False,
            workers_kill_timeout=KILL_SECONDS,
        )
        log.info("serving", host=host, port=port, processes=processes, duties=duties)
        server.serve()
    if server.failed:
        msg = "No process of the service came to answer; the reason stands in the log above."
        raise NotStarted(msg)
    log.info("stopped")


def _end_with_the_service() -> None:
    """End this process when the one that started it is gone, however that went: nobody would look after it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(KILL_SECONDS)
        os._exit(1)


def _heeding(pulse: Pulse) -> None:
    """Tell the streams that they are over as soon as this process is told to stop: it waits for all that it answers.

    The server's own handler is asyncio's, which is woken whatever handler stands here.
    """
    if threading.current_thread() is threading.main_thread():
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(pulse.stop))


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
