"""Subscriptions over Pub/Sub: never more events than were asked for, never one left out."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Any, Self
from uuid import uuid4

from msgspec import Struct
from msgspec.structs import replace

from sandboxes.salesforce.events import Event
from sandboxes.salesforce.events.avro import event_schema
from sandboxes.salesforce.events.managed import Managed
from sandboxes.salesforce.org import Org
from sandboxes.salesforce.pubsub.messages import pb
from sandboxes.salesforce.pubsub.payloads import encoded
from sandboxes.salesforce.pubsub.refusals import Refusal, forbidden, invalid, unknown_topic

_MOST_OUTSTANDING = 100
_LATEST, _EARLIEST, _CUSTOM = 0, 1, 2
_REPLAY_BYTES = 8


class Delivered(Struct, frozen=True):
    """One event on its way out."""

    uuid: str
    schema_id: str
    payload: bytes
    replay_id: bytes


class Delivery(Struct):
    """One answer: events, or none to say that the line is alive, or the answer to a commit."""

    events: list[Delivered]
    latest: bytes
    rpc_id: str
    pending: int
    commit: Any = None


class Subscription:
    """One stream of events.

    Args:
        org: The org.
        user_id: Who subscribes.
        topic: The channel.
        after: The replay id after which it begins.
        requests: What else the client sends.
        managed: Whose commits the org remembers, None for a plain subscription.
    """

    def __init__(
        self, org: Org, user_id: str, topic: str, after: int, requests: AsyncIterator[Any], managed: Managed | None
    ) -> None:  # fmt: skip
        self._org, self._user_id, self._topic, self._after = org, user_id, topic, after
        self._requests, self._managed = requests, managed
        self._outstanding = 0
        self._changed = asyncio.Event()
        self._commits: list[Any] = []
        self._ended = False
        self._refusal: Refusal | None = None
        self._rpc_id = str(uuid4())

    @classmethod
    async def begun(cls, org: Org, user_id: str, requests: AsyncIterator[Any]) -> Self:
        """A subscription as its first request describes it; Refusal when it cannot begin there."""
        first = await _first(requests)
        if not first.topic_name:
            raise invalid("topic.validation.empty", "The first request names a topic.")
        _check(org, user_id, first.topic_name)
        subscription = cls(org, user_id, first.topic_name, _place(org, first), requests, None)
        subscription._take(first)
        return subscription

    @classmethod
    async def managed(cls, org: Org, user_id: str, requests: AsyncIterator[Any]) -> tuple[Managed, Self]:
        """A managed subscription, from where it was last committed."""
        first = await _first(requests)
        found = org.managed.find(first.developer_name or first.subscription_id)
        if found is None:
            code = "managed.subscription.developer.name.not.found"
            raise invalid(code, "There is no managed subscription of this name.")
        _check(org, user_id, found.topic)
        after = org.bus.newest() if found.replay is None else found.replay
        subscription = cls(org, user_id, found.topic, after, requests, found)
        subscription._take(first)
        return found, subscription

    async def deliveries(self, check: Callable[[], object]) -> AsyncGenerator[Delivery]:
        """What to send, until the client is done.

        Args:
            check: Raises Refusal when the session is over.
        """
        reading = asyncio.create_task(self._read(), name="fetch requests")
        alive_at = self._org.keepalive_seconds
        try:
            while True:
                check()
                self._changed.clear()
                answer = self._next()
                if answer is not None:
                    yield answer
                elif self._refusal is not None:
                    raise self._refusal
                elif self._ended:
                    return
                elif not await self._rest(alive_at):
                    yield self._delivery([])
        finally:
            reading.cancel()

    def _next(self) -> Delivery | None:
        """The next answer that is ready."""
        if self._commits:
            delivery = self._delivery([])
            delivery.commit = self._committed(self._commits.pop(0))
            return delivery
        if self._outstanding:
            topics = self._topics()
            found = self._org.bus.after(self._after, topics, self._outstanding)
            if found:
                self._after = found[-1].replay
                self._outstanding -= len(found)
                return self._delivery([self._shown(event) for event in found])
        return None

    def _topics(self) -> list[str]:
        return self._org.event_rights.topics(self._topic, self._user_id) or []

    async def _rest(self, seconds: float) -> bool:
        """Until there may be news; False when `seconds` pass without."""
        news = asyncio.create_task(self._org.bus.wait(seconds))
        changed = asyncio.create_task(self._changed.wait())
        try:
            done, _ = await asyncio.wait([news, changed], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            return bool(done)
        finally:
            news.cancel()
            changed.cancel()

    async def _read(self) -> None:
        try:
            async for request in self._requests:
                self._take(request)
                self._changed.set()
        except Refusal as refusal:
            self._refusal = refusal
        finally:
            self._ended = True
            self._changed.set()

    def _take(self, request: Any) -> None:
        """More events are wanted, or a place is to be remembered."""
        topic = getattr(request, "topic_name", "")
        if topic and topic != self._topic:
            raise invalid("subscription.fetch.topic.mismatch", "A stream stays with its first topic.")
        commit = self._managed is not None and request.HasField("commit_replay_id_request")
        if commit:
            self._commits.append(request.commit_replay_id_request)
        if request.num_requested <= 0 and not commit:
            message = "num_requested must be greater than 0."
            raise invalid("subscription.fetch.requested.events.invalid", message)
        self._outstanding = min(_MOST_OUTSTANDING, self._outstanding + max(0, request.num_requested))

    def _committed(self, request: Any) -> Any:
        started = self._org.clock.timestamp()
        answer = pb.CommitReplayResponse(commit_request_id=request.commit_request_id, replay_id=request.replay_id)
        place = replay_number(request.replay_id)
        if self._managed is None or place is None or not self._org.bus.reaches(place):
            answer.error.CopyFrom(pb.Error(code=2, msg="The replay id cannot be committed."))
            return answer
        self._org.managed.commit(self._managed.name, place)
        answer.process_time = round((self._org.clock.timestamp() - started) * 1000)
        return answer

    def _delivery(self, events: list[Delivered]) -> Delivery:
        latest = events[-1].replay_id if events else replay_bytes(self._latest())
        return Delivery(events, latest, self._rpc_id, self._outstanding)

    def _latest(self) -> int:
        """How far a client may go on that has dealt with everything it was sent: nothing it was not sent is skipped."""
        topics = self._topics()
        newest = self._org.bus.newest()
        return self._after if self._org.bus.after(self._after, topics, 1) else max(self._after, newest)

    def _shown(self, event: Event) -> Delivered:
        sobject = self._org.channels.sobject(event.topic)
        told = self._org.event_rights.told(event, self._user_id)
        if sobject is None or told is None:
            raise LookupError(event.topic)
        payload = encoded(replace(event, payload=told), sobject)
        return Delivered(event.uuid, event_schema(sobject)["uuid"], payload, replay_bytes(event.replay))


async def _first(requests: AsyncIterator[Any]) -> Any:
    async for request in requests:
        return request
    raise invalid("subscription.fetch.requested.events.invalid", "The stream ended before a request came.")


def _check(org: Org, user_id: str, topic: str) -> None:
    if org.channels.topics(topic) is None:
        raise unknown_topic(topic)
    if org.event_rights.refuses(topic, user_id):
        raise forbidden(topic, "subscribe to")


def _place(org: Org, request: Any) -> int:
    """The replay id after which to begin."""
    if request.replay_preset == _EARLIEST:
        return 0
    if request.replay_preset == _LATEST:
        return org.bus.newest()
    if not request.replay_id:
        raise invalid("subscription.fetch.replayid.validation.failed", "The preset CUSTOM needs a replay_id.")
    place = replay_number(request.replay_id)
    if place is None:
        raise invalid("subscription.fetch.replayid.corrupted", "The replay_id cannot be read.")
    if not org.bus.reaches(place):
        message = "The Replay ID validation failed. Ensure that the Replay ID is valid."
        raise invalid("subscription.fetch.replayid.validation.failed", message)
    return place


def replay_bytes(replay: int) -> bytes:
    """A replay id as clients see it; they must not look inside."""
    return replay.to_bytes(_REPLAY_BYTES, "big")


def replay_number(replay_id: bytes) -> int | None:
    """The place behind a replay id; None for one that nobody gave."""
    return int.from_bytes(replay_id, "big") if len(replay_id) == _REPLAY_BYTES else None
