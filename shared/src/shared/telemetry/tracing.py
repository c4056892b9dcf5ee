"""Spans as light records: a few microseconds each, turned into OpenTelemetry objects off the hot path.

    span = start_span("GET /v1/orders/{id}", kind="server", parent=header, attributes=ROUTE_ATTRIBUTES)
    ...
    span.end_http(200)

A finished span goes to every sink. The recent window takes all of them; export takes the sampled.
"""

from collections.abc import Callable, Mapping
from time import perf_counter_ns, time_ns
from types import TracebackType
from typing import Literal, NamedTuple, Self

from shared.telemetry.redaction import mask_text
from shared.telemetry.traceparent import (
    format_traceparent,
    is_plain_traceparent,
    new_span_id,
    new_trace_id,
    parse_traceparent,
)

SpanKind = Literal["server", "client", "internal", "producer", "consumer"]
Attribute = str | int | float | bool
Attributes = Mapping[str, Attribute]
SpanSink = Callable[["Span"], None]

_NONE: Attributes = {}
_CLIENT_ERROR = 400
_SERVER_ERROR = 500
_TRACE_ID_RANGE = 1 << 64


class SpanEvent(NamedTuple):
    """Something that happened during a span; `at_ns` is Unix time in nanoseconds."""

    name: str
    at_ns: int
    attributes: dict[str, Attribute]


class Span:
    """One timed piece of work within a trace.

    Attributes:
        name: Low cardinality: method and route template, or the operation.
        kind: As in OpenTelemetry.
        traceparent: The header that makes a callee's spans children of this one.
        tracestate: The caller's vendor state, passed through.
        start_ns: Unix time in nanoseconds.
        end_ns: Unix time in nanoseconds, 0 while the span is open.
        error: `error.type` of a failed span, else None.
    """

    __slots__ = (
        "_began", "_own", "_parent", "_prepared", "end_ns", "error", "events", "kind", "name",
        "start_ns", "traceparent", "tracestate",
    )  # fmt: skip

    def __init__(self, name: str, kind: SpanKind, parent: str, tracestate: str, attributes: Attributes | None) -> None:
        self.name = name
        self.kind: SpanKind = kind
        self.tracestate = tracestate
        self._parent = parent
        if is_plain_traceparent(parent):
            self.traceparent = parent[:36] + new_span_id() + parent[52:]
        else:
            self._begin_from_elsewhere()
        self._prepared: Attributes = _NONE if attributes is None else attributes
        self._own: dict[str, Attribute] | None = None
        self.events: list[SpanEvent] | None = None
        self.error: str | None = None
        self.end_ns = 0
        self.start_ns = time_ns()
        self._began = perf_counter_ns()

    def _begin_from_elsewhere(self) -> None:
        """A parent of a later version or with more flags, or none worth the name: then a trace begins here."""
        caller = parse_traceparent(self._parent) if self._parent else None
        if caller is None:
            trace_id = new_trace_id()
            sampled = _sampler(trace_id)
            self._parent = self.tracestate = ""
        else:
            trace_id, parent_id, sampled = caller
            self._parent = format_traceparent(trace_id, parent_id, sampled=sampled)
        self.traceparent = format_traceparent(trace_id, new_span_id(), sampled=sampled)

    # Kept as one string each, because thousands of ended spans are kept: what they hold is cold memory.

    @property
    def trace_id(self) -> str:
        """32 hex digits."""
        return self.traceparent[3:35]

    @property
    def span_id(self) -> str:
        """16 hex digits."""
        return self.traceparent[36:52]

    @property
    def parent_id(self) -> str:
        """16 hex digits, empty for the first span of a trace."""
        return self._parent[36:52]

    @property
    def sampled(self) -> bool:
        """Whether this trace is exported; the caller's decision when there is a caller."""
        return self.traceparent[54] == "1"

    @property
    def attributes(self) -> Attributes:
        """By OpenTelemetry's stable conventions where one exists."""
        return self._prepared if self._own is None else self._own

    @property
    def seconds(self) -> float:
        """Duration in seconds: so far while the span is open, final once it has ended."""
        elapsed = self.end_ns - self.start_ns if self.end_ns else perf_counter_ns() - self._began
        return elapsed / 1e9

    def set(self, key: str, value: Attribute) -> None:
        """Set one attribute; call before `end`."""
        if self._own is None:
            self._own = {**self._prepared, key: value}
        else:
            self._own[key] = value

    def event(self, name: str, **attrs: Attribute) -> None:
        """Record that something happened now."""
        at_ns = self.start_ns + perf_counter_ns() - self._began
        if self.events is None:
            self.events = []
        self.events.append(SpanEvent(name, at_ns, attrs))

    def record_exception(self, error: BaseException) -> None:
        """Record an exception by type and message; the message is masked, it may quote a credential."""
        kind = type(error)
        where = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        described: dict[str, Attribute] = {
            "exception.type": where + kind.__qualname__,
            "exception.message": mask_text(str(error)),
        }
        self.event("exception", **described)

    def end(self, error: str | None = None) -> None:
        """Finish the span and hand it to the sinks; a second call does nothing.

        Args:
            error: `error.type`, low cardinality: a problem's slug, an exception's class name or a
                status code. None when the work succeeded.
        """
        if self.end_ns:
            return
        self.end_ns = self.start_ns + perf_counter_ns() - self._began
        if error is not None:
            self.error = error
            self.set("error.type", error)
        for sink in _sinks:
            sink(self)

    def end_http(self, status: int, error: str | None = None) -> None:
        """Finish an HTTP span; by convention a server span fails from 500 on, a client span from 400."""
        self.set("http.response.status_code", status)
        if status >= (_SERVER_ERROR if self.kind == "server" else _CLIENT_ERROR):
            self.end(error or str(status))
        else:
            self.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None or error is None:
            self.end()
        else:
            self.record_exception(error)
            self.end(kind.__name__)


def start_span(
    name: str,
    *,
    kind: SpanKind,
    parent: str,
    attributes: Attributes | None = None,
    tracestate: str = "",
) -> Span:
    """Open a span; the clock runs from here.

    Args:
        name: Low cardinality, e.g. `GET /v1/orders/{id}`.
        kind: As in OpenTelemetry.
        parent: `traceparent` of the caller; empty or invalid begins a new trace.
        attributes: Never changed, so that one prepared mapping serves every call of a route.
        tracestate: The caller's `tracestate`; dropped together with an invalid parent.
    """
    return Span(name, kind, parent, tracestate, attributes)


def _always(_trace_id: str) -> bool:
    return True


_sinks: tuple[SpanSink, ...] = ()
_sampler: Callable[[str], bool] = _always


def add_sink(sink: SpanSink) -> None:
    """Hand every span that ends from now on to `sink`, which must be quick and must not raise.

    Adding a sink twice changes nothing.
    """
    global _sinks  # noqa: PLW0603 - replaced as a whole, so that a span ending meanwhile sees old or new
    if sink not in _sinks:
        _sinks = (*_sinks, sink)


def remove_sink(sink: SpanSink) -> None:
    """Stop handing spans to `sink`."""
    global _sinks  # noqa: PLW0603 - as above
    _sinks = tuple(known for known in _sinks if known != sink)


def sample_ratio(ratio: float) -> None:
    """Export this share of the traces that begin here, 0.0 to 1.0; a caller's decision always wins.

    Decided by the low 64 bits of the trace id, as OpenTelemetry's TraceIdRatioBased does.
    """
    global _sampler  # noqa: PLW0603 - one sampler per process
    if not 0.0 <= ratio <= 1.0:
        raise ValueError(f"The sample ratio is {ratio}; give a share between 0.0 and 1.0.")
    bound = round(ratio * _TRACE_ID_RANGE)
    _sampler = _always if ratio == 1.0 else lambda trace_id: int(trace_id[16:], 16) < bound
