"""Keeps a gauge of how many flows are in which state, so that operators are told of dead letters within seconds."""

import asyncio
from contextlib import suppress

from shared.durable.journal import FlowState, Journal, JournalUnavailable
from shared.telemetry.metrics import flows_in_state

_EVERY = 4.0  # seconds
_SHOWN: tuple[FlowState, ...] = ("pending", "running", "waiting", "compensating", "dead")


class FlowWatch:
    """Counts while it runs. Several processes may: each shows the whole journal, so take the maximum, not the sum.

    Args:
        journal: Open while this runs.
        every: Seconds between two counts.
    """

    def __init__(self, journal: Journal, every: float = _EVERY) -> None:
        self._journal = journal
        self._every = every
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._loop = asyncio.create_task(self._count_forever())

    async def stop(self) -> None:
        """End."""
        if self._loop is not None:
            self._loop.cancel()
            with suppress(asyncio.CancelledError):
                await self._loop

    async def _count_forever(self) -> None:
        while True:
            with suppress(JournalUnavailable):  # /health tells of that
                counts = await self._journal.counts()
                for state in _SHOWN:
                    flows_in_state(state, counts.get(state, 0))
            await asyncio.sleep(self._every)
