"""Rate limits as data: what a client of an SLA tier may do, what was decided, how the answer says so.

Header form: draft-ietf-httpapi-ratelimit-headers-11 (`RateLimit-Policy`, `RateLimit`).
"""

import re
from collections.abc import Mapping
from functools import cached_property
from math import ceil

import msgspec

from shared.binding.problems import QuotaExceeded

_POLICY_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Policy(msgspec.Struct, frozen=True, dict=True, forbid_unknown_fields=True):
    """An allowance: `limit` requests per `window_seconds` on average, `burst` of them at once.

    Attributes:
        name: Shown to the client in `RateLimit-Policy`; letters, digits, `.`, `_` and `-`.
        limit: Requests per window, at least 1.
        window_seconds: Length of the window in seconds.
        burst: Requests an idle client may send at once, at least 1.

    Raises:
        ValueError: A value is out of its range.
    """

    name: str
    limit: int
    window_seconds: int
    burst: int

    def __post_init__(self) -> None:
        if not _POLICY_NAME.fullmatch(self.name):
            raise ValueError(f"Policy name {self.name!r}: use 1 to 64 letters, digits, '.', '_' or '-'.")
        if min(self.limit, self.window_seconds, self.burst) < 1:
            raise ValueError(f"Policy {self.name!r}: limit, window_seconds and burst must be at least 1.")

    @cached_property
    def interval(self) -> float:
        """Seconds between two requests at the allowed rate (GCRA's emission interval)."""
        return self.window_seconds / self.limit

    @cached_property
    def header(self) -> bytes:
        """The value of `RateLimit-Policy`."""
        return b'"%b";q=%d;w=%d' % (self.name.encode(), self.limit, self.window_seconds)

    @cached_property
    def label(self) -> bytes:
        """The name as a structured-field string, as `RateLimit` begins."""
        return b'"%b"' % self.name.encode()


class Tier(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an SLA tier allows: one policy for every operation group, except those named in `groups`.

    Each (client, group) pair has its own allowance, so a client that exhausts one group keeps the others.
    """

    default: Policy
    groups: dict[str, Policy] = {}


DEFAULT_TIER = "standard"
DEFAULT_TIERS: Mapping[str, Tier] = {
    "bronze": Tier(Policy("bronze", limit=60, window_seconds=60, burst=20)),
    "standard": Tier(Policy("standard", limit=600, window_seconds=60, burst=100)),
    "gold": Tier(Policy("gold", limit=6_000, window_seconds=60, burst=1_000)),
    "internal": Tier(Policy("internal", limit=1_200_000, window_seconds=60, burst=50_000)),
}
"""Sensible allowances per client and operation group; a deployment replaces them in its configuration."""


class Decision(msgspec.Struct, frozen=True, gc=False):
    """What the limiter said about one request.

    Attributes:
        allowed: Whether the request may go on.
        policy: The allowance it was measured against.
        remaining: Requests the client may still send at once, as far as this process knows.
        reset_seconds: Seconds until the whole burst is available again.
        retry_after: Seconds until one request would be allowed; None when this one was.
        local: Decided without Valkey, at this process's share of the limit.
    """

    allowed: bool
    policy: Policy
    remaining: int
    reset_seconds: float
    retry_after: float | None = None
    local: bool = False


def rate_limit_headers(decision: Decision) -> list[tuple[bytes, bytes]]:
    """`RateLimit-Policy` and `RateLimit` as ASGI headers (draft-ietf-httpapi-ratelimit-headers-11).

    `r` is the remaining requests, `t` the whole seconds until the allowance is full again. `Retry-After`
    is not among them: it belongs to the problem (see `quota_exceeded`).
    """
    policy = decision.policy
    state = b"%b;r=%d;t=%d" % (policy.label, decision.remaining, ceil(decision.reset_seconds))
    return [(b"ratelimit-policy", policy.header), (b"ratelimit", state)]


def quota_exceeded(decision: Decision) -> QuotaExceeded:
    """The problem (429) to raise for a refused `decision`; `retry_after` in seconds."""
    policy, wait = decision.policy, decision.retry_after or 0.0
    return QuotaExceeded(
        f"The allowance {policy.name!r} of {policy.limit} requests per {policy.window_seconds} s "
        f"(at most {policy.burst} at once) is used up. Repeat after {ceil(wait) or 1} s, "
        f"or ask for a higher service tier.",
        retry_after=wait,
        extensions={"violated-policies": [policy.name]},
    )
