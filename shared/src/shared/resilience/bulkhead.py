"""The second outbound policy: a backend gets so many places, so that a slow one cannot take them all."""

import asyncio
from collections import deque
from types import TracebackType

from shared.binding.problems import Overloaded


class Bulkhead:
    """`async with bulkhead:` holds one of the backend's places; first come, first served.

    Args:
        backend: Named in the refusal.
        places: Calls in flight at once.
        max_wait: Seconds to wait for a place; the call's deadline, set outside, may end the wait sooner.
        max_waiting: Calls that may wait at once.

    Raises:
        Overloaded: All places stayed taken.
    """

    def __init__(self, backend: str, places: int, max_wait: float, max_waiting: int) -> None:
        self._backend = backend
        self._free = self._places = places
        self._max_wait = max_wait
        self._max_waiting = max_waiting
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def in_flight(self) -> int:
        """Places taken now."""
        return self._places - self._free

    @property
    def waiting(self) -> int:
        """Calls waiting for a place now."""
        return len(self._queue)

    async def __aenter__(self) -> None:
        if self._free:
            self._free -= 1
        else:
            await self._wait()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._release()

    def _release(self) -> None:
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)  # handed over directly: nobody can overtake the queue
                return
        self._free += 1

    async def _wait(self) -> None:
        if len(self._queue) >= self._max_waiting:
            raise self._overloaded()
        loop = asyncio.get_running_loop()
        place: asyncio.Future[None] = loop.create_future()
        self._queue.append(place)
        timer = loop.call_later(self._max_wait, _refuse, place, self._overloaded())
        try:
            await place
        except BaseException:
            self._give_back(place)
            raise
        finally:
            timer.cancel()

    def _give_back(self, place: asyncio.Future[None]) -> None:
        if place.done() and not place.cancelled() and place.exception() is None:
            self._release()  # handed to us in the instant we were cancelled
        elif place in self._queue:
            self._queue.remove(place)

    def _overloaded(self) -> Overloaded:
        return Overloaded(
            f"All {self._places} places for calls to {self._backend} are taken; try again shortly.",
            retry_after=max(1.0, self._max_wait),
        )


def _refuse(place: asyncio.Future[None], problem: Overloaded) -> None:
    if not place.done():
        place.set_exception(problem)
