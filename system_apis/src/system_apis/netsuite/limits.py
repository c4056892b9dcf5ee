"""How many requests at once the account takes of us, asked of the account itself.

Source: NetSuite help, "GovernanceLimits Operation": an integration either has a limit of its own, or shares what no
integration has. Only administrators are told; for other roles the smallest limit there is holds.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import msgspec

from shared.binding.problems import Problem
from shared.resilience.slots import Slots
from shared.telemetry.logging import get_logger

PATH: Final = "/services/rest/system/v1/governanceLimits"
SMALLEST: Final = 5
"""What an account without tier and licences has."""
_FRESH_SECONDS = 3600.0
_RETRY_SECONDS = 300.0
_log = get_logger("netsuite.limits")


class GovernanceLimits(msgspec.Struct, frozen=True, rename="camel"):
    """What the account says of its limits: all of it, what is left to integrations without one, and ours."""

    account_concurrency_limit: int
    account_unallocated_concurrency_limit: int | None = None
    integration_concurrency_limit: int | None = None

    @property
    def ours(self) -> int:
        """Requests at once that we may make; at least one, as an account without any takes nobody's."""
        for told in (self.integration_concurrency_limit, self.account_unallocated_concurrency_limit):
            if told is not None:
                return max(1, told)
        return max(1, self.account_concurrency_limit)


class AccountLimits:
    """Keeps slots as many as the account says, asking it before the first request and then once an hour.

    Args:
        slots: Of the account.
        ask: Asks the account, holding none of them: who has just started would else wait for its share forever.
        clock: Monotonic seconds.
    """

    def __init__(
        self,
        slots: Slots,
        ask: Callable[[], Awaitable[GovernanceLimits]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._slots, self._ask, self._clock = slots, ask, clock
        self._stale_at = clock()
        self._asking = asyncio.Lock()

    async def keep(self) -> None:
        """Ask again if it is time to; who comes meanwhile goes on with what was last known.

        An account that does not answer is asked again later: its limit is no reason to stop working.
        """
        if self._clock() < self._stale_at or self._asking.locked():
            return
        async with self._asking:
            self._stale_at = self._clock() + _RETRY_SECONDS
            try:
                limits = await self._ask()
            except Problem as untold:
                _log.warning("netsuite.limits.untold", slots=self._slots.slots, problem=untold.detail)
                return
            self._slots.resize(limits.ours)
            self._stale_at = self._clock() + _FRESH_SECONDS
