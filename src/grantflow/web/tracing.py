"""OpenTelemetry traces, when an exporter is configured by its own standard variables; nothing otherwise."""

from __future__ import annotations

import os
from typing import Any

from grantflow.settings import BadSettings

_CONFIGURED = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def traced(app: Any) -> Any:  # noqa: ANN401 - an ASGI application
    """The application, tracing each request where OTEL_EXPORTER_OTLP_ENDPOINT says where to send the traces.

    BadSettings when that is said and the packages for it are not there (`pip install grantflow[tracing]`). Addresses
    are told by their pattern alone, and no header: a trace is seen by others than those who may see a case.
    """
    if not any(os.environ.get(name) for name in _CONFIGURED):
        return app
    try:
        from opentelemetry import trace  # noqa: PLC0415 - only where traces are asked for
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
    trace.set_tracer_provider(provider)
    return OpenTelemetryMiddleware(app, tracer_provider=provider)
