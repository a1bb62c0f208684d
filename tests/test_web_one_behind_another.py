"""Each request is answered as itself: whatever comes behind it, is cut off, or asks to talk something else."""

from __future__ import annotations

import socket
import struct
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from connected import FOLLOWED, REQUEST, SHORT, all_from, problem, serving

from grantflow.web import connection, gathering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connected import Connect

GARBAGE = b"garbage\r\n\r\n"
UPGRADE = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"


def request(path: str, body: bytes = b"", headers: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST %s HTTP/1.1\r\nHost: x\r\n%b%b\r\n%b" % (path.encode(), headers, length, body)


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    monkeypatch.setattr(gathering, "STALLED_SECONDS", SHORT)
    with serving() as connect:
        yield connect


def heard(client: socket.socket, end: bytes) -> bytes:
    """What comes until it ends so."""
    told = b""
    while not told.endswith(end):
        piece = client.recv(65_536)
        assert piece, told
        told += piece
    return told


@pytest.mark.parametrize("pieces", [1, 2])
@pytest.mark.parametrize("framed", ["length", "chunks"])
def test_one_who_asks_to_talk_something_else_is_answered_in_http_with_all_they_have_said(
    connected: Connect, pieces: int, framed: str
) -> None:
    """What stands behind such a request's head is its body, and no request of its own."""
    inner = request("/body", b"smuggled")
    whole = request("/body", inner, UPGRADE)
    if framed == "chunks":
        length = b"Content-Length: %d\r\n" % len(inner)
        whole = whole.replace(length, b"Transfer-Encoding: chunked\r\n")
        whole = whole.replace(inner, b"%x\r\n%b\r\n0\r\n\r\n" % (len(inner), inner))
    with connected() as client:
        if pieces == 1:
            client.sendall(whole + request("/body", b"next"))
        else:
            client.sendall(whole[: -len(inner)])
            time.sleep(0.1)
            client.sendall(whole[-len(inner) :] + request("/body", b"next"))
        told = heard(client, b"next")
        assert told.count(b"HTTP/1.1 200") == 2
        assert inner in told


def test_many_who_ask_so_one_behind_another_are_all_answered(connected: Connect) -> None:
    with connected() as client:
        client.sendall(b"".join(request("/body", b"%d;" % n, UPGRADE) for n in range(300)))
        assert heard(client, b"299;").count(b"HTTP/1.1 200") == 300


def test_a_tunnel_is_none(connected: Connect) -> None:
    with connected() as client:
        client.sendall(b"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert problem(all_from(client))["code"] == "bad-request"


def test_what_is_being_done_is_answered_and_not_the_garbage_behind_it(connected: Connect) -> None:
    with connected() as client:
        client.sendall(request("/slow", b"done"))
        time.sleep(0.1)
        client.sendall(GARBAGE)
        told = all_from(client)
        assert told.startswith(b"HTTP/1.1 200")
        assert told.endswith(b"done")
        assert told.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("end", [b"", GARBAGE], ids=["cut off", "garbage"])
def test_all_that_has_come_whole_is_answered_when_what_follows_has_not(
    connected: Connect, end: bytes
) -> None:
    with connected() as client:
        whole = request("/slow", b"first") + request("/body", b"second")
        client.sendall(whole + (end or request("/body", b"third")[:-2]))
        client.shutdown(socket.SHUT_WR)
        told = all_from(client)
        assert told.count(b"HTTP/1.1") == 2
        assert told.endswith(b"second")


@pytest.mark.parametrize("rest", [b"ZZ\r\n", b"1;" + b"y" * 400_000], ids=["broken", "endless"])
def test_one_who_was_answered_before_their_body_came_gets_no_second_answer(
    connected: Connect, rest: bytes
) -> None:
    with connected() as client:
        head = b"POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        client.sendall(head + b"1\r\nx\r\n")
        told = heard(client, b"]")
        client.sendall(rest[:2])
        time.sleep(0.1)
        with suppress(ConnectionError):
            client.sendall(rest[2:])
        assert (told + all_from(client)).count(b"HTTP/1.1") == 1


def test_a_stream_is_not_mixed_with_what_is_said_to_garbage(connected: Connect) -> None:
    with connected() as client:
        client.sendall(REQUEST.replace(b"said", b"endless"))
        heard(client, b"on\n\r\n")
        client.sendall(REQUEST + GARBAGE)
        assert b"HTTP/1.1" not in all_from(client)


def test_a_large_body_with_the_next_head_behind_it_is_no_large_head(connected: Connect) -> None:
    body, following = b"z" * (connection.LARGEST_HEAD + 30_000), request("/body", b"next")
    with connected() as client:
        client.sendall(request("/slow", body) + following[:20])
        time.sleep(SHORT)
        client.sendall(following[20:])
        told = heard(client, b"next")
        assert body in told


@pytest.mark.parametrize("sent", [b"0\r\nX: ", b"1;"], ids=["trailer", "extension"])
def test_what_never_ends_beside_a_body_is_cut_off(connected: Connect, sent: bytes) -> None:
    with connected() as client, connected() as other:
        client.sendall(b"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + sent)
        time.sleep(0.1)
        with pytest.raises(ConnectionError):
            endless(client)
        other.sendall(REQUEST)
        assert heard(other, b"]")


def endless(client: socket.socket) -> None:
    for _ in range(1_000):
        client.sendall(b"y" * 100_000)


@pytest.mark.parametrize("path", ["/body", "/slow"])
def test_one_who_has_said_all_and_only_listens_is_answered(connected: Connect, path: str) -> None:
    with connected() as client:
        client.sendall(request(path, b"first") + request(path, b"last"))
        client.shutdown(socket.SHUT_WR)
        told = all_from(client)
        assert told.count(b"HTTP/1.1 200") == 2
        assert told.endswith(b"last")


def test_one_who_says_no_more_in_the_midst_of_a_body_is_let_go(connected: Connect) -> None:
    with connected() as client:
        client.sendall(request("/body", b"cut off")[:-3])
        client.shutdown(socket.SHUT_WR)
        assert all_from(client) == b""


@pytest.mark.parametrize("left", ["politely", "rudely"])
def test_a_stream_ends_with_its_client_also_when_more_was_asked_behind_it(
    connected: Connect, left: str
) -> None:
    clients = [connected() for _ in range(10)]
    for client in clients:
        client.sendall(REQUEST.replace(b"said", b"endless") + REQUEST)
        heard(client, b"on\n\r\n")
    assert len(FOLLOWED) == 10
    for client in clients:
        if left == "rudely":
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
    give_up = time.monotonic() + 5
    while FOLLOWED:
        assert time.monotonic() < give_up
        time.sleep(0.05)
