"""Permits that a process holds for one priority, and the refusal it remembers."""

from asyncio import Task

from shared.binding.call_context import Priority
from shared.resilience.quota_ledger import Balance, Ledger

_LEASE_SECONDS = 5.0
"""A lease lives no longer, and never past its bucket."""
_LEASE_DEMAND = 1.0
"""A lease is what was spent within so many seconds …"""
_MOST_LEASED = 256
"""… and no more than this, which is what a process that dies takes with it."""
_REMEMBER_SECONDS = 1.0
"""For so long a refusal is repeated without asking again."""


class Lease:
    """One priority's permits in one process. All times are of the caller's clock, in seconds.

    Attributes:
        priority: Whose.
        permits: Left to spend.
        until: When they end.
        bucket: Where they are charged.
        ledger: In whose books.
        waiting: Calls that wait for the answer to a question.
        asking: That question.
        denied_until: How long a refusal stands.
        free_at: When calls may go again, as that refusal said.
    """

    __slots__ = (
        "_granted_at", "_last", "_taken", "asking", "bucket", "denied_until", "free_at", "ledger", "permits",
        "priority", "until", "waiting",
    )  # fmt: skip

    def __init__(self, priority: Priority) -> None:
        self.priority: Priority = priority
        self.permits = self.bucket = self.waiting = 0
        self.until = self.denied_until = self.free_at = 0.0
        self.asking: Task[None] | None = None
        self.ledger: Ledger | None = None
        self._granted_at = 0.0
        self._last = self._taken = 0

    def wanted(self, now: float) -> int:
        """Permits to ask for on top of those that are needed, sized to what was spent lately."""
        demand = int(self._taken / max(now - self._granted_at, 0.001) * _LEASE_DEMAND)
        return min(demand, 2 * self._last + 2, _MOST_LEASED)

    def accept(self, balance: Balance, ledger: Ledger, sent: float, now: float) -> None:
        """Take what was granted on a question sent at `sent`, or remember the refusal."""
        if not balance.granted:
            self.denied_until = now + min(balance.wait, _REMEMBER_SECONDS)
            self.free_at = now + balance.wait
            return
        self.permits, self.bucket, self.ledger = balance.granted, balance.bucket, ledger
        self.until = sent + min(balance.ends_in, _LEASE_SECONDS)
        self._last, self._taken, self._granted_at = balance.granted, 0, sent

    def spend(self, now: float) -> bool:
        """Spend a permit if there is one."""
        if self.permits > 0 and now < self.until:
            self.permits -= 1
            self._taken += 1
            return True
        return False

    def give_back(self) -> int:
        """End the lease; how many permits were not spent."""
        unspent, self.permits = self.permits, 0
        return unspent
