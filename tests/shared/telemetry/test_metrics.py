import asyncio
from uuid import uuid4

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from shared.telemetry import metrics


def sample(name: str, **labels: str) -> float | None:
    return metrics.REGISTRY.get_sample_value(name, labels)


def fresh(stem: str) -> str:
    return f"{stem}_{uuid4().hex[:8]}"


def test_a_served_request_is_counted_by_template_method_and_status() -> None:
    route = "/" + fresh("orders")
    metrics.server_request(route, "GET", 200, 0.03)
    metrics.server_request(route, "GET", 200, 0.3)
    labels = {"http_route": route, "http_request_method": "GET", "http_response_status_code": "200"}
    assert sample("http_server_request_duration_seconds_count", **labels) == 2
    assert sample("http_server_request_duration_seconds_sum", **labels) == pytest.approx(0.33)
    assert sample("http_server_request_duration_seconds_bucket", **labels, le="0.05") == 1


def test_an_invented_method_makes_no_series_of_its_own() -> None:
    route = "/" + fresh("orders")
    metrics.server_request(route, "BREW", 405, 0.001)
    labels = {"http_route": route, "http_response_status_code": "405"}
    assert sample("http_server_request_duration_seconds_count", http_request_method="_OTHER", **labels) == 1


def test_a_sent_request_without_answer_is_counted_by_its_failure() -> None:
    server = fresh("sap")
    metrics.client_request(server, "POST", "connect-timeout", 2.0)
    labels = {"server_address": server, "http_request_method": "POST", "http_response_status_code": "connect-timeout"}
    assert sample("http_client_request_duration_seconds_count", **labels) == 1


def test_requests_in_flight_rise_and_fall() -> None:
    before = sample("http_server_active_requests") or 0
    metrics.request_started()
    assert sample("http_server_active_requests") == before + 1
    metrics.request_finished()
    assert sample("http_server_active_requests") == before


def test_operations_limits_breakers_and_flows_have_their_series() -> None:
    name = fresh("x")
    metrics.operation_call(name, "get_quote", "quote-not-found", 0.0001)
    metrics.rate_limited(name, "gold")
    metrics.breaker_state(name, "half-open")
    metrics.flow_event(name, "parked")
    metrics.flow_step(name, "create_order", "ok", 1.0)
    metrics.build_info(name, "1.2.3")
    operation = {"api": name, "operation": "get_quote", "outcome": "quote-not-found"}
    assert sample("triptych_operation_duration_seconds_count", **operation) == 1
    assert sample("triptych_rate_limited_total", group=name, tier="gold") == 1
    assert sample("triptych_circuit_breaker_state", backend=name) == 1
    assert sample("triptych_flow_events_total", flow=name, event="parked") == 1
    assert sample("triptych_flow_step_duration_seconds_count", flow=name, step="create_order", outcome="ok") == 1


def test_other_modules_declare_their_own() -> None:
    name = fresh("triptych_cache_hits") + "_total"
    hits = metrics.counter(name, "Hits.", ("cache",))
    hits.inc("quotes", by=3)
    assert sample(name, cache="quotes") == 3
    assert metrics.counter(name, "Hits.", ("cache",)) is hits


def test_the_same_name_with_another_meaning_is_refused() -> None:
    name = fresh("triptych_depth")
    metrics.gauge(name, "Depth.", ("queue",))
    with pytest.raises(ValueError, match="already declared as Gauge"):
        metrics.gauge(name, "Depth.")
    with pytest.raises(ValueError, match="already declared as Gauge"):
        metrics.histogram(name, "Depth.", ("queue",))


def test_wrong_labels_are_refused() -> None:
    depth = metrics.gauge(fresh("triptych_depth"), "Depth.", ("queue",))
    with pytest.raises(ValueError, match="label"):
        depth.set(1.0)


def test_a_gauge_can_be_read_when_asked() -> None:
    name = fresh("triptych_waiting")
    queue: asyncio.Queue[int] = asyncio.Queue()
    metrics.gauge(name, "Waiting.").read_from(queue.qsize)
    queue.put_nowait(1)
    assert sample(name) == 1
    with pytest.raises(ValueError, match="has labels"):
        metrics.gauge(name + "_by", "Waiting.", ("queue",)).read_from(queue.qsize)


def test_a_gauge_rises_falls_and_is_set() -> None:
    name = fresh("triptych_level")
    level = metrics.gauge(name, "Level.")
    level.inc(by=5)
    level.dec()
    assert sample(name) == 4
    level.set(7.5)
    assert sample(name) == 7.5


def test_a_flood_of_label_sets_ends_in_one_series(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "MAX_LABEL_SETS", 3)
    name = fresh("triptych_flood") + "_total"
    flood = metrics.counter(name, "Flood.", ("id",))
    for number in range(10):
        flood.inc(str(number))
    assert sample(name, id="2") == 1
    assert sample(name, id="3") is None
    assert sample(name, id="_other") == 7


def test_exposition_is_read_by_prometheus_in_both_formats() -> None:
    metrics.server_request("/v1/x", "GET", 200, 0.01)
    text, kind = metrics.exposition("text/plain")
    assert kind.startswith("text/plain")
    names = {family.name for family in read_text(text.decode())}
    assert {"http_server_request_duration_seconds", "process_cpu_seconds", "python_info"} <= names
    opened, kind = metrics.exposition("application/openmetrics-text; version=1.0.0")
    assert kind.startswith("application/openmetrics-text")
    assert "http_server_request_duration_seconds" in {family.name for family in read_openmetrics(opened.decode())}
