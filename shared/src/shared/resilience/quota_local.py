"""The ledger of one process: for when there is no Valkey, or it is away."""

import time
from collections.abc import Callable
from math import ceil

from shared.resilience.quota_budget import ALERT_LEVELS, Budget
from shared.resilience.quota_forecast import Snapshot
from shared.resilience.quota_ledger import Balance, Errand


class LocalLedger:
    """A budget's books in memory, by the rules of `quota_ledger`.

    Args:
        budget: Its terms.
        processes: How many processes spend from it without seeing each other: each call of ours stands for so many.
        clock: Unix seconds.
    """

    def __init__(self, budget: Budget, processes: int = 1, clock: Callable[[], float] = time.time) -> None:
        self._budget = budget
        self._processes = processes
        self._clock = clock
        self._calls: dict[int, int] = {}
        self._others: dict[int, int] = {}
        self._newest = self._seen = self._looked = -1
        self._ours = self._allowed = self._level = 0

    async def settle(self, errand: Errand) -> Balance:
        """See `Ledger`."""
        budget, now = self._budget, int(self._clock() * 1000)
        now = max(now, self._newest * budget.width_ms)
        current = self._newest = now // budget.width_ms
        self._roll(current - budget.buckets)
        self._book(errand.returned_to, -min(errand.returned, self._calls.get(errand.returned_to, 0)))
        self._book(current, errand.debt)
        if errand.used >= 0 and now - int(errand.age * 1000) >= current * budget.width_ms:
            self._hear(errand, current)
        others = self._used_by_others(current - budget.buckets)
        limit = budget.limit(self._allowed)
        left = limit - ceil(limit * errand.withheld) - self._ours * self._processes
        others_stop_us = left > 0 and others > 0
        granted, wait = self._grant(errand, left - others, current, may_look=others_stop_us), 0.0
        if errand.needed and not granted:
            wait = self._free_again(1 - left + others, current, may_look=others_stop_us) * budget.width_ms - now
        crossed = self._cross((self._ours * self._processes + others) * 100 / limit)
        ends_in = ((current + 1) * budget.width_ms - now) / 1000
        return Balance(granted, current, ends_in, self._ours, others, limit, wait / 1000, crossed, self._level)

    async def read(self) -> Snapshot:
        """See `Ledger`."""
        return Snapshot(
            budget=self._budget,
            now=self._clock(),
            allowed=self._allowed,
            calls={bucket: calls * self._processes for bucket, calls in self._calls.items()},
            others=dict(self._others),
            seen=self._seen,
        )

    def _roll(self, first: int) -> None:
        for bucket in [each for each in self._calls if each < first]:
            self._ours -= self._calls.pop(bucket)
        for bucket in [each for each in self._others if each < first]:
            del self._others[bucket]

    def _book(self, bucket: int, number: int) -> None:
        if number:
            self._calls[bucket] = self._calls.get(bucket, 0) + number
            self._ours += number

    def _hear(self, errand: Errand, current: int) -> None:
        self._allowed, self._seen = errand.allowed, current
        excess = errand.used - (self._ours - errand.unspent) * self._processes
        self._others[current] = max(0, excess, self._others.get(current, 0))

    def _used_by_others(self, first: int) -> int:
        recent = range(max(self._seen - self._budget.buckets // 24 + 1, first), self._seen + 1)
        return max((self._others.get(bucket, 0) for bucket in recent), default=0)

    def _grant(self, errand: Errand, room: int, current: int, *, may_look: bool) -> int:
        if not errand.needed:
            return 0
        room //= self._processes
        granted = max(0, min(errand.needed, room))
        granted += max(0, min(errand.extra, (room - granted) // 100))
        if not granted and may_look and self._seen < current - 1 and self._looked < current:
            granted, self._looked = 1, current
        self._book(current, granted)
        return granted

    def _free_again(self, short: int, current: int, *, may_look: bool) -> int:
        """The bucket in which `short` calls fewer will count."""
        free = current
        for bucket in sorted(self._calls):
            short -= self._calls[bucket] * self._processes
            if short <= 0:
                free = bucket
                break
        free += self._budget.buckets + 1
        return min(free, max(self._seen + 2, current + 1)) if may_look else free

    def _cross(self, percent: float) -> int:
        reached = max((level for level in ALERT_LEVELS if percent >= level), default=0)
        if reached > self._level:
            self._level = reached
            return reached
        if reached < self._level and percent < self._level - 2:
            self._level = reached
        return 0
