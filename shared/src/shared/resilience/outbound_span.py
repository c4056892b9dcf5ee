"""The last outbound policy: every attempt leaves a client span and one measurement behind.

Attribute names are OpenTelemetry's stable HTTP conventions; the URL goes without query and credentials.
"""

import time

from shared.binding.call_context import current_context
from shared.resilience.outbound_call import OutboundCall, ServerAddress
from shared.telemetry import metrics
from shared.telemetry.tracing import Attribute, Span, start_span


class AttemptSpan:
    """The span of one attempt; its `traceparent` goes along, so that the backend's spans hang below it."""

    __slots__ = ("_backend", "_method", "_span", "_started", "traceparent")

    def __init__(self, backend: str, call: OutboundCall, attributes: dict[str, Attribute], number: int) -> None:
        context = current_context()
        span: Span = start_span(
            f"{call.method} {backend}.{call.operation}",
            kind="client",
            parent=context.traceparent,
            tracestate=context.tracestate,
            attributes=attributes,
        )
        span.set("http.request.method", call.method)
        span.set("url.full", call.url.partition("?")[0])
        if number:
            span.set("http.request.resend_count", number)
        self._span = span
        self._backend = backend
        self._method = call.method
        self._started = time.perf_counter()
        self.traceparent = span.traceparent

    def answered(self, status: int) -> None:
        """The attempt ended with an answer."""
        metrics.client_request(self._backend, self._method, status, time.perf_counter() - self._started)
        self._span.end_http(status)

    def failed(self, kind: str) -> None:
        """The attempt ended without an answer."""
        metrics.client_request(self._backend, self._method, kind, time.perf_counter() - self._started)
        self._span.end(kind)


def server_attributes(address: ServerAddress) -> dict[str, Attribute]:
    """What all spans to one server have in common."""
    return {"server.address": address.host, "server.port": address.port}
