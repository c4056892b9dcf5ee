import random
from collections.abc import Iterator

import pytest

from shared.binding.problems import CircuitOpen
from shared.telemetry import tracing
from shared.telemetry.tracing import Span, start_span

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


@pytest.fixture
def everything_sampled_again() -> Iterator[None]:
    yield
    tracing.sample_ratio(1.0)


def test_a_span_continues_its_caller_s_trace(finished: list[Span]) -> None:
    span = start_span("GET /v1/orders/{id}", kind="server", parent=PARENT, tracestate="rojo=1")
    span.end()
    assert finished == [span]
    assert (span.trace_id, span.parent_id, span.tracestate) == (TRACE, "b7ad6b7169203331", "rojo=1")
    assert span.traceparent == f"00-{TRACE}-{span.span_id}-01"


@pytest.mark.parametrize("parent", ["", "nonsense", f"00-{'0' * 32}-b7ad6b7169203331-01"])
def test_without_a_readable_parent_a_new_trace_begins(parent: str) -> None:
    span = start_span("work", kind="internal", parent=parent, tracestate="rojo=1")
    assert span.trace_id != TRACE
    assert len(span.trace_id) == 32
    assert (span.parent_id, span.tracestate, span.sampled) == ("", "", True)


def test_a_caller_that_does_not_record_is_respected_all_the_way_down() -> None:
    span = start_span("work", kind="server", parent=PARENT[:-2] + "00")
    child = start_span("deeper", kind="client", parent=span.traceparent)
    assert not span.sampled
    assert not child.sampled
    assert child.traceparent.endswith("-00")


@pytest.mark.usefixtures("everything_sampled_again")
def test_the_ratio_decides_for_new_traces_only() -> None:
    tracing.sample_ratio(0.0)
    assert not start_span("work", kind="internal", parent="").sampled
    assert start_span("work", kind="internal", parent=PARENT).sampled
    tracing.sample_ratio(0.5)
    share = sum(start_span("work", kind="internal", parent="").sampled for _ in range(2000)) / 2000
    assert 0.4 < share < 0.6


@pytest.mark.parametrize("ratio", [-0.1, 1.1])
def test_an_impossible_ratio_is_refused(ratio: float) -> None:
    with pytest.raises(ValueError, match=r"between 0\.0 and 1\.0"):
        tracing.sample_ratio(ratio)


def test_ids_do_not_repeat_when_someone_seeds_the_global_generator() -> None:
    random.seed(7)
    first = start_span("work", kind="internal", parent="").trace_id
    random.seed(7)
    assert start_span("work", kind="internal", parent="").trace_id != first


def test_a_route_s_attributes_are_shared_and_never_changed_by_a_call() -> None:
    shared = {"http.route": "/v1/orders/{id}"}
    span = start_span("GET", kind="server", parent="", attributes=shared)
    span.set("url.path", "/v1/orders/7")
    assert shared == {"http.route": "/v1/orders/{id}"}
    assert span.attributes == {"http.route": "/v1/orders/{id}", "url.path": "/v1/orders/7"}


def test_a_span_reaches_its_sinks_once(finished: list[Span]) -> None:
    tracing.add_sink(finished.append)  # a second time
    span = start_span("work", kind="internal", parent="")
    span.end()
    span.end("too-late")
    assert len(finished) == 1
    assert finished[0].error is None


def test_duration_is_known_while_open_and_final_afterwards() -> None:
    span = start_span("work", kind="internal", parent="")
    assert span.seconds >= 0
    span.end()
    assert span.seconds == (span.end_ns - span.start_ns) / 1e9
    assert span.seconds == span.seconds


@pytest.mark.parametrize(
    ("kind", "status", "error"),
    [
        ("server", 200, None),
        ("server", 404, None),
        ("server", 503, "503"),
        ("client", 404, "404"),
        ("client", 204, None),
    ],
)
def test_an_http_span_fails_by_the_conventions(kind: tracing.SpanKind, status: int, error: str | None) -> None:
    span = start_span("GET", kind=kind, parent="")
    span.end_http(status)
    assert span.attributes["http.response.status_code"] == status
    assert span.error == span.attributes.get("error.type") == error


def test_a_problem_s_slug_names_the_failure() -> None:
    span = start_span("GET", kind="server", parent="")
    span.end_http(503, CircuitOpen.slug)
    assert span.attributes["error.type"] == "circuit-open"


def test_an_exception_ends_the_span_and_is_recorded_without_its_secret(finished: list[Span]) -> None:
    with pytest.raises(RuntimeError), start_span("work", kind="internal", parent=""):
        raise RuntimeError("login failed with password=hunter2")
    (span,) = finished
    assert span.error == "RuntimeError"
    assert span.events is not None
    (event,) = span.events
    assert event.name == "exception"
    assert event.attributes["exception.type"] == "RuntimeError"
    assert "hunter2" not in str(event.attributes)


def test_events_keep_their_order_and_time() -> None:
    span = start_span("work", kind="internal", parent="")
    span.event("retry", attempt=1)
    span.event("retry", attempt=2)
    span.end()
    assert span.events is not None
    assert [event.attributes["attempt"] for event in span.events] == [1, 2]
    assert span.start_ns <= span.events[0].at_ns <= span.events[1].at_ns <= span.end_ns
