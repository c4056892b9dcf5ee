"""Writing to a backend that spoils what it keeps when two writes overlap."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.binding.problems import BackendUnavailable, Problem
from shared.resilience.doubt import Doubts, is_late
from shared.resilience.once import WAITS, has_time
from shared.resilience.outbound_faults import NotReached

_T = TypeVar("_T")
_ASKS_AGAIN_AFTER = 5.0
"""Seconds after which somebody who was turned away may ask again, however long the mark is still there."""


class OneAtATime:
    """Lets one write through after another, over all processes.

    After a write that nobody has the answer to, the next goes when the backend must be done with it.

    Args:
        doubts: What may be under way already, here or in another process.
        backend: As people call it, `Marketo`.
        what: What is written; writes of the same name do not overlap.
        settle_seconds: How long the backend may work on a write after we stopped waiting for it.
    """

    def __init__(self, doubts: Doubts, backend: str, what: str, settle_seconds: float) -> None:
        self._doubts = doubts
        self._backend = backend
        self._key = f"{backend}:{what}"
        self._settle_seconds = settle_seconds
        self._queue = asyncio.Lock()

    async def run(self, write: Callable[[], Awaitable[_T]]) -> _T:
        """Do it when its turn has come.

        Raises:
            NotReached: Its turn did not come in the time that the caller has, or in a few seconds; nothing was sent.
            Problem: What `write` raises.
        """
        async with self._queue:
            waits = iter(WAITS)
            while others := await self._doubts.begin(self._key, self._settle_seconds):
                wait = next(waits, None)
                if wait is None or not has_time(wait):
                    raise NotReached(
                        f"{self._backend} may still be working on an earlier write; nothing was sent.",
                        retry_after=min(others, _ASKS_AGAIN_AFTER),
                    )
                await asyncio.sleep(min(wait, others))
            return await self._doubts.through(self._key, write, may_be_at_work)


def may_be_at_work(problem: Problem) -> bool:
    """Whether the backend may still do what it was asked: it was reached, and nobody has its answer."""
    return is_late(problem) or (isinstance(problem, BackendUnavailable) and not isinstance(problem, NotReached))
