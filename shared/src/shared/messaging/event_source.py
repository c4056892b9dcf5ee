"""The event source port: an ordered log of events, read from a position that only the source understands.

Our own outbox is one (`shared.durable.outbox_source`); a vendor's bus with replay ids is another. A consumer keeps
the position of the last event it dealt with, and passes it back as it got it.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, Protocol

import msgspec

from shared.binding.problems import Gone

OLDEST = ""
"""The position before the oldest event that a source still has."""


class PositionExpired(Gone):
    """The source lost what follows this position, or never gave it; begin with the oldest event, or the latest."""


class Event(msgspec.Struct, frozen=True):
    """Something that happened, as a source delivers it. The same event may come more than once, with the same id.

    Attributes:
        id: Unique within the source.
        type: Kebab case, `order-placed`.
        version: Of the payload's shape: 1, 2, ….
        payload: JSON.
        occurred_at: When it happened, in UTC.
        position: Where it stands in the source; opaque, and at most 200 characters.
        producer: What made it happen there, `order-quote@2`.
        traceparent: W3C trace context of what made it happen; empty if unknown.
        correlation_id: Business correlation; empty if unknown.
        unreadable: Why the payload cannot be read, and `payload` is `null`; empty when it can.
    """

    id: str
    type: str
    version: int
    payload: bytes
    occurred_at: datetime
    position: str
    producer: str = ""
    traceparent: str = ""
    correlation_id: str = ""
    unreadable: str = ""


class EventSource(Protocol):
    """An ordered log of events.

    Attributes:
        name: Unique and lasting: a consumer's position means something only together with it.
    """

    @property
    def name(self) -> str:
        """See the class."""
        ...

    async def read(self, after: str, limit: int, wait_seconds: float) -> Sequence[Event]:
        """The events that follow a position, oldest first.

        Args:
            after: The position of the last event dealt with, or `OLDEST`.
            limit: At most so many.
            wait_seconds: How long to wait for one when there is none; then nothing is returned.

        Raises:
            PositionExpired: What follows that position is gone, or the position is none of this source.
            Transient: The source cannot be read now.
        """
        ...

    async def latest(self) -> str:
        """The position after which only what happens from now on follows; raises Transient."""
        ...


class EventType(msgspec.Struct, frozen=True):
    """What events of a class are called: `order-placed`, 1."""

    name: str
    version: int


@cache
def event_type(event: type[msgspec.Struct]) -> EventType:
    """The type of a class of events: its name in kebab case, and its `version` (a ClassVar, 1 if it has none).

    Raises TypeError for a class that is no frozen Struct.
    """
    struct: Any = event
    if not (isinstance(struct, type) and issubclass(struct, msgspec.Struct) and struct.__struct_config__.frozen):
        raise TypeError(f"An event is a frozen msgspec Struct; {event!r} is not.")
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", struct.__name__).lower()
    return EventType(name, getattr(struct, "version", 1))
