"""The HTTP service put together: routes, who is let in, what surrounds a request, and what it says of itself."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from litestar import Litestar, Router
from litestar.config.cors import CORSConfig
from litestar.di import Provide
from litestar.middleware import DefineMiddleware

from grantflow.warming import warm_up
from grantflow.web.asking import LARGEST_BODY, provided_body
from grantflow.web.caller import Admission, require_rights
from grantflow.web.described import described, methods_of, parameters_of
from grantflow.web.docs_page import docs_page
from grantflow.web.envelope import Envelope, Methods
from grantflow.web.house import House, house_of
from grantflow.web.limits import Limits
from grantflow.web.problems import EXCEPTION_HANDLERS
from grantflow.web.pulse import Pulse
from grantflow.web.routes import (
    applications,
    audit,
    authorities,
    calls,
    contacts,
    duties,
    events,
    ledger,
    notices,
    standing,
    steps,
    webhooks,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from grantflow.app import App
    from grantflow.identity import Authenticator

PREFIX = "/api/v1"
THREADS = 32
"""Requests that may wait for the database at once in one process: many share a commit, and some wait for seconds."""
HANDLERS: list[Any] = [
    *calls.HANDLERS,
    *steps.HANDLERS,
    *applications.HANDLERS,
    *events.HANDLERS,
    *audit.HANDLERS,
    *ledger.HANDLERS,
    *authorities.HANDLERS,
    *contacts.HANDLERS,
    *notices.HANDLERS,
    *duties.HANDLERS,
    *webhooks.HANDLERS,
]


def now() -> datetime:
    """The machine's clock, in UTC."""
    return datetime.now(UTC)


class Openness(NamedTuple):
    """How much is let in: requests a minute from a client and from an address (0: any), and pages of which origins."""

    client_per_minute: int = 0
    address_per_minute: int = 0
    origins: tuple[str, ...] = ()


def service(
    app: App,
    identities: Authenticator,
    *,
    clock: Callable[[], datetime] = now,
    open_to: Openness | None = None,
    at_the_start: Callable[[Pulse], None] = lambda _: None,
    at_the_end: Callable[[], None] = lambda: None,
) -> Litestar:
    """The ASGI application on a database, with somebody who vouches for callers; `at_the_end` lets go of it."""
    open_to = open_to or Openness()
    house = House(app, identities, Pulse(app.store), clock)
    warm_up(*(handler.opt["body"] for handler in HANDLERS if "body" in handler.opt))
    require_rights([*HANDLERS, *standing.HANDLERS])
    handlers: list[Any] = [Router(PREFIX, route_handlers=HANDLERS), *standing.HANDLERS]
    dependencies = {"house": Provide(house_of, sync_to_thread=False), "raw": Provide(provided_body)}
    spec = described(handlers, dependencies)
    built = Litestar(
        route_handlers=handlers,
        dependencies=dependencies,
        exception_handlers=EXCEPTION_HANDLERS,  # type: ignore[arg-type]
        middleware=[DefineMiddleware(Methods), DefineMiddleware(Admission)],
        cors_config=_cors(open_to.origins),
        lifespan=[_living(house, at_the_start, at_the_end)],
        request_max_body_size=LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
    )
    built.asgi_handler = Envelope(built.asgi_handler, Limits(open_to.address_per_minute))
    built.state.house = house
    built.state.limits = Limits(open_to.client_per_minute)
    built.state.parameters = parameters_of(spec)
    built.state.methods = methods_of(spec)
    built.state.openapi = msgspec.json.encode(spec)
    built.state.docs = docs_page(spec)
    return built


def _cors(origins: tuple[str, ...]) -> CORSConfig | None:
    """Which pages of others may use the service from a browser: none, unless named."""
    if not origins:
        return None
    return CORSConfig(
        allow_origins=list(origins),
        allow_methods=["GET", "POST"],
        allow_headers=[
            "Authorization",
            "Content-Type",
            "Idempotency-Key",
            "If-Match",
            "Last-Event-ID",
            "Acting-Role",
        ],
        expose_headers=["ETag", "Link", "Location", "Retry-After", "X-Request-Id", "Idempotent-Replayed"],
    )


def _living(
    house: House, at_the_start: Callable[[Pulse], None], at_the_end: Callable[[], None]
) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lived(_: Litestar) -> AsyncIterator[None]:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, "grantflow-request"))
        house.pulse.start()
        at_the_start(house.pulse)
        try:
            yield
        finally:
            house.pulse.stop()
            house.followers.shutdown(cancel_futures=True)
            at_the_end()

    return lived


__all__ = ["HANDLERS", "PREFIX", "service"]
