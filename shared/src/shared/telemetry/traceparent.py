"""W3C Trace Context (Recommendation, level 1): reading and writing `traceparent` and `tracestate`."""

import os
import re
from random import Random
from typing import NamedTuple

_SAMPLED = 0x01
_MAX_TRACESTATE_MEMBERS = 32
_MAX_TRACESTATE_LENGTH = 512

# Version 00 is exactly 55 characters; later versions may append "-more" and are read as 00 (§3.2.4).
_TRACEPARENT = re.compile(
    r"(?:00-(?P<t>[0-9a-f]{32})-(?P<p>[0-9a-f]{16})-(?P<f>[0-9a-f]{2})"
    r"|(?!00|ff)[0-9a-f]{2}-(?P<t2>[0-9a-f]{32})-(?P<p2>[0-9a-f]{16})-(?P<f2>[0-9a-f]{2})(?:-.*)?)",
    re.DOTALL,
).fullmatch
# What we write ourselves, told from the rest without taking it apart: most parents are our own spans.
is_plain_traceparent = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]").fullmatch
_STATE_KEY = r"(?:[a-z][a-z0-9_\-*/]{0,255}|[a-z0-9][a-z0-9_\-*/]{0,240}@[a-z][a-z0-9_\-*/]{0,13})"
_STATE_MEMBER = re.compile(_STATE_KEY + r"=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]").fullmatch
_NO_TRACE = "0" * 32
_NO_SPAN = "0" * 16

# Identifiers need uniqueness, not secrecy; an own generator is immune to `random.seed()` elsewhere.
_random = Random()  # noqa: S311
_bits = _random.getrandbits
os.register_at_fork(after_in_child=_random.seed)


class Parent(NamedTuple):
    """A readable `traceparent`: 32 and 16 lower-case hex digits, and whether the caller records."""

    trace_id: str
    span_id: str
    sampled: bool


def new_trace_id() -> str:
    """128 random bits as 32 hex digits, never all zero."""
    return f"{_bits(128) or 1:032x}"


def new_span_id() -> str:
    """64 random bits as 16 hex digits, never all zero."""
    return f"{_bits(64) or 1:016x}"


def parse_traceparent(header: str) -> Parent | None:
    """Read a `traceparent`; None for one the specification tells us to ignore (§3.2.2, §4.3)."""
    match = _TRACEPARENT(header)
    if match is None:
        return None
    trace_id, span_id, flags = match["t"] or match["t2"], match["p"] or match["p2"], match["f"] or match["f2"]
    if trace_id == _NO_TRACE or span_id == _NO_SPAN:
        return None
    return Parent(trace_id, span_id, bool(int(flags, 16) & _SAMPLED))


def format_traceparent(trace_id: str, span_id: str, *, sampled: bool) -> str:
    """Write a version 00 `traceparent`; flags other than sampled are zero, as level 1 demands."""
    return f"00-{trace_id}-{span_id}-{'01' if sampled else '00'}"


def accept_tracestate(header: str) -> str:
    """The `tracestate` to pass on: as it came, or empty when it breaks the grammar (§3.3.1)."""
    if not header or len(header) > _MAX_TRACESTATE_LENGTH:
        return ""
    members = [member.strip(" \t") for member in header.split(",")]
    named = [member for member in members if member]
    keys = {member.partition("=")[0] for member in named}
    if len(named) > _MAX_TRACESTATE_MEMBERS or len(keys) != len(named):
        return ""
    return header if all(_STATE_MEMBER(member) for member in named) else ""
