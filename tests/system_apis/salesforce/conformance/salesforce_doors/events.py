"""Doors of the event bus: subscribing over Pub/Sub and over CometD, publishing."""

import asyncio
from collections.abc import Sequence
from typing import Any, ClassVar

import msgspec

from salesforce_doors.door import Door, Midway, Point, World
from shared.messaging.event_source import OLDEST, Event, PositionExpired
from system_apis.salesforce.events.publishing import Publisher
from system_apis.salesforce.events.source import ChannelSource, OrgChannels
from system_apis.salesforce.events.translation import PASSED

CHANNEL = "/event/Order_Status__e"
CHANGES = "/data/AccountChangeEvent"


class _Subscription(Door):
    """A stream that has brought two events before the middle of the work, and two after."""

    door: ClassVar[str]
    wanted = ("a", "b", "c", "d")

    def __init__(self, world: World, key: str) -> None:
        super().__init__(world.with_settings(event_door=self.door), key)
        self._taken: list[Event] = []
        self._position, self._channels = OLDEST, self._opened()
        self._published: set[str] = set()

    def _opened(self) -> OrgChannels:
        return OrgChannels(self.world.connector())

    async def work(self, midway: Midway) -> None:
        source = self._channels.source(CHANNEL)
        if not self._published:
            await self._publish("a", "b")
            await self._take(source, 2)
            await midway()
        await self._publish("c")
        await self._take(source, 3)
        await self._publish("d")
        await self._take(source, 4)

    async def reopen(self, position: str) -> None:
        """Go on from a position as another process would, whose settings and streams are new."""
        await self._channels.aclose()
        self._channels, self._position = self._opened(), position

    @property
    def first_position(self) -> str:
        """Behind the first event."""
        return self._taken[0].position

    async def go_on(self) -> None:
        """As consumers do: from behind the last event, or if the org does not go on there, with the oldest it has."""
        try:
            await self.reopen(self._taken[-1].position)
            await super().go_on()
        except PositionExpired:
            await self.reopen(OLDEST)
            await super().go_on()

    async def changes(self) -> list[Event]:
        """What a channel of changes has, at least one."""
        source, found = self._channels.source(CHANGES), list[Event]()
        async with asyncio.timeout(90):
            while not found:
                found = [each for each in await source.read(OLDEST, 10, 5) if each.type != PASSED]
        return found

    async def found(self) -> Sequence[str]:
        return [_order(event) for event in self._taken]

    async def aclose(self) -> None:
        await self._channels.aclose()

    async def _publish(self, *names: str) -> None:
        row = {"attributes": {"type": "Order_Status__e"}, "Status__c": "Shipped"}
        records = [{**row, "Order_Id__c": name} for name in names if name not in self._published]
        self._published |= set(names)
        if records:
            await self.world.org.rest("POST", "/composite/sobjects", json={"records": records})

    async def _take(self, source: ChannelSource, count: int) -> None:
        async with asyncio.timeout(90):
            while len(self._taken) < count:
                read = await source.read(self._position, 10, 5)
                self._position = read[-1].position if read else self._position
                self._taken += [event for event in read if event.type != PASSED]


class PubSubStream(_Subscription):
    """The Pub/Sub API: gRPC, so what goes wrong with replies of HTTP comes as a status."""

    name = door = "pubsub"
    points: ClassVar = {}
    quick: ClassVar = {"event_silence": 0.5}


class CometdPolls(_Subscription):
    """The Streaming API: each poll a request of HTTP, hanging until there is something."""

    name = door = "cometd"
    points: ClassVar = {"poll": Point("POST", "/cometd/*")}
    session_status = 200
    session_refusal: ClassVar = [
        {"channel": "/meta/handshake", "successful": False, "error": "401::Authentication invalid"}
    ]


class Publish(Door):
    """Platform events published over gRPC; who publishes again looks first."""

    name = "publish"
    points: ClassVar = {}
    writes_at_once = True
    quick: ClassVar = {"timeout": 1.5}

    def __init__(self, world: World, key: str) -> None:
        super().__init__(world, key)
        self.spoilt = False
        self._opened: list[OrgChannels] = []

    def spoil(self) -> None:
        """The second event is refused."""
        self.spoilt = True

    @property
    def wanted(self) -> Sequence[str]:
        return ("a",) if self.spoilt else ("a", "b")

    async def work(self, midway: Midway) -> None:
        salesforce = self.world.connector()
        channels = OrgChannels(salesforce)
        self._opened.append(channels)
        await channels.pubsub.schema_to_publish(CHANNEL)
        await midway()
        fields = {"Status__c": "Shipped", "Is_Final__c": False}
        names = ["a", "x" * 5_000 if self.spoilt else "b"]
        told = await Publisher(salesforce, channels.pubsub).publish(
            CHANNEL, [{**fields, "Order_Id__c": name} for name in names]
        )
        assert [bool(each.refused) for each in told] == [False, self.spoilt]

    async def go_on(self) -> None:
        if not await self.found():
            await super().go_on()

    async def found(self) -> Sequence[str]:
        return [event["Order_Id__c"] for event in await self.world.org.control("events", topic=CHANNEL)]

    async def aclose(self) -> None:
        for channels in self._opened:
            await channels.aclose()


def _order(event: Event) -> Any:
    return msgspec.json.decode(event.payload)["Order_Id__c"] if not event.unreadable else event.unreadable
