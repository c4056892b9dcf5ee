"""What either door hands on: events in their order, and where the stream stands."""

from typing import Any

from msgspec import Struct


class Received(Struct, frozen=True):
    """An event as a door received it.

    Attributes:
        id: Its UUID.
        name: Of its schema: `Order_Status__e`, `AccountChangeEvent`.
        payload: JSON values by field name; moments as RFC 3339 text.
        position: Behind it; opaque.
        unreadable: Why there is no payload; empty when there is.
        at: When it happened, as RFC 3339 text, where the payload does not say; empty otherwise.
    """

    id: str
    name: str
    payload: dict[str, Any]
    position: str
    unreadable: str = ""
    at: str = ""


class Batch(Struct, frozen=True):
    """Events that came together; `position` is where the stream stands after them, also when there are none."""

    events: tuple[Received, ...]
    position: str
