"""What goes wrong between us and the event bus, one thing at a time."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from shared.binding.problems import BackendFault, BackendUnavailable, QuotaExceeded
from shared.contracts.system.salesforce_events import ChannelNotFound
from shared.messaging.event_source import OLDEST, Event
from system_apis.salesforce.events import feed
from system_apis.salesforce.events.bayeux import UnknownClient, problem_of_reply
from system_apis.salesforce.events.refusals import SessionOver, problem_of_code
from system_apis.salesforce.events.translation import PASSED

CHANNEL = "/event/Order_Status__e"


async def publish(org: Any, *names: str) -> None:
    rows = [{"attributes": {"type": "Order_Status__e"}, "Order_Id__c": name, "Status__c": "Shipped"} for name in names]
    await org.rest("POST", "/composite/sobjects", json={"records": rows})


def orders(events: Sequence[Event]) -> list[str]:
    return [msgspec.json.decode(event.payload)["Order_Id__c"] for event in events if event.type != PASSED]


async def test_pauses_grow_from_one_failure_to_the_next(
    org: Any, open_events: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = list[int]()
    monkeypatch.setattr(feed, "_jittered", lambda failures: asked.append(failures) or 0.0)
    await org.control("pubsub-faults", call="Subscribe", fault="unavailable", times=3)
    await publish(org, "a")
    assert orders(await open_events().source(CHANNEL).read(OLDEST, 10, 5)) == ["a"]
    assert asked == [0, 1, 2]
    assert feed._PAUSES[0] >= 0.1


async def test_a_quiet_stream_moves_the_position(org: Any, open_events: Any) -> None:
    await org.control("keepalive", seconds=0.1)
    try:
        quiet = open_events().source("/data/OpportunityChangeEvent")
        [mark] = await quiet.read(await quiet.latest(), 10, 5)
    finally:
        await org.control("keepalive", seconds=270)
    assert (mark.type, mark.position.startswith("r-")) == (PASSED, True)
    assert await open_events().source("/data/OpportunityChangeEvent").read(mark.position, 10, 0.1) == []


async def test_a_cometd_client_that_was_forgotten_shakes_hands_anew_and_misses_nothing(
    org: Any, open_events: Any
) -> None:
    await publish(org, "a")
    source = open_events(event_door="cometd").source(CHANNEL)
    first = await source.read(OLDEST, 10, 5)
    await org.control("forget-clients")
    await publish(org, "b")
    assert orders(await source.read(first[0].position, 10, 5)) == ["b"]
    assert len(await org.requests("/cometd")) >= 5


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ({"error": "401::Authentication invalid"}, SessionOver),
        (
            {"error": "403::Handshake denied", "ext": {"sfdc": {"failureReason": "401::Authentication invalid"}}},
            SessionOver,
        ),
        ({"error": "403::Unknown client", "advice": {"reconnect": "handshake"}}, UnknownClient),
        ({"error": "403::Organization total events daily limit exceeded"}, QuotaExceeded),
        ({"error": "403::Organization concurrent user limit exceeded"}, QuotaExceeded),
        ({"error": "503::Server is too busy. Please try your request again later."}, BackendUnavailable),
        ({"error": "400::Invalid connection type"}, BackendFault),
        ({}, BackendFault),
    ],
)
def test_what_bayeux_errors_mean(reply: dict[str, Any], kind: type[Exception]) -> None:
    assert type(problem_of_reply(reply, CHANNEL)) is kind


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        ("UNAVAILABLE", "", BackendUnavailable),
        ("INTERNAL", "", BackendUnavailable),
        ("INVALID_ARGUMENT", "schema.api.unavailable", BackendUnavailable),
        ("FAILED_PRECONDITION", "managed.subscription.already.active", BackendUnavailable),
        ("PERMISSION_DENIED", "topic.meta.permission", ChannelNotFound),
        ("INVALID_ARGUMENT", "topic.meta.permission", BackendFault),
        ("PERMISSION_DENIED", "concurrent.client.limit.exceeded", QuotaExceeded),
        ("PERMISSION_DENIED", "subscription.topic.cannot.subscribe", BackendFault),
        ("INVALID_ARGUMENT", "topic.validation.empty", BackendFault),
        ("UNAUTHENTICATED", "", SessionOver),
    ],
)
def test_what_refusals_of_the_pubsub_api_mean(status: str, code: str, kind: type[Exception]) -> None:
    problem = problem_of_code(status, code, CHANNEL)
    assert type(problem) is kind
    assert CHANNEL in str(problem)
