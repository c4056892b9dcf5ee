"""Archives what is old enough, again and again, while a process runs."""

import asyncio
from contextlib import suppress

from shared.binding.problems import Problem
from shared.durable.archive_folder import ArchiveBusy
from shared.durable.archivist import Archivist
from shared.telemetry.logging import get_logger

_FIRST = 60.0  # seconds after the start: what stayed unfinished goes first
_EVERY = 3600.0
_log = get_logger("durable")


class ArchiveUpkeep:
    """Lets an archivist work while it runs. Several processes may; of those that share a folder one works at a time.

    Args:
        archivist: Who does it.
        first: Seconds until it begins.
        every: Seconds between two runs.
    """

    def __init__(self, archivist: Archivist, first: float = _FIRST, every: float = _EVERY) -> None:
        self._archivist = archivist
        self._first = first
        self._every = every
        self._ending = asyncio.Event()
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._loop = asyncio.create_task(self._look_after())

    async def stop(self) -> None:
        """End after the batch that is under way."""
        self._ending.set()
        self._archivist.stop()
        if self._loop is not None:
            await self._loop

    async def _look_after(self) -> None:
        pause = self._first
        while not await self._ends_within(pause):
            pause = self._every
            try:
                if archived := await self._archivist.run():
                    _log.info("flows.archived", count=archived)
            except ArchiveBusy:
                pass  # whoever is at it does this work
            except (Problem, OSError) as error:
                _log.error("archive.failed", error=error.detail if isinstance(error, Problem) else error.strerror)

    async def _ends_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._ending.wait()
        return self._ending.is_set()
