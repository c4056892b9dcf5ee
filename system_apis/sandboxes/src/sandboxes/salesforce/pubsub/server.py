"""The Pub/Sub API's calls (eventbus.v1.PubSub)."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any
from uuid import uuid4

import grpc
import msgspec
from grpc import StatusCode

from sandboxes.salesforce.events.avro import event_schema, schema_of_id
from sandboxes.salesforce.org import Org
from sandboxes.salesforce.pubsub.disturbances import struck
from sandboxes.salesforce.pubsub.messages import pb, pb_grpc
from sandboxes.salesforce.pubsub.publishing import Publishing
from sandboxes.salesforce.pubsub.refusals import Context, Refusal, invalid, refuse, unknown_topic
from sandboxes.salesforce.pubsub.subscribing import Delivery, Subscription
from sandboxes.salesforce.sessions import Session

_MOST_BYTES = 4 * 1024 * 1024


def server_of(org: Org, address: str, key: bytes, certificate: bytes) -> grpc.aio.Server:
    """A server for this org, not started yet; key and certificate are PEM."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", _MOST_BYTES), ("grpc.so_reuseport", 1)])
    pb_grpc.add_PubSubServicer_to_server(PubSub(org), server)
    credentials = grpc.ssl_server_credentials([(key, certificate)])
    server.add_secure_port(address, credentials)
    return server


class PubSub(pb_grpc.PubSubServicer):
    """The calls, over one org.

    Args:
        org: The org.
    """

    def __init__(self, org: Org) -> None:
        self._org = org
        self._publishing = Publishing(org)
        self._active: set[str] = set()

    async def GetTopic(self, request: Any, context: Context) -> Any:  # noqa: N802 - the interface names it
        """What a topic allows, and its schema."""
        try:
            session = self._session(context)
            self._struck("GetTopic")
            sobject = self._org.channels.sobject(request.topic_name)
            if sobject is None and self._org.channels.topics(request.topic_name) is None:
                raise unknown_topic(request.topic_name)
        except Refusal as refusal:
            await refuse(context, refusal)
        rights = self._org.event_rights
        return pb.TopicInfo(
            topic_name=request.topic_name,
            tenant_guid=f"core/prod/{self._org.id}",
            can_publish=sobject is not None and sobject.event and rights.may_publish(sobject, session.user_id),
            can_subscribe=not rights.refuses(request.topic_name, session.user_id),
            schema_id=event_schema(sobject)["uuid"] if sobject else "",
            rpc_id=str(uuid4()),
        )

    async def GetSchema(self, request: Any, context: Context) -> Any:  # noqa: N802
        """A schema by its id."""
        try:
            session = self._session(context)
            self._struck("GetSchema")
            schema = schema_of_id(self._org.access.readable(session.user_id), request.schema_id)
            if schema is None:
                raise Refusal(StatusCode.NOT_FOUND, "schema.not.found", f"There is no schema {request.schema_id}.")
        except Refusal as refusal:
            await refuse(context, refusal)
        text = msgspec.json.encode({key: value for key, value in schema.items() if key != "uuid"}).decode()
        return pb.SchemaInfo(schema_json=text, schema_id=request.schema_id, rpc_id=str(uuid4()))

    async def Publish(self, request: Any, context: Context) -> Any:  # noqa: N802
        """Publish events, each with its own result."""
        try:
            fault = await self._struck_or_silent("Publish")
            if fault == "end":
                raise Refusal(StatusCode.UNAVAILABLE, "", "Socket closed")
            answer = self._publishing.publish(request, self._session(context).user_id)
            if fault == "lost":
                raise Refusal(StatusCode.UNAVAILABLE, "", "Connection reset by peer")
        except Refusal as refusal:
            await refuse(context, refusal)
        return answer

    async def PublishStream(self, requests: AsyncIterator[Any], context: Context) -> AsyncGenerator[Any]:  # noqa: N802
        """Publish as requests come; all name one topic."""
        topic = ""
        try:
            async for request in requests:
                topic = topic or request.topic_name
                if request.topic_name not in ("", topic):
                    raise invalid("publish.topic.mismatch", "All requests of a stream name the same topic.")
                request.topic_name = topic
                if self._struck("PublishStream"):
                    return
                yield self._publishing.publish(request, self._session(context).user_id)
        except Refusal as refusal:
            await refuse(context, refusal)

    async def Subscribe(self, requests: AsyncIterator[Any], context: Context) -> AsyncGenerator[Any]:  # noqa: N802
        """Deliver as many events as were asked for, from where the first request says."""
        try:
            session = self._session(context)
            subscription = await Subscription.begun(self._org, session.user_id, requests)
            if self._struck("Subscribe"):
                return
            async for delivery in subscription.deliveries(lambda: self._session(context)):
                fault = await self._struck_or_silent("Subscribe")
                if fault == "end":
                    return
                yield pb.FetchResponse(**_fetched(delivery, garbled=fault == "garbled"))
        except Refusal as refusal:
            await refuse(context, refusal)

    async def ManagedSubscribe(  # noqa: N802
        self, requests: AsyncIterator[Any], context: Context
    ) -> AsyncGenerator[Any]:
        """Deliver from where the org remembers that this subscription was committed."""
        name = ""
        try:
            session = self._session(context)
            managed, subscription = await Subscription.managed(self._org, session.user_id, requests)
            if managed.name in self._active:
                already = "managed.subscription.already.active"
                raise Refusal(StatusCode.FAILED_PRECONDITION, already, f"{managed.name} has a client already.")
            name = managed.name
            self._active.add(name)
            async for delivery in subscription.deliveries(lambda: self._session(context)):
                if self._struck("ManagedSubscribe"):
                    return
                yield pb.ManagedFetchResponse(**_fetched(delivery), commit_response=delivery.commit)
        except Refusal as refusal:
            await refuse(context, refusal)
        finally:
            self._active.discard(name)

    def _struck(self, call: str) -> str:
        return struck(self._org.disturbances, call) if self._org.disturbances else ""

    async def _struck_or_silent(self, call: str) -> str:
        fault = self._struck(call)
        if fault == "silent":
            await asyncio.Event().wait()  # until the client hangs up
        return fault

    def _session(self, context: Context) -> Session:
        """The session in the metadata; Refusal UNAUTHENTICATED."""
        given = {key: str(value) for key, value in context.invocation_metadata() or ()}
        missing = [name for name in ("accesstoken", "instanceurl", "tenantid") if not given.get(name)]
        if missing:
            message = f"The metadata lacks {', '.join(missing)}."
            raise Refusal(StatusCode.UNAUTHENTICATED, "service.auth.headers.invalid", message)
        session = self._org.sessions.find(given["accesstoken"])
        if session is None or not given["tenantid"].rpartition("/")[2].startswith(self._org.id[:15]):
            message = "The access token is expired or not of this tenant."
            raise Refusal(StatusCode.UNAUTHENTICATED, "service.auth.error", message)
        return session


def _fetched(delivery: Delivery, *, garbled: bool = False) -> dict[str, Any]:
    most = 1 if garbled else None
    events = [
        pb.ConsumerEvent(
            event=pb.ProducerEvent(id=each.uuid, schema_id=each.schema_id, payload=each.payload[:most]),
            replay_id=each.replay_id,
        )
        for each in delivery.events
    ]
    return {
        "events": events,
        "latest_replay_id": delivery.latest,
        "rpc_id": delivery.rpc_id,
        "pending_num_requested": delivery.pending,
    }
