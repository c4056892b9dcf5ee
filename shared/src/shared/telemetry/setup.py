"""Switches telemetry on for a process: one call at start, one at the end."""

import os
from typing import TYPE_CHECKING

import msgspec

from shared.telemetry import metrics, recent, tracing
from shared.telemetry.logging import Level, LogFormat, configure_logging

if TYPE_CHECKING:
    from shared.telemetry.otel import SpanExport
    from shared.telemetry.otel_metrics import MetricExport


class TelemetrySettings(msgspec.Struct, frozen=True):
    """How a process tells what it does.

    Attributes:
        service: `service.name`: what this process is called in traces and metrics.
        version: `service.version`.
        log_level: The lowest level that is written.
        log_format: `json`, `console`, or `auto` for console on a terminal and JSON elsewhere.
        sample_ratio: Share of the traces beginning here that is exported; callers' decisions win.
    """

    service: str = "triptych"
    version: str = "0"
    log_level: Level = "info"
    log_format: LogFormat = "auto"
    sample_ratio: float = 1.0


class Telemetry:
    """What `start_telemetry` switched on."""

    def __init__(self, spans: "SpanExport | None", pushed: "MetricExport | None") -> None:
        self._spans = spans
        self._pushed = pushed

    def close(self, seconds: float = 5.0) -> None:
        """Stop taking spans and export what waits; blocks for at most about twice `seconds`."""
        tracing.remove_sink(recent.window.add_span)
        if self._spans is not None:
            tracing.remove_sink(self._spans.add_span)
            self._spans.close(seconds)
        if self._pushed is not None:
            self._pushed.close(seconds)


def start_telemetry(settings: TelemetrySettings) -> Telemetry:
    """Configure logging, keep recent spans, and export whatever the `OTEL_*` environment asks for."""
    configure_logging(level=settings.log_level, style=settings.log_format)
    tracing.sample_ratio(settings.sample_ratio)
    tracing.add_sink(recent.window.add_span)
    metrics.build_info(settings.service, settings.version)
    if not any(name.startswith("OTEL_") for name in os.environ):
        return Telemetry(None, None)
    spans, pushed = _exports(settings)
    if spans is not None:
        tracing.add_sink(spans.add_span)
    return Telemetry(spans, pushed)


def _exports(settings: TelemetrySettings) -> "tuple[SpanExport | None, MetricExport | None]":
    # Imported on demand: the SDK takes a fifth of a second, which a process that exports nothing saves.
    from shared.telemetry.otel import SpanExport, exporter_from_environment, resource_of  # noqa: PLC0415
    from shared.telemetry.otel_metrics import MetricExport  # noqa: PLC0415

    resource = resource_of(settings.service, settings.version)
    span_exporter = exporter_from_environment("traces")
    metric_exporter = exporter_from_environment("metrics")
    return (
        SpanExport(span_exporter, resource) if span_exporter is not None else None,
        MetricExport(metric_exporter, resource) if metric_exporter is not None else None,
    )
