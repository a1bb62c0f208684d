"""What a connection does with clients that are slow, endless, deaf or too many; on an application of a few lines."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest

from grantflow.web import connection
from grantflow.web.answering import Server, configured

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHORT = 0.4
"""Seconds that stand for what is half a minute in the service."""
LARGE = b"x" * 60_000_000
REQUEST = b"GET /said HTTP/1.1\r\nHost: x\r\n\r\n"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Say what a request's headers are when its body has come; or much; or something again and again."""
    if scope["type"] == "lifespan":
        for stage in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{stage}.complete"})
        return
    while (await receive()).get("more_body"):
        pass
    if scope["path"] == "/endless":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        gone = asyncio.ensure_future(receive())
        while not gone.done():
            await send({"type": "http.response.body", "body": b"on\n", "more_body": True})
            await asyncio.sleep(0.05)
        return
    said = json.dumps([name.decode() for name, _ in scope["headers"]]).encode()
    body = LARGE if scope["path"] == "/large" else said
    length = str(len(body)).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
    await send({"type": "http.response.body", "body": body, "more_body": False})


@contextmanager
def serving() -> Iterator[Callable[[], socket.socket]]:
    """The application on connections of ours, in a thread; how to connect to it."""
    ready = threading.Event()
    server = Server(configured(application), ready.set, [])
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        address = listener.getsockname()
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        assert ready.wait(10)
        try:
            yield lambda: socket.create_connection(address, timeout=10)
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], socket.socket]]:
    monkeypatch.setattr(connection, "HEAD_SECONDS", SHORT)
    monkeypatch.setattr(connection, "STALLED_SECONDS", SHORT)
    monkeypatch.setattr(connection, "MOST_CONNECTIONS", 3)
    with serving() as connect:
        yield connect


def all_from(client: socket.socket) -> bytes:
    """What comes until the other end closes, or breaks, the connection."""
    told = bytearray()
    with suppress(ConnectionResetError):
        while piece := client.recv(1_000_000):
            told += piece
    return bytes(told)


def send_headers(client: socket.socket) -> None:
    """Send headers, and more headers, until the other end has had enough."""
    for number in range(1_000_000):
        client.sendall(b"x-%d: %b\r\n" % (number, b"y" * 1_000))


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


def test_requests_on_one_connection_are_answered_in_their_order(
    connected: Callable[[], socket.socket],
) -> None:
    with connected() as client:
        client.sendall(REQUEST + REQUEST.replace(b"Host", b"X-Second: 2\r\nHost"))
        told = b""
        while told.count(b"HTTP/1.1 200") < 2 or not told.endswith(b"]"):
            told += client.recv(65_536)
        assert told.index(b'["host"]') < told.index(b'["x-second", "host"]')


@pytest.mark.parametrize(
    "sent", [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01"]
)
def test_what_is_not_http_is_told_so(sent: bytes, connected: Callable[[], socket.socket]) -> None:
    with connected() as client:
        client.sendall(sent)
        assert problem(all_from(client))["code"] == "bad-request"


def test_a_head_that_never_ends_is_cut_off(connected: Callable[[], socket.socket]) -> None:
    with connected() as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        with pytest.raises(ConnectionError):
            send_headers(client)
    with connected() as client:
        client.sendall(b"GET /" + b"x" * connection.LARGEST_HEAD)
        assert problem(all_from(client))["code"] == "head-too-large"


def test_a_head_that_never_ends_behind_a_request_that_is_being_answered_is_cut_off_too(
    connected: Callable[[], socket.socket],
) -> None:
    with connected() as client:
        client.sendall(REQUEST.replace(b"said", b"endless"))
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        client.sendall(REQUEST[:-2])
        with pytest.raises(ConnectionError):
            send_headers(client)
        assert b"HTTP/1.1 431" not in all_from(client)


def test_a_head_that_does_not_end_in_time_is_told_so_and_one_that_never_begins_is_closed(
    connected: Callable[[], socket.socket],
) -> None:
    with connected() as slow, connected() as silent:
        slow.sendall(b"GET / HTTP/1.1\r\n")
        for _ in range(3):
            time.sleep(SHORT / 4)
            slow.sendall(b"x: y\r\n")
        assert problem(all_from(slow))["code"] == "too-slow"
        silent.sendall(b"\r\n")
        assert all_from(silent) == b""


def test_a_client_may_take_longer_between_its_requests_than_within_any_of_them(
    connected: Callable[[], socket.socket],
) -> None:
    with connected() as client:
        for _ in range(2):
            client.sendall(REQUEST)
            assert client.recv(65_536).startswith(b"HTTP/1.1 200")
            time.sleep(SHORT * 1.5)
        client.sendall(REQUEST[:-2])
        assert problem(all_from(client))["code"] == "too-slow"


def test_what_comes_after_a_body_is_no_header(connected: Callable[[], socket.socket]) -> None:
    with connected() as client:
        head = b"POST /said HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        client.sendall(head)
        time.sleep(0.1)
        client.sendall(b"1\r\nx\r\n0\r\nAuthorization: Bearer of-somebody-else\r\n\r\n")
        assert all_from(client).endswith(b'["host", "transfer-encoding", "connection"]')


def test_who_reads_nothing_is_dropped_and_who_reads_slowly_is_not(
    connected: Callable[[], socket.socket],
) -> None:
    with connected() as deaf, connected() as slow:
        for client in (deaf, slow):
            client.sendall(REQUEST.replace(b"said", b"large").replace(b"Host", b"Connection: close\r\nHost"))
        had = 0
        for _ in range(12):
            time.sleep(SHORT / 3)
            had += len(slow.recv(4_000_000, socket.MSG_WAITALL))
        had += len(all_from(slow))
        assert had > len(LARGE)
        assert len(all_from(deaf)) < len(LARGE)


def test_one_too_many_is_told_so_and_let_in_when_another_has_left(
    connected: Callable[[], socket.socket],
) -> None:
    with connected() as first, connected() as second:
        third = connected()
        third.sendall(REQUEST)
        assert third.recv(65_536).startswith(b"HTTP/1.1 200")
        with connected() as fourth:
            told = all_from(fourth)
        assert problem(told)["code"] == "too-many-connections"
        assert b"\r\nretry-after: 1\r\n" in told
        third.close()
        time.sleep(0.1)
        with connected() as fifth:
            for client in (first, second, fifth):
                client.sendall(REQUEST)
                assert client.recv(65_536).startswith(b"HTTP/1.1 200")
