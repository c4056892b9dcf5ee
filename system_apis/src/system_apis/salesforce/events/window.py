"""The events that were received and are not dealt with yet: bounded, so that a slow reader slows the stream."""

import asyncio
from collections import deque
from collections.abc import Sequence

from shared.messaging.event_source import Event


class Window:
    """Events between what a reader has dealt with and what has come. One task adds, any number read.

    Args:
        base: The position that a reader has dealt with.
        room: See `room`.

    Attributes:
        position: Where the stream stands: behind the last event, or `base`.
        room: How many events there may be.
    """

    def __init__(self, base: str, room: int) -> None:
        self.position = base
        self._base = self._lent = base
        self.room = room
        self._events: deque[Event] = deque()
        self._changed = asyncio.Event()

    @property
    def free(self) -> int:
        """How many more events there may be."""
        return max(0, self.room - len(self._events))

    def follows(self, position: str) -> bool:
        """Whether a reader may go on from here."""
        return position == self._base or any(event.position == position for event in self._events)

    def pass_to(self, position: str) -> None:
        """A reader has dealt with everything up to here; it must `follow`."""
        while self._base != position:
            self._base = self._events.popleft().position
        self.wake()

    def first(self, limit: int) -> Sequence[Event]:
        """Up to so many events that nobody has dealt with, oldest first."""
        events = [event for event, _ in zip(self._events, range(limit), strict=False)]
        if events:
            self._lent = events[-1].position
        return events

    def add(self, event: Event, *, passing: bool = False) -> None:
        """An event came. One that only moves the position replaces another such that no reader knows yet."""
        last = self._events[-1] if self._events else None
        if passing and last is not None and last.type == event.type and last.position != self._lent:
            self._events.pop()
        self._events.append(event)
        self.position = event.position
        self.wake()

    def wake(self) -> None:
        """Let everybody who waits look again."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def change(self) -> None:
        """Until something came, was dealt with, or failed."""
        await self._changed.wait()

    async def until_free(self, least: int) -> None:
        """Until there is room for so many more."""
        while self.free < least:
            await self.change()
