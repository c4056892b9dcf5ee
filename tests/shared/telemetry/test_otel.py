import threading
from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import (
    Gauge,
    Histogram,
    MetricExporter,
    MetricExportResult,
    MetricsData,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import CollectorRegistry
from prometheus_client import Counter as PrometheusCounter
from prometheus_client import Gauge as PrometheusGauge
from prometheus_client import Histogram as PrometheusHistogram

from shared.telemetry import metrics, recent, tracing
from shared.telemetry.otel import SpanExport, exporter_from_environment, readable, resource_of
from shared.telemetry.otel_metrics import MetricExport, snapshot
from shared.telemetry.setup import TelemetrySettings, start_telemetry
from shared.telemetry.tracing import Span, start_span

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"
RESOURCE = Resource({"service.name": "test"})


@pytest.fixture(autouse=True)
def no_ambient_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OTEL_TRACES_EXPORTER", "OTEL_METRICS_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_SDK_DISABLED"):
        monkeypatch.delenv(name, raising=False)


def ended(kind: tracing.SpanKind = "server", parent: str = PARENT, error: str | None = None) -> Span:
    span = start_span("GET /v1/x", kind=kind, parent=parent, tracestate="rojo=1", attributes={"http.route": "/v1/x"})
    span.event("cache.miss", key="k")
    span.end(error)
    return span


def exported(outcome: str) -> float:
    return metrics.REGISTRY.get_sample_value("triptych_telemetry_spans_total", {"outcome": outcome}) or 0


def test_a_span_becomes_the_sdk_s_own_with_nothing_lost() -> None:
    span = ended(error="circuit-open")
    sdk = readable(span, RESOURCE)
    assert sdk.context is not None
    assert sdk.parent is not None
    assert f"{sdk.context.trace_id:032x}" == TRACE
    assert f"{sdk.context.span_id:016x}" == span.span_id
    assert f"{sdk.parent.span_id:016x}" == "b7ad6b7169203331"
    assert sdk.parent.is_remote
    assert sdk.context.trace_state.get("rojo") == "1"
    assert (sdk.name, sdk.kind, sdk.status.status_code) == ("GET /v1/x", SpanKind.SERVER, StatusCode.ERROR)
    assert (sdk.start_time, sdk.end_time) == (span.start_ns, span.end_ns)
    assert sdk.attributes is not None
    assert dict(sdk.attributes) == {"http.route": "/v1/x", "error.type": "circuit-open"}
    assert sdk.events[0].name == "cache.miss"
    assert '"service.name": "test"' in sdk.to_json()


def test_a_first_span_has_no_parent_and_success_is_unset() -> None:
    sdk = readable(ended("internal", parent=""), RESOURCE)
    assert sdk.parent is None
    assert sdk.status.status_code is StatusCode.UNSET


def test_sampled_spans_reach_the_exporter_others_do_not() -> None:
    exporter = InMemorySpanExporter()
    export = SpanExport(exporter, RESOURCE, interval=60)
    export.add_span(ended())
    export.add_span(ended(parent=PARENT[:-2] + "00"))
    export.close()
    assert [span.name for span in exporter.get_finished_spans()] == ["GET /v1/x"]


def test_a_full_batch_leaves_before_its_time() -> None:
    class Waited(InMemorySpanExporter):
        arrived = threading.Event()

        def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
            result = super().export(spans)
            self.arrived.set()
            return result

    exporter = Waited()
    export = SpanExport(exporter, RESOURCE, interval=60, batch=3)
    for _ in range(3):
        export.add_span(ended())
    assert exporter.arrived.wait(5)
    export.close()
    assert len(exporter.get_finished_spans()) == 3


class Stuck(SpanExporter):
    """A collector that is slow, then fails in every way it can."""

    def __init__(self) -> None:
        self.entered, self.release = threading.Event(), threading.Event()
        self.calls = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.entered.set()
        self.release.wait(5)
        self.calls += 1
        if self.calls == 1:
            raise ConnectionError("collector gone")
        return SpanExportResult.FAILURE


def test_a_stuck_collector_costs_spans_never_calls() -> None:
    dropped, failed = exported("dropped"), exported("failed")
    stuck = Stuck()
    export = SpanExport(stuck, RESOURCE, interval=0.01, batch=1, capacity=4)
    export.add_span(ended())
    assert stuck.entered.wait(5)
    for _ in range(10):
        export.add_span(ended())
    assert exported("dropped") == dropped + 6
    stuck.release.set()
    export.close()
    assert exported("failed") == failed + 5
    assert stuck.calls == 5


def test_nothing_is_exported_unless_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    assert exporter_from_environment("traces") is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "none")
    assert exporter_from_environment("traces") is None
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    assert exporter_from_environment("traces") is None


def test_an_installed_exporter_is_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    assert type(exporter_from_environment("traces")).__name__ == "ConsoleSpanExporter"


@pytest.mark.parametrize("signal", ["traces", "metrics"])
def test_a_missing_exporter_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch, signal: str) -> None:
    monkeypatch.setenv(f"OTEL_{signal.upper()}_EXPORTER", "carrier-pigeon")
    assert exporter_from_environment(signal) is None
    line = recent.recent_lines(1)[0]
    assert line["event"] == "telemetry.exporter_missing"
    assert "carrier-pigeon" in line["detail"]
    assert f"OTEL_{signal.upper()}_EXPORTER=none" in line["detail"]


def test_an_endpoint_without_the_otlp_package_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.telemetry.otel.entry_points", lambda **_: ())
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    assert exporter_from_environment("traces") is None
    assert "opentelemetry-exporter-otlp-proto-http" in recent.recent_lines(1)[0]["detail"]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")
    assert exporter_from_environment("traces") is None
    assert "opentelemetry-exporter-otlp-proto-grpc" in recent.recent_lines(1)[0]["detail"]


def test_an_exporter_that_cannot_start_is_told_and_the_process_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("otlp_proto_http", "no_such_module:Exporter", "opentelemetry_traces_exporter")
    monkeypatch.setattr("shared.telemetry.otel.entry_points", lambda **_: (broken,))
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318")
    assert exporter_from_environment("traces") is None
    line = recent.recent_lines(1)[0]
    assert line["event"] == "telemetry.exporter_failed_to_start"
    assert "no_such_module" in line["error"]


def test_the_resource_says_who_we_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod")
    attributes = resource_of("triptych", "1.2.3").attributes
    assert attributes["service.name"] == "triptych"
    assert attributes["service.version"] == "1.2.3"
    assert attributes["deployment.environment.name"] == "prod"
    monkeypatch.setenv("OTEL_SERVICE_NAME", "renamed")
    assert resource_of("triptych", "1.2.3").attributes["service.name"] == "renamed"


class Kept(MetricExporter):
    """Keeps what it is handed."""

    def __init__(self) -> None:
        super().__init__()
        self.handed: list[MetricsData] = []
        self.closed = False

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> MetricExportResult:
        self.handed.append(metrics_data)
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        self.closed = True


@pytest.fixture
def registry() -> Iterator[CollectorRegistry]:
    registry = CollectorRegistry()
    PrometheusCounter("orders_total", "Orders.", ["flow"], registry=registry).labels("q2o").inc(3)
    PrometheusGauge("depth", "Depth.", registry=registry).set(4.5)
    seconds = PrometheusHistogram(
        "http_server_request_duration_seconds",
        "Served.",
        ["http_route", "http_response_status_code"],
        buckets=(0.1, 1.0),
        registry=registry,
    )
    for value in (0.05, 0.5, 0.6, 7.0):
        seconds.labels("/a", "200").observe(value)
    seconds.labels("/b", "503").observe(0.01)
    return registry


def test_the_registry_s_numbers_survive_the_conversion(registry: CollectorRegistry) -> None:
    found = {m.name: m for m in snapshot(registry, RESOURCE).resource_metrics[0].scope_metrics[0].metrics}
    orders, depth, seconds = found["orders"].data, found["depth"].data, found["http.server.request.duration"].data
    assert isinstance(orders, Sum)
    assert orders.is_monotonic
    assert [(dict(p.attributes or {}), p.value) for p in orders.data_points] == [({"flow": "q2o"}, 3)]
    assert isinstance(depth, Gauge)
    assert depth.data_points[0].value == 4.5
    assert isinstance(seconds, Histogram)
    a, b = seconds.data_points
    assert dict(a.attributes or {}) == {"http.route": "/a", "http.response.status_code": 200}
    assert (a.count, a.bucket_counts, a.explicit_bounds) == (4, [1, 2, 1], [0.1, 1.0])
    assert a.sum == pytest.approx(8.15)
    assert (b.count, b.bucket_counts) == (1, [1, 0, 0])
    assert found["http.server.request.duration"].unit == "s"


def test_metrics_are_pushed_once_more_at_the_end(registry: CollectorRegistry) -> None:
    kept = Kept()
    MetricExport(kept, RESOURCE, registry=registry, interval=60).close()
    assert len(kept.handed) == 1
    assert kept.closed


def test_a_started_process_keeps_recent_spans_until_closed() -> None:
    telemetry = start_telemetry(TelemetrySettings(service="test", log_format="json"))
    span = ended()
    telemetry.close()
    after = ended(parent="")
    assert recent.trace(span.trace_id) is not None
    assert recent.trace(after.trace_id) is None


def test_the_environment_switches_export_on(monkeypatch: pytest.MonkeyPatch) -> None:
    exporter, kept = InMemorySpanExporter(), Kept()
    chosen = {"traces": exporter, "metrics": kept}
    monkeypatch.setattr("shared.telemetry.otel.exporter_from_environment", lambda signal: chosen[signal])
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "memory")
    telemetry = start_telemetry(TelemetrySettings(service="test", log_format="json"))
    ended()
    telemetry.close()
    (span,) = exporter.get_finished_spans()
    assert span.resource.attributes["service.name"] == "test"
    assert kept.handed
