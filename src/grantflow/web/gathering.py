"""Sending what is written to a client in one turn of the event loop together: an answer's head and body go as one."""

from __future__ import annotations

import asyncio
from typing import Any

ENOUGH = 65_536
"""So many bytes are sent at once, so that whoever writes on and on is told when the client can't follow."""
STALLED_SECONDS = 120.0
"""How long a client may read nothing of what it is sent, megabytes of which the system holds for it."""


class Gathering(asyncio.Transport):
    """A connection's transport, that asks the system once where it would be asked for each piece.

    A client that reads nothing of what waits for it is dropped, where it is watched, and when it is to be closed.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport, self._loop = transport, loop
        self._pieces: list[bytes] = []
        self._size = self._written = 0
        self._watching: asyncio.TimerHandle | None = None

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        """Send it before the event loop waits again."""
        if not self._pieces:
            self._loop.call_soon(self._send)
        self._pieces.append(bytes(data))
        self._size += len(data)
        self._written += len(data)
        if self._size > ENOUGH:
            self._send()

    def close(self) -> None:
        """Send what is left, and close."""
        self._send()
        self._transport.close()
        self.watch()

    def abort(self) -> None:
        """Close at once."""
        self._pieces, self._size = [], 0
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether it is closing, or closed."""
        return self._transport.is_closing()

    def get_write_buffer_size(self) -> int:
        """How many bytes the client has still to be sent."""
        return self._size + self._transport.get_write_buffer_size()

    def watch(self) -> None:
        """See from now on that the client reads, as long as something waits for it."""
        if self._watching is None and self.get_write_buffer_size():
            self._watching = self._loop.call_later(STALLED_SECONDS, self._look, self._taken())

    def unwatch(self) -> None:
        """Look no more: the connection is over."""
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    def _look(self, before: int) -> None:
        self._watching = None
        if self._taken() > before:
            self.watch()
        else:
            self.abort()

    def _taken(self) -> int:
        """How many bytes the system has taken for the client so far."""
        return self._written - self.get_write_buffer_size()

    def _send(self) -> None:
        if self._pieces:
            pieces, self._pieces, self._size = self._pieces, [], 0
            if not self._transport.is_closing():
                self._transport.write(pieces[0] if len(pieces) == 1 else b"".join(pieces))
