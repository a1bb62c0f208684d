"""What a connection does with clients that are slow, endless, deaf or too many; on an application of a few lines."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING

import pytest
from connected import LARGE, REQUEST, SHORT, all_from, problem, serving

from grantflow.web import connection, gathering

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connected import Connect


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    monkeypatch.setattr(connection, "HEAD_SECONDS", SHORT)
    monkeypatch.setattr(gathering, "STALLED_SECONDS", SHORT)
    monkeypatch.setattr(connection, "MOST_CONNECTIONS", 3)
    with serving() as connect:
        yield connect


def send_headers(client: socket.socket) -> None:
    """Send headers, and more headers, until the other end has had enough."""
    for number in range(1_000_000):
        client.sendall(b"x-%d: %b\r\n" % (number, b"y" * 1_000))


def test_requests_on_one_connection_are_answered_in_their_order(
    connected: Connect,
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
def test_what_is_not_http_is_told_so(sent: bytes, connected: Connect) -> None:
    with connected() as client:
        client.sendall(sent)
        assert problem(all_from(client))["code"] == "bad-request"


def test_a_head_that_never_ends_is_cut_off(connected: Connect) -> None:
    with connected() as client:
        client.sendall(b"GET / HTTP/1.1\r\n")
        with pytest.raises(ConnectionError):
            send_headers(client)
    with connected() as client:
        client.sendall(b"GET / HTTP/1.1\r\nX: ")
        time.sleep(0.1)
        client.sendall(b"y" * (connection.LARGEST_HEAD + 1))
        assert problem(all_from(client))["code"] == "head-too-large"


def test_a_head_that_never_ends_behind_a_request_that_is_being_answered_is_cut_off_too(
    connected: Connect,
) -> None:
    with connected() as client:
        client.sendall(REQUEST.replace(b"said", b"endless"))
        assert client.recv(100).startswith(b"HTTP/1.1 200")
        client.sendall(REQUEST[:-2])
        with pytest.raises(ConnectionError):
            send_headers(client)
        assert b"HTTP/1.1 431" not in all_from(client)


def test_a_head_that_does_not_end_in_time_is_told_so_and_one_that_never_begins_is_closed(
    connected: Connect,
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
    connected: Connect,
) -> None:
    with connected() as client:
        for _ in range(2):
            client.sendall(REQUEST)
            assert client.recv(65_536).startswith(b"HTTP/1.1 200")
            time.sleep(SHORT * 1.5)
        client.sendall(REQUEST[:-2])
        assert problem(all_from(client))["code"] == "too-slow"


def test_what_comes_after_a_body_is_no_header(connected: Connect) -> None:
    with connected() as client:
        head = b"POST /said HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        client.sendall(head)
        time.sleep(0.1)
        client.sendall(b"1\r\nx\r\n0\r\nAuthorization: Bearer of-somebody-else\r\n\r\n")
        assert all_from(client).endswith(b'["host", "transfer-encoding", "connection"]')


@pytest.mark.parametrize("path", [b"large", b"much"])
def test_who_reads_nothing_is_dropped_and_who_reads_slowly_is_not(connected: Connect, path: bytes) -> None:
    """Also where what they have read is filled up at once, so that as much waits for them as before."""
    with connected() as deaf, connected() as slow:
        for client in (deaf, slow):
            client.sendall(REQUEST.replace(b"said", path).replace(b"Host", b"Connection: close\r\nHost"))
        had = 0
        for _ in range(12):
            time.sleep(SHORT / 3)
            had += len(slow.recv(4_000_000, socket.MSG_WAITALL))
        had += len(all_from(slow))
        assert had > len(LARGE)
        assert len(all_from(deaf)) < len(LARGE)


def test_one_too_many_is_told_so_and_let_in_when_another_has_left(
    connected: Connect,
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
