"""The Pub/Sub API as a door: `Subscribe` with flow control (Pub/Sub API, "Subscribe")."""

from collections.abc import AsyncGenerator
from typing import Any, Final

from system_apis.salesforce.events.changes import with_names
from system_apis.salesforce.events.position import position_of, replay_id_of
from system_apis.salesforce.events.pubsub import PubSub, Stream, StreamBroken
from system_apis.salesforce.events.received import Batch, Received
from system_apis.salesforce.events.refusals import SessionOver
from system_apis.salesforce.events.schemas import Schemas
from system_apis.salesforce.events.window import Window

MOST_REQUESTED: Final = 100
"""Events that may be outstanding in a stream; Salesforce takes more for as many."""

_MORE = 25  # events asked for together, or so much room is waited for


class PubSubDoor:
    """Implements `Door`.

    Args:
        pubsub: The API.
        silence: Seconds without any message after which a stream counts as dead; Salesforce says within 270 that it
            is alive.
    """

    def __init__(self, pubsub: PubSub, silence: float) -> None:
        self._pubsub = pubsub
        self._silence = silence

    async def batches(self, channel: str, after: str, window: Window, *, latest: bool) -> AsyncGenerator[Batch]:
        """See `Door.batches`."""
        stream = await self._pubsub.open("Subscribe")
        try:
            demand = Demand(stream, window, channel)
            await demand.begin(_first_request(channel, after, latest=latest))
            if latest:
                await self._pubsub.topic(channel)  # it answers after our request arrived on the same connection
                yield Batch((), "")
            while True:
                await demand.renew()
                reply = await stream.read(self._silence, channel)
                yield await batch_of(reply, self._pubsub.schemas, quiet=demand.outstanding > 0)
                demand.outstanding -= len(reply.events)
        except SessionOver:
            await self._pubsub.renew(stream.used)
            raise
        except StreamBroken:
            await self._pubsub.topic(channel)  # says why, or that all is well; renews a session that is over
            raise
        finally:
            stream.close()


class Demand:
    """How many events are asked for: as many as there is room for, and no more than Salesforce counts.

    Attributes:
        outstanding: Asked for and not delivered.
    """

    def __init__(self, stream: Stream, window: Window, channel: str) -> None:
        self.outstanding = 0
        self._stream, self._window, self._channel = stream, window, channel

    async def begin(self, request: Any) -> None:
        """Send the request that opens the subscription."""
        await self._window.until_free(1)
        self.outstanding = request.num_requested = min(MOST_REQUESTED, self._window.free)
        await self._stream.write(request, self._channel)

    async def renew(self) -> None:
        """Ask for more if there is room for a good many; wait for room when nothing is outstanding."""
        if not self.outstanding:
            await self._window.until_free(_MORE)
        more = min(MOST_REQUESTED, self._window.free) - self.outstanding
        if more >= _MORE or not self.outstanding:
            await self._stream.write(self.request(more), self._channel)
            self.outstanding += more

    def request(self, more: int) -> Any:
        """The message that asks for so many more."""
        from system_apis.salesforce.events.messages import pb  # noqa: PLC0415 - see there

        return pb.FetchRequest(topic_name=self._channel, num_requested=more)


async def batch_of(reply: Any, schemas: Schemas, *, quiet: bool) -> Batch:
    """A FetchResponse or ManagedFetchResponse, decoded.

    Args:
        reply: The message.
        schemas: Where schemas are had.
        quiet: Whether events were outstanding, so that a message without any says that there are none.
    """
    events = [await _received(each, schemas) for each in reply.events]
    if events:
        return Batch(tuple(events), events[-1].position)
    return Batch((), position_of(reply.latest_replay_id) if quiet and reply.latest_replay_id else "")


async def _received(told: Any, schemas: Schemas) -> Received:
    schema = await schemas.get(told.event.schema_id)
    position = position_of(told.replay_id)
    try:
        body = with_names(schema, schema.decode(told.event.payload))
    except ValueError as error:
        return Received(told.event.id, schema.name, {}, position, f"Of this event {error}.")
    return Received(told.event.id, schema.name, body, position)


def _first_request(channel: str, after: str, *, latest: bool) -> Any:
    from system_apis.salesforce.events.messages import pb  # noqa: PLC0415 - see there

    if latest:
        return pb.FetchRequest(topic_name=channel, replay_preset=pb.LATEST)
    if not after:
        return pb.FetchRequest(topic_name=channel, replay_preset=pb.EARLIEST)
    return pb.FetchRequest(topic_name=channel, replay_preset=pb.CUSTOM, replay_id=replay_id_of(after))
