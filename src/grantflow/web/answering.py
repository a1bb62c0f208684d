"""One of the processes that answer: the whole application, served by Uvicorn on our connections."""

from __future__ import annotations

import asyncio
import gc
import multiprocessing
import os
import signal
import socket
import threading
import time
from contextlib import ExitStack, suppress
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
from grantflow.web.processes import KILL_SECONDS, OURS
from grantflow.web.tracing import traced

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from multiprocessing.connection import Connection as Pipe
    from types import FrameType

    from grantflow.web.pulse import Pulse

log = structlog.get_logger(__name__)

STOP_SECONDS = int(KILL_SECONDS) - 5
"""How long a client is waited for that does not read its answer, when this process is to stop."""
TURN_SECONDS = 0.001
"""How long a process that has taken a connection leaves the next to others: longer than they take to wake."""
REST_SECONDS = 0.5
"""How long none is taken where there is no room for one more."""
RUBBISH = 10_000
"""So many new objects are a reason to look for those that hold each other: a request makes some hundred."""


def answer(alone: bool, listener: socket.socket, telling: Pipe) -> None:  # noqa: FBT001 - bound by what starts it
    """Take requests at a socket, in a process of its own, on what its environment says, until told to stop.

    A process that is not `alone` leaves the others time to take some of them.
    """
    for number in OURS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, OURS)
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
    os.set_blocking(telling.fileno(), False)
    turn = 0.0 if alone else TURN_SECONDS
    Server(configured(application), listener, lambda: _give_a_sign(telling), pulses, turn=turn).run()


def _give_a_sign(telling: Pipe) -> None:
    with suppress(OSError):  # nobody listens just now
        telling.send_bytes(b"here")


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
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
    )


class Server(uvicorn.Server):
    """Uvicorn's server at a socket that it may share with others: each takes a connection every so many seconds.

    Whoever woke first would take all that wait there, and leave none to the others. The streams, which follow these
    `pulses`, are ended before all that is being answered is waited for. A sign of life is given every second.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        listener: socket.socket,
        give_a_sign: Callable[[], None],
        pulses: list[Pulse],
        *,
        turn: float = 0.0,
    ) -> None:
        super().__init__(config)
        self._turn = turn
        self._listener, self._give_a_sign, self._pulses = listener, give_a_sign, pulses
        self._taking: set[asyncio.Task[Any]] = set()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:  # noqa: ARG002 - it has its own
        """Take requests from now on."""
        await super().startup([])
        self._listener.setblocking(False)  # noqa: FBT003 - the standard library's own
        asyncio.get_running_loop().add_reader(self._listener, self._take)

    async def on_tick(self, counter: int) -> bool:
        """Do what has to be done ten times a second; whether it is time to stop."""
        if counter % 10 == 0:
            self._give_a_sign()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more, and finish what has begun."""
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.close()
        for pulse in self._pulses:
            pulse.stop()
        if self._taking:
            await asyncio.wait(self._taking)
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002 - uvicorn's own
        """Begin to stop. Uvicorn would send itself the signal once more when it has stopped."""
        self.should_exit = True

    def _take(self) -> None:
        """Take one connection, if no other process has been faster."""
        try:
            taken, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError as error:
            log.warning("no-connection-taken", reason=str(error))
            self._rest(REST_SECONDS)
            return
        taken.setblocking(False)  # noqa: FBT003 - the standard library's own
        taken.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        loop = asyncio.get_running_loop()
        task = loop.create_task(loop.connect_accepted_socket(self._connection, taken))
        self._taking.add(task)
        task.add_done_callback(self._taken)
        if self._turn:
            self._rest(self._turn)

    def _taken(self, task: asyncio.Task[Any]) -> None:
        self._taking.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("connection-lost", reason=str(error))

    def _connection(self) -> Connection:
        return Connection(self.config, self.server_state, self.lifespan.state)

    def _rest(self, seconds: float) -> None:
        """Take none for a while."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._listener)
        loop.call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        if not self.should_exit:
            asyncio.get_running_loop().add_reader(self._listener, self._take)


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
