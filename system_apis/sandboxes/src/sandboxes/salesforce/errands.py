"""What the org does after it has answered: one thing after another, beside the requests."""

import asyncio
from collections.abc import Callable, Coroutine

_GLANCE_SECONDS = 0.05


class Errands:
    """Works on what waits until nothing waits; also after a restart, when somebody asks.

    Args:
        name: Of the task.
        waiting: The next thing to do, None if nothing waits.
    """

    def __init__(self, name: str, waiting: Callable[[], Coroutine[None, None, None] | None]) -> None:
        self._name, self._waiting = name, waiting
        self._working: asyncio.Task[None] | None = None

    async def wait(self, seconds: Callable[[], float], wanted: Callable[[], bool]) -> None:
        """Let so much time pass, as long as the errand is wanted; both are asked again and again."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while wanted() and (left := began + seconds() - loop.time()) > 0:  # noqa: ASYNC110 - rows change, no event
            await asyncio.sleep(min(left, _GLANCE_SECONDS))

    def wake(self) -> None:
        """Go to work, if nobody does."""
        if self._working is None or self._working.done():
            self._working = asyncio.get_running_loop().create_task(self._work(), name=self._name)

    async def _work(self) -> None:
        while (errand := self._waiting()) is not None:
            await errand
