"""The outbox as operators and consumers elsewhere read it: page by page, by type, from a position they keep."""

import time
from collections.abc import Collection
from typing import NamedTuple

from shared.durable.journal import Journal
from shared.durable.outbox import ConsumerState
from shared.messaging.event_source import Event, EventSource
from shared.telemetry.logging import get_logger

_log = get_logger("durable")
_AT_ONCE = 200
_MOST_PASSED_OVER = 5_000
"""Events of other types after which a page ends, though it is not full: a read has its deadline."""


class EventPage(NamedTuple):
    """Events, and the position after which the next page begins, however few these are."""

    events: list[Event]
    position: str


class EventLog:
    """Reads the outbox for others.

    Args:
        source: The outbox.
        journal: Knows the consumers.
    """

    def __init__(self, source: EventSource, journal: Journal) -> None:
        self._source = source
        self._journal = journal

    async def page(self, after: str, types: Collection[str], limit: int, wait_seconds: float = 0.0) -> EventPage:
        """The events of some types that follow a position; of all when no type is named.

        Args:
            after: Where the previous page ended, or empty for the oldest event.
            types: `order-placed`, ….
            limit: At most so many.
            wait_seconds: How long to wait for the first one.

        Raises:
            PositionExpired: See `EventSource.read`.
        """
        until = time.monotonic() + wait_seconds
        page = EventPage([], after)
        passed_over = 0
        while len(page.events) < limit and passed_over < _MOST_PASSED_OVER:
            wait = 0.0 if page.events else max(0.0, until - time.monotonic())
            read = await self._source.read(page.position, _AT_ONCE, wait)
            if not read:
                break
            page = _added(page, read, types, limit)
            passed_over += len(read)
        return page

    async def latest(self) -> str:
        """The position after which only what happens from now on follows."""
        return await self._source.latest()

    async def consumers(self) -> list[ConsumerState]:
        """Who reads with a position that is kept here, and how far each is."""
        return await self._journal.consumers()

    async def forget(self, consumer: str, *, by: str) -> bool:
        """Keep events for a consumer no longer; False if there is none of this name. `by` goes into the log."""
        known = await self._journal.forget_consumer(consumer)
        if known:
            _log.warning("consumer.forgotten", consumer=consumer, by=by)
        return known


def _added(page: EventPage, read: Collection[Event], types: Collection[str], limit: int) -> EventPage:
    events, position = page
    for event in read:
        position = event.position
        if not types or event.type in types:
            events.append(event)
            if len(events) == limit:
                break
    return EventPage(events, position)
