"""A connection of a client, that waits for nobody without end, and keeps no more of a request's head than one has."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httptools
import msgspec
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from grantflow.web.envelope import HEADERS
from grantflow.web.gathering import Gathering
from grantflow.web.problems import PROBLEM, RETRY_SECONDS
from grantflow.web.words import title_of

if TYPE_CHECKING:
    import asyncio

    from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

MOST_CONNECTIONS = 900
"""How many a process has at once: systems often let a process open 1 024 files, and it has others."""
LARGEST_HEAD = 65_536
"""The most bytes, beside those that come together with the first, that a request's head may have and not be whole."""
HEAD_SECONDS = 30.0
"""How long a client may take from connecting, or from its first byte, until a request's head is all there."""
IDLE_SECONDS = 75
"""How long a connection is kept between requests: longer than a proxy before it keeps its own."""
LAST_SECONDS = 0.3
"""How long a process that stops waits for a request that may be on its way."""
_MAPPED = "::ffff:"
"""What an IPv4 address begins with at a socket for both kinds."""


class Connection(HttpToolsProtocol):
    """Uvicorn's, with limits on clients that are slow to ask, that never stop, or don't read what they asked for.

    Requests may come one behind another. What is asked of Uvicorn's `cycle`, the newest that has come, is asked here of
    the one that is being answered.
    """

    transport: Gathering
    _answered: RequestResponseCycle | None = None
    _in_head = _in_message = False
    """Whether a request has begun whose head, or the rest of it, has not come yet."""
    _goes_on = False
    """Whether the piece that is being read has brought a request further."""
    _idle_bytes = 0
    """How much has come since one was brought further."""
    _is_over = False
    """Whether nothing more is read."""
    _is_last = False
    """Whether the next request is the last."""
    _asking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request, or refuse where too many do."""
        super().connection_made(transport)
        self.transport = Gathering(transport, self.loop)
        if self.client is not None:
            self.client = (self.client[0].removeprefix(_MAPPED), self.client[1])
        if len(self.connections) > MOST_CONNECTIONS:
            about = "Too many are connected just now."
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, "too-many-connections", about)
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more, and tell whoever answers that nobody is there."""
        self._stop_awaiting_head()
        self._unset_keepalive_if_required()
        self.pipeline.clear()
        if self._answered is not None and not self._answered.response_complete:
            self._answered.disconnected = True
            self._answered.message_event.set()
        super().connection_lost(exc)
        self.transport.unwatch()

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """Answer what has come whole, though the client says no more; a stream has nobody left to go on for."""
        if self._finishes():
            return True
        self.transport.close()
        return None

    def shutdown(self) -> None:
        """Close after what is being answered, or what may be on its way."""
        self._is_last = True
        if self._answers():
            self.cycle.keep_alive = False
        else:
            self.loop.call_later(LAST_SECONDS, self._close_if_idle)

    def data_received(self, data: bytes) -> None:
        """Take what has come; a head has to end in time, and in size."""
        if self._is_over:
            return
        self._unset_keepalive_if_required()
        self._goes_on = False
        try:
            self._read(data)
        except httptools.HttpParserError:
            self._refuse(HTTPStatus.BAD_REQUEST, "bad-request", "What was sent is not HTTP/1.1.")
            return
        self._idle_bytes = 0 if self._goes_on else self._idle_bytes + len(data)
        if self._idle_bytes > LARGEST_HEAD:
            about = f"More than {LARGEST_HEAD} bytes came that are headers, or stand beside a body, and do not end."
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head-too-large", about)
        elif not self._answers():
            self._await_head()

    def _read(self, data: bytes) -> None:
        """Let the parser read, which calls back. A request to talk another protocol is answered in this one.

        The parser takes all behind such a request's head for that protocol's; so it is told the head once more without.
        """
        left = memoryview(data)
        while left:
            try:
                self.parser.feed_data(left)
            except httptools.HttpParserUpgrade as upgrade:
                left = left[upgrade.args[0] :]
                self._read_without_upgrade()
            else:
                return

    def _read_without_upgrade(self) -> None:
        if self.parser.get_method() == b"CONNECT":
            msg = "a tunnel"
            raise httptools.HttpParserError(msg)
        version = self.parser.get_http_version().encode()
        lines = [b"%s: %s\r\n" % header for header in self.headers if header[0] != b"upgrade"]
        head = b"%s %s HTTP/%s\r\n%s\r\n" % (self.parser.get_method(), self.url, version, b"".join(lines))
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self.parser.feed_data(head)

    def on_message_begin(self) -> None:
        """Begin with a request's head."""
        super().on_message_begin()
        self._in_head = self._in_message = self._goes_on = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header. One that comes after the body says nothing here: the request is being answered."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Go on to the body."""
        if self.parser.should_upgrade():
            return
        super().on_headers_complete()
        self._in_head, self._goes_on = False, True
        self._stop_awaiting_head()
        if self._is_last:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        """Take a piece of the body."""
        self._goes_on = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Have the request whole."""
        if not self.parser.should_upgrade():
            self._in_message, self._goes_on = False, True
            super().on_message_complete()

    def pause_writing(self) -> None:
        """Let whoever writes wait, and see that the client reads."""
        super().pause_writing()
        self.transport.watch()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401 - an ASGI application
        self._answered = cycle
        super()._start_asgi_task(cycle, app)

    def _answers(self) -> bool:
        """Whether a request is being answered, so that the client has nothing to do but wait."""
        return self._answered is not None and not self._answered.response_complete

    def _has_begun(self) -> bool:
        """Whether the client has had a part of the answer."""
        return self._answered is not None and self._answered.response_started

    def _await_head(self) -> None:
        if self._asking is None:
            self._asking = self.loop.call_later(HEAD_SECONDS, self._no_head)

    def _stop_awaiting_head(self) -> None:
        if self._asking is not None:
            self._asking.cancel()
            self._asking = None

    def _no_head(self) -> None:
        self._asking = None
        if self._in_head and not self._answers():
            about = f"The request's headers did not end within {HEAD_SECONDS:.0f} s."
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "too-slow", about)
        else:
            self._close_if_idle()

    def _close_if_idle(self) -> None:
        if not self._answers():
            self.transport.close()

    def _finishes(self) -> bool:
        """Read no more, answer the requests that have come whole, and close then; False where there are none."""
        self._is_over = True
        answered = self._answered
        if answered is None or not self._answers() or self._has_begun() or answered is self._in_midst():
            return False
        if self.pipeline and self.pipeline[0][0] is self._in_midst():
            self.pipeline.popleft()
        last = self.pipeline[0][0] if self.pipeline else answered
        last.keep_alive = False
        return True

    def _in_midst(self) -> RequestResponseCycle | None:
        """The newest request, where its body is not all there."""
        return self.cycle if self.cycle is not None and self.cycle.more_body else None

    def _refuse(self, status: HTTPStatus, code: str, detail: str) -> None:
        """Close, when what had come whole before is answered. What is refused is told why, unless it had an answer."""
        if self._finishes():
            return
        told = self._has_begun() if self._answers() else self._in_message and not self._in_head
        if not told:
            self.transport.write(self._problem(status, code, detail))
        self.transport.close()

    def _problem(self, status: HTTPStatus, code: str, detail: str) -> bytes:
        """A problem document as a whole answer."""
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
        return b"".join([STATUS_LINE[status], *lines, b"\r\n", body])
