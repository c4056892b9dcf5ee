"""Watches how far consumers are behind, and drops events that are old and that all have passed."""

import asyncio
from contextlib import suppress

from shared.binding.problems import Problem
from shared.durable.journal import Journal
from shared.telemetry.logging import get_logger
from shared.telemetry.metrics import consumer_lag

_EVERY = 15.0  # seconds between two looks at the consumers
_TRIM_EVERY = 40  # looks: ten minutes
_log = get_logger("durable")


class OutboxUpkeep:
    """Looks after the outbox while it runs. Several processes may.

    Args:
        journal: Open while this runs.
        keep: Seconds for which events are kept after they were published, and longer while a consumer needs them.
        every: Seconds between two looks.
    """

    def __init__(self, journal: Journal, keep: float, every: float = _EVERY) -> None:
        self._journal = journal
        self._keep = keep
        self._every = every
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._loop = asyncio.create_task(self._look_after())

    async def stop(self) -> None:
        """End."""
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop

    async def measure(self) -> None:
        """Set the metrics of all consumers."""
        for state in await self._journal.consumers():
            consumer_lag(state.consumer, state.lag, state.behind)

    async def trim(self) -> int:
        """Drop what is old; returns how many events."""
        dropped = 0
        while count := await self._journal.trim_outbox(self._keep):
            dropped += count
        return dropped

    async def _look_after(self) -> None:
        looks = 0
        while True:
            try:
                await self.measure()
                if looks % _TRIM_EVERY == 0:
                    await self.trim()
            except Problem as problem:
                _log.error("outbox.upkeep_failed", error=problem.detail)
            looks += 1
            await asyncio.sleep(self._every)
