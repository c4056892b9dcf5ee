"""The Prometheus registry, exported to OpenTelemetry from time to time.

One set of numbers, two ways out: /metrics is pulled, this is pushed. Values are cumulative, whatever
temporality the exporter prefers; collectors convert where a backend wants deltas.
"""

import math
import os
from collections.abc import Iterable, Iterator
from time import time_ns
from typing import Any

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    Metric,
    MetricExporter,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.resources import Resource
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.samples import Sample

from shared.telemetry import metrics
from shared.telemetry.otel import SCOPE, BackgroundLoop

_STARTED_NS = time_ns()
_CUMULATIVE = AggregationTemporality.CUMULATIVE

# The stable conventions spell with dots what Prometheus spells with underscores.
_NAMES = {
    "http_server_request_duration_seconds": "http.server.request.duration",
    "http_client_request_duration_seconds": "http.client.request.duration",
    "http_server_active_requests": "http.server.active_requests",
}
_LABELS = {
    "http_route": "http.route",
    "http_request_method": "http.request.method",
    "http_response_status_code": "http.response.status_code",
    "server_address": "server.address",
}
_UNITS = {"_seconds": "s", "_bytes": "By", "_ratio": "1"}


class MetricExport:
    """Pushes everything this process measures to an OpenTelemetry exporter.

    Args:
        exporter: Any `MetricExporter`.
        resource: Who we are; see `otel.resource_of`.
        registry: What is exported.
        interval: Seconds between exports; by default `OTEL_METRIC_EXPORT_INTERVAL` (milliseconds), else 60 s.
    """

    def __init__(
        self,
        exporter: MetricExporter,
        resource: Resource,
        *,
        registry: CollectorRegistry = metrics.REGISTRY,
        interval: float | None = None,
    ) -> None:
        self._exporter: Any = exporter  # its methods end in untyped keyword arguments
        self._resource = resource
        self._registry = registry
        if interval is None:
            interval = float(os.environ.get("OTEL_METRIC_EXPORT_INTERVAL") or 60_000) / 1000
        self._loop = BackgroundLoop("otel-metric-export", interval, self._push)

    def close(self, seconds: float = 5.0) -> None:
        """Push the last values and shut the exporter down."""
        self._loop.close(seconds)
        self._exporter.shutdown(timeout_millis=seconds * 1000)

    def _push(self) -> None:
        self._exporter.export(snapshot(self._registry, self._resource))


def snapshot(registry: CollectorRegistry, resource: Resource) -> MetricsData:
    """The registry's present values in the SDK's model."""
    now = time_ns()
    converted = [metric for family in registry.collect() if (metric := _metric(family, now)) is not None]
    scope = ScopeMetrics(scope=SCOPE, metrics=converted, schema_url="")
    return MetricsData([ResourceMetrics(resource=resource, scope_metrics=[scope], schema_url="")])


def _metric(family: Family, now: int) -> Metric | None:
    data = _points(family, now)
    if data is None:
        return None
    unit = next((unit for suffix, unit in _UNITS.items() if family.name.endswith(suffix)), "1")
    return Metric(_NAMES.get(family.name, family.name), family.documentation, unit, data)


def _points(family: Family, now: int) -> Sum | Gauge | Histogram | None:
    if family.type == "counter":
        samples = [sample for sample in family.samples if sample.name.endswith("_total")]
        return Sum([_number(sample, now) for sample in samples], _CUMULATIVE, is_monotonic=True)
    if family.type in {"gauge", "info", "unknown"}:
        return Gauge([_number(sample, now) for sample in family.samples])
    if family.type == "histogram":
        return Histogram(list(_distributions(family.samples, now)), _CUMULATIVE)
    return None


def _number(sample: Sample, now: int) -> NumberDataPoint:
    return NumberDataPoint(_attributes(sample.labels), _STARTED_NS, now, sample.value)


def _distributions(samples: Iterable[Sample], now: int) -> Iterator[HistogramDataPoint]:
    """Prometheus counts up to a bound, OpenTelemetry between bounds."""
    bounds: list[float] = []
    counts: list[int] = []
    total = 0
    for sample in samples:
        if sample.name.endswith("_bucket"):
            bound = float(sample.labels["le"])
            if not math.isinf(bound):
                bounds.append(bound)
            counts.append(int(sample.value) - total)
            total = int(sample.value)
        elif sample.name.endswith("_sum"):
            yield _distribution(sample, now, bounds, counts, total)
            bounds, counts, total = [], [], 0


def _distribution(sample: Sample, now: int, bounds: list[float], counts: list[int], total: int) -> HistogramDataPoint:
    unknown: Any = None  # smallest and largest value are optional in OTLP and not kept in buckets
    return HistogramDataPoint(
        attributes=_attributes(sample.labels),
        start_time_unix_nano=_STARTED_NS,
        time_unix_nano=now,
        count=total,
        sum=sample.value,
        bucket_counts=counts,
        explicit_bounds=bounds,
        min=unknown,
        max=unknown,
    )


def _attributes(labels: dict[str, str]) -> dict[str, str | int]:
    renamed: dict[str, str | int] = {}
    for label, value in labels.items():
        status = label == "http_response_status_code" and value.isdigit()
        renamed[_LABELS.get(label, label)] = int(value) if status else value
    return renamed
