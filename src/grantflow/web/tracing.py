"""OpenTelemetry traces, when an exporter is configured by its own standard variables; nothing otherwise."""

from __future__ import annotations

import os
import re
from typing import Any

from grantflow.settings import BadSettings

_CONFIGURED = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_CASE = re.compile(r"(/applications/)[^/?]+")
_PATHS = ("http.target", "http.url", "url.path", "url.full")
_TELLING = (
    "url.query",
    "http.user_agent",
    "user_agent.original",
    "net.peer.ip",
    "net.peer.port",
    "client.address",
    "client.port",
)
"""What is told of a request that could tell of a person or a case; a trace is seen by others than may see those."""


def traced(app: Any) -> Any:  # noqa: ANN401 - an ASGI application
    """The application, tracing each request where OTEL_EXPORTER_OTLP_ENDPOINT says where to send the traces.

    BadSettings when that is said and the packages for it are not there (`pip install grantflow[tracing]`). No trace
    tells which case a request was about, what was asked of it, or where it came from.
    """
    if not any(os.environ.get(name) for name in _CONFIGURED):
        return app
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
        from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware  # noqa: PLC0415
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError as error:
        msg = "OTEL_EXPORTER_OTLP_ENDPOINT asks for traces; install grantflow[tracing], which brings them."
        raise BadSettings(msg) from error
    provider = TracerProvider(resource=Resource.create({"service.name": "grantflow"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OpenTelemetryMiddleware(
        app, server_request_hook=_discreet, tracer_provider=provider, exclude_spans=["receive", "send"]
    )


def _discreet(span: Any, scope: dict[str, Any]) -> None:  # noqa: ANN401 - OpenTelemetry's span
    """Leave out of a trace what tells of a case or a person."""
    path = _CASE.sub(r"\1{case}", scope.get("path", ""))
    known = span.attributes or {}
    for name in _PATHS:
        if name in known:
            span.set_attribute(name, path)
    for name in _TELLING:
        if name in known:
            span.set_attribute(name, "")
    span.update_name(f"{scope.get('method', '')} {path}")
