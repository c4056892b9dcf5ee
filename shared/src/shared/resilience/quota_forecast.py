"""How a budget stands, and when it runs out if spending goes on as in the last hours. Pure arithmetic."""

from collections.abc import Mapping
from math import ceil

import msgspec

from shared.resilience.quota_budget import Budget

_RECENT = 8
"""Recent spending is that of an 8th of the window (three hours of a day) …"""
_HALVING = 96
"""… whose weight halves with each 96th of it (15 minutes of a day)."""
_GROWTH = 24
"""Whether others use more and more is seen over a 24th of the window."""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A ledger as read at one moment.

    Attributes:
        budget: Its terms.
        now: Unix seconds of the reading.
        allowed: The allowance the backend named last, 0 before it has.
        calls: Our calls by bucket; a bucket is the Unix time divided by its width.
        others: What others used, as seen in each bucket in which the backend spoke.
        seen: The bucket in which it spoke last, -1 before it has.
    """

    budget: Budget
    now: float
    allowed: int = 0
    calls: Mapping[int, int] = {}
    others: Mapping[int, int] = {}
    seen: int = -1

    @property
    def current(self) -> int:
        """The bucket in progress."""
        return int(self.now * 1000) // self.budget.width_ms

    @property
    def limit(self) -> int:
        """Calls allowed in the window."""
        return self.budget.limit(self.allowed)

    @property
    def kept(self) -> int:
        """Calls of the limit that batch work leaves alone."""
        return ceil(self.limit * self.budget.reserve)

    @property
    def by_us(self) -> int:
        """Calls of ours that count, leases in hand among them."""
        first = self.current - self.budget.buckets
        return sum(number for bucket, number in self.calls.items() if bucket >= first)

    @property
    def by_others(self) -> int:
        """Calls of others that count, as far as the backend has told."""
        first = max(self.seen - self.budget.buckets // 24 + 1, self.current - self.budget.buckets)
        return max((self.others.get(bucket, 0) for bucket in range(first, self.seen + 1)), default=0)

    @property
    def left(self) -> int:
        """Calls that may still be made, by the most urgent work."""
        return max(0, self.limit - self.by_us - self.by_others)


class Forecast(msgspec.Struct, frozen=True, kw_only=True):
    """What follows if spending goes on as lately.

    Attributes:
        per_hour: Calls an hour, ours and the growth of others'.
        batch_stops_in: Seconds until batch work stops at the reserve, 0 if it has; None if it never will.
        runs_out_in: Seconds until nothing is left, 0 if nothing is; None if that never comes.
    """

    per_hour: float
    batch_stops_in: float | None
    runs_out_in: float | None


def forecast(snapshot: Snapshot) -> Forecast:
    """The forecast: the weighted rate of the last hours, less what rolls out of the window bucket by bucket."""
    rate = _rate(snapshot) + _growth(snapshot)
    used = snapshot.by_us + snapshot.by_others
    return Forecast(
        per_hour=rate * 3600,
        batch_stops_in=_reached(snapshot, used, rate, snapshot.limit - snapshot.kept),
        runs_out_in=_reached(snapshot, used, rate, snapshot.limit),
    )


def _rate(snapshot: Snapshot) -> float:
    """Our calls a second, newer buckets weighing more."""
    buckets, width = snapshot.budget.buckets, snapshot.budget.width_ms / 1000
    recent, halving = buckets // _RECENT, max(1.0, buckets / _HALVING)
    elapsed = snapshot.now - snapshot.current * width
    calls = seconds = 0.0
    for age in range(recent + 1):
        weight = 0.5 ** (age / halving)
        calls += weight * snapshot.calls.get(snapshot.current - age, 0)
        seconds += weight * (width if age else elapsed)
    return calls / seconds if seconds else 0.0


def _growth(snapshot: Snapshot) -> float:
    """Calls a second by which others use more than rolls out; 0 if they use less."""
    first = snapshot.seen - snapshot.budget.buckets // _GROWTH
    told = sorted(bucket for bucket in snapshot.others if bucket >= first)
    if len(told) < 2 or snapshot.seen < snapshot.current - 1:  # noqa: PLR2004 - a line needs two points
        return 0.0
    risen = snapshot.others[told[-1]] - snapshot.others[told[0]]
    return max(0.0, risen / ((told[-1] - told[0]) * snapshot.budget.width_ms / 1000))


def _reached(snapshot: Snapshot, used: float, rate: float, ceiling: int) -> float | None:
    """Seconds until `ceiling` is used."""
    if used >= ceiling:
        return 0.0
    if rate <= 0:
        return None
    width, current, buckets = snapshot.budget.width_ms / 1000, snapshot.current, snapshot.budget.buckets
    at = snapshot.now
    for bucket in range(current + 1, current + buckets + 3):  # after that as much rolls out as is spent
        until = bucket * width
        risen = used + rate * (until - at)
        if risen >= ceiling:
            return at + (ceiling - used) / rate - snapshot.now
        gone = bucket - buckets - 1
        used = risen - (snapshot.calls.get(gone, 0) if gone <= current else rate * width)
        at = until
    return None
