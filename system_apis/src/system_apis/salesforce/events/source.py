"""Channels of a Salesforce org as event sources."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from shared.binding.call_context import current_context
from shared.binding.problems import BackendUnavailable
from shared.messaging.event_source import Event
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.events.cometd import CometdDoor
from system_apis.salesforce.events.feed import Door, Feed
from system_apis.salesforce.events.position import position_since
from system_apis.salesforce.events.pubsub import PubSub
from system_apis.salesforce.events.pubsub_door import PubSubDoor
from system_apis.salesforce.events.streamed import is_streamed_only

MOST_FEEDS: Final = 16
"""Channels and positions that are read at once; the one that was not read for longest makes room."""

_IDLE_SECONDS = 600.0
_OF_WHAT_IS_LEFT = 0.8  # of the caller's time, for a stream to begin
_FIRST_SECONDS = 1.0
"""What the first read of a stream waits at least: without it a channel looks empty that is full, or is none."""


class OrgChannels:
    """The channels of one org. Streams stay open between reads, and whoever reads on holds up the same one.

    Args:
        salesforce: The org.

    Attributes:
        pubsub: The Pub/Sub API, for what is no subscription.
    """

    def __init__(self, salesforce: SalesforceConnector) -> None:
        settings = salesforce.settings
        self.pubsub = PubSub(salesforce)
        self._settings = settings
        self._streaming: Door = CometdDoor(salesforce)
        self._door: Door = (
            PubSubDoor(self.pubsub, settings.event_silence) if settings.event_door == "pubsub" else self._streaming
        )
        self._feeds: dict[str, list[Feed]] = {}
        self._lock = asyncio.Lock()

    def source(self, channel: str) -> "ChannelSource":
        """A channel as an event source."""
        door = "cometd" if is_streamed_only(channel) else self._settings.event_door
        return ChannelSource(self, f"salesforce-{door}:{channel}", channel)

    async def read(self, channel: str, after: str, limit: int, wait_seconds: float) -> Sequence[Event]:
        """See `EventSource.read`.

        Raises:
            PositionExpired: The org does not go on from there.
            ChannelNotFound: The org has no such channel.
            Problem: The channel cannot be read now.
        """
        feed, is_new = await self._feed(channel, after)
        return await feed.read(after, limit, max(wait_seconds, _FIRST_SECONDS if is_new else 0.0))

    async def latest(self, channel: str) -> str:
        """See `EventSource.latest`: a moment, until the org has told a replay id.

        Raises:
            ChannelNotFound: The org has no such channel.
            Problem: The channel cannot be read now, which is told in the time of a call, or what the caller has left.
        """
        left = current_context().remaining()
        seconds = self._settings.timeout if left is None else min(self._settings.timeout, left * _OF_WHAT_IS_LEFT)
        after = position_since(datetime.now(UTC))
        async with self._lock:
            await self._make_room()
            feed = self._begun(channel, after, latest=True)
        try:
            await feed.begun(seconds)
        except TimeoutError:
            raise BackendUnavailable(f"Salesforce does not begin to tell of {channel} now.") from None
        return after

    async def aclose(self) -> None:
        """End every stream."""
        async with self._lock:
            feeds = [feed for feeds in self._feeds.values() for feed in feeds]
            self._feeds.clear()
        for feed in feeds:
            await feed.close()
        await self.pubsub.aclose()

    # --- inside --------------------------------------------------------------------------------------

    async def _feed(self, channel: str, after: str) -> tuple[Feed, bool]:
        """The stream that holds what follows a position, and whether it had to be begun."""
        async with self._lock:
            known = self._feeds.get(channel, [])
            feed = next((each for each in known if each.follows(after)), None)
            if feed is not None:
                return feed, False
            await self._make_room()
            return self._begun(channel, after), True

    def _begun(self, channel: str, after: str, *, latest: bool = False) -> Feed:
        settings = self._settings
        door = self._streaming if is_streamed_only(channel) else self._door
        feed = Feed(door, channel, after, settings.event_buffer, settings.client_name, latest=latest)
        self._feeds.setdefault(channel, []).append(feed)
        return feed

    async def _make_room(self) -> None:
        """Close what failed, what nobody reads any more, and the oldest of too many."""
        every = sorted((feed for feeds in self._feeds.values() for feed in feeds), key=lambda feed: feed.used)
        idle = time.monotonic() - _IDLE_SECONDS
        surplus = len(every) - MOST_FEEDS + 1
        gone = [feed for at, feed in enumerate(every) if at < surplus or feed.ended or feed.used < idle]
        for channel in list(self._feeds):
            self._feeds[channel] = [feed for feed in self._feeds[channel] if feed not in gone]
        for feed in gone:
            await feed.close()


class ChannelSource:
    """Implements `EventSource` for one channel.

    Args:
        events: The org's channels.
        name: Of the source; it names the door, because positions of one mean nothing to the other.
        channel: `/data/AccountChangeEvent`.
    """

    def __init__(self, events: OrgChannels, name: str, channel: str) -> None:
        self._events, self._name, self._channel = events, name, channel

    @property
    def name(self) -> str:
        """See `EventSource`."""
        return self._name

    async def read(self, after: str, limit: int, wait_seconds: float) -> Sequence[Event]:
        """See `EventSource.read`."""
        return await self._events.read(self._channel, after, limit, wait_seconds)

    async def latest(self) -> str:
        """See `EventSource.latest`."""
        return await self._events.latest(self._channel)
