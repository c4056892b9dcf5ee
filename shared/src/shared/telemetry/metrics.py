"""Metrics in one Prometheus registry, with the labelled children kept at hand.

Every function here costs about a microsecond. Labels are closed sets (templates, operation names,
states), never ids; a family that passes 2,000 label sets counts the rest under `_other`.
Each process has its own registry and its own /metrics; Prometheus adds them up.
"""

import platform
from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import prometheus_client as prometheus
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics import MetricWrapperBase

from shared.telemetry.conventions import KNOWN_METHODS

REGISTRY = prometheus.CollectorRegistry(auto_describe=True)
"""Everything this process measures."""

MAX_LABEL_SETS = 2000
"""Label sets a family keeps apart; OpenTelemetry's default cardinality limit."""

HTTP_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Bucket bounds of the stable `http.*.request.duration` conventions."""
FAST_SECONDS = (0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0)
"""Bucket bounds for work that may stay inside one process."""
STEP_SECONDS = (0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 600.0)
"""Bucket bounds for steps of durable flows."""

BreakerState = Literal["closed", "half-open", "open"]
_BREAKER_VALUE: dict[str, int] = {"closed": 0, "half-open": 1, "open": 2}


class _Family:
    """A metric and its children by label values; the lookup is one dict access."""

    __slots__ = ("_children", "_family", "labels", "name")

    def __init__(self, family: MetricWrapperBase, name: str, labels: Sequence[str]) -> None:
        self.name = name
        self.labels = tuple(labels)
        self._family = family
        self._children: dict[tuple[Any, ...], Any] = {} if labels else {(): family}

    def _child(self, values: tuple[Any, ...]) -> Any:
        if len(self._children) >= MAX_LABEL_SETS:
            child = self._family.labels(*["_other"] * len(self.labels))
        else:
            child = self._children[values] = self._family.labels(*values)
        return child


class Counter(_Family):
    """A count that only rises."""

    __slots__ = ()

    def inc(self, *labels: str, by: float = 1.0) -> None:
        """Add `by` under these label values, in declared order."""
        (self._children.get(labels) or self._child(labels)).inc(by)


class Gauge(_Family):
    """A value that rises and falls."""

    __slots__ = ()

    def set(self, value: float, *labels: str) -> None:
        """Set the value under these label values, in declared order."""
        (self._children.get(labels) or self._child(labels)).set(value)

    def inc(self, *labels: str, by: float = 1.0) -> None:
        """Add `by`."""
        (self._children.get(labels) or self._child(labels)).inc(by)

    def dec(self, *labels: str, by: float = 1.0) -> None:
        """Take away `by`."""
        (self._children.get(labels) or self._child(labels)).dec(by)

    def read_from(self, read: Callable[[], float]) -> None:
        """Read the value when /metrics is asked (gauges without labels only)."""
        self._child_without_labels().set_function(read)

    def _child_without_labels(self) -> Any:
        if self.labels:
            raise ValueError(f"{self.name} has labels; only a gauge without labels can be read on demand.")
        return self._family


class Histogram(_Family):
    """A distribution over fixed bounds."""

    __slots__ = ()

    def observe(self, value: float, *labels: str | int) -> None:
        """Count `value` under these label values, in declared order."""
        (self._children.get(labels) or self._child(labels)).observe(value)


_declared: dict[str, _Family] = {}


def counter(name: str, documentation: str, labels: Sequence[str] = ()) -> Counter:
    """Declare a counter; its name ends in `_total`. Declaring the same again returns the first."""
    return _declare(Counter, name, labels, lambda: prometheus.Counter(name, documentation, labels, registry=REGISTRY))


def gauge(name: str, documentation: str, labels: Sequence[str] = ()) -> Gauge:
    """Declare a gauge. Declaring the same again returns the first."""
    return _declare(Gauge, name, labels, lambda: prometheus.Gauge(name, documentation, labels, registry=REGISTRY))


def histogram(
    name: str, documentation: str, labels: Sequence[str] = (), bounds: Sequence[float] = HTTP_SECONDS
) -> Histogram:
    """Declare a histogram; `bounds` are rising upper bounds in the unit the name ends with."""
    return _declare(
        Histogram,
        name,
        labels,
        lambda: prometheus.Histogram(name, documentation, labels, registry=REGISTRY, buckets=bounds),
    )


_FamilyT = TypeVar("_FamilyT", bound=_Family)


def _declare(
    kind: type[_FamilyT], name: str, labels: Sequence[str], create: Callable[[], MetricWrapperBase]
) -> _FamilyT:
    known = _declared.get(name)
    if known is None:
        known = _declared[name] = kind(create(), name, labels)
    if not isinstance(known, kind) or known.labels != tuple(labels):
        raise ValueError(
            f"The metric {name} is already declared as {type(known).__name__} with labels {known.labels}; "
            "choose another name or the same declaration."
        )
    return known


_server_seconds = histogram(
    "http_server_request_duration_seconds",
    "Duration of HTTP requests served.",
    ("http_route", "http_request_method", "http_response_status_code"),
)
_client_seconds = histogram(
    "http_client_request_duration_seconds",
    "Duration of HTTP requests sent, by the server's name; the status is an error type when none arrived.",
    ("server_address", "http_request_method", "http_response_status_code"),
)
_active = gauge("http_server_active_requests", "HTTP requests being served.")
_operation_seconds = histogram(
    "triptych_operation_duration_seconds",
    "Duration of contract operations in any placement; outcome is ok or the problem's slug.",
    ("api", "operation", "outcome"),
    FAST_SECONDS,
)
_rate_limited = counter("triptych_rate_limited_total", "Calls refused by a rate limit.", ("group", "tier"))
_breaker = gauge("triptych_circuit_breaker_state", "0 closed, 1 half-open, 2 open.", ("backend",))
_flow_events = counter(
    "triptych_flow_events_total",
    "Flows started, completed, parked, compensated, dead-lettered.",
    ("flow", "event"),
)
_flows = gauge("triptych_flows", "Flows in the journal that have not ended well, dead letters among them.", ("state",))
_step_seconds = histogram(
    "triptych_flow_step_duration_seconds",
    "Duration of one attempt at a flow's step; outcome is ok or the problem's slug.",
    ("flow", "step", "outcome"),
    STEP_SECONDS,
)
_consumer_lag = gauge(
    "triptych_consumer_lag_seconds", "Age of the oldest event that a consumer has not dealt with.", ("consumer",)
)
_consumer_behind = gauge(
    "triptych_consumer_behind_events", "Events that a consumer has not dealt with, up to 10,000.", ("consumer",)
)
_build = gauge("triptych_build_info", "Always 1; the labels say what runs.", ("service", "version", "python"))


def server_request(route: str, method: str, status: int, seconds: float) -> None:
    """Count one request served; `route` is the path template, `seconds` its whole duration."""
    if method not in KNOWN_METHODS:
        method = "_OTHER"
    _server_seconds.observe(seconds, route, method, status)


def client_request(server: str, method: str, status: int | str, seconds: float) -> None:
    """Count one request sent; `status` is the answer's, or an error type when none arrived."""
    _client_seconds.observe(seconds, server, method, status)


def request_started() -> None:
    """One more request is being served."""
    _active.inc()


def request_finished() -> None:
    """One request fewer is being served."""
    _active.dec()


def operation_call(api: str, operation: str, outcome: str, seconds: float) -> None:
    """Count one call of a contract operation; `outcome` is `ok` or the problem's slug."""
    _operation_seconds.observe(seconds, api, operation, outcome)


def rate_limited(group: str, tier: str) -> None:
    """Count one call refused by a rate limit: the limit's name and the caller's SLA tier."""
    _rate_limited.inc(group, tier)


def breaker_state(backend: str, state: BreakerState) -> None:
    """Say what the circuit breaker of a backend does now."""
    _breaker.set(_BREAKER_VALUE[state], backend)


def flow_event(flow: str, event: str) -> None:
    """Count one event in the life of a flow: started, completed, parked, compensated, dead-lettered …."""
    _flow_events.inc(flow, event)


def flows_in_state(state: str, count: int) -> None:
    """Say how many flows are in a state now."""
    _flows.set(count, state)


def flow_step(flow: str, step: str, outcome: str, seconds: float) -> None:
    """Count one attempt at a step; `outcome` is `ok` or the problem's slug."""
    _step_seconds.observe(seconds, flow, step, outcome)


def consumer_lag(consumer: str, seconds: float, events: int) -> None:
    """Say how far a consumer of events is behind."""
    _consumer_lag.set(seconds, consumer)
    _consumer_behind.set(events, consumer)


def build_info(service: str, version: str) -> None:
    """Say what runs in this process."""
    _build.set(1, service, version, platform.python_version())


def exposition(accept: str) -> tuple[bytes, str]:
    """The registry as /metrics answers: body and `Content-Type`, OpenMetrics where `Accept` asks for it."""
    encode, content_type = choose_encoder(accept)
    return encode(REGISTRY), content_type


prometheus.ProcessCollector(registry=REGISTRY)
prometheus.PlatformCollector(registry=REGISTRY)
prometheus.GCCollector(registry=REGISTRY)
