"""Export to OpenTelemetry: our records become SDK objects in a background thread, never in a call.

Exporters block and retry, so they live on their own thread; when a collector is slow or gone, spans are
dropped and counted, and calls go on.
"""

import os
import threading
from collections import deque
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from shared.telemetry import metrics
from shared.telemetry.logging import get_logger
from shared.telemetry.tracing import Span

SCOPE = InstrumentationScope("triptych")

_log = get_logger(__name__)
_KINDS = {kind.name.lower(): kind for kind in SpanKind}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)
_UNSET = Status(StatusCode.UNSET)
_FAILED = Status(StatusCode.ERROR)
_NO_STATE = TraceState()

_exported = metrics.counter("triptych_telemetry_spans_total", "Spans by what became of their export.", ("outcome",))


class BackgroundLoop:
    """Calls `work` every `interval` seconds, and once more when closed, on a thread of its own."""

    def __init__(self, name: str, interval: float, work: Callable[[], None]) -> None:
        self._interval = interval
        self._work = work
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Work now rather than at the next interval."""
        self._wake.set()

    def close(self, seconds: float) -> None:
        """Work once more and end; give up waiting after `seconds`."""
        self._closed = True
        self._wake.set()
        self._thread.join(seconds)

    def _run(self) -> None:
        closing = False
        while not closing:
            self._wake.wait(self._interval)
            self._wake.clear()
            closing = self._closed  # read before working: what came until now is worked off once more
            try:
                self._work()
            except Exception as error:  # noqa: BLE001 - an exporter may raise anything; telemetry must go on
                _log.warning("telemetry.export_failed", error=error)


class SpanExport:
    """Hands sampled spans to an OpenTelemetry exporter in batches.

    Args:
        exporter: Any `SpanExporter`.
        resource: Who we are; see `resource_of`.
        interval: Seconds between batches.
        batch: Spans handed over at once; reaching it exports at once.
        capacity: Spans that may wait; beyond it new ones are dropped and counted.
    """

    def __init__(
        self,
        exporter: SpanExporter,
        resource: Resource,
        *,
        interval: float = 5.0,
        batch: int = 512,
        capacity: int = 8192,
    ) -> None:
        self._exporter = exporter
        self._resource = resource
        self._batch = batch
        self._capacity = capacity
        self._waiting: deque[Span] = deque()
        self._loop = BackgroundLoop("otel-span-export", interval, self._drain)

    def add_span(self, span: Span) -> None:
        """Queue a finished span; a sink for `tracing.add_sink`."""
        if not span.sampled:
            return
        waiting = len(self._waiting)
        if waiting >= self._capacity:
            _exported.inc("dropped")
            return
        self._waiting.append(span)
        if waiting + 1 == self._batch:
            self._loop.wake()

    def close(self, seconds: float = 5.0) -> None:
        """Export what waits and shut the exporter down."""
        self._loop.close(seconds)
        self._exporter.shutdown()

    def _drain(self) -> None:
        while self._waiting:
            self._export([self._waiting.popleft() for _ in range(min(self._batch, len(self._waiting)))])

    def _export(self, spans: list[Span]) -> None:
        outcome = "failed"
        try:
            if self._exporter.export([readable(span, self._resource) for span in spans]) is SpanExportResult.SUCCESS:
                outcome = "exported"
        except Exception as error:  # noqa: BLE001 - one bad batch must not take the next with it
            _log.warning("telemetry.export_failed", spans=len(spans), error=error)
        _exported.inc(outcome, by=len(spans))


def readable(span: Span, resource: Resource) -> ReadableSpan:
    """The finished span as the SDK's exporters take it."""
    trace_id = int(span.trace_id, 16)
    state = TraceState.from_header([span.tracestate]) if span.tracestate else _NO_STATE
    parent = None
    if span.parent_id:
        remote = span.kind in {"server", "consumer"}
        parent = SpanContext(trace_id, int(span.parent_id, 16), remote, _SAMPLED, state)
    return ReadableSpan(
        name=span.name,
        context=SpanContext(trace_id, int(span.span_id, 16), is_remote=False, trace_flags=_SAMPLED, trace_state=state),
        parent=parent,
        resource=resource,
        attributes=span.attributes,
        events=[Event(event.name, event.attributes, event.at_ns) for event in span.events or ()],
        kind=_KINDS[span.kind],
        status=_UNSET if span.error is None else _FAILED,
        start_time=span.start_ns,
        end_time=span.end_ns,
        instrumentation_scope=SCOPE,
    )


def resource_of(service: str, version: str) -> Resource:
    """Who we are: `service.name`, `service.version`, an instance id; `OTEL_RESOURCE_ATTRIBUTES` adds to it.

    `OTEL_SERVICE_NAME` wins over `service`, as the specification has it.
    """
    name = os.environ.get("OTEL_SERVICE_NAME") or service
    return Resource.create({"service.name": name, "service.version": version})


def exporter_from_environment(signal: str) -> Any | None:
    """The exporter the standard `OTEL_*` variables ask for, or None.

    Reads `OTEL_SDK_DISABLED`, `OTEL_{TRACES,METRICS}_EXPORTER` (`otlp`, `none` or an installed name),
    `OTEL_EXPORTER_OTLP_ENDPOINT` and `OTEL_EXPORTER_OTLP_PROTOCOL`. Without any of them nothing is exported.

    Args:
        signal: `traces` or `metrics`.
    """
    upper = signal.upper()
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    chosen = os.environ.get(f"OTEL_{upper}_EXPORTER", "")
    endpoint = os.environ.get(f"OTEL_EXPORTER_OTLP_{upper}_ENDPOINT") or os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT")
    if chosen == "none" or not (chosen or endpoint):
        return None
    return _load(signal, chosen or "otlp")


def _load(signal: str, chosen: str) -> Any | None:
    name, package = chosen, f"the package that provides {chosen!r}"
    if chosen == "otlp":
        protocol = os.environ.get("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        name = "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
        package = f"opentelemetry-exporter-{name.replace('_', '-')}"
    for found in entry_points(group=f"opentelemetry_{signal}_exporter", name=name):
        try:
            return found.load()()
        except Exception as error:  # noqa: BLE001 - whatever an exporter raises, the process must start
            _log.warning("telemetry.exporter_failed_to_start", signal=signal, exporter=name, error=error)
            return None
    _log.warning(
        "telemetry.exporter_missing",
        signal=signal,
        exporter=name,
        detail=f"The environment asks to export {signal}, but no exporter is installed; install {package}, "
        f"or set OTEL_{signal.upper()}_EXPORTER=none. Until then this process keeps them to itself.",
    )
    return None
