"""The Pub/Sub API, through the stubs that its published interface compiles to."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import Any

import fastavro
import grpc
import httpx
import pytest
from sfprotostash import pubsub_api_pb2 as pb
from sfprotostash import pubsub_api_pb2_grpc as pb_grpc

from sandboxes.company import company
from sandboxes.kit import Clock, serve_sandbox

ROWS = "/services/data/v66.0/sobjects"
TOPIC = "/event/Order_Status__e"
FORM = {
    "grant_type": "password", "client_id": "triptych-local", "client_secret": "triptych-local-secret",
    "username": "integration@tarn-gauge.example", "password": "sandbox-password",
}  # fmt: skip


class Org:
    """An org, its REST door and its Pub/Sub stub."""

    def __init__(self, http: httpx.AsyncClient, channel: grpc.aio.Channel, token: str) -> None:
        self.http = http
        self.stub = pb_grpc.PubSubStub(channel)
        self.metadata = (
            ("accesstoken", token),
            ("instanceurl", str(http.base_url)),
            ("tenantid", company().salesforce_organization_id),
        )

    async def publish(self, order: str) -> None:
        body = {"Order_Id__c": order, "Status__c": "Shipped"}
        assert (await self.http.post(f"{ROWS}/Order_Status__e", json=body)).status_code == 201

    def subscribe(self, *requests: Any) -> Any:
        async def sent() -> AsyncIterator[Any]:
            for request in requests:
                yield request
            await asyncio.Event().wait()

        return self.stub.Subscribe(sent(), metadata=self.metadata)

    async def listens(self, stream: Any) -> None:
        """Wait until the org has heard what this new stream asks for, from now on: it gives a sign of life."""
        await self.http.post("/__sandbox__/keepalive", json={"seconds": 0.1})
        assert not (await asyncio.wait_for(stream.read(), 60)).events
        await self.http.post("/__sandbox__/keepalive", json={"seconds": 270})

    async def events(self, stream: Any, count: int) -> list[Any]:
        found: list[Any] = []
        while len(found) < count:
            found += (await asyncio.wait_for(stream.read(), 60)).events
        return found

    async def decoded(self, event: Any) -> dict[str, Any]:
        schema = await self.stub.GetSchema(pb.SchemaRequest(schema_id=event.event.schema_id), metadata=self.metadata)
        parsed = fastavro.parse_schema(json.loads(schema.schema_json))
        return fastavro.schemaless_reader(io.BytesIO(event.event.payload), parsed, None)


@pytest.fixture(scope="session")
async def org() -> AsyncIterator[Org]:
    async with serve_sandbox("salesforce", clock=Clock()) as url, httpx.AsyncClient(base_url=url) as http:
        told = (await http.post("/__sandbox__/pubsub", json={})).json()
        granted = (await http.post("/services/oauth2/token", data=FORM)).json()
        http.headers["Authorization"] = f"Bearer {granted['access_token']}"
        credentials = grpc.ssl_channel_credentials(told["certificate"].encode())
        async with grpc.aio.secure_channel(told["address"], credentials) as channel:
            await asyncio.wait_for(channel.channel_ready(), 60)
            yield Org(http, channel, granted["access_token"])


def fetch(count: int = 10, preset: int = 1, replay_id: bytes = b"", topic: str = TOPIC) -> Any:
    return pb.FetchRequest(topic_name=topic, replay_preset=preset, replay_id=replay_id, num_requested=count)


def code_of(error: grpc.aio.AioRpcError) -> str:
    trailer = dict(error.trailing_metadata() or ())
    return str(trailer["error-code"]).removeprefix("sfdc.platform.eventbus.grpc.")


async def test_a_topic_says_its_schema_and_what_it_allows(org: Org) -> None:
    topic = await org.stub.GetTopic(pb.TopicRequest(topic_name=TOPIC), metadata=org.metadata)
    assert (topic.topic_name, topic.can_publish, topic.can_subscribe) == (TOPIC, True, True)
    changes = await org.stub.GetTopic(pb.TopicRequest(topic_name="/data/AccountChangeEvent"), metadata=org.metadata)
    assert (changes.can_publish, changes.schema_id != topic.schema_id) == (False, True)
    schema = await org.stub.GetSchema(pb.SchemaRequest(schema_id=topic.schema_id), metadata=org.metadata)
    assert json.loads(schema.schema_json)["name"] == "Order_Status__e"


async def test_an_event_published_over_grpc_is_delivered_over_grpc(org: Org) -> None:
    topic = await org.stub.GetTopic(pb.TopicRequest(topic_name=TOPIC), metadata=org.metadata)
    schema = await org.stub.GetSchema(pb.SchemaRequest(schema_id=topic.schema_id), metadata=org.metadata)
    event = {
        "CreatedDate": 1_790_000_000_000, "CreatedById": "005aj0000000001AAA", "Order_Id__c": "grpc-1",
        "ERP_Order_Number__c": None, "Status__c": "Delivered", "Amount__c": 12.5, "Changed_At__c": 1_790_000_000_123,
        "Is_Final__c": True,
    }  # fmt: skip
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(json.loads(schema.schema_json)), event)
    good = pb.ProducerEvent(id="a", schema_id=topic.schema_id, payload=out.getvalue())
    bad = pb.ProducerEvent(id="b", schema_id=topic.schema_id, payload=b"\x01")
    stream = org.subscribe(fetch(preset=0))
    await org.listens(stream)
    request = pb.PublishRequest(topic_name=TOPIC, events=[good, bad])
    answer = await org.stub.Publish(request, metadata=org.metadata)
    assert [each.correlation_key for each in answer.results] == ["a", "b"]
    assert (answer.results[0].error.msg, answer.results[1].error.code) == ("", pb.PUBLISH)
    [delivered] = await org.events(stream, 1)
    stream.cancel()
    assert delivered.replay_id == answer.results[0].replay_id
    told = await org.decoded(delivered)
    assert (told["Order_Id__c"], told["Amount__c"], told["Changed_At__c"]) == ("grpc-1", 12.5, 1_790_000_000_123)


async def test_no_more_events_come_than_were_asked_for(org: Org) -> None:
    for number in range(6):
        await org.publish(f"flow-{number}")
    more = asyncio.Event()

    async def sent() -> AsyncIterator[Any]:
        yield fetch(4)
        await more.wait()
        yield pb.FetchRequest(num_requested=2)
        await asyncio.Event().wait()

    stream = org.stub.Subscribe(sent(), metadata=org.metadata)
    first = await asyncio.wait_for(stream.read(), 60)
    assert (len(first.events), first.pending_num_requested) == (4, 0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(asyncio.shield(pending := asyncio.ensure_future(stream.read())), 0.2)
    more.set()
    assert len((await asyncio.wait_for(pending, 60)).events) == 2
    stream.cancel()


async def test_a_subscriber_goes_on_after_its_replay_id(org: Org) -> None:
    for number in range(3):
        await org.publish(f"replay-{number}")
    stream = org.subscribe(fetch(100))
    everything = await org.events(stream, 3)
    stream.cancel()
    again = org.subscribe(fetch(100, preset=2, replay_id=everything[0].replay_id))
    rest = await org.events(again, len(everything) - 1)
    again.cancel()
    assert [each.event.id for each in rest[: len(everything) - 1]] == [each.event.id for each in everything[1:]]


async def test_a_change_event_names_fields_by_bitmap(org: Org) -> None:
    made = (await org.http.post(f"{ROWS}/Account", json={"Name": "Bitmap GmbH", "Phone": "1"})).json()["id"]
    stream = org.subscribe(fetch(preset=0, topic="/data/AccountChangeEvent"))
    await org.listens(stream)
    await org.http.patch(f"{ROWS}/Account/{made}", json={"Phone": None, "BillingCity": "Bremen"})
    [event] = await org.events(stream, 1)
    stream.cancel()
    told = await org.decoded(event)
    header = told["ChangeEventHeader"]
    schema = await org.stub.GetSchema(pb.SchemaRequest(schema_id=event.event.schema_id), metadata=org.metadata)
    fields = json.loads(schema.schema_json)["fields"]

    def names(bitmaps: list[str]) -> set[str]:
        found: set[str] = set()
        for bitmap in bitmaps:
            outer, _, bits = bitmap.rpartition("-")
            inside = fields if not outer else fields[int(outer)]["type"][1]["fields"]
            prefix = "" if not outer else fields[int(outer)]["name"] + "."
            found |= {prefix + field["name"] for at, field in enumerate(inside) if int(bits, 16) >> at & 1}
        return found

    assert names(header["changedFields"]) == {"Phone", "BillingAddress.City", "LastModifiedDate"}
    assert names(header["nulledFields"]) == {"Phone"}
    assert (told["BillingAddress"]["City"], told["Name"], header["recordIds"]) == ("Bremen", None, [made])


async def test_a_quiet_line_is_kept_alive_with_the_latest_place(org: Org) -> None:
    await org.http.post("/__sandbox__/keepalive", json={"seconds": 0.1})
    stream = org.subscribe(fetch(preset=0, topic="/data/OpportunityChangeEvent"))
    alive = await asyncio.wait_for(stream.read(), 60)
    stream.cancel()
    await org.http.post("/__sandbox__/keepalive", json={"seconds": 270})
    assert (list(alive.events), len(alive.latest_replay_id)) == ([], 8)
    again = org.subscribe(fetch(preset=2, replay_id=alive.latest_replay_id, topic="/data/OpportunityChangeEvent"))
    await again.wait_for_connection()
    again.cancel()


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (fetch(topic="/event/Nothing__e"), grpc.StatusCode.NOT_FOUND, "topic.not.found"),
        (fetch(topic=""), grpc.StatusCode.INVALID_ARGUMENT, "topic.validation.empty"),
        (fetch(0), grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.requested.events.invalid"),
        (fetch(preset=2), grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.replayid.validation.failed"),
        (fetch(preset=2, replay_id=b"xx"), grpc.StatusCode.INVALID_ARGUMENT, "subscription.fetch.replayid.corrupted"),
        (
            fetch(preset=2, replay_id=(10**9).to_bytes(8, "big")),
            grpc.StatusCode.INVALID_ARGUMENT,
            "subscription.fetch.replayid.validation.failed",
        ),
    ],
)
async def test_a_fetch_that_makes_no_sense_is_refused_by_code(org: Org, request_: Any, status: Any, code: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await org.subscribe(request_).read()
    assert (refused.value.code(), code_of(refused.value)) == (status, code)
    assert "rpcId: " in refused.value.details()


async def test_a_stream_stays_with_its_topic(org: Org) -> None:
    stream = org.subscribe(fetch(preset=0), fetch(topic="/data/AccountChangeEvent"))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await org.events(stream, 1_000)
    assert code_of(refused.value) == "subscription.fetch.topic.mismatch"


@pytest.mark.parametrize(
    ("metadata", "code"),
    [
        ((), "service.auth.headers.invalid"),
        ((("accesstoken", "x"), ("instanceurl", "y")), "service.auth.headers.invalid"),
        ((("accesstoken", "x"), ("instanceurl", "y"), ("tenantid", "z")), "service.auth.error"),
    ],
)
async def test_who_is_not_logged_in_is_refused(org: Org, metadata: Any, code: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await org.stub.GetTopic(pb.TopicRequest(topic_name=TOPIC), metadata=metadata)
    assert (refused.value.code(), code_of(refused.value)) == (grpc.StatusCode.UNAUTHENTICATED, code)


async def test_a_managed_subscription_goes_on_where_it_was_committed(org: Org) -> None:
    body = {"name": "Orders_Managed", "topic": TOPIC}
    await org.http.post("/__sandbox__/managed-subscription", json=body)

    def managed(*requests: Any) -> Any:
        async def sent() -> AsyncIterator[Any]:
            for request in requests:
                yield request
            await asyncio.Event().wait()

        return org.stub.ManagedSubscribe(sent(), metadata=org.metadata)

    async def begun(*requests: Any) -> tuple[Any, Any]:
        """A stream once the client before is gone, and its first answer: a sign of life if nothing else."""
        async with asyncio.timeout(60):
            while True:
                stream = managed(*requests)
                try:
                    return stream, await stream.read()
                except grpc.aio.AioRpcError as error:
                    if code_of(error) != "managed.subscription.already.active":
                        raise

    await org.http.post("/__sandbox__/keepalive", json={"seconds": 0.1})
    begin = pb.ManagedFetchRequest(developer_name="Orders_Managed", num_requested=10)
    stream, _ = await begun(begin)
    await org.publish("managed-1")
    await org.publish("managed-2")
    events = await org.events(stream, 2)
    second = managed(begin)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await second.read()
    assert code_of(refused.value) == "managed.subscription.already.active"
    stream.cancel()
    commit = pb.CommitReplayRequest(commit_request_id="c1", replay_id=events[0].replay_id)
    stream, answer = await begun(begin, pb.ManagedFetchRequest(commit_replay_id_request=commit))
    while not answer.commit_response.commit_request_id:
        answer = await asyncio.wait_for(stream.read(), 60)
    assert (answer.commit_response.commit_request_id, answer.commit_response.error.msg) == ("c1", "")
    stream.cancel()
    stream, answer = await begun(begin)
    [again] = answer.events or await org.events(stream, 1)
    stream.cancel()
    await org.http.post("/__sandbox__/keepalive", json={"seconds": 270})
    assert again.event.id == events[1].event.id


@pytest.mark.parametrize("topic", ["/data/AccountChangeEvent", "/event/Nothing__e"])
async def test_publishing_elsewhere_is_refused(org: Org, topic: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await org.stub.Publish(pb.PublishRequest(topic_name=topic), metadata=org.metadata)
    assert code_of(refused.value) in ("topic.meta.permission", "topic.not.found")
