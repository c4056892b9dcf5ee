import msgspec
import pytest

from shared.telemetry.recent import Window
from shared.telemetry.tracing import Span, SpanKind, start_span


def ended(name: str, kind: SpanKind, parent: str, ms: float, status: int = 200) -> Span:
    span = start_span(name, kind=kind, parent=parent)
    span.end_http(status)
    span.end_ns = span.start_ns + int(ms * 1e6)
    return span


def test_a_trace_is_shown_as_a_tree_with_its_lines() -> None:
    window = Window()
    root = start_span("GET /v1/customers/{id}", kind="server", parent="")
    middle = start_span("get_customer", kind="internal", parent=root.traceparent)
    middle.event("cache.miss", key="c-7")
    leaf = start_span("GET", kind="client", parent=middle.traceparent)
    sibling = start_span("get_orders", kind="internal", parent=root.traceparent)
    for span in (leaf, middle, sibling):
        span.end()
        window.add_span(span)
    root.end_http(200)
    window.add_span(root)
    window.add_span(ended("elsewhere", "server", "", 1))
    window.add_line({"event": "a", "trace_id": root.trace_id})
    window.add_line({"event": "b", "trace_id": "other"})
    view = window.trace(root.trace_id)
    assert view is not None
    (top,) = view.spans
    assert top.name == "GET /v1/customers/{id}"
    assert [child.name for child in top.children] == ["get_customer", "get_orders"]
    assert [child.span_id for child in top.children[0].children] == [leaf.span_id]
    assert top.children[0].events[0]["name"] == "cache.miss"
    assert [line["event"] for line in view.lines] == ["a"]
    assert view.span_count == 4
    assert view.duration_ms >= top.children[0].duration_ms
    assert msgspec.json.decode(msgspec.json.encode(view))["traceId"] == root.trace_id


def test_spans_whose_parent_is_elsewhere_are_roots() -> None:
    window = Window()
    span = ended("GET", "server", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", 3)
    window.add_span(span)
    view = window.trace(span.trace_id)
    assert view is not None
    assert [root.span_id for root in view.spans] == [span.span_id]


def test_an_unknown_trace_is_none_and_one_with_lines_only_is_shown() -> None:
    window = Window()
    window.add_line({"event": "a", "trace_id": "x"})
    assert window.trace("y") is None
    view = window.trace("x")
    assert view is not None
    assert (view.at, view.spans, len(view.lines)) == (None, [], 1)


def test_the_oldest_go_first() -> None:
    window = Window(spans=2, requests=2, lines=1)
    spans = [ended(f"r{n}", "server", "", 1) for n in range(3)]
    for span in spans:
        window.add_span(span)
    window.add_line({"event": "a"})
    window.add_line({"event": "b"})
    assert window.trace(spans[0].trace_id) is None
    assert window.trace(spans[2].trace_id) is not None
    assert [line["event"] for line in window.recent_lines()] == ["b"]


def test_recent_requests_are_the_served_ones_newest_first() -> None:
    window = Window()
    window.add_span(ended("first", "server", "", 5))
    window.add_span(ended("inner", "internal", "", 5))
    window.add_span(ended("second", "server", "", 7, status=503))
    newest, oldest = window.recent_requests()
    assert (newest.name, newest.status, newest.error, newest.duration_ms) == ("second", 503, "503", 7.0)
    assert (oldest.name, oldest.status, oldest.error) == ("first", 200, None)
    assert len(window.recent_requests(1)) == 1
    assert window.recent_requests(-1) == []


def test_the_summary_counts_failures_and_percentiles_by_route() -> None:
    window = Window()
    for n in range(1, 101):
        window.add_span(ended("GET /a", "server", "", n))
    window.add_span(ended("GET /b", "server", "", 1, status=500))
    summary = window.summary(1)
    assert (summary.requests, summary.errors, summary.seconds) == (101, 1, 60)
    assert summary.per_second == pytest.approx(101 / 60)
    a, b = summary.routes
    assert (a.route, a.requests, a.errors, a.p50_ms, a.p95_ms) == ("GET /a", 100, 0, 50.0, 95.0)
    assert (b.requests, b.errors, b.p95_ms) == (1, 1, 1.0)


def test_old_requests_are_left_out_and_an_empty_window_is_zero() -> None:
    window = Window()
    assert window.summary().requests == 0
    old = ended("GET /a", "server", "", 1)
    old.end_ns -= int(600e9)
    window.add_span(old)
    assert window.summary(2).requests == 0
    assert window.summary(20).requests == 1


def test_a_full_window_says_how_little_it_covers() -> None:
    window = Window(requests=2)
    for _ in range(5):
        window.add_span(ended("GET /a", "server", "", 0))
    summary = window.summary(5)
    assert summary.requests == 2
    assert summary.seconds < 5


def test_the_summary_is_computed_at_most_once_a_second() -> None:
    window = Window()
    first = window.summary()
    window.add_span(ended("GET /a", "server", "", 1))
    assert window.summary() is first
