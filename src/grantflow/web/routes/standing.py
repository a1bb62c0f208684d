"""Whether the service lives and is ready, what it counts, and its documentation: for anybody who can reach it."""

from __future__ import annotations

import os

import msgspec
import prometheus_client
from litestar import MediaType, Response, get
from prometheus_client.multiprocess import MultiProcessCollector

from grantflow.domain.errors import Refused
from grantflow.rota import DutyStanding
from grantflow.web.docs_page import STYLE_SOURCE
from grantflow.web.house import AnyRequest, TheHouse

LAG_LIMIT = 10_000
"""Events that read models may lack before the service says that it is not ready."""


class Readiness(msgspec.Struct, frozen=True, kw_only=True):
    """Whether requests should come here, and why not: database, read models, who vouches for callers.

    The duties are there to be looked at: that nobody keeps one is no reason to send requests elsewhere.
    """

    issuer: str
    database: str
    ready: bool = False
    position: int = 0
    lag: dict[str, int] = {}
    failed: list[str] = []
    duties: list[DutyStanding] = []


@get("/healthz", opt={"right": "open"}, sync_to_thread=False, media_type=MediaType.JSON)
def healthz() -> dict[str, str]:
    """Say that this process lives."""
    return {"status": "alive"}


@get("/readyz", opt={"right": "open"}, sync_to_thread=True)
def readyz(house: TheHouse) -> Response[Readiness]:
    """Say whether requests should come here: 200, or 503 with the reason."""
    issuer = "built-in: for development only" if house.identities.built_in else "configured"
    try:
        standings = house.app.projector.standings()
        position, duties = house.app.store.last_position(), house.app.duties()
    except Refused as refusal:
        away = Readiness(issuer=issuer, database=refusal.detail)
        return Response(away, status_code=503)
    lag = {standing.name: standing.lag for standing in standings}
    failed = [standing.name for standing in standings if standing.error]  # why is told by `projections list`
    ready = not failed and max(lag.values(), default=0) <= LAG_LIMIT
    told = Readiness(
        issuer=issuer,
        database="answers",
        ready=ready,
        position=position,
        lag=lag,
        failed=failed,
        duties=duties,
    )
    return Response(told, status_code=200 if ready else 503)


@get("/metrics", opt={"right": "open"}, sync_to_thread=True, media_type="text/plain")
def metrics() -> Response[bytes]:
    """Give the counters of all processes, for Prometheus."""
    registry = prometheus_client.REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = prometheus_client.CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(
        prometheus_client.generate_latest(registry), media_type=prometheus_client.CONTENT_TYPE_LATEST
    )


@get("/openapi.json", opt={"right": "open"}, sync_to_thread=False)
def openapi(request: AnyRequest) -> Response[bytes]:
    """Give the description of this interface, as OpenAPI 3.1."""
    return Response(request.app.state.openapi, media_type="application/json")


@get("/docs", opt={"right": "open"}, sync_to_thread=False, media_type=MediaType.HTML)
def docs(request: AnyRequest) -> Response[str]:
    """Show the description of this interface, to be read in a browser."""
    rest = "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    headers = {"Content-Security-Policy": f"default-src 'none'; style-src {STYLE_SOURCE}; {rest}"}
    return Response(request.app.state.docs, media_type=MediaType.HTML, headers=headers)


HANDLERS = [healthz, readyz, metrics, openapi, docs]
