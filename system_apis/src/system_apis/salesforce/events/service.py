"""The events contract on one org."""

import asyncio
from typing import Literal

from shared.binding.call_context import current_context
from shared.contracts.canonical.event_feed import CursorExpired, EventFeed, EventRecord
from shared.contracts.system.salesforce_events import EventToPublish, PublishedEvent, SalesforceEvents
from shared.messaging.event_source import OLDEST, Event, PositionExpired
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.events.publishing import Publisher
from system_apis.salesforce.events.source import OrgChannels
from system_apis.salesforce.events.translation import PASSED

_MARGIN = 2.0  # seconds of a caller's deadline that waiting leaves for the answer


class OrgEvents(SalesforceEvents):
    """The events of one Salesforce org.

    Args:
        salesforce: The org.
        channels: Its channels.
    """

    def __init__(self, salesforce: SalesforceConnector, channels: OrgChannels) -> None:
        self._channels = channels
        self._publisher = Publisher(salesforce, channels.pubsub)

    async def list_events(
        self,
        channel: str,
        after: str | None = None,
        begin: Literal["oldest", "latest"] = "oldest",
        limit: int = 100,
    ) -> EventFeed:
        """See `SalesforceEvents.list_events`."""
        try:
            if after is None and begin == "latest":
                return EventFeed([], await self._channels.latest(channel))
            return await self._told(channel, after or OLDEST, limit)
        except PositionExpired as problem:
            raise CursorExpired(problem.detail) from None

    async def _told(self, channel: str, after: str, limit: int) -> EventFeed:
        """What comes first, or where the channel stands when nothing came that is told while the caller waits."""
        clock = asyncio.get_running_loop().time
        until = clock() + current_context().patience(_MARGIN)
        while True:
            events = await self._channels.read(channel, after, limit, max(0.0, until - clock()))
            after = events[-1].position if events else after
            told = [_record(event) for event in events if event.type != PASSED]
            if told or clock() >= until:
                return EventFeed(told, after)

    async def publish_event(self, event: str, content: EventToPublish) -> PublishedEvent:
        """See `SalesforceEvents.publish_event`."""
        return PublishedEvent((await self._publisher.by_rest(event, content.fields)).id)


def _record(event: Event) -> EventRecord:
    return EventRecord(
        event.id, event.type, event.version, event.occurred_at, event.payload.decode(), event.producer
    )  # fmt: skip
