"""The outbox as an event source."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime

from shared.durable.codec import PayloadCodec, event_place
from shared.durable.journal import Journal, JournalUnavailable
from shared.durable.outbox import OUTBOX, OutboxRecord
from shared.messaging.event_source import Event

_LOOK = 0.2  # seconds between two looks for events that another process may have published


class OutboxSource:
    """Implements `EventSource` over a journal. Whoever waits shares one look at the journal, five times a second.

    Args:
        journal: Open while this is read.
        codec: Opens payloads.
    """

    def __init__(self, journal: Journal, codec: PayloadCodec) -> None:
        self._journal = journal
        self._codec = codec
        self._looking: asyncio.Task[None] | None = None
        self._waiting: dict[asyncio.Future[None], str] = {}

    @property
    def name(self) -> str:
        """See `EventSource`."""
        return OUTBOX

    async def read(self, after: str, limit: int, wait_seconds: float) -> Sequence[Event]:
        """See `EventSource.read`."""
        until = time.monotonic() + wait_seconds
        while True:
            seen = await self._journal.newest_event()
            records = await self._journal.outbox(after, limit)
            left = until - time.monotonic()
            if records or left <= 0:
                return [self._opened(record) for record in records]
            await self._news(seen, left)

    async def latest(self) -> str:
        """See `EventSource.latest`."""
        return await self._journal.newest_event()

    def _opened(self, record: OutboxRecord) -> Event:
        unreadable = ""
        try:
            payload = self._codec.open(record.payload, event_place(record.event_id))
        except ValueError:
            payload, unreadable = b"null", "It was sealed with a key that is gone; bring that key back."
        return Event(
            record.event_id, record.type, record.version, payload, datetime.fromtimestamp(record.occurred_at, UTC),
            record.position, record.producer, record.traceparent, record.correlation_id, unreadable,
        )  # fmt: skip

    async def _news(self, seen: str, seconds: float) -> None:
        """Return once the newest event is another than `seen`, or the time is over."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = seen
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())
        try:
            await asyncio.wait([waiter], timeout=seconds)
        finally:
            del self._waiting[waiter]

    async def _look(self) -> None:
        while self._waiting:
            with suppress(JournalUnavailable):  # a waiter's own read says so
                newest = await self._journal.newest_event()
                for waiter, seen in self._waiting.items():
                    if seen != newest and not waiter.done():
                        waiter.set_result(None)
            await asyncio.sleep(_LOOK)
