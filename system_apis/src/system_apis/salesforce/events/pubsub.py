"""The Pub/Sub API of one org (gRPC, eventbus.v1): one connection, the session in the metadata of every call."""

import asyncio
import random
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from shared.binding.call_context import current_context
from shared.binding.problems import BackendFault, BackendUnavailable, DeadlineExceeded
from system_apis.salesforce.connector import SalesforceConnector, SalesforceSettings
from system_apis.salesforce.events.refusals import SessionOver, problem_of_call
from system_apis.salesforce.events.schemas import EventSchema, Schemas

_PORT = 7443
_MOST_BYTES = 4 * 1024 * 1024  # of one message, either way
_PING_MILLISECONDS = 300_000  # a server may hang up on who pings more often (gRPC, "Keepalive")
_OPTIONS = (
    ("grpc.max_receive_message_length", _MOST_BYTES),
    ("grpc.max_send_message_length", _MOST_BYTES),
    ("grpc.keepalive_time_ms", _PING_MILLISECONDS),
    ("grpc.keepalive_permit_without_calls", 0),
)


class Topic(Struct, frozen=True):
    """What the org says of a channel; `schema_id` is empty for one of several events."""

    name: str
    schema_id: str
    can_publish: bool
    can_subscribe: bool


class Whoami(Struct, frozen=True):
    """Ids of the org and of the integration user."""

    organization: str
    user: str


class PubSub:
    """Calls of the Pub/Sub API for one org. The connection is made at the first.

    Args:
        salesforce: The org; its settings say where the API is and whom to trust there.
    """

    def __init__(self, salesforce: SalesforceConnector) -> None:
        self._salesforce = salesforce
        self._channel: Any = None
        self._stub: Any = None
        self._whoami: Whoami | None = None
        self._lock = asyncio.Lock()
        self.schemas = Schemas(self._schema_json)

    async def topic(self, channel: str) -> Topic:
        """What the org says of a channel; raises `ChannelNotFound` and other problems."""
        pb = await self._messages()
        told = await self._repeated("GetTopic", pb.TopicRequest(topic_name=channel), channel)
        return Topic(told.topic_name, told.schema_id, told.can_publish, told.can_subscribe)

    async def schema_to_publish(self, channel: str) -> EventSchema:
        """The schema in which events for a channel are written now."""
        topic = await self.topic(channel)
        if not topic.can_publish or not topic.schema_id:
            raise BackendFault(f"Salesforce lets us publish nothing to {channel}; extend our user's permissions.")
        return await self.schemas.get(topic.schema_id)

    async def publish(self, request: Any) -> Any:
        """The answer to a PublishRequest. Sent once: after a failure nobody knows what was published."""
        return await self._authorised("Publish", request, request.topic_name)

    async def open(self, call: str) -> "Stream":
        """Open a streaming call, `Subscribe`, `ManagedSubscribe` or `PublishStream`, with the session of now."""
        await self._messages()
        used = await self._salesforce.credentials.headers()
        return Stream(getattr(self._stub, call)(metadata=await self._metadata(used)), used)

    async def renew(self, used: Mapping[str, str]) -> bool:
        """A stream was refused: ask for a fresh token, once for all who were."""
        return await self._salesforce.credentials.renew(used)

    async def whoami(self) -> Whoami:
        """Who we are in the org; asked once."""
        if self._whoami is None:
            user = await self._salesforce.userinfo()
            self._whoami = Whoami(self._salesforce.settings.organization_id or user.organization_id, user.user_id)
        return self._whoami

    async def aclose(self) -> None:
        """Close the connection."""
        if self._channel is not None:
            await self._channel.close()
            self._channel = self._stub = None

    # --- inside --------------------------------------------------------------------------------------

    async def _messages(self) -> Any:
        """The messages, once the connection is there."""
        async with self._lock:
            if self._stub is None:
                address, authority = await asyncio.to_thread(_loaded, self._salesforce.settings)
                self._channel, self._stub = _opened(address, authority)
        from system_apis.salesforce.events.messages import pb  # noqa: PLC0415 - loaded by the thread

        return pb

    async def _schema_json(self, schema_id: str) -> str:
        pb = await self._messages()
        told = await self._repeated("GetSchema", pb.SchemaRequest(schema_id=schema_id), f"the schema {schema_id}")
        return told.schema_json

    async def _repeated(self, call: str, request: Any, what: str) -> Any:
        """A call that may be sent again when the API is away."""
        for delay in self._salesforce.settings.retry_delays:
            with suppress(BackendUnavailable):
                return await self._authorised(call, request, what)
            await asyncio.sleep(random.uniform(delay / 2, delay))  # noqa: S311 - jitter, not a secret
        return await self._authorised(call, request, what)

    async def _authorised(self, call: str, request: Any, what: str) -> Any:
        """One call; when its token is refused, once more with a fresh one."""
        used = await self._salesforce.credentials.headers()
        try:
            return await self._called(call, request, what, used)
        except SessionOver:
            if not await self._salesforce.credentials.renew(used):
                raise
        return await self._called(call, request, what, await self._salesforce.credentials.headers())

    async def _called(self, call: str, request: Any, what: str, used: Mapping[str, str]) -> Any:
        left = current_context().remaining()
        seconds = self._salesforce.settings.timeout if left is None else min(left, self._salesforce.settings.timeout)
        if seconds <= 0:
            raise DeadlineExceeded(f"No time is left to call {what} at Salesforce.")
        from grpc.aio import AioRpcError  # noqa: PLC0415 - see messages

        try:
            return await getattr(self._stub, call)(request, metadata=await self._metadata(used), timeout=seconds)
        except AioRpcError as error:
            raise problem_of_call(error, what) from None

    async def _metadata(self, used: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        token = used["authorization"].partition(" ")[2]
        organization = (await self.whoami()).organization
        return (
            ("accesstoken", token), ("instanceurl", self._salesforce.settings.url), ("tenantid", organization)
        )  # fmt: skip


class StreamBroken(BackendUnavailable):
    """A streaming call ended while we wrote, and nobody said why."""


class Stream:
    """A streaming call under way.

    Attributes:
        used: The credentials it was opened with.
    """

    def __init__(self, call: Any, used: Mapping[str, str]) -> None:
        self._call = call
        self.used = used

    async def write(self, request: Any, what: str) -> None:
        """Send a message.

        Raises:
            StreamBroken: The call ended meanwhile. gRPC does not keep why; another call tells.
        """
        try:
            await self._call.write(request)
        except Exception as error:  # noqa: BLE001 - gRPC has several for a call that ended
            raise StreamBroken(f"The stream of {what} broke ({type(error).__name__}).") from None

    async def read(self, seconds: float | None, what: str) -> Any:
        """The next message.

        Args:
            seconds: How long to wait for it.
            what: What the stream is about, for the problem.

        Raises:
            BackendUnavailable: The stream ended, or stayed silent for so long.
            Problem: It was refused.
        """
        from system_apis.salesforce.events.messages import aio  # noqa: PLC0415 - see there

        try:
            async with asyncio.timeout(seconds):
                message = await self._call.read()
        except TimeoutError:
            raise BackendUnavailable(f"Salesforce was silent about {what} for {seconds:g} s.") from None
        except aio.AioRpcError as error:
            raise problem_of_call(error, what) from None
        if message is aio.EOF:
            raise BackendUnavailable(f"Salesforce ended the stream of {what}.")
        return message

    def close(self) -> None:
        """Hang up."""
        self._call.cancel()


def _loaded(settings: SalesforceSettings) -> tuple[str, bytes | None]:
    """Where to connect and whom to trust; loads gRPC, which takes a while, so it runs on a thread."""
    import system_apis.salesforce.events.messages  # noqa: F401, PLC0415  # pyright: ignore[reportUnusedImport]

    parts = urlsplit(settings.pubsub_url if "//" in settings.pubsub_url else f"//{settings.pubsub_url}")
    if not parts.hostname or parts.scheme not in ("", "grpcs", "https"):
        raise BackendFault("pubsub_url is no address of a Pub/Sub API; use api.pubsub.salesforce.com:7443.")
    try:
        authority = Path(settings.pubsub_ca).read_bytes() if settings.pubsub_ca else None
    except OSError as error:
        raise BackendFault(f"pubsub_ca cannot be read ({error.strerror}); name a PEM file.") from None
    return f"{parts.hostname}:{parts.port or _PORT}", authority


def _opened(address: str, authority: bytes | None) -> tuple[Any, Any]:
    from system_apis.salesforce.events.messages import grpc, pb_grpc  # noqa: PLC0415 - see there

    channel = grpc.aio.secure_channel(address, grpc.ssl_channel_credentials(authority), options=_OPTIONS)
    return channel, pb_grpc.PubSubStub(channel)
