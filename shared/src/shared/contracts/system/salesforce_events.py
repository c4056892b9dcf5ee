"""Events of a Salesforce org: its changes and platform events as a feed, and events of ours to it.

A contract of its own, so that a flow that subscribes gets no right to read and write the org.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from shared.binding.declare import Contract, Cursor, PageSize, get, post
from shared.binding.problems import NotFound
from shared.contracts.canonical.event_feed import CursorExpired, EventFeed
from shared.contracts.system.salesforce_platform import FieldValue

Channel = Annotated[
    str,
    msgspec.Meta(
        max_length=120,
        pattern=r"^/((data|event)/[A-Za-z][A-Za-z0-9_]*|topic/[A-Za-z0-9_]{1,25}|u(/[A-Za-z0-9_]+)+)$",
        examples=["/data/AccountChangeEvent"],
        description="A channel: changes of one object, /data/AccountChangeEvent; of all, /data/ChangeEvents; "
        "a platform event, /event/Order_Status__e; a custom channel, …__chn; the matches of a PushTopic, "
        "/topic/InvoiceStatements; or a generic channel, /u/notifications",
    ),
]
EventName = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=128,
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._~:\-]*$",
        examples=["Order_Status__e"],
        description="API name of a platform event; it ends in __e",
    ),
]

FieldName = Annotated[str, msgspec.Meta(max_length=80, pattern=r"^[A-Za-z][A-Za-z0-9_]*$")]
Reread = Literal["nothing", "records", "object"]
"""What a change event leaves open: nothing; its records, which are to be read by id; or every record of the object that
was changed since shortly before the event was committed."""


class ChangeEvent(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A change of records, as change data capture tells it.

    A flow subscribes to one object's changes with a subclass that has the event's name, `class
    AccountChangeEvent(ChangeEvent, frozen=True)`: its type is `account-change-event`.

    Attributes:
        entity: The object, `Account`.
        kind: CREATE, UPDATE, DELETE, UNDELETE, GAP_CREATE, GAP_UPDATE, GAP_DELETE, GAP_UNDELETE or GAP_OVERFLOW.
        record_ids: The records that changed in this way; unusable when `reread` is `object`.
        fields: Their values now, without those that are nothing; of an update only what changed.
        changed: Names of the fields that changed, `Phone`, `BillingAddress.City`.
        nulled: Those of them that are nothing now.
        differing: Large texts of which `fields` holds a unified diff.
        reread: See `Reread`; `fields` is empty unless it is `nothing`.
        origin: `com/salesforce/api/rest/66.0;client=…`; empty for changes made inside the org.
        transaction_key: Shared by all changes of a transaction.
        sequence_number: Its place there, from 1.
        commit_number: Grows with every commit of the org.
        committed: When.
        user_id: Who did it.
    """

    entity: str
    kind: str
    record_ids: list[str]
    transaction_key: str
    sequence_number: int
    commit_number: int
    committed: datetime
    fields: dict[str, Any] = {}
    changed: list[str] = []
    nulled: list[str] = []
    differing: list[str] = []
    reread: Reread = "nothing"
    origin: str = ""
    user_id: str = ""


class ChangeTransaction(msgspec.Struct, frozen=True, rename="camel"):
    """Changes that one transaction made, in their order."""

    key: str
    changes: list[ChangeEvent]


class RecordNotice(msgspec.Struct, frozen=True, rename="camel"):
    """A record that matches the query of a PushTopic, as `/topic/…` tells of it.

    Nothing says who changed it: what we change ourselves is among these.

    Attributes:
        kind: created, updated, deleted or undeleted.
        record_id: The record.
        fields: What the query selects of it, as it is now; nothing of a record that was deleted.
    """

    kind: str
    record_id: str
    fields: dict[str, Any]


class TextNotice(msgspec.Struct, frozen=True, rename="camel"):
    """What was pushed into a generic channel, `/u/…`: any text."""

    text: str


class ChannelNotFound(NotFound):
    """The org has no such channel or event, or our integration user may not see it."""


class EventToPublish(msgspec.Struct, frozen=True, rename="camel"):
    """Fields of a platform event, by API name."""

    fields: Annotated[
        dict[FieldName, FieldValue],
        msgspec.Meta(
            min_length=1, max_length=200, examples=[{"Order_Id__c": "801aj0000000001AAA", "Status__c": "Shipped"}]
        ),
    ]


class PublishedEvent(msgspec.Struct, frozen=True, rename="camel"):
    """An event that the org has taken; subscribers see `event_id` as its `EventUuid`."""

    event_id: str


class SalesforceEvents(Contract, tier="system", version="v1"):
    """What happens in a Salesforce org, as it happens, and events that happen elsewhere, told to it."""

    @get("/events", scope="salesforce-events:read", raises=[CursorExpired, ChannelNotFound], timeout=30.0, waits=True)
    async def list_events(
        self,
        channel: Channel,
        after: Cursor | None = None,
        begin: Literal["oldest", "latest"] = "oldest",
        limit: PageSize = 100,
    ) -> EventFeed:
        """Return what happened in a channel, oldest first; what we changed ourselves is left out.

        With `Prefer: wait=n` an answer without any event waits for the first. A change's payload is a `ChangeEvent`,
        a platform event's its fields, a PushTopic's a `RecordNotice`, a generic channel's a `TextNotice`. Salesforce
        keeps events for three days, those of PushTopics and generic channels for one.

        Args:
            channel: The channel.
            after: The `cursor` of the previous answer.
            begin: Where to begin without a cursor: with the oldest event that is kept; or with the next to come, which
                is answered at once with the cursor alone.
            limit: At most so many.
        """
        ...

    @post("/events/{event}", scope="salesforce-events:publish", raises=[ChannelNotFound])
    async def publish_event(self, event: EventName, content: EventToPublish) -> PublishedEvent:
        """Publish a platform event."""
        ...
