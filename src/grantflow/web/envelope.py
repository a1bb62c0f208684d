"""What surrounds every request: an id, security headers, a line in the log, counters, and one answer time for "no"."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import structlog
from litestar import Request
from litestar.enums import ScopeType
from prometheus_client import Counter, Histogram

from grantflow.domain.identity_numbers import holds_one
from grantflow.web.problems import TooMany, problem

if TYPE_CHECKING:
    from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

    from grantflow.web.limits import Limits

log = structlog.get_logger(__name__)

NOT_FOUND_SECONDS = 0.05
"""How long it takes at least to be told that there is no such thing: what is not there answers no sooner than what one
may not see."""

_GIVEN_ID = re.compile(r"[A-Za-z0-9._:-]{1,100}")
_REQUESTS = Counter("grantflow_http_requests_total", "Requests answered.", ["method", "route", "status"])
_SECONDS = Histogram("grantflow_http_request_seconds", "Time to answer.", ["method", "route"])
_ID = b"x-request-id"
HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (
        b"content-security-policy",
        b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"no-store"),
)
"""What is said with every answer, unless its route says something else under the same name."""


class Envelope:
    """Around the whole application, so that what has no route is answered in it too."""

    def __init__(self, app: ASGIApp, addresses: Limits) -> None:
        self._app, self._addresses = app, addresses

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or let another kind of scope through."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        status = 500

        async def sent(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if status == HTTPStatus.NOT_FOUND:
                    await asyncio.sleep(max(0.0, began + NOT_FOUND_SECONDS - time.perf_counter()))
                said = [(name, value) for name, value in message["headers"] if name.lower() != _ID]
                names = {name.lower() for name, _ in said}
                unsaid = [header for header in HEADERS if header[0] not in names]
                message["headers"] = [*said, (_ID, request_id.encode()), *unsaid]
            await send(message)

        before = structlog.contextvars.bind_contextvars(request=request_id)
        try:
            answering = self._too_many(scope) or self._app
            await answering(scope, receive, sent)
        finally:
            self._told(scope, status, time.perf_counter() - began)
            structlog.contextvars.reset_contextvars(**before)

    def _too_many(self, scope: HTTPScope) -> ASGIApp | None:
        """The answer to an address that has asked too often; None for others."""
        try:
            self._addresses.admit((scope.get("client") or ("unknown", 0))[0])
        except TooMany as refusal:
            request: Request[Any, Any, Any] = Request(scope)
            return problem(request, refusal).to_asgi_response(app=None, request=request)
        return None

    def _told(self, scope: Scope, status: int, seconds: float) -> None:
        route = str(scope.get("path_template") or "none")
        method = str(scope.get("method", ""))
        if method not in {"GET", "POST", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"}:
            method = "other"
        requests, took = _counters(method, route, status)
        requests.inc()
        took.observe(seconds)
        log.info("answered", method=method, route=route, status=status, ms=round(seconds * 1000, 1))


class Methods:
    """Says which methods a path has (OPTIONS). What a browser asks before it crosses origins is answered before."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer OPTIONS, and let all else through."""
        if scope["type"] != ScopeType.HTTP or scope["method"] != "OPTIONS":
            await self._app(scope, receive, send)
            return
        allowed = scope["litestar_app"].state.methods.get(scope.get("path_template"), "OPTIONS")
        headers = [(b"allow", allowed.encode())]
        await send({"type": "http.response.start", "status": HTTPStatus.NO_CONTENT, "headers": headers})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@lru_cache(maxsize=10_000)
def _counters(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """What is counted in: the library looks it up by its labels each time, which takes longer than to count."""
    return _REQUESTS.labels(method, route, str(status)), _SECONDS.labels(method, route)


def _request_id(scope: Scope) -> str:
    """The caller's own id for the request, where it is one that can stand in a log; a new one otherwise."""
    for name, value in scope["headers"]:
        if name == _ID:
            given = value.decode("latin-1")
            fit = _GIVEN_ID.fullmatch(given) and not holds_one(given)
            return given if fit else str(uuid.uuid4())
    return str(uuid.uuid4())
