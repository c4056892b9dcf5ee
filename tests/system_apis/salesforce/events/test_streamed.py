"""PushTopics and generic channels as event sources: read over the Streaming API, whatever door is set."""

import asyncio
from typing import Any

import msgspec
import pytest

from shared.binding.call_context import CallContext, calling
from shared.binding.problems import BackendFault
from shared.contracts.system.salesforce_events import ChannelNotFound, RecordNotice, TextNotice
from shared.messaging.event_source import OLDEST, Event, EventSource, PositionExpired
from system_apis.salesforce.events.service import OrgEvents
from system_apis.salesforce.events.streamed import received_of
from system_apis.salesforce.events.translation import PASSED

TOPIC, TEXTS = "/topic/LargeAccounts", "/u/notifications/Orders"


@pytest.fixture(scope="module", autouse=True)
async def channels(fresh: Any) -> str:
    """The channels of this file; the id of the generic one."""
    query = "SELECT Id, Name FROM Account WHERE NumberOfEmployees > 10"
    await fresh.rest(
        "POST", "/sobjects/PushTopic", json={"Name": "LargeAccounts", "Query": query, "ApiVersion": 66.0}
    )  # fmt: skip
    return (await fresh.rest("POST", "/sobjects/StreamingChannel", json={"Name": TEXTS}))["id"]


async def accounts(org: Any, *names: str) -> list[str]:
    rows = [{"attributes": {"type": "Account"}, "Name": name, "NumberOfEmployees": 20} for name in names]
    return [each["id"] for each in await org.rest("POST", "/composite/sobjects", json={"records": rows})]


async def taken(source: EventSource, after: str, count: int) -> list[Event]:
    found: list[Event] = []
    async with asyncio.timeout(90):
        while len(found) < count:
            read = await source.read(after, 100, 30)
            after = read[-1].position if read else after
            found += [event for event in read if event.type != PASSED]
    return found


async def test_matches_of_a_topic_come_in_order_and_are_read_on_behind_a_position(
    org: Any, events: Any, open_events: Any
) -> None:
    ids = await accounts(org, "Eins", "Zwei", "Drei")
    source = events.source(TOPIC)
    assert source.name == f"salesforce-cometd:{TOPIC}"
    found = await taken(source, OLDEST, 3)
    notices = [msgspec.json.decode(event.payload, type=RecordNotice) for event in found]
    assert notices == [RecordNotice("created", *each) for each in zip(ids, map(_named, ("Eins", "Zwei", "Drei")))]  # noqa: B905
    assert {event.type for event in found} == {"large-accounts"}
    assert len({event.id for event in found}) == 3
    assert all(event.occurred_at.tzinfo for event in found)
    await org.control("forget-clients")
    await org.rest("DELETE", f"/sobjects/Account/{ids[0]}")
    later = await taken(open_events().source(TOPIC), found[1].position, 2)
    assert msgspec.json.decode(later[0].payload, type=RecordNotice).fields == {"Name": "Drei"}
    assert msgspec.json.decode(later[1].payload, type=RecordNotice) == RecordNotice("deleted", ids[0], {})


def _named(name: str) -> dict[str, str]:
    return {"Name": name}


async def test_texts_of_a_generic_channel_are_read_through_the_contract(
    org: Any, salesforce: Any, events: Any, channels: str
) -> None:
    api = OrgEvents(salesforce, events)
    begun = await api.list_events(TEXTS, begin="latest")
    pushed = [{"payload": "first"}, {"payload": "zweiter ✓"}]
    await org.rest("POST", f"/sobjects/StreamingChannel/{channels}/push", json={"pushEvents": pushed})
    texts: list[TextNotice] = []
    cursor = begun.cursor
    while len(texts) < 2:
        with calling(CallContext(wait=30.0)):
            feed = await api.list_events(TEXTS, after=cursor)
        cursor = feed.cursor
        texts += [msgspec.json.decode(each.payload, type=TextNotice) for each in feed.items]
    assert texts == [TextNotice("first"), TextNotice("zweiter ✓")]
    assert {each.type for each in feed.items} == {"notifications-orders"}


async def test_a_position_that_is_too_old_and_a_channel_that_is_not_there_are_told(org: Any, events: Any) -> None:
    await accounts(org, "Alt", "Neu")
    position = (await taken(events.source(TOPIC), OLDEST, 2))[0].position
    await events.aclose()
    await org.control("forget-events")
    with pytest.raises(PositionExpired, match=TOPIC):
        await events.source(TOPIC).read(position, 10, 5)
    for channel in ("/topic/Nothing", "/u/nothing"):
        with pytest.raises(ChannelNotFound, match=channel):
            await events.source(channel).read(OLDEST, 1, 5)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"data": {"event": {"replayId": 1, "createdDate": "2026-01-01T00:00:00.000Z"}}},
        {"data": {"event": {"replayId": "x", "createdDate": ""}, "sobject": {"Id": "1"}, "payload": "x"}},
        {"data": {"event": {"createdDate": ""}, "sobject": {}, "payload": {}}},
    ],
)
def test_what_is_no_event_of_its_channel_is_refused(message: dict[str, Any]) -> None:
    for channel in (TOPIC, TEXTS):
        with pytest.raises(BackendFault, match=channel):
            received_of(message, channel)
