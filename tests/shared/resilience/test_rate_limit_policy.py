"""Policies are checked data; answers carry the IETF draft's headers."""

import msgspec
import pytest

from shared.binding.problems import QuotaExceeded
from shared.resilience.rate_limit import (
    DEFAULT_TIER,
    DEFAULT_TIERS,
    Decision,
    Policy,
    Tier,
    quota_exceeded,
    rate_limit_headers,
)

_BURST = Policy("burst", limit=100, window_seconds=60, burst=40)


def test_headers_follow_draft_11() -> None:
    assert rate_limit_headers(Decision(True, _BURST, 40, 11.2)) == [
        (b"ratelimit-policy", b'"burst";q=100;w=60'),
        (b"ratelimit", b'"burst";r=40;t=12'),
    ]


def test_a_refusal_becomes_a_problem_that_says_when_to_return() -> None:
    problem = quota_exceeded(Decision(False, _BURST, 0, 24.0, 0.6))
    assert isinstance(problem, QuotaExceeded)
    assert problem.status == 429
    assert problem.retry_after == 0.6
    assert "'burst' of 100 requests per 60 s" in problem.detail
    assert "Repeat after 1 s" in problem.detail
    assert problem.extensions == {"violated-policies": ["burst"]}


@pytest.mark.parametrize(
    ("name", "limit", "window", "burst"),
    [("x", 0, 60, 1), ("x", 1, 0, 1), ("x", 1, 60, 0), ("", 1, 60, 1), ('a"b', 1, 60, 1), ("a\r\nb", 1, 60, 1)],
)
def test_a_policy_out_of_range_is_refused(name: str, limit: int, window: int, burst: int) -> None:
    with pytest.raises(ValueError, match="Policy"):
        Policy(name, limit, window, burst)


def test_tiers_are_read_from_configuration_and_misspellings_refused() -> None:
    written = b'{"default": {"name": "a", "limit": 1, "window_seconds": 1, "burst": 1}, "groups": {}}'
    assert msgspec.json.decode(written, type=Tier) == Tier(Policy("a", 1, 1, 1))
    with pytest.raises(msgspec.ValidationError, match="bursts"):
        msgspec.json.decode(written.replace(b"burst", b"bursts"), type=Tier)


def test_the_default_tiers_rise() -> None:
    rates = [DEFAULT_TIERS[name].default.limit for name in ("bronze", "standard", "gold", "internal")]
    assert rates == sorted(rates)
    assert DEFAULT_TIER in DEFAULT_TIERS
