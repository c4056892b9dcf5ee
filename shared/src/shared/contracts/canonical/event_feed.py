"""Events as one API tells them to another: a feed that is read from a cursor, again and again."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from shared.binding.problems import Gone, Invalid

EventType = Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=r"^[a-z][a-z0-9\-]*$")]
"""What kind of thing happened, `order-placed`."""


class MessageUnreadable(Invalid):
    """The message is signed well and not of the kind that its sender sends. It was not kept."""


class CursorExpired(Gone):
    """The events after this cursor have been dropped for their age; begin without one, and expect a gap."""


class MessageTaken(msgspec.Struct, frozen=True, rename="camel"):
    """What became of a message that a backend sent; `repeated` was taken in before, `passed-over` is none of ours."""

    message_id: str
    outcome: Literal["kept", "repeated", "passed-over"]


class EventRecord(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Something that happened. It may be delivered more than once, with the same `event_id`.

    Attributes:
        event_id: Unique in its feed; of a flow, which one told of it, and the number of its step.
        type: Kebab case, `order-placed`.
        version: Of the payload's shape.
        occurred: When it happened.
        payload: JSON, as text; `null` where it cannot be read any more.
        producer: Name and version of the flow's code, or the backend that told.
        correlation_id: Business correlation of the flow.
        trace_id: Of the flow.
    """

    event_id: str
    type: EventType
    version: int
    occurred: datetime
    payload: str
    producer: str = ""
    correlation_id: str = ""
    trace_id: str = ""


class EventFeed(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Events in their order. `cursor` is where to go on, also when there was none."""

    items: list[EventRecord]
    cursor: str = ""
