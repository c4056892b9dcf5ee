"""The transactional outbox: events are rows of the journal, written together with the step that published them.

It is a log and no queue: consumers read it from a cursor, nothing is taken out, and rows go only by age. A cursor
moves in the same transaction that writes what was made of the events.
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec

OUTBOX = "outbox"
"""The name of the outbox among event sources."""


class OutboxRecord(msgspec.Struct, frozen=True):
    """An event as the journal holds it.

    Attributes:
        event_id: The flow and the number of its step, `order-0Q0…/12`.
        type: Kebab case.
        version: Of the payload's shape.
        payload: Encoded (sealed).
        occurred_at: Unix seconds.
        producer: Kind of the flow, `order-quote@2`.
        traceparent: W3C trace context of the flow.
        correlation_id: Of the flow.
        position: Where it stands in the log; the journal sets it.
    """

    event_id: str
    type: str
    version: int
    payload: bytes
    occurred_at: float
    producer: str
    traceparent: str = ""
    correlation_id: str = ""
    position: str = ""


class ConsumerState(msgspec.Struct, frozen=True):
    """Where a consumer stands.

    Attributes:
        consumer: Its name.
        source: Name of the event source that the position belongs to.
        position: Of the last event it dealt with.
        behind: Events of the outbox that it has not dealt with, counted up to 10,000; 0 for other sources.
        lag: Seconds since the oldest of those was published.
        moved: Seconds since it last moved.
    """

    consumer: str
    source: str
    position: str
    behind: int
    lag: float
    moved: float


class Outbox(Protocol):
    """The journal's side of publishing: what `Journal` promises besides flows.

    Every event is read after all that were published before it: one that is committed late never appears in front of
    a position that a reader has passed. Each method raises `JournalUnavailable` when the store cannot serve.
    """

    async def outbox(self, after: str, limit: int) -> Sequence[OutboxRecord]:
        """Return the events that follow a position (empty: from the oldest), in order.

        Raises `PositionExpired` when what followed has been trimmed, or the journal never gave that position.
        """
        ...

    async def newest_event(self) -> str:
        """Return the position of the newest event that can be read; empty when there never was one."""
        ...

    async def consumers(self) -> list[ConsumerState]:
        """Return all registered consumers by name."""
        ...

    async def forget_consumer(self, consumer: str) -> bool:
        """Remove a consumer, so that the outbox is no longer kept for it; False if it is not registered."""
        ...

    async def trim_outbox(self, keep: float) -> int:
        """Drop events published more than `keep` seconds ago that all registered consumers have passed.

        At most some thousands at a time; returns how many, so call again until it is 0.
        """
        ...
