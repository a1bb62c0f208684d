"""A server on connections of ours, in a thread, with an application of a few lines; clients are bare sockets."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

from grantflow.web.answering import Server, configured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Connect = Callable[[], socket.socket]

SHORT = 0.4
"""Seconds that stand for what is half a minute in the service."""
LARGE = b"x" * 60_000_000
FOLLOWED: set[Any] = set()
"""The endless answers that go on."""
REQUEST = b"GET /said HTTP/1.1\r\nHost: x\r\n\r\n"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Say what a request's headers are, or its body, when that has come; or much; or something again and again."""
    if scope["type"] == "lifespan":
        for stage in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{stage}.complete"})
        return
    body, more = b"", scope["path"] != "/early"
    while more:
        told = await receive()
        body, more = body + told.get("body", b""), told.get("more_body", False)
    if scope["path"] == "/slow":
        await asyncio.sleep(SHORT / 2)
    if scope["path"] == "/much":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(60):
            await send({"type": "http.response.body", "body": LARGE[:1_000_000], "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        return
    if scope["path"] == "/endless":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        gone = asyncio.ensure_future(receive())
        FOLLOWED.add(gone)
        while not gone.done():
            await send({"type": "http.response.body", "body": b"on\n", "more_body": True})
            await asyncio.sleep(0.05)
        FOLLOWED.discard(gone)
        return
    said = json.dumps([name.decode() for name, _ in scope["headers"]]).encode()
    answer = {"/large": LARGE, "/body": body, "/slow": body}.get(scope["path"], said)
    length = str(len(answer)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": answer, "more_body": False})


@contextmanager
def serving() -> Iterator[Connect]:
    """The application on connections of ours, in a thread; how to connect to it."""
    ready = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        address = listener.getsockname()
        server = Server(configured(application), listener, ready.set, [])
        thread = threading.Thread(target=server.run)
        thread.start()
        assert ready.wait(10)
        try:
            yield lambda: socket.create_connection(address, timeout=10)
        finally:
            server.should_exit = True
            thread.join()


def all_from(client: socket.socket) -> bytes:
    """What comes until the other end closes, or breaks, the connection."""
    told = bytearray()
    with suppress(ConnectionResetError):
        while piece := client.recv(1_000_000):
            told += piece
    return bytes(told)


def problem(told: bytes) -> dict[str, Any]:
    """The problem document of an answer that ends the connection, with what every answer says."""
    head, _, body = told.partition(b"\r\n\r\n")
    for header in (
        b"connection: close",
        b"content-type: application/problem+json",
        b"x-content-type-options",
    ):
        assert header in head, head
    document: dict[str, Any] = json.loads(body)
    assert head.startswith(f"HTTP/1.1 {document['status']} ".encode())
    return document
