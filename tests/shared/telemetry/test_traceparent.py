import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.telemetry.traceparent import (
    Parent,
    accept_tracestate,
    format_traceparent,
    new_span_id,
    new_trace_id,
    parse_traceparent,
)

TRACE = "0af7651916cd43dd8448eb211c80319c"
SPAN = "b7ad6b7169203331"


def test_the_specification_s_example_is_read() -> None:
    assert parse_traceparent(f"00-{TRACE}-{SPAN}-01") == Parent(TRACE, SPAN, sampled=True)
    assert parse_traceparent(f"00-{TRACE}-{SPAN}-00") == Parent(TRACE, SPAN, sampled=False)


def test_only_the_lowest_flag_means_sampled() -> None:
    assert parse_traceparent(f"00-{TRACE}-{SPAN}-02") == Parent(TRACE, SPAN, sampled=False)
    assert parse_traceparent(f"00-{TRACE}-{SPAN}-ff") == Parent(TRACE, SPAN, sampled=True)


@pytest.mark.parametrize("header", [f"cc-{TRACE}-{SPAN}-01", f"01-{TRACE}-{SPAN}-01-what-the-future-will-be-like"])
def test_a_later_version_is_read_as_far_as_version_00_goes(header: str) -> None:
    assert parse_traceparent(header) == Parent(TRACE, SPAN, sampled=True)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "garbage",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01-extra",
        f"00-{TRACE}-{SPAN}-01-",
        f"cc-{TRACE}-{SPAN}-01.what",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE[:-1]}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-01\n",
        f" 00-{TRACE}-{SPAN}-01",
        f"0-{TRACE}-{SPAN}-01",
    ],
)
def test_a_broken_header_is_ignored(header: str) -> None:
    assert parse_traceparent(header) is None


@given(st.booleans())
def test_what_is_written_is_read_back(sampled: bool) -> None:
    trace_id, span_id = new_trace_id(), new_span_id()
    header = format_traceparent(trace_id, span_id, sampled=sampled)
    assert parse_traceparent(header) == Parent(trace_id, span_id, sampled)


@given(st.text(max_size=70))
def test_no_text_makes_reading_fail(text: str) -> None:
    parse_traceparent(text)
    accept_tracestate(text)


def test_tracestate_passes_unchanged() -> None:
    assert accept_tracestate("rojo=00f067aa0ba902b7, congo=t61rcWkgMzE") == "rojo=00f067aa0ba902b7, congo=t61rcWkgMzE"
    assert accept_tracestate("fw529a3039@dt=FfAAAA==") == ""  # "=" is no value character (§3.3.2.2.2)
    assert accept_tracestate("tenant@vendor=a b!") == "tenant@vendor=a b!"


@pytest.mark.parametrize(
    "state", ["Foo=1", "foo", "foo=", "a=1,a=2", "x" * 600, ",".join(f"k{n}=v" for n in range(33))]
)
def test_a_broken_tracestate_is_dropped_whole(state: str) -> None:
    assert accept_tracestate(state) == ""
