"""The feed as other tiers read it, and flows that subscribe to it."""

import asyncio
import time
from typing import Any

import msgspec
import pytest

from shared.binding.call_context import CallContext, calling
from shared.binding.declare import Contract, get
from shared.binding.problems import BackendUnavailable
from shared.contracts.canonical.event_feed import CursorExpired
from shared.contracts.system.salesforce_events import ChannelNotFound, EventToPublish, SalesforceEvents
from shared.durable.feed_source import PASSED, Feed, FeedSource
from shared.messaging.event_source import OLDEST, PositionExpired
from system_apis.salesforce.events.service import OrgEvents
from system_apis.salesforce.events.source import MOST_FEEDS

CHANNEL = "/event/Order_Status__e"
FIELDS = {"Order_Id__c": "801", "Status__c": "Shipped"}


@pytest.fixture
def api(salesforce: Any, events: Any) -> OrgEvents:
    return OrgEvents(salesforce, events)


async def waiting(api: OrgEvents, **arguments: Any) -> Any:
    with calling(CallContext(wait=30.0)):
        return await api.list_events(CHANNEL, **arguments)


async def test_a_feed_goes_on_from_its_cursor(org: Any, api: OrgEvents) -> None:
    published = [await api.publish_event("Order_Status__e", EventToPublish(FIELDS)) for _ in range(3)]
    feed = await waiting(api, limit=2)
    assert [each.event_id for each in feed.items] == [each.event_id for each in published[:2]]
    assert (feed.items[0].type, msgspec.json.decode(feed.items[0].payload)["Order_Id__c"]) == ("order-status", "801")
    rest = await waiting(api, after=feed.cursor)
    assert [each.event_id for each in rest.items] == [published[2].event_id]
    assert (await api.list_events(CHANNEL, after=rest.cursor)).cursor == rest.cursor


async def test_a_feed_can_begin_now_and_says_when_it_cannot_go_on(org: Any, api: OrgEvents) -> None:
    await api.publish_event("Order_Status__e", EventToPublish(FIELDS))
    begun = await api.list_events(CHANNEL, begin="latest")
    assert begun.items == []
    await asyncio.sleep(0.2)
    later = await api.publish_event("Order_Status__e", EventToPublish(FIELDS))
    assert [each.event_id for each in (await waiting(api, after=begun.cursor)).items] == [later.event_id]
    with pytest.raises(CursorExpired):
        await waiting(api, after="nonsense")
    with pytest.raises(ChannelNotFound):
        await api.list_events("/data/NothingChangeEvent", begin="latest")


async def test_the_first_read_of_a_channel_finds_what_is_there_or_that_there_is_none(api: OrgEvents) -> None:
    published = await api.publish_event("Order_Status__e", EventToPublish(FIELDS))
    assert [each.event_id for each in (await api.list_events(CHANNEL)).items] == [published.event_id]
    with pytest.raises(ChannelNotFound):
        await api.list_events("/data/NothingChangeEvent")


async def test_beginning_with_the_latest_again_and_again_keeps_few_streams(api: OrgEvents) -> None:
    before = asyncio.all_tasks()  # another test's may still be closing
    for _ in range(MOST_FEEDS + 3):
        await api.list_events(CHANNEL, begin="latest")
    streams = [task for task in asyncio.all_tasks() - before if task.get_name() == f"salesforce {CHANNEL}"]
    assert len(streams) <= MOST_FEEDS


async def test_a_feed_is_an_event_source(org: Any, api: OrgEvents, salesforce: Any) -> None:
    feed = Feed(SalesforceEvents, CHANNEL)
    source = FeedSource(feed, lambda: api, CallContext)
    assert source.name == "salesforce_events:/event/Order_Status__e"
    position = await source.latest()
    await asyncio.sleep(0.2)
    told = await api.publish_event("Order_Status__e", EventToPublish(FIELDS))
    [event] = await source.read(position, 10, 30)
    assert (event.id, event.type, event.unreadable) == (told.event_id, "order-status", "")
    assert await source.read(event.position, 10, 0.05) == []
    with pytest.raises(PositionExpired):
        await source.read("nonsense", 10, 1)
    ours = {"sforce-call-options": "client=triptych", "content-type": "application/json"}
    path = f"{salesforce.root}/sobjects/Account"
    await salesforce.backend.send(
        "POST", path, headers=ours, body=b'{"Name":"Ours"}', repeatable=False, operation="test"
    )
    changes = FeedSource(Feed(SalesforceEvents, "/data/AccountChangeEvent"), lambda: api, CallContext)
    [mark] = await changes.read(OLDEST, 10, 0)
    assert (mark.type, mark.position != OLDEST) == (PASSED, True), "nothing to do, and the place moves"


async def test_who_waits_is_not_answered_by_what_we_changed_ourselves(
    org: Any, api: OrgEvents, salesforce: Any
) -> None:
    ours = {"sforce-call-options": "client=triptych", "content-type": "application/json"}
    path, accounts = f"{salesforce.root}/sobjects/Account", "/data/AccountChangeEvent"
    await salesforce.backend.send(
        "POST", path, headers=ours, body=b'{"Name":"Ours"}', repeatable=False, operation="test"
    )
    with calling(CallContext(wait=60.0)):
        answer = asyncio.create_task(api.list_events(accounts))
    await api.list_events(accounts)  # by the end of which ours has come
    await org.rest("POST", "/sobjects/Account", json={"Name": "Theirs"})
    assert [each.type for each in (await answer).items] == ["account-change-event"]
    with calling(CallContext(wait=0.1)):
        assert (await api.list_events(accounts, after=(await answer).cursor)).items == []


async def test_a_channel_that_cannot_begin_now_is_refused_soon(open_events: Any) -> None:
    events = open_events(pubsub_url="127.0.0.1:1", retry_delays=())
    with pytest.raises(BackendUnavailable), calling(CallContext(deadline=time.monotonic() + 30.0)):
        await events.latest(CHANNEL)
    with (
        pytest.raises(BackendUnavailable, match="does not begin"),
        calling(CallContext(deadline=time.monotonic() + 0.1)),
    ):
        await events.latest(CHANNEL)


def test_a_contract_without_channels_is_no_feed() -> None:
    class Plain(Contract, tier="system", version="v1"):
        """Nothing to subscribe to."""

        @get("/things", scope="plain:read")
        async def list_things(self) -> list[str]:
            """List things."""
            ...

    with pytest.raises(TypeError, match="Plain has no feed of channels"):
        Feed(Plain, CHANNEL)
