"""The log's pulse: one thread listens for new events, and wakes everybody in this process who waits for some."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from typing import TYPE_CHECKING

import structlog

from grantflow.store import Unavailable

if TYPE_CHECKING:
    from grantflow.store import Store

log = structlog.get_logger(__name__)

_LISTEN_SECONDS = 5.0
_PAUSE_SECONDS = 1.0
_GATHERING_SECONDS = 0.1
"""What comes together wakes once: listening anew costs a connection each time."""


class Pulse:
    """Tells, on the event loop it was started on, how far the log has come."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._last = 0
        self._stopping = threading.Event()
        self._grown: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._listen, name="grantflow-pulse", daemon=True)

    def start(self) -> None:
        """Begin to listen; call it on the event loop that will wait."""
        self._loop, self._grown = asyncio.get_running_loop(), asyncio.Event()
        self._thread.start()

    def stop(self) -> None:
        """Listen no more; those who wait are woken, to see that it is over."""
        self._stopping.set()
        if self._grown is not None:
            self._grown.set()

    @property
    def position(self) -> int:
        """How far the log has come, as far as is known here."""
        return self._last

    @property
    def stopped(self) -> bool:
        """Whether the service is stopping."""
        return self._stopping.is_set()

    async def beyond(self, position: int, seconds: float) -> bool:
        """Wait until the log goes on after a position: False when time is up, or the service stops, before that."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._last <= position and not self.stopped and self._grown is not None:
                    await self._grown.wait()
        return self._last > position

    def _listen(self) -> None:
        while not self.stopped:
            try:
                last = self._store.wait(self._last, _LISTEN_SECONDS)
            except Unavailable as refusal:
                if not self._stopping.is_set():
                    log.warning("pulse-lost", reason=refusal.detail)
                    self._stopping.wait(_PAUSE_SECONDS)
                continue
            if last > self._last and self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._tell, last)
                self._last = last
                self._stopping.wait(_GATHERING_SECONDS)

    def _tell(self, last: int) -> None:
        """Wake those who wait, and lay a new event out for the next."""
        grown, self._grown = self._grown, asyncio.Event()
        self._last = max(self._last, last)
        if grown is not None:
            grown.set()
