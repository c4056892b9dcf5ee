"""What the events contract declares is enough for its channels, and opens no others."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import msgspec
import pytest

from shared.binding.call_context import CallContext, calling
from shared.binding.problems import Problem
from shared.contracts.system.salesforce_events import ChannelNotFound, EventToPublish, SalesforceEvents
from shared.governance.access import ObjectAccess, together
from system_apis.salesforce.connector import SalesforceSettings
from system_apis.salesforce.events.access import EventsAccess, heard
from system_apis.salesforce.events.service import OrgEvents
from system_apis.salesforce.permission_set import permission_set

CHANNELS = ("/data/AccountChangeEvent", "/event/Order_Status__e")
FIELDS = {"Order_Id__c": "801", "Status__c": "Shipped"}
LABEL = "Triptych_Integration"


@pytest.fixture
async def permitted(org: Any, settings: SalesforceSettings) -> AsyncIterator[Callable[..., Awaitable[None]]]:
    """Leaves the integration user with what channels and published events need, and nothing else."""

    async def permit(*channels: str, publishing: tuple[str, ...] = ()) -> None:
        chosen = msgspec.structs.replace(settings, event_channels=channels, published_events=publishing)
        access = together(EventsAccess(chosen).operations().values())
        await org.control("permission-set", name=LABEL, xml=permission_set(access), assign=[settings.username])

    yield permit
    await org.control("permission-set", name=LABEL, withdraw=[settings.username])


async def test_declared_channels_can_be_read_and_no_others(
    org: Any, salesforce: Any, events: Any, permitted: Callable[..., Awaitable[None]]
) -> None:
    api = OrgEvents(salesforce, events)
    await org.rest("POST", "/sobjects/Account", json={"Name": "Seen"})
    await org.rest("POST", "/sobjects/Order_Status__e", json=FIELDS)
    await permitted(*CHANNELS)
    for channel in CHANNELS:
        with calling(CallContext(wait=30.0)):
            assert len((await api.list_events(channel)).items) == 1
    with pytest.raises(ChannelNotFound, match="/data/ContactChangeEvent"):
        await api.list_events("/data/ContactChangeEvent")
    with pytest.raises(Problem):
        await api.publish_event("Order_Status__e", EventToPublish(FIELDS))


async def test_declared_events_can_be_published(
    salesforce: Any, events: Any, permitted: Callable[..., Awaitable[None]]
) -> None:
    await permitted(publishing=("Order_Status__e",))
    published = await OrgEvents(salesforce, events).publish_event("Order_Status__e", EventToPublish(FIELDS))
    assert published.event_id


def test_channels_ask_for_the_objects_behind_them() -> None:
    every = heard([*CHANNELS, "/data/Site__ChangeEvent", "/topic/Large", "/u/notices", "/data/ChangeEvents", "/x"])
    assert every == {
        "Account": ObjectAccess(all_records=True),
        "Order_Status__e": ObjectAccess(),
        "Site__c": ObjectAccess(all_records=True),
        "PushTopic": ObjectAccess(),
        "StreamingChannel": ObjectAccess(),
    }


def test_users_are_seen_with_a_permission_of_their_own() -> None:
    document = permission_set(heard(["/data/UserChangeEvent"]))
    assert "<viewAllRecords>false</viewAllRecords>" in document
    assert "<name>ViewAllUsers</name>" in document


def test_without_channels_nothing_is_asked_for() -> None:
    usual = EventsAccess.usual()
    assert usual.operations() == {name: {} for name in SalesforceEvents.operations}
    assert usual.undeclared() == []
