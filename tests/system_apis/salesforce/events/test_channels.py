"""Channels of an org as event sources, through either door: in order, none left out, whatever breaks on the way."""

import asyncio
from typing import Any

import msgspec
import pytest

from shared.binding.problems import BackendUnavailable
from shared.contracts.system.salesforce_events import ChangeEvent, ChannelNotFound
from shared.messaging.event_source import OLDEST, Event, EventSource, PositionExpired
from system_apis.salesforce.events.translation import PASSED

CHANNEL = "/event/Order_Status__e"
ACCOUNTS = "/data/AccountChangeEvent"


async def publish(org: Any, *names: str) -> None:
    rows = [{"attributes": {"type": "Order_Status__e"}, "Order_Id__c": name, "Status__c": "Shipped"} for name in names]
    for at in range(0, len(rows), 200):
        await org.rest("POST", "/composite/sobjects", json={"records": rows[at : at + 200]})


async def taken(source: EventSource, after: str, count: int) -> list[Event]:
    found: list[Event] = []
    async with asyncio.timeout(90):
        while len(found) < count:
            read = await source.read(after, 100, 30)
            after = read[-1].position if read else after
            found += [event for event in read if event.type != PASSED]
    return found


def orders(events: list[Event]) -> list[str]:
    return [msgspec.json.decode(event.payload)["Order_Id__c"] for event in events]


def change(event: Event) -> ChangeEvent:
    return msgspec.json.decode(event.payload, type=ChangeEvent)


async def test_events_come_in_order_with_their_type_and_moments_as_text(org: Any, events: Any) -> None:
    await publish(org, "a", "b", "c")
    source = events.source(CHANNEL)
    found = await taken(source, OLDEST, 3)
    assert orders(found) == ["a", "b", "c"]
    payload = msgspec.json.decode(found[0].payload)
    assert (found[0].type, found[0].version, payload["Status__c"]) == ("order-status", 1, "Shipped")
    assert payload["CreatedDate"].endswith("Z")
    assert found[0].occurred_at.tzinfo is not None
    assert len({event.id for event in found}) == 3
    assert source.name.endswith(CHANNEL)


async def test_a_reader_goes_on_behind_the_position_it_passes_and_gets_again_what_it_did_not_pass(
    org: Any, events: Any, open_events: Any
) -> None:
    await publish(org, *"abcdef")
    source = events.source(CHANNEL)
    first = await taken(source, OLDEST, 6)
    again = await source.read(first[1].position, 100, 5)
    assert orders(list(again)) == ["c", "d", "e", "f"], "the answer was lost: the same is read again"
    assert orders(list(await source.read(first[1].position, 2, 5))) == ["c", "d"]
    door = source.name.partition(":")[0].removeprefix("salesforce-")
    elsewhere = open_events(event_door=door).source(CHANNEL)
    assert orders(list(await elsewhere.read(first[3].position, 100, 5))) == ["e", "f"]
    assert await source.read(first[-1].position, 100, 0.05) == []


async def test_more_events_than_the_buffer_holds_are_read_without_losing_one(org: Any, open_events: Any) -> None:
    await publish(org, *(f"n{number}" for number in range(400)))
    for door in ("pubsub", "cometd"):
        found = await taken(open_events(event_door=door, event_buffer=200).source(CHANNEL), OLDEST, 400)
        assert orders(found) == [f"n{number}" for number in range(400)]


async def test_latest_means_from_now_on_also_for_a_reader_that_begins_anew(
    org: Any, events: Any, open_events: Any
) -> None:
    await org.control("clock", offset_seconds=-120)
    await publish(org, "before")
    await org.control("clock", offset_seconds=0)
    source = events.source(CHANNEL)
    now = await source.latest()
    await asyncio.sleep(0.2)
    await publish(org, "after")
    assert orders(await taken(source, now, 1)) == ["after"]
    door = source.name.partition(":")[0].removeprefix("salesforce-")
    anew = open_events(event_door=door).source(CHANNEL)
    assert orders(await taken(anew, now, 1)) == ["after"], "a moment is a position that lasts"


async def test_a_position_the_org_no_longer_has_is_told(org: Any, events: Any) -> None:
    await publish(org, "old", "older")
    source = events.source(CHANNEL)
    position = (await taken(source, OLDEST, 2))[0].position
    await events.aclose()
    await org.control("forget-events")
    with pytest.raises(PositionExpired, match=CHANNEL):
        await source.read(position, 10, 30)
    with pytest.raises(PositionExpired):
        await source.read("what-is-this", 10, 5)


async def test_a_channel_that_is_not_there_is_told(events: Any) -> None:
    for read in (events.source("/event/Nothing__e").read(OLDEST, 1, 5), events.source("/event/Nothing__e").latest()):
        with pytest.raises(ChannelNotFound, match="/event/Nothing__e"):
            await read


async def test_a_change_says_what_changed_who_did_it_and_in_which_transaction(org: Any, events: Any) -> None:
    made = (await org.rest("POST", "/sobjects/Account", json={"Name": "Bitmap GmbH", "Phone": "1"}))["id"]
    await org.rest("PATCH", f"/sobjects/Account/{made}", json={"Phone": None, "BillingCity": "Bremen"})
    await org.rest("DELETE", f"/sobjects/Account/{made}")
    created, updated, deleted = map(change, await taken(events.source(ACCOUNTS), OLDEST, 3))
    assert (created.entity, created.kind, created.record_ids) == ("Account", "CREATE", [made])
    assert (created.fields["Name"], created.changed, created.reread) == ("Bitmap GmbH", [], "nothing")
    assert (updated.kind, sorted(updated.changed)) == ("UPDATE", ["BillingAddress.City", "LastModifiedDate", "Phone"])
    assert (updated.nulled, updated.fields["BillingAddress"]) == (["Phone"], {"City": "Bremen"})
    assert "Phone" not in updated.fields
    assert updated.fields["LastModifiedDate"].endswith("Z")
    assert (deleted.kind, deleted.fields) == ("DELETE", {})
    assert updated.transaction_key not in (created.transaction_key, deleted.transaction_key)
    assert updated.commit_number > created.commit_number


async def test_what_we_changed_ourselves_is_passed_over_and_moves_the_position(
    org: Any, events: Any, salesforce: Any
) -> None:
    headers = {"sforce-call-options": "client=triptych", "content-type": "application/json"}
    for number in range(3):
        body = msgspec.json.encode({"Name": f"Ours {number}"})
        path = f"{salesforce.root}/sobjects/Account"
        await salesforce.backend.send("POST", path, headers=headers, body=body, repeatable=False, operation="test")
    source = events.source(ACCOUNTS)
    read = await source.read(OLDEST, 100, 5)
    assert {event.type for event in read} == {PASSED}
    await org.rest("POST", "/sobjects/Account", json={"Name": "Theirs"})
    [theirs] = await taken(source, read[-1].position, 1)
    assert change(theirs).fields["Name"] == "Theirs"


async def test_a_channel_that_cannot_be_reached_is_tried_again_until_the_reader_asks_no_more(open_events: Any) -> None:
    events = open_events(pubsub_url="127.0.0.1:1", retry_delays=())
    assert await events.source(CHANNEL).read(OLDEST, 10, 0.1) == []
    with pytest.raises(BackendUnavailable):
        await events.pubsub.topic(CHANNEL)
