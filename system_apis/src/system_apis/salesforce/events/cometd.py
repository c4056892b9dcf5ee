"""The Streaming API as a door, for orgs or networks where gRPC is closed."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Any, Final

import msgspec

from shared.binding.problems import BackendFault
from shared.messaging.event_source import PositionExpired
from shared.resilience.outbound_faults import decode_json
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.events.bayeux import BayeuxClient, Message, UnknownClient
from system_apis.salesforce.events.changes import HEADER
from system_apis.salesforce.events.position import position_of, replay_id_of
from system_apis.salesforce.events.received import Batch, Received
from system_apis.salesforce.events.streamed import is_streamed_only, received_of
from system_apis.salesforce.events.window import Window
from system_apis.salesforce.faults import BACKEND

_NEW, _ALL = -1, -2
_POLL_SECONDS = 130.0  # a poll hangs for 110
_MOST_AT_ONCE: Final = 200  # room to wait for: there is no flow control but not to poll
_GOODBYE_SECONDS = 2.0


class _SchemaName(msgspec.Struct):
    name: str


class CometdDoor:
    """Implements `Door`.

    Args:
        salesforce: The org.
    """

    def __init__(self, salesforce: SalesforceConnector) -> None:
        self._salesforce = salesforce
        self._backend = salesforce.line(f"{BACKEND}-streaming", timeout=_POLL_SECONDS)
        self._path = f"/cometd/{salesforce.settings.api_version}"
        self._names: dict[str, str] = {}

    async def batches(self, channel: str, after: str, window: Window, *, latest: bool) -> AsyncGenerator[Batch]:
        """See `Door.batches`. A client that was forgotten shakes hands anew and goes on where it was."""
        replay = _NEW if latest else _number(after) if after else _ALL
        while True:
            client = BayeuxClient(self._backend, self._salesforce.credentials, self._path)
            try:
                await client.handshake()
                await client.subscribe(channel, replay)
                yield Batch((), "")
                async for batch in self._polled(client, channel, window):
                    if batch.events:
                        replay = _number(batch.events[-1].position)
                    yield batch
            except UnknownClient:
                if replay == _NEW:
                    raise  # what came since we were forgotten would be missed; the feed knows from when on
            finally:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_GOODBYE_SECONDS):
                        await client.disconnect()

    async def _polled(self, client: BayeuxClient, channel: str, window: Window) -> AsyncGenerator[Batch]:
        while True:
            await window.until_free(min(_MOST_AT_ONCE, window.room))
            messages, advice = await client.connect(channel)
            if messages:
                yield Batch(tuple([await self._received(each, channel) for each in messages]), "")
            match advice.get("reconnect", "retry"):
                case "handshake":
                    return
                case "none":
                    raise BackendFault(f"Salesforce's streaming API ended {channel} and wants no other attempt.")
                case _:
                    await asyncio.sleep(min(60.0, float(advice.get("interval", 0)) / 1000))

    async def _received(self, message: Message, channel: str) -> Received:
        if is_streamed_only(channel):
            return received_of(message, channel)
        try:
            event: dict[str, Any] = message["data"]["event"]
            payload: dict[str, Any] = message["data"]["payload"]
            replay = str(event["replayId"])
            schema = str(message["data"].get("schema", ""))
        except (KeyError, TypeError):
            raise BackendFault(f"Salesforce's streaming API sent an event of {channel} without replay id.") from None
        name = await self._name(payload, schema, channel)
        return Received(
            str(event.get("EventUuid") or f"{channel}/{replay}"), name, payload, position_of(replay.encode())
        )

    async def _name(self, payload: dict[str, Any], schema: str, channel: str) -> str:
        if HEADER in payload:
            entity = str(payload[HEADER].get("entityName", ""))
            return f"{entity.removesuffix('c') if entity.endswith('__c') else entity}ChangeEvent"
        name = channel.rpartition("/")[2]
        return name if name.endswith("__e") or not schema else await self._schema_name(schema)

    async def _schema_name(self, schema: str) -> str:
        """The name of an event on a channel of several."""
        if schema not in self._names:
            path = f"{self._salesforce.root}/event/eventSchema/{schema}?payloadFormat=COMPACT"
            reply = await self._salesforce.backend.send("GET", path, operation="salesforce.event_schema")
            self._names[schema] = decode_json(reply, _SchemaName, backend=BACKEND).name
        return self._names[schema]


def _number(position: str) -> int:
    text = replay_id_of(position)
    if not text.isdigit():
        raise PositionExpired("That place is of the Pub/Sub API; begin with the oldest event, or the latest.")
    return int(text)
