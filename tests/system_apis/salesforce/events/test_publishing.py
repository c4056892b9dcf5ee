"""Publishing: a result for each event, and what comes out is what went in, through every door."""

from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from shared.binding.problems import BackendFault, Invalid
from shared.contracts.system.salesforce_events import ChannelNotFound
from shared.messaging.event_source import OLDEST
from shared.resilience.outbound_faults import OutcomeUnknown
from system_apis.salesforce.events.managed import ManagedSubscription
from system_apis.salesforce.events.publishing import MOST_BYTES, Publisher, in_requests
from system_apis.salesforce.events.translation import PASSED

CHANNEL = "/event/Order_Status__e"
GOOD = {"Order_Id__c": "801", "Status__c": "Shipped", "Amount__c": 12.5, "Changed_At__c": "2026-05-28T20:26:40.123Z"}
NO_FINAL = {"Is_Final__c": False}


@pytest.fixture
def publisher(salesforce: Any, pubsub_events: Any) -> Publisher:
    return Publisher(salesforce, pubsub_events.pubsub)


async def published(events: Any) -> list[dict[str, Any]]:
    read = await events.source(CHANNEL).read(OLDEST, 100, 5)
    return [msgspec.json.decode(event.payload) for event in read if event.type != PASSED]


async def test_each_event_has_its_own_result_and_what_does_not_fit_is_named(publisher: Any, pubsub_events: Any) -> None:
    wanted = [GOOD | NO_FINAL, {"Colour__c": "red"}, GOOD | {"Changed_At__c": "soon"}, GOOD | NO_FINAL]
    wanted[3] |= {"Order_Id__c": "x" * 2**20}
    good, unknown, unfit, huge = await publisher.publish(CHANNEL, wanted)
    assert (good.refused, good.position != "") == ("", True)
    assert "Colour__c" in unknown.refused
    assert "Changed_At__c is no moment" in unfit.refused
    assert "bytes" in huge.refused
    [told] = await published(pubsub_events)
    assert told.items() >= GOOD.items()
    assert told["CreatedById"].startswith("005")


async def test_a_rule_of_the_org_refuses_one_event_and_not_its_neighbours(publisher: Any, pubsub_events: Any) -> None:
    events = [GOOD | {"Order_Id__c": "x" * 5_000}, GOOD]
    refused, good = await publisher.publish(CHANNEL, [each | NO_FINAL for each in events])
    assert "Salesforce refuses this event" in refused.refused
    assert (good.refused, len(await published(pubsub_events))) == ("", 1)


async def test_a_stream_publishes_request_after_request(publisher: Any, pubsub_events: Any) -> None:
    async with publisher.stream(CHANNEL) as stream:
        for name in "ab":
            results = await stream.publish(
                [GOOD | NO_FINAL | {"Order_Id__c": f"{name}{number}"} for number in range(3)]
            )
            assert [each.refused for each in results] == [""] * 3
    assert [told["Order_Id__c"] for told in await published(pubsub_events)] == ["a0", "a1", "a2", "b0", "b1", "b2"]


def test_requests_hold_no_more_than_salesforce_takes() -> None:
    envelope = SimpleNamespace(ByteSize=lambda: MOST_BYTES // 3)
    small = SimpleNamespace(ByteSize=lambda: 10)
    assert [len(group) for group in in_requests([envelope] * 7)] == [3, 3, 1]
    assert [len(group) for group in in_requests([small] * 450)] == [200, 200, 50]
    assert in_requests([]) == []


async def test_rest_publishes_one_event_and_tells_its_uuid(publisher: Any, pubsub_events: Any) -> None:
    result = await publisher.by_rest("Order_Status__e", GOOD)
    [event] = await pubsub_events.source(CHANNEL).read(OLDEST, 10, 5)
    assert (event.id, result.refused) == (result.id, "")
    with pytest.raises(Invalid):
        await publisher.by_rest("Order_Status__e", {"Order_Id__c": "x" * 5_000})
    for name in ("Account", "Nothing__e", "Order_Status__e/x"):
        with pytest.raises(ChannelNotFound):
            await publisher.by_rest(name, {"Name": "no event"})


async def test_publishing_elsewhere_is_refused(publisher: Any) -> None:
    with pytest.raises(ChannelNotFound):
        await publisher.publish("/event/Nothing__e", [{}])
    with pytest.raises(BackendFault, match="permissions"):
        await publisher.publish("/data/AccountChangeEvent", [{}])


async def test_a_break_while_publishing_says_that_nobody_knows_and_an_old_session_is_renewed(
    org: Any, publisher: Any
) -> None:
    await org.control("pubsub-faults", call="GetTopic", fault="unavailable")
    await org.control("pubsub-faults", call="Publish", fault="unauthenticated")
    assert [each.refused for each in await publisher.publish(CHANNEL, [GOOD | NO_FINAL])] == [""]
    await org.control("pubsub-faults", call="Publish", fault="unavailable")
    with pytest.raises(OutcomeUnknown):
        await publisher.publish(CHANNEL, [GOOD | NO_FINAL])


async def test_a_managed_subscription_goes_on_where_it_was_committed(
    org: Any, publisher: Any, pubsub_events: Any
) -> None:
    await org.control("managed-subscription", name="Orders_Managed", topic=CHANNEL)
    async with ManagedSubscription.opened(pubsub_events.pubsub, "Orders_Managed") as managed:
        with pytest.raises(BackendFault, match="does not take our place"):
            await managed.commit("r-eHg")
        await publisher.publish(CHANNEL, [GOOD | NO_FINAL | {"Order_Id__c": name} for name in "abc"])
        batch = await managed.read()
        while not batch.events:
            batch = await managed.read()
        await managed.commit(batch.events[1].position)
    assert [event.payload["Order_Id__c"] for event in batch.events] == ["a", "b", "c"]
    async with ManagedSubscription.opened(pubsub_events.pubsub, "Orders_Managed") as managed:
        assert [event.payload["Order_Id__c"] for event in (await managed.read()).events] == ["c"]
    with pytest.raises(ChannelNotFound):
        async with ManagedSubscription.opened(pubsub_events.pubsub, "Nobody") as managed:
            await managed.read()
