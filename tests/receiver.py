"""Receivers of webhooks on 127.0.0.1, good ones and bad ones, on bare sockets so that they can lie about anything."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socketserver
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    import socket
    import ssl
    from collections.abc import Callable

LONG = 30.0


class Got(NamedTuple):
    """A request that has come in, whole."""

    at: float
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> Any:
        return json.loads(self.body)

    @property
    def case(self) -> str:
        return str(self.event["subject"])

    @property
    def position(self) -> int:
        return int(self.event["position"])


class Line(NamedTuple):
    """What a receiver answers on, and a sign that it is being stopped."""

    socket: socket.socket
    over: threading.Event

    def say(self, raw: bytes) -> None:
        self.socket.sendall(raw)

    def status(self, status: int, *headers: str) -> None:
        told = "".join(f"{one}\r\n" for one in headers)
        self.say(f"HTTP/1.1 {status} So\r\nContent-Length: 0\r\n{told}\r\n".encode())

    def wait(self, seconds: float = LONG) -> None:
        self.over.wait(seconds)


if TYPE_CHECKING:
    Behaviour = Callable[[Got, Line], None]


def yes(_: Got, line: Line) -> None:
    """Behave."""
    line.status(200)


def says(status: int, *headers: str) -> Behaviour:
    return lambda _, line: line.status(status, *headers)


def hangs(_: Got, line: Line) -> None:
    line.wait()


def late(seconds: float) -> Behaviour:
    def answered(_: Got, line: Line) -> None:
        line.wait(seconds)
        line.status(200)

    return answered


def drips(_: Got, line: Line) -> None:
    """Answer a byte at a time, so that no single read is ever late."""
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Drip: drop\r\n" * 1_000:
        line.say(bytes([byte]))
        if line.over.wait(0.05):
            return


def raw(*pieces: bytes, endless: bytes = b"") -> Behaviour:
    """Say these bytes and close; or go on saying something for ever."""

    def answered(_: Got, line: Line) -> None:
        for piece in pieces:
            line.say(piece)
        while endless and not line.over.is_set():
            line.say(endless)

    return answered


class Receiver:
    """A receiver in threads of this process. `got` is what has come in, in the order in which it came."""

    def __init__(self, behave: Behaviour = yes, tls: ssl.SSLContext | None = None) -> None:
        self.behave, self.got = behave, list[Got]()
        self._over, self._gate = threading.Event(), threading.Lock()
        outer = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    outer._handled(self.request, tls)
                except (OSError, ValueError):
                    return  # whoever sent it has gone

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address, daemon_threads, request_queue_size = True, True, 128

            def handle_error(self, *_: object) -> None:
                """Say nothing."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self._scheme = "https" if tls else "http"

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self.port}/hook?from=grantflow"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def of(self, case: object) -> list[Got]:
        """What has come of one case."""
        return [one for one in list(self.got) if one.case == str(case)]

    def _handled(self, connection: socket.socket, tls: ssl.SSLContext | None) -> None:
        connection.settimeout(LONG)
        if tls is not None:
            connection = tls.wrap_socket(connection, server_side=True)
        got = _read(connection)
        with self._gate:
            self.got.append(got)
        self.behave(got, Line(connection, self._over))
        connection.close()


def _read(connection: socket.socket) -> Got:
    text = b""
    while b"\r\n\r\n" not in text:
        piece = connection.recv(65_536)
        if not piece or not (text + piece)[:1].isalpha():  # it has ended, or is not HTTP
            raise ValueError
        text += piece
    head, _, body = text.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    while len(body) < int(headers["content-length"]):
        body += connection.recv(65_536)
    return Got(time.monotonic(), first.split(" ")[1], headers, body)


def signed_by(secret: str, got: Got) -> bool:
    """Whether a request is signed with a secret, by the words of the Standard Webhooks specification and no library."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    content = f"{got.id}.{got.headers['webhook-timestamp']}.".encode() + got.body
    right = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    versions = [one.partition(",") for one in got.headers["webhook-signature"].split(" ")]
    return any(version == "v1" and hmac.compare_digest(right, told) for version, _, told in versions)
