"""What may be spent at a backend, by whom, and the refusal when it is spent."""

from datetime import UTC, datetime
from math import ceil
from typing import Annotated, Final

import msgspec

from shared.binding.call_context import Priority
from shared.binding.problems import QuotaExceeded

Share = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]

ALERT_LEVELS: Final[tuple[int, ...]] = (70, 85, 95)
"""Percent of the allowance at which an operator is told."""


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """An allowance of calls in a rolling window.

    Attributes:
        name: Names the ledger; processes that give the same name share it.
        allowance: Calls in the window, until the backend says otherwise.
        cap: Never more than this, whatever the backend says; 0 for no cap.
        window_seconds: How long a call counts.
        buckets: Parts of the window that the ledger keeps apart, at least 24; a call counts at most one part longer
            than the window.
        reserve: Share that batch work never spends.
        last_reserve: Share that only interactive calls spend.
    """

    name: str
    allowance: int
    cap: int = 0
    window_seconds: int = 86_400
    buckets: int = 288
    reserve: Share = 0.2
    last_reserve: Share = 0.02

    def __post_init__(self) -> None:
        if min(self.allowance, self.window_seconds) < 1 or self.buckets < 24 or self.cap < 0:  # noqa: PLR2004
            raise ValueError(f"Budget {self.name!r}: allowance and window from 1, buckets from 24, cap from 0.")
        if self.last_reserve > self.reserve:
            raise ValueError(f"Budget {self.name!r}: the last reserve is part of the reserve, and cannot be larger.")

    @property
    def width_ms(self) -> int:
        """Length of a bucket in milliseconds."""
        return self.window_seconds * 1000 // self.buckets

    def withheld(self, priority: Priority) -> float:
        """Share of the allowance that calls of this priority leave alone."""
        return {"interactive": 0.0, "order": self.last_reserve, "batch": self.reserve}[priority]

    def limit(self, said: int) -> int:
        """The allowance, when the backend says `said` (0 if it has not spoken)."""
        limit = said or self.allowance
        return min(limit, self.cap) if self.cap else limit


def exhausted(budget: Budget, priority: Priority, limit: int, wait: float, now: float) -> QuotaExceeded:
    """The problem (429) for a call that the treasurer refused.

    Args:
        budget: What is spent.
        priority: Of the call.
        limit: The allowance in the window.
        wait: Seconds until calls of this priority may go again, as far as is known.
        now: Unix seconds.
    """
    left = ceil(limit * budget.withheld(priority))
    kept = f" The last {left:,} are kept for more urgent work." if left else ""
    at = datetime.fromtimestamp(now + wait, UTC)
    return QuotaExceeded(
        f"The {limit:,} calls that {budget.name} allows in {_length(budget.window_seconds)} are spent for {priority} "
        f"work.{kept} Nothing was sent; more become free from {at:%Y-%m-%d %H:%M:%S}Z on. "
        "`triptych quota` shows who spent them.",
        retry_after=max(wait, 0.001),
        extensions={"quota": budget.name, "priority": priority},
    )


def _length(seconds: int) -> str:
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds} s"  # noqa: PLR2004 - an hour
