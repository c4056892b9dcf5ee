"""Publishing platform events: over the Pub/Sub API, each with a result of its own, or over REST."""

import re
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import uuid4

from msgspec import Struct

from shared.binding.problems import BackendFault, BackendUnavailable
from shared.contracts.system.salesforce_events import ChannelNotFound
from shared.resilience.outbound_faults import OutcomeUnknown, decode_json
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.events.position import position_of
from system_apis.salesforce.events.pubsub import PubSub, Stream, StreamBroken
from system_apis.salesforce.events.refusals import SessionOver
from system_apis.salesforce.events.schemas import EventSchema
from system_apis.salesforce.faults import BACKEND, problem_of_errors
from system_apis.salesforce.platform.calls import OrgCalls
from system_apis.salesforce.platform.refusals import OrgRefused
from system_apis.salesforce.records import SaveError

MOST_EVENTS: Final = 200
"""Events of one request that Salesforce advises."""
MOST_BYTES: Final = 3 * 1024 * 1024
"""Bytes of one request that Salesforce advises; 4 MiB is the end."""
MOST_EVENT_BYTES: Final = 1024 * 1024

_EVENT = re.compile(r"[A-Za-z][A-Za-z0-9_]*__e")
_ENQUEUED = "OPERATION_ENQUEUED"


class Published(Struct, frozen=True):
    """What became of one event.

    Attributes:
        id: Of the event: ours over Pub/Sub, Salesforce's `EventUuid` over REST.
        position: Where it stands in its channel, if the door tells.
        refused: Why it was not published; empty when it was.
    """

    id: str
    position: str = ""
    refused: str = ""


class _EventError(SaveError, frozen=True, rename="camel"):
    message: str = ""


class _Saved(Struct):
    success: bool = False
    errors: list[_EventError] = []


class Publisher:
    """Publishes platform events to one org.

    Args:
        salesforce: The org.
        pubsub: Its Pub/Sub API.
    """

    def __init__(self, salesforce: SalesforceConnector, pubsub: PubSub) -> None:
        self._salesforce, self._pubsub = salesforce, pubsub

    async def publish(self, channel: str, events: Sequence[Mapping[str, Any]]) -> list[Published]:
        """Publish events to `/event/Order_Status__e`; one result for each, in their order.

        Args:
            channel: The channel of one event.
            events: Fields by name; moments may be RFC 3339 text, fields left out are nothing.

        Raises:
            OutcomeUnknown: The connection broke; a part may have been published.
            Problem: Nothing was published.
        """
        schema = await self._pubsub.schema_to_publish(channel)
        envelopes, results = await _encoded(self._pubsub, schema, events)
        for group in in_requests(envelopes):
            try:
                answer = await self._pubsub.publish(_request(channel, group))
            except BackendUnavailable as problem:
                raise OutcomeUnknown(
                    f"Salesforce gave no answer about events for {channel}; a part may have been published.",
                    extensions={"outcome": "unknown"},
                ) from problem
            _note(answer, results)
        return [results[key] for key in results]

    @asynccontextmanager
    async def stream(self, channel: str) -> AsyncGenerator["PublishStream"]:
        """A stream for many events to one channel; it ends when nothing is published for about a minute."""
        schema = await self._pubsub.schema_to_publish(channel)
        stream = await self._pubsub.open("PublishStream")
        try:
            yield PublishStream(self._pubsub, channel, schema, stream, self._salesforce.settings.timeout)
        except SessionOver:
            await self._pubsub.renew(stream.used)
            raise
        except StreamBroken:
            await self._pubsub.topic(channel)  # says why, or renews a session that is over
            raise
        finally:
            stream.close()

    async def by_rest(self, event: str, fields: Mapping[str, Any]) -> Published:
        """Publish one event, `Order_Status__e`, by a REST call; its `id` is the EventUuid.

        Raises:
            Problem: It was refused; see `faults`.
        """
        unknown = f"The org has no event {event} for our user; look at its name and permissions."
        if not _EVENT.fullmatch(event):
            raise ChannelNotFound(unknown)
        calls = OrgCalls(self._salesforce)
        try:
            reply = await calls.send(
                "POST", f"/sobjects/{event}", "salesforce_events.publish_event", body=fields, repeatable=False
            )
        except OrgRefused as refused:
            if refused.code == "NOT_FOUND":
                raise ChannelNotFound(unknown) from None
            raise refused.problem from None
        saved = decode_json(reply, _Saved, backend=BACKEND)
        uuid = next((each.message for each in saved.errors if each.status_code == _ENQUEUED), "")
        if saved.success and uuid:
            return Published(uuid)
        if saved.errors:
            raise problem_of_errors(400, saved.errors)
        raise BackendFault(f"Salesforce does not say what became of an event {event}.")


class PublishStream:
    """One `PublishStream` call."""

    def __init__(self, pubsub: PubSub, channel: str, schema: EventSchema, stream: Stream, seconds: float) -> None:
        self._pubsub, self._channel, self._schema = pubsub, channel, schema
        self._stream, self._seconds = stream, seconds

    async def publish(self, events: Sequence[Mapping[str, Any]]) -> list[Published]:
        """As `Publisher.publish`, over this stream."""
        envelopes, results = await _encoded(self._pubsub, self._schema, events)
        for group in in_requests(envelopes):
            await self._stream.write(_request(self._channel, group), self._channel)
            _note(await self._stream.read(self._seconds, self._channel), results)
        return [results[key] for key in results]


async def _encoded(
    pubsub: PubSub, schema: EventSchema, events: Sequence[Mapping[str, Any]]
) -> tuple[list[Any], dict[str, Published]]:
    """Messages for what can be sent, and a place for every result, by id."""
    from system_apis.salesforce.events.messages import pb  # noqa: PLC0415 - see there

    whoami, now = await pubsub.whoami(), int(time.time() * 1000)
    envelopes, results = list[Any](), dict[str, Published]()
    for fields in events:
        key = str(uuid4())
        try:
            payload = schema.encode({"CreatedDate": now, "CreatedById": whoami.user, **fields})
            if len(payload) > MOST_EVENT_BYTES:
                raise ValueError(f"an event has at most {MOST_EVENT_BYTES} bytes")
        except ValueError as error:
            results[key] = Published(key, refused=str(error))
            continue
        results[key] = Published(key, refused="Salesforce did not answer for this event")
        envelopes.append(pb.ProducerEvent(id=key, schema_id=schema.id, payload=payload))
    return envelopes, results


def in_requests(envelopes: Sequence[Any]) -> list[list[Any]]:
    """Messages in groups that one request may hold."""
    groups: list[list[Any]] = []
    room = 0
    for envelope in envelopes:
        size = envelope.ByteSize()
        if not groups or size > room or len(groups[-1]) == MOST_EVENTS:
            groups.append([])
            room = MOST_BYTES
        groups[-1].append(envelope)
        room -= size
    return groups


def _request(channel: str, envelopes: list[Any]) -> Any:
    from system_apis.salesforce.events.messages import pb  # noqa: PLC0415 - see there

    return pb.PublishRequest(topic_name=channel, events=envelopes)


def _note(answer: Any, results: dict[str, Published]) -> None:
    for each in answer.results:
        key = each.correlation_key
        if key not in results:
            continue
        refused = each.HasField("error")
        results[key] = Published(
            key,
            "" if refused else position_of(each.replay_id),
            "Salesforce refuses this event; compare its fields with the event's definition." if refused else "",
        )
