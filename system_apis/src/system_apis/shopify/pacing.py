"""Waits for the bucket of query costs instead of being throttled (shopify.dev, "Calculated query cost").

The bucket is the shop's and our app's, so other processes spend from it too: each answer says what is left. Where they
were faster, Shopify says THROTTLED, and the request is sent again when the bucket will have refilled.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from shared.binding.call_context import current_context
from shared.binding.problems import QuotaExceeded
from system_apis.shopify.records import Cost

_UNKNOWN_COST = 50.0
"""Taken for an operation that was never sent before."""


class CostBucket:
    """What we may still ask of a shop.

    Args:
        max_wait: Seconds that a request waits for the bucket at most.
        clock: Monotonic seconds.
    """

    def __init__(self, max_wait: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_wait = max_wait
        self._clock = clock
        self._left, self._most, self._rate = float("inf"), float("inf"), 0.0
        self._seen_at = clock()
        self._in_flight = 0.0
        self._costs: dict[str, float] = {}

    @asynccontextmanager
    async def share(self, operation: str) -> AsyncGenerator[None]:
        """Hold as much of the bucket as the operation cost last time, once there is so much.

        Raises:
            QuotaExceeded: It takes longer than the caller or the settings allow; nothing was sent.
        """
        cost = min(self._costs.get(operation, _UNKNOWN_COST), self._most)
        while (wait := self._wait(cost)) > 0:
            left = current_context().remaining()
            if wait > min(self._max_wait, float("inf") if left is None else left):
                raise QuotaExceeded(
                    f"The shop's query budget refills in {wait:.1f} s; nothing was sent.", retry_after=wait
                )
            await asyncio.sleep(wait)
        self._in_flight += cost
        try:
            yield
        finally:
            self._in_flight -= cost

    def observe(self, operation: str, cost: Cost) -> None:
        """Learn from an answer what the operation costs and what is left."""
        status = cost.throttle_status
        self._costs[operation] = cost.requested_query_cost
        self._left, self._most = status.currently_available, status.maximum_available
        self._rate, self._seen_at = status.restore_rate, self._clock()

    def _wait(self, cost: float) -> float:
        """Seconds until the bucket holds this much besides what is in flight."""
        if self._rate <= 0:
            return 0.0
        now = min(self._most, self._left + (self._clock() - self._seen_at) * self._rate)
        lacking = cost + self._in_flight - now
        return lacking / self._rate if lacking > 0 and now < self._most else 0.0
