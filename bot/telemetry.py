"""OpenTelemetry spans of turns, sent over OTLP. Off unless an endpoint is set, and nothing of it is loaded then.

It knows names and a few closed attributes (channel, intent, rungs), never what was said or by whom.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, MutableMapping
from contextlib import AbstractContextManager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
HEADERS = ("traceparent", "tracestate")
_TRACES = "/v1/traces"


class TelemetrySettings(Protocol):
    @property
    def otlp_endpoint(self) -> str: ...
    @property
    def sample(self) -> float: ...


def open_spans(settings: TelemetrySettings) -> OtelSpans | None:
    """Spans to the collector that the settings or the standard variables name, or None."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    if not settings.otlp_endpoint and not any(os.environ.get(name) for name in ENDPOINTS):
        return None
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    base = settings.otlp_endpoint.rstrip("/")
    endpoint = (base if base.endswith(_TRACES) else base + _TRACES) if base else None
    return OtelSpans(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)), settings.sample)


class OtelSpans:
    """Implements the observer's `Spans`. It has a provider of its own: the process's global one is left alone."""

    def __init__(self, processor: SpanProcessor, sample: float = 1.0) -> None:
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        name = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "shopclerk"}
        self._provider = TracerProvider(sampler=ParentBased(TraceIdRatioBased(sample)), shutdown_on_exit=False,
                                        resource=Resource.create(name | {"service.version": version("shopclerk")}))
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("shopclerk")
        self._current, self._propagator = trace.get_current_span, TraceContextTextMapPropagator()

    def span(self, name: str, attributes: Mapping[str, str] | None = None) -> AbstractContextManager[Any]:
        # an exception's message may be personal: its type is noted by whoever catches it
        return self._tracer.start_as_current_span(name, attributes=attributes, record_exception=False,
                                                  set_status_on_exception=False)

    def note(self, name: str, value: str) -> None:
        self._current().set_attribute(name, value)

    def trace_id(self) -> str:
        """Of the span we are in; "" outside of one."""
        context = self._current().get_span_context()
        return f"{context.trace_id:032x}" if context.is_valid else ""

    def follow(self, headers: Mapping[str, str]) -> AbstractContextManager[Any]:
        """What is done within belongs to the trace that a caller's `traceparent` names, if there is one."""
        from opentelemetry.trace import use_span

        context = self._propagator.extract({name: headers[name] for name in HEADERS if name in headers})
        return use_span(self._current(context), end_on_exit=False, record_exception=False,
                        set_status_on_exception=False)

    def carry(self, headers: MutableMapping[str, str]) -> None:
        """Add the `traceparent` of the span we are in to a call that goes out."""
        self._propagator.inject(headers)

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()
