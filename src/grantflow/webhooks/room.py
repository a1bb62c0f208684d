"""Where sendings go on: an event loop on its own thread, threads for what waits, and connections that hold locks."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from psycopg.conninfo import make_conninfo

from grantflow.connections import pool
from grantflow.webhooks.pace import AT_ONCE, NAMES_AT_ONCE
from grantflow.webhooks.sending import Sender

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator, Callable, Coroutine
    from concurrent.futures import Future

    from grantflow.connections import Connection
    from grantflow.webhooks.target import Targets

P = ParamSpec("P")
T = TypeVar("T")


class Room:
    """Lives as long as anything is sent. What goes on here ends with the process, at whatever point it is."""

    def __init__(self, database_url: str, targets: Targets, trusted: ssl.SSLContext | None) -> None:
        self._names = ThreadPoolExecutor(NAMES_AT_ONCE, "grantflow-webhook-names")
        self._threads = ThreadPoolExecutor(AT_ONCE, "grantflow-webhook-notes")
        self._connections = pool(_own(database_url), most=AT_ONCE, least=0)
        self.sender = Sender(targets, self._names, trusted)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="grantflow-webhooks", daemon=True)
        self._thread.start()

    def begin(self, lane: Coroutine[Any, Any, None]) -> Future[None]:
        """Let something go on here."""
        return asyncio.run_coroutine_threadsafe(lane, self._loop)

    async def beside(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do what waits for the database, on a thread beside the loop."""
        return await self._loop.run_in_executor(self._threads, lambda: work(*args, **kwargs))

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection; a transaction that is still open at the end is rolled back."""
        lent = await self.beside(self._connections.getconn)
        try:
            yield lent
        finally:
            await self.beside(self._give_back, lent)

    def close(self) -> None:
        """End, when nothing goes on any more."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._names.shutdown(wait=False, cancel_futures=True)
        self._threads.shutdown()
        self._connections.close()

    def _give_back(self, lent: Connection) -> None:
        try:
            if not lent.closed:
                lent.rollback()
        finally:
            self._connections.putconn(lent)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()


def _own(database_url: str) -> str:
    """The address under a name of this room's own.

    Whoever takes over the duty ends what a holder that hangs has left open; a sending that takes its time is none.
    """
    return make_conninfo(
        database_url, application_name=f"grantflow webhooks {socket.gethostname()[:32]}:{os.getpid()}"
    )
