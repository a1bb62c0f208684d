"""A connection of a client, that waits for nobody without end, and keeps no more of a request's head than one has."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from grantflow.web.envelope import HEADERS
from grantflow.web.gathering import Gathering
from grantflow.web.problems import PROBLEM, RETRY_SECONDS
from grantflow.web.words import title_of

if TYPE_CHECKING:
    import asyncio

MOST_CONNECTIONS = 900
"""How many a process has at once: systems often let a process open 1 024 files, and it has others."""
LARGEST_HEAD = 65_536
"""The most bytes of a request's line and headers that are kept while they are not all there."""
HEAD_SECONDS = 30.0
"""How long a client may take from connecting, or from its first byte, until a request's head is all there."""
STALLED_SECONDS = 120.0
"""How long a client may read nothing of what it is sent, megabytes of which the system holds for it."""
IDLE_SECONDS = 75
"""How long a connection is kept between requests: longer than a proxy before it keeps its own."""


class Connection(HttpToolsProtocol):
    """Uvicorn's, with limits on clients that are slow to ask, that never stop, or don't read what they asked for."""

    _in_head = False
    _head_bytes = 0
    _asking: asyncio.TimerHandle | None = None
    _reading: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request, or refuse where too many do."""
        super().connection_made(transport)
        self.transport = Gathering(transport, self.loop)
        if len(self.connections) > MOST_CONNECTIONS:
            self._refuse(
                HTTPStatus.SERVICE_UNAVAILABLE, "too-many-connections", "Too many are connected just now."
            )
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._stop_awaiting_head()
        self._stop_awaiting_reader()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come; a head has to end in time, and in size."""
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > LARGEST_HEAD:
                about = f"The request's line and headers have more than {LARGEST_HEAD} bytes."
                self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head-too-large", about)
        if not self._answers():
            self._await_head()

    def on_message_begin(self) -> None:
        """Begin with a request's head."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. One that comes after the body says nothing here: the request is being answered."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        self._in_head = False
        self._stop_awaiting_head()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - it says only that this is not HTTP
        """Say that this is not HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, "bad-request", "What was sent is not HTTP/1.1.")

    def pause_writing(self) -> None:
        """Give the client some time to read what it was sent."""
        super().pause_writing()
        self._await_reader()

    def resume_writing(self) -> None:
        """Go on: the client has read."""
        self._stop_awaiting_reader()
        super().resume_writing()

    def _answers(self) -> bool:
        """Whether a request is being answered, so that the client has nothing to do but wait."""
        return self.cycle is not None and not self.cycle.response_complete

    def _await_head(self) -> None:
        if self._asking is None:
            self._asking = self.loop.call_later(HEAD_SECONDS, self._no_head)

    def _stop_awaiting_head(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _no_head(self) -> None:
        self._asking = None
        if self._in_head:
            about = f"The request's headers did not end within {HEAD_SECONDS:.0f} s."
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "too-slow", about)
        elif not self._answers():
            self.transport.close()

    def _await_reader(self) -> None:
        unread = self.transport.get_write_buffer_size()
        self._reading = self.loop.call_later(STALLED_SECONDS, self._no_reader, unread)

    def _stop_awaiting_reader(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _no_reader(self, unread: int) -> None:
        if self.transport.get_write_buffer_size() < unread:
            self._await_reader()
        else:
            self.transport.abort()

    def _refuse(self, status: HTTPStatus, code: str, detail: str) -> None:
        """Answer what has not become a request, as a problem document, and close."""
        if not self._answers() or not self.cycle.response_started:
            body = msgspec.json.encode(
                {
                    "type": f"urn:grantflow:problem:{code}",
                    "title": title_of(code, "en"),
                    "status": status,
                    "detail": detail,
                    "code": code,
                }
            )
            headers = [
                (b"content-type", PROBLEM.encode()),
                (b"content-length", str(len(body)).encode()),
                (b"connection", b"close"),
                *self.server_state.default_headers,
                *HEADERS,
            ]
            if status == HTTPStatus.SERVICE_UNAVAILABLE:
                headers.append((b"retry-after", str(RETRY_SECONDS).encode()))
            lines = [b"%s: %s\r\n" % header for header in headers]
            self.transport.write(b"".join([STATUS_LINE[status], *lines, b"\r\n", body]))
        self.transport.close()
