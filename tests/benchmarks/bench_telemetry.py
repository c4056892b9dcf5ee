"""What telemetry costs on the hot path: `python tests/benchmarks/bench_telemetry.py`.

Prints microseconds per act (best of seven) beside its budget, and fails when one is exceeded. The OpenTelemetry
SDK's own span and histogram stand beside ours as a yardstick measured in the same run.
"""

import sys
import timeit
from collections.abc import Callable
from itertools import count
from pathlib import Path

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from shared.binding.call_context import CallContext, Principal, enter
from shared.telemetry import metrics, recent, tracing
from shared.telemetry.conventions import server_attributes
from shared.telemetry.logging import configure_logging, get_logger
from shared.telemetry.redaction import mask_text
from shared.telemetry.tracing import start_span

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ROUTE = server_attributes("GET", "/v1/customers/{id}", address="127.0.0.1", port=8080)
SENTENCE = "The order 4711 was refused because the customer is blocked; ask finance to release it."
CREDENTIAL = "login failed: grant_type=password&username=u&password=hunter2&client_secret=s3cr3t"
log = get_logger("benchmark")
orders = (f"order {number} waits for stock" for number in range(10**9))


def server_span() -> None:
    span = start_span("GET /v1/customers/{id}", kind="server", parent=PARENT, attributes=ROUTE)
    span.set("url.path", "/v1/customers/7")
    span.end_http(200)


def inner_span() -> None:
    start_span("get_customer", kind="internal", parent=PARENT).end()


def new_trace() -> None:
    start_span("get_customer", kind="internal", parent="").end()


def emitted_line() -> None:
    log.info("flow.step.retried", flow="quote-to-order", step="create_order", attempt=2, detail=next(orders))


def measured(act: Callable[[], object], number: int = 20_000) -> float:
    return min(timeit.repeat(act, number=number, repeat=7)) / number * 1e6


def yardsticks() -> dict[str, Callable[[], object]]:
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
    tracer = provider.get_tracer("benchmark")
    seconds = MeterProvider([InMemoryMetricReader()]).get_meter("benchmark").create_histogram("seconds")
    labels = {"http.route": "/v1/x", "http.request.method": "GET", "http.response.status_code": 200}

    def sdk_span() -> None:
        span = tracer.start_span("GET /v1/customers/{id}", attributes=ROUTE)
        span.set_attribute("url.path", "/v1/customers/7")
        span.end()

    return {"OpenTelemetry SDK span": sdk_span, "OpenTelemetry SDK histogram": lambda: seconds.record(0.02, labels)}


def on_demand() -> None:
    for _ in range(recent.SPANS):
        server_span()
    asked = count(1)
    acts: dict[str, Callable[[], object]] = {
        "look up one trace among 20,000 spans": lambda: recent.trace("0" * 32),
        "summary of 20,000 requests": lambda: recent.summary(next(asked)),
    }
    for name, act in acts.items():
        print(f"{name:48} {measured(act, 5):8.0f} µs   when a person asks")


def main() -> int:
    tracing.add_sink(recent.window.add_span)
    caller = Principal("user-7", "app", "urn:triptych:system:crm", frozenset({"crm:read"}), 2e9, "https://issuer")
    enter(CallContext(principal=caller, traceparent=PARENT, correlation_id="ORD-4711"))
    budgets: list[tuple[str, Callable[[], object], float]] = [
        ("server span, 7 attributes, kept in the window", server_span, 6.0),
        ("inner span", inner_span, 6.0),
        ("inner span, new trace", new_trace, 6.0),
        ("server_request", lambda: metrics.server_request("/v1/x", "GET", 200, 0.02), 2.0),
        ("operation_call", lambda: metrics.operation_call("crm", "get_quote", "ok", 0.0002), 2.0),
        ("rate_limited", lambda: metrics.rate_limited("reads", "gold"), 2.0),
        ("suppressed log line", lambda: log.debug("too.fine", order="4711"), 1.0),
        ("emitted JSON log line, 5 fields + call", emitted_line, 15.0),
        ("mask a known word", lambda: mask_text("flow.step.retried"), 1.0),
        ("mask a sentence seen before", lambda: mask_text(SENTENCE), 1.0),
        ("mask a credential in a text of 80", lambda: mask_text(CREDENTIAL), 60.0),
    ]
    late = 0
    with Path("/dev/null").open("wb", buffering=0) as nowhere:
        configure_logging(style="json", stream=nowhere, libraries=False)
        for name, act, budget in budgets:
            cost = measured(act)
            late += cost > budget
            print(f"{name:48} {cost:8.2f} µs   budget {budget:5.1f}{'   EXCEEDED' if cost > budget else ''}")
    for name, act in yardsticks().items():
        print(f"{name:48} {measured(act, 5000):8.2f} µs   for comparison")
    on_demand()
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
