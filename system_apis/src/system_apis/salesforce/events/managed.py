"""Managed subscriptions: the org remembers how far a client came (Pub/Sub API, "ManagedSubscribe", beta)."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any, Self
from uuid import uuid4

from shared.binding.problems import BackendFault
from shared.contracts.system.salesforce_events import ChannelNotFound
from system_apis.salesforce.events.position import replay_id_of
from system_apis.salesforce.events.pubsub import PubSub, Stream, StreamBroken
from system_apis.salesforce.events.pubsub_door import MOST_REQUESTED, batch_of
from system_apis.salesforce.events.received import Batch
from system_apis.salesforce.events.refusals import SessionOver

_ANY_CHANNEL = "/data/ChangeEvents"


class ManagedSubscription:
    """One managed subscription under way; only one client at a time may have it.

    It keeps no position of its own: whoever dies before a commit gets the same events again.
    """

    def __init__(self, pubsub: PubSub, stream: Stream, name: str, silence: float) -> None:
        self._pubsub, self._stream, self._name, self._silence = pubsub, stream, name, silence
        self._outstanding = 0
        self._kept: list[Any] = []

    @classmethod
    @asynccontextmanager
    async def opened(cls, pubsub: PubSub, name: str, silence: float = 300.0) -> AsyncGenerator[Self]:
        """Open it by its developer name.

        Args:
            pubsub: The API.
            name: Developer name.
            silence: Seconds without a sign of life after which the stream counts as dead.

        Raises:
            ChannelNotFound: The org has no such subscription.
            BackendUnavailable: Another client has it, or the API is away.
        """
        stream = await pubsub.open("ManagedSubscribe")
        try:
            yield cls(pubsub, stream, name, silence)
        except SessionOver:
            await pubsub.renew(stream.used)
            raise
        except StreamBroken:
            with suppress(ChannelNotFound):
                await pubsub.topic(_ANY_CHANNEL)  # renews a session that is over
            raise
        finally:
            stream.close()

    async def read(self) -> Batch:
        """The next events; none when the org only says that the line is alive."""
        if self._kept:
            reply = self._kept.pop(0)
        else:
            await self._ask()
            reply = await self._stream.read(self._silence, self._name)
        self._outstanding -= len(reply.events)
        return await batch_of(reply, self._pubsub.schemas, quiet=self._outstanding > 0)

    async def commit(self, position: str) -> None:
        """Let the org remember that everything up to here is dealt with.

        Raises:
            BackendFault: It does not take this position.
            Problem: The stream broke; whether it remembers is unknown.
        """
        from system_apis.salesforce.events.messages import pb  # noqa: PLC0415 - see there

        wanted = pb.CommitReplayRequest(commit_request_id=str(uuid4()), replay_id=replay_id_of(position))
        await self._stream.write(self._request(commit_replay_id_request=wanted), self._name)
        while True:
            reply = await self._stream.read(self._silence, self._name)
            if reply.events:
                self._kept.append(reply)
            if (
                reply.HasField("commit_response")
                and reply.commit_response.commit_request_id == wanted.commit_request_id
            ):
                if reply.commit_response.HasField("error"):
                    raise BackendFault(f"Salesforce does not take our place in {self._name}; read on and commit again.")
                return

    async def _ask(self) -> None:
        if self._outstanding <= MOST_REQUESTED // 2:
            more = MOST_REQUESTED - self._outstanding
            await self._stream.write(self._request(num_requested=more), self._name)
            self._outstanding += more

    def _request(self, **wanted: Any) -> Any:
        from system_apis.salesforce.events.messages import pb  # noqa: PLC0415 - see there

        return pb.ManagedFetchRequest(developer_name=self._name, **wanted)
