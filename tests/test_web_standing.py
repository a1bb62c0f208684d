"""What the service says of itself to anybody, what it lets a browser do, and what it tells those who trace it."""

from __future__ import annotations

import asyncio
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from given import OSLO_KOMMUNE
from serving import Serving, service_on

from grantflow.web.app import Openness
from grantflow.web.tracing import traced

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from grantflow.store import Store

ELSEWHERE = "https://soknad.example.no"


@pytest.fixture
def serving(store: Store, tmp_path: Path) -> Iterator[Serving]:
    with service_on(store, tmp_path) as one:
        yield one


def test_it_says_that_it_lives_and_whether_it_is_ready(serving: Serving) -> None:
    assert serving.client.get("/healthz").json() == {"status": "alive"}
    ready = serving.client.get("/readyz")
    assert ready.status_code == 200
    told = ready.json()
    assert told["ready"]
    assert told["issuer"].startswith("built-in")
    assert {duty["name"] for duty in told["duties"]} >= {"project", "deadlines", "notify", "seal"}


def test_a_read_model_that_has_failed_makes_it_not_ready_and_says_which(serving: Serving) -> None:
    with serving.app.store.connection() as connection:
        connection.execute("UPDATE projection_positions SET error = 'broken' WHERE name = 'case_list'")
    answer = serving.client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["failed"] == ["case_list"]


def test_what_was_asked_is_counted(serving: Serving) -> None:
    serving.get("/calls", serving.token("kari", "applicant", OSLO_KOMMUNE))
    counted = serving.client.get("/metrics").text
    assert re.search(r'grantflow_http_requests_total\{.*route="/api/v1/calls",status="200"\} ', counted)


def test_the_documentation_needs_nothing_from_anywhere_and_runs_nothing(serving: Serving) -> None:
    page = serving.client.get("/docs")
    assert "script" not in page.text.lower().replace("description", "")
    assert not re.search(r'(?:src|href)="(?!#|/openapi\.json)', page.text)
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert serving.client.get("/openapi.json").json()["openapi"].startswith("3.1")


def test_pages_of_others_may_use_it_only_where_they_are_named(
    serving: Serving, store: Store, tmp_path: Path
) -> None:
    asked = {"Origin": ELSEWHERE, "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in serving.client.options("/api/v1/calls", headers=asked).headers
    home = tmp_path / "open"
    home.mkdir()
    with service_on(store, home, open_to=Openness(origins=(ELSEWHERE,))) as opened:
        allowed = opened.client.options("/api/v1/calls", headers=asked).headers
        assert allowed["access-control-allow-origin"] == ELSEWHERE
        other = {**asked, "Origin": "https://evil.example"}
        refused = opened.client.options("/api/v1/calls", headers=other).headers
        assert refused.get("access-control-allow-origin") != "https://evil.example"


async def _nothing(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b""})


def test_nothing_is_traced_unless_somebody_is_to_have_it() -> None:
    assert traced(_nothing) is _nothing


def test_a_trace_tells_of_no_case_and_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[bytes] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    collector = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=collector.serve_forever, daemon=True).start()
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{collector.server_port}")
    app, case = traced(_nothing), str(uuid4())
    scope = {
        "type": "http",
        "http_version": "1.1",
        "scheme": "http",
        "method": "GET",
        "path": f"/api/v1/applications/{case}",
        "query_string": b"at=2023-08-28",
        "headers": [(b"user-agent", b"kari-nordmann"), (b"host", b"127.0.0.1")],
        "client": ("198.51.100.7", 4711),
        "server": ("127.0.0.1", 8000),
    }

    async def asked() -> None:
        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(_: Any) -> None:
            """Nobody listens."""

        await app(scope, receive, send)

    asyncio.run(asked())
    app.tracer.span_processor.force_flush()
    app.tracer.span_processor.shutdown()
    collector.shutdown()
    collector.server_close()
    told = b"".join(received)
    assert b"/api/v1/applications/{case}" in told
    for telling in (case, "2023-08-28", "kari-nordmann", "198.51.100.7"):
        assert telling.encode() not in told
