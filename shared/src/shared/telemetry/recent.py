"""What just happened in this process: finished spans and log lines, kept in memory for the console.

Appending costs a few dozen nanoseconds; looking up scans the window, a millisecond or two, when a person asks.
"""

from collections import deque
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import islice
from time import time_ns
from typing import Any

import msgspec

from shared.telemetry.tracing import Attribute, Span, SpanEvent

SPANS = 20_000
LINES = 5_000
_NS = 1e9


class SpanView(msgspec.Struct, frozen=True, rename="camel"):
    """One span of a trace. `at` is its start, times are milliseconds, `children` are in order of start."""

    name: str
    kind: str
    span_id: str
    parent_id: str
    at: datetime
    offset_ms: float
    duration_ms: float
    error: str | None
    attributes: dict[str, Attribute]
    events: list[dict[str, Any]]
    children: list["SpanView"]


class TraceView(msgspec.Struct, frozen=True, rename="camel"):
    """One trace as this process saw it: spans as a tree, log lines in order."""

    trace_id: str
    at: datetime | None
    duration_ms: float
    span_count: int
    spans: list[SpanView]
    lines: list[dict[str, Any]]


class RequestView(msgspec.Struct, frozen=True, rename="camel"):
    """One request served. `status` is None for a span that carries none."""

    trace_id: str
    name: str
    at: datetime
    duration_ms: float
    status: int | None
    error: str | None


class RouteSummary(msgspec.Struct, frozen=True, rename="camel"):
    """Requests of one route: count, failures (5xx), median and 95th percentile in milliseconds."""

    route: str
    requests: int
    errors: int
    p50_ms: float
    p95_ms: float


class Summary(msgspec.Struct, frozen=True, rename="camel"):
    """The last minutes. `seconds` is the time really covered: a busy window is shorter than asked for."""

    seconds: float
    requests: int
    errors: int
    per_second: float
    p50_ms: float
    p95_ms: float
    routes: list[RouteSummary]


class Window:
    """A bounded memory of spans, requests and log lines; the oldest go first.

    Args:
        spans: Spans kept.
        requests: Server spans kept, so that a flood of inner spans does not push them out.
        lines: Log lines kept.
    """

    def __init__(self, spans: int = SPANS, requests: int = SPANS, lines: int = LINES) -> None:
        self._spans: deque[Span] = deque(maxlen=spans)
        self._requests: deque[Span] = deque(maxlen=requests)
        self._lines: deque[dict[str, Any]] = deque(maxlen=lines)
        self._summary: tuple[int, float, Summary] | None = None
        self.add_line = self._lines.append
        """Remember one log line, already masked."""

    def add_span(self, span: Span) -> None:
        """Remember a finished span; a sink for `tracing.add_sink`."""
        self._spans.append(span)
        if span.kind == "server":
            self._requests.append(span)

    def trace(self, trace_id: str) -> TraceView | None:
        """What is known of a trace; None when nothing is (any more)."""
        spans = [span for span in self._spans.copy() if span.trace_id == trace_id]
        lines = [line for line in self._lines.copy() if line.get("trace_id") == trace_id]
        if not spans and not lines:
            return None
        spans.sort(key=lambda span: span.start_ns)
        began = spans[0].start_ns if spans else 0
        ended = max((span.end_ns for span in spans), default=0)
        return TraceView(
            trace_id=trace_id,
            at=_moment(began) if spans else None,
            duration_ms=_ms(ended - began),
            span_count=len(spans),
            spans=_tree(spans, began),
            lines=lines,
        )

    def recent_requests(self, n: int = 50) -> list[RequestView]:
        """The last `n` requests served, newest first."""
        return [_request(span) for span in islice(reversed(self._requests.copy()), max(n, 0))]

    def recent_lines(self, n: int = 50) -> list[dict[str, Any]]:
        """The last `n` log lines, newest first."""
        return list(islice(reversed(self._lines.copy()), max(n, 0)))

    def summary(self, minutes: float = 5.0) -> Summary:
        """Rate, failures and percentiles of the last minutes; computed when asked, at most once a second."""
        now = time_ns()
        if self._summary is not None:
            at, span_of, known = self._summary
            if span_of == minutes and 0 <= now - at < _NS:
                return known
        summary = self._summarise(now, minutes)
        self._summary = (now, minutes, summary)
        return summary

    def _summarise(self, now: int, minutes: float) -> Summary:
        since = now - int(minutes * 60 * _NS)
        spans = [span for span in self._requests.copy() if span.end_ns >= since]
        covered = minutes * 60
        if len(self._requests) == self._requests.maxlen and spans:
            covered = min(covered, (now - spans[0].end_ns) / _NS)
        routes: dict[str, list[Span]] = {}
        for span in spans:
            routes.setdefault(span.name, []).append(span)
        p50, p95 = _percentiles(spans)
        return Summary(
            seconds=covered,
            requests=len(spans),
            errors=_failures(spans),
            per_second=len(spans) / max(covered, 1e-3),
            p50_ms=p50,
            p95_ms=p95,
            routes=[_route(name, of_route) for name, of_route in sorted(routes.items())],
        )


def _tree(spans: list[Span], began: int) -> list[SpanView]:
    views = {span.span_id: _span(span, began) for span in spans}
    roots: list[SpanView] = []
    for view in views.values():
        parent = views.get(view.parent_id)
        (parent.children if parent is not None else roots).append(view)
    return roots


def _span(span: Span, began: int) -> SpanView:
    return SpanView(
        name=span.name,
        kind=span.kind,
        span_id=span.span_id,
        parent_id=span.parent_id,
        at=_moment(span.start_ns),
        offset_ms=_ms(span.start_ns - began),
        duration_ms=_ms(span.end_ns - span.start_ns),
        error=span.error,
        attributes=dict(span.attributes),
        events=[_event(event, began) for event in span.events or ()],
        children=[],
    )


def _event(event: SpanEvent, began: int) -> dict[str, Any]:
    return {"name": event.name, "offsetMs": _ms(event.at_ns - began), **event.attributes}


def _request(span: Span) -> RequestView:
    status = span.attributes.get("http.response.status_code")
    return RequestView(
        trace_id=span.trace_id,
        name=span.name,
        at=_moment(span.start_ns),
        duration_ms=_ms(span.end_ns - span.start_ns),
        status=status if isinstance(status, int) else None,
        error=span.error,
    )


def _route(name: str, spans: list[Span]) -> RouteSummary:
    p50, p95 = _percentiles(spans)
    return RouteSummary(route=name, requests=len(spans), errors=_failures(spans), p50_ms=p50, p95_ms=p95)


def _failures(spans: Iterable[Span]) -> int:
    return sum(1 for span in spans if span.error is not None)


def _percentiles(spans: Iterable[Span]) -> tuple[float, float]:
    """Median and 95th percentile by nearest rank, in milliseconds."""
    durations = sorted(span.end_ns - span.start_ns for span in spans)
    if not durations:
        return 0.0, 0.0
    last = len(durations) - 1
    return _ms(durations[last // 2]), _ms(durations[min(last, -(-95 * len(durations) // 100) - 1)])


def _moment(at_ns: int) -> datetime:
    return datetime.fromtimestamp(at_ns / _NS, UTC)


def _ms(nanoseconds: int) -> float:
    return round(nanoseconds / 1e6, 3)


window = Window()
"""The memory of this process."""
trace = window.trace
recent_requests = window.recent_requests
recent_lines = window.recent_lines
summary = window.summary
