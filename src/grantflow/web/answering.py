"""One of the processes that answer: the whole application, served by Uvicorn on our connections."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import threading
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import structlog
import uvicorn
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from grantflow import logs
from grantflow.app import open_app
from grantflow.domain.errors import Refused
from grantflow.identity import Authenticator
from grantflow.settings import Settings
from grantflow.web.app import Openness, now, service
from grantflow.web.connection import IDLE_SECONDS, Connection
from grantflow.web.processes import BACKLOG, KILL_SECONDS
from grantflow.web.tracing import traced

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable
    from datetime import datetime
    from multiprocessing.connection import Connection as Pipe
    from types import FrameType

    from grantflow.web.pulse import Pulse

log = structlog.get_logger(__name__)

RUBBISH = 10_000
"""So many new objects are a reason to look for those that hold each other: a request makes some hundred."""


def answer(listener: socket.socket, telling: Pipe) -> None:
    """Take requests at a socket, in a process of its own, on what its environment says, until told to stop."""
    settings = Settings.from_env(os.environ)
    logs.set_up(settings.log_level, settings.log_format, keeps_running=True)
    threading.Thread(target=_end_with_the_service, name="grantflow-parent", daemon=True).start()
    pulses: list[Pulse] = []
    try:
        application = on(settings, at_the_start=pulses.append)
    except Refused as refusal:
        log.error("process-not-started", code=refusal.code, reason=refusal.detail)  # noqa: TRY400 - no fault of ours
        raise SystemExit(1) from None
    _settle()
    server = Server(configured(application), lambda: telling.send(os.getpid()), pulses)
    server.run(sockets=[listener])


def on(
    settings: Settings,
    clock: Callable[[], datetime] = now,
    at_the_start: Callable[[Pulse], None] = lambda _: None,
) -> Any:  # noqa: ANN401 - an ASGI application
    """The ASGI application on what the settings name; its database is let go of when it has answered all."""
    opened = ExitStack()
    app = opened.enter_context(open_app(settings))
    openness = Openness(settings.rate_limit, settings.address_rate_limit, settings.cors_origins)
    built = service(
        app,
        Authenticator.on(settings),
        clock=clock,
        open_to=openness,
        at_the_start=at_the_start,
        at_the_end=opened.close,
    )
    traced_app = traced(built)
    if settings.trusted_proxies:
        return ProxyHeadersMiddleware(traced_app, list(settings.trusted_proxies))
    return traced_app


def configured(application: Any) -> uvicorn.Config:  # noqa: ANN401 - an ASGI application
    """How Uvicorn serves an application of ours: HTTP alone, on our connections, and without a log of its own."""
    return uvicorn.Config(
        application,
        interface="asgi3",
        lifespan="on",
        loop="uvloop",
        http=Connection,
        ws="none",
        backlog=BACKLOG,
        timeout_keep_alive=IDLE_SECONDS,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
    )


class Server(uvicorn.Server):
    """Uvicorn's server, which tells when it answers, and ends the streams before it waits for all that it answers."""

    def __init__(self, config: uvicorn.Config, tell: Callable[[], None], pulses: list[Pulse]) -> None:
        super().__init__(config)
        self._tell, self._pulses = tell, pulses

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's own
        """Begin to stop. Uvicorn would send itself the signal once more when it has stopped."""
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Take requests from now on."""
        await super().startup(sockets)
        self._tell()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more, and finish what has begun."""
        for pulse in self._pulses:
            pulse.stop()
        await super().shutdown(sockets)


def _settle() -> None:
    """Spare what is there for good from being looked over again and again for rubbish, and look less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(RUBBISH)


def _end_with_the_service() -> None:
    """End this process when the one that started it is gone, however that went: nobody would look after it."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(KILL_SECONDS)
        os._exit(1)
