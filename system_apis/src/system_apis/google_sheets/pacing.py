"""Keeps within Google's quota of a minute instead of running into 429.

Reads and writes are counted apart, for our service account, by all processes together
(developers.google.com/workspace/sheets/api/limits). A request waits for the minute to have room; where that takes
longer than its caller has, nothing is sent. Google's 429 means that others spent with us: the minute counts as spent.
"""

import asyncio
from collections.abc import Awaitable, Callable

from shared.binding.call_context import current_context
from shared.binding.problems import QuotaExceeded
from shared.resilience.quota import Treasurer
from shared.resilience.quota_budget import Budget
from shared.resilience.quota_treasury import Treasury

_MINUTE = 60
_PARTS = 24


class MinuteQuota:
    """What may be asked in a minute, of one kind.

    Args:
        treasury: Has the books of all processes.
        name: Whose, and of which kind.
        per_minute: How many.
        max_wait: Seconds that a request waits at most.
        sleep: Lets seconds pass.
    """

    def __init__(
        self, treasury: Treasury, name: str, per_minute: int, max_wait: float,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        budget = Budget(name=name, allowance=per_minute, window_seconds=_MINUTE, buckets=_PARTS)
        self._treasurer: Treasurer = treasury.treasurer(budget)
        self._per_minute = per_minute
        self._max_wait = max_wait
        self._sleep = sleep

    async def take(self) -> None:
        """Spend one request, once the minute has room for it.

        Raises:
            QuotaExceeded: It takes longer than the caller or the settings allow; nothing was sent.
        """
        waited = 0.0
        while True:
            try:
                return await self._treasurer.take()
            except QuotaExceeded as spent:
                wait, left = spent.retry_after or 1.0, current_context().remaining()
                if waited + wait > self._max_wait or (left is not None and wait > left):
                    raise
                await self._sleep(wait)
                waited += wait

    def spent(self) -> None:
        """Google says that nothing is left of this minute."""
        self._treasurer.observe(self._per_minute, self._per_minute)
