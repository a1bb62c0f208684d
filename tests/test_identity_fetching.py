"""Keys are fetched within limits: what a bad server sends costs little time and no safety."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from realm import Made

from grantflow.identity import fetching
from grantflow.identity.fetching import NotFetched, from_address, from_discovery, is_address
from grantflow.identity.issuer import ALGORITHMS
from grantflow.identity.keys import usable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MADE = Made("https://login.example", "fetched", {})


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("https://login.example/jwks", True),
        ("http://127.0.0.1:8080/jwks", True),
        ("http://localhost/jwks", True),
        ("http://login.example/jwks", False),
        ("http://127.0.0.1.attacker.example/jwks", False),
        ("http://localhost@attacker.example/jwks", False),
        ("https://user:secret@login.example/jwks", False),
        ("file:///etc/passwd", False),
        ("ftp://login.example/jwks", False),
        ("https://login.example:port/", False),
        ("https:///jwks", False),
        ("https://login.example/\njwks", False),
        ("//login.example", False),
        ("", False),
    ],
)
def test_keys_are_fetched_over_https_or_from_this_machine(address: str, *, may: bool) -> None:
    assert is_address(address) is may
    if not may:
        with pytest.raises(NotFetched):
            from_address(address)


@contextmanager
def server(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Serve on this machine; every GET is answered by the function given."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                answer(self)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_address[1]}"
        finally:
            listening.shutdown()
            thread.join()


def send(
    handler: BaseHTTPRequestHandler, body: bytes, status: int = 200, header: tuple[str, str] | None = None
) -> None:
    handler.send_response(status)
    if header:
        handler.send_header(*header)
    handler.end_headers()
    handler.wfile.write(body)


def test_a_key_set_is_fetched_from_its_address() -> None:
    body = json.dumps(MADE.key_set).encode()
    with server(lambda handler: send(handler, body)) as address:
        assert len(usable(from_address(f"{address}/jwks"), ALGORITHMS)) == 4


def hanging(handler: BaseHTTPRequestHandler) -> None:
    handler.rfile.read(1)


def dripping(handler: BaseHTTPRequestHandler) -> None:
    send(handler, b"")
    while True:
        handler.wfile.write(b" ")
        time.sleep(0.02)


def huge(handler: BaseHTTPRequestHandler) -> None:
    send(handler, b"")
    for _ in range(160):
        handler.wfile.write(b" " * 65536)


def no_http(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"SSH-2.0-OpenSSH\r\n")


BAD: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {
    "hangs": hanging,
    "drips": dripping,
    "10 MB": huge,
    "garbage": lambda handler: send(handler, b"\xff\x00 not JSON"),
    "nested": lambda handler: send(handler, b"[" * 100_000),
    "nothing": lambda handler: send(handler, b""),
    "half": lambda handler: send(handler, b'{"keys": [', header=("Content-Length", "1000")),
    "no HTTP": no_http,
    "an error": lambda handler: send(handler, b"{}", 500),
    "accepted": lambda handler: send(handler, b"{}", 202),
}


@pytest.mark.parametrize("what", BAD)
def test_a_server_that_does_ill_is_left_soon(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching, "TIMEOUT", 0.2)
    with server(BAD[what]) as address:
        began = time.monotonic()
        with pytest.raises(NotFetched):
            from_address(address)
        assert time.monotonic() - began < 2


def test_an_answer_without_an_end_is_left_when_it_is_too_large() -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        send(handler, b"")
        while True:
            handler.wfile.write(b" " * 65536)

    with server(endless) as address, pytest.raises(NotFetched, match="larger than 262144 bytes"):
        from_address(address)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    asked = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.path)
        if handler.path == "/jwks":
            send(handler, b"", status, ("Location", "/elsewhere"))
        else:
            send(handler, json.dumps(MADE.key_set).encode())

    with server(answer) as address, pytest.raises(NotFetched, match=str(status)):
        from_address(f"{address}/jwks")
    assert asked == ["/jwks"]


def test_nobody_listening_is_said_and_lived_with() -> None:
    with server(hanging) as address:
        pass
    with pytest.raises(NotFetched, match="refused"):
        from_address(address)


def test_a_discovery_document_is_believed_about_itself_only() -> None:
    told: dict[str, Any] = {}

    def answer(handler: BaseHTTPRequestHandler) -> None:
        send(handler, json.dumps(told if "well-known" in handler.path else MADE.key_set).encode())

    with server(answer) as address:
        told.update(issuer=address, jwks_uri=f"{address}/jwks")
        assert from_discovery(address) == MADE.key_set
        for spoilt in (
            {"issuer": f"{address}/"},
            {"issuer": "https://attacker.example"},
            {"jwks_uri": None},
            {"jwks_uri": "file:///etc/passwd"},
            {"jwks_uri": "http://login.example/jwks"},
        ):
            kept = dict(told)
            told.update(spoilt)
            with pytest.raises(NotFetched):
                from_discovery(address)
            told.update(kept)
