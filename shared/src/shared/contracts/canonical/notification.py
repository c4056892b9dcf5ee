"""Words for people, in the channel where they work."""

from datetime import datetime
from typing import Annotated

import msgspec

from shared.contracts.canonical.values import Id

Channel = Annotated[
    str,
    msgspec.Meta(
        max_length=80,
        pattern=r"^[a-z0-9][a-z0-9._\-]*$",
        examples=["orders"],
        description="A name that the operator gave to a place where people read",
    ),
]


class Fact(msgspec.Struct, frozen=True, rename="camel"):
    """A labelled value, such as an order's number."""

    label: Annotated[str, msgspec.Meta(max_length=80, pattern=r"\S", examples=["Order"])]
    value: Annotated[str, msgspec.Meta(max_length=300, pattern=r"\S", examples=["4711"])]


class NotificationLink(msgspec.Struct, frozen=True, rename="camel"):
    """Where to read on."""

    url: Annotated[
        str,
        msgspec.Meta(
            max_length=500, pattern=r"^https://[^\s<>|\"\\^`{}]+$", examples=["https://orders.example.com/4711"]
        ),
    ]
    label: Annotated[str, msgspec.Meta(max_length=80, pattern=r"\S", examples=["Open the order"])]


class NewNotification(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What is to be told, as plain text: nothing in it can mention anybody or become a link.

    Attributes:
        reference: The caller's name for it; a repeat with the same one tells nothing twice.
        channel: Where.
        text: What.
        facts: Shown beside the text.
        link: Shown below it.
    """

    reference: Id
    channel: Channel
    text: Annotated[str, msgspec.Meta(max_length=3000, pattern=r"\S", examples=["An order needs a decision."])]
    facts: Annotated[list[Fact], msgspec.Meta(max_length=10)] = []
    link: NotificationLink | None = None


class Notification(msgspec.Struct, frozen=True, rename="camel"):
    """What was told: where, when, and under which id of the messaging system."""

    reference: Id
    channel: Channel
    message_id: Id
    sent: datetime
