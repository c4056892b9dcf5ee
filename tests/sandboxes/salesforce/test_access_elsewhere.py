"""Permission sets at the doors of events and definitions: what a user may not see is not told, nor defined."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from typing import Any
from xml.etree.ElementTree import fromstring

import grpc
import httpx
import msgspec
import pytest
from sfprotostash import pubsub_api_pb2 as pb
from sfprotostash import pubsub_api_pb2_grpc as pb_grpc

from sandboxes.company import company

V = "/services/data/v66.0"
CLERK = company().salespeople[1].username
APP = {"client_id": "triptych-local", "client_secret": "triptych-local-secret"}
EVENT, CHANGES, ALL = "/event/Order_Status__e", "/data/AccountChangeEvent", "/data/ChangeEvents"
DENIED = "403:denied_by_security_policy:subscribe_denied"


def granted(objects: dict[str, str], fields: tuple[str, ...] = (), permissions: tuple[str, ...] = ()) -> str:
    """A set with these rights on objects (`Read All`, `Create`), readable fields and permissions of no object."""
    rows = "".join(
        f"<fieldPermissions><editable>false</editable><field>{each}</field><readable>true</readable></fieldPermissions>"
        for each in fields
    )
    rows += "<label>Listener</label>"
    for name, verbs in objects.items():
        allow = "".join(f"<allow{each}>true</allow{each}>" for each in verbs.split() if each != "All")
        every = f"<viewAllRecords>{str('All' in verbs).lower()}</viewAllRecords>"
        rows += f"<objectPermissions>{allow}<object>{name}</object>{every}</objectPermissions>"
    rows += "".join(
        f"<userPermissions><enabled>true</enabled><name>{each}</name></userPermissions>" for each in permissions
    )
    return f'<PermissionSet xmlns="http://soap.sforce.com/2006/04/metadata">{rows}</PermissionSet>'


class Clerk:
    """A user with one permission set, at every door."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self.http, self.token = http, token
        http.headers["Authorization"] = f"Bearer {token}"

    async def bayeux(self, channel: str, **more: Any) -> list[dict[str, Any]]:
        answer = await self.http.post("/cometd/66.0", json=[{"channel": channel, "id": "1", **more}])
        return answer.json()

    async def listener(self) -> str:
        return (await self.bayeux("/meta/handshake", supportedConnectionTypes=["long-polling"]))[0]["clientId"]

    async def subscribe(self, listener: str, channel: str) -> str:
        """The error of a subscription to all that is kept, none if it stands."""
        ext = {"replay": {channel: -2}}
        [told] = await self.bayeux("/meta/subscribe", clientId=listener, subscription=channel, ext=ext)
        return told.get("error", "")

    async def poll(self, listener: str) -> list[dict[str, Any]]:
        told = await self.bayeux("/meta/connect", clientId=listener, connectionType="long-polling")
        return [each["data"] for each in told if not each["channel"].startswith("/meta/")]


@pytest.fixture
async def clerk(client: httpx.AsyncClient, url: str) -> AsyncIterator[Callable[..., Any]]:
    """Gives the clerk a set and signs them in."""
    async with httpx.AsyncClient(base_url=url) as theirs:

        async def given(*grants: Any) -> Clerk:
            body = {"xml": granted(*grants), "assign": [CLERK]}
            answer = await client.put("/__sandbox__/permission-set", json=body)
            assert answer.status_code == 200, answer.text
            form = {"grant_type": "password", "username": CLERK, "password": "sandbox-password", **APP}
            token = (await client.post("/services/oauth2/token", data=form)).json()["access_token"]
            return Clerk(theirs, token)

        yield given
        await client.put("/__sandbox__/permission-set", json={"name": "Listener", "withdraw": [CLERK]})


async def test_a_channel_asks_for_the_rights_of_what_it_tells(clerk: Callable[..., Any]) -> None:
    reader = await clerk({"Account": "Read", "Order_Status__e": "Read"})
    listener = await reader.listener()
    assert await reader.subscribe(listener, EVENT) == ""
    assert await reader.subscribe(listener, CHANGES) == DENIED  # View All Records is wanted
    assert await reader.subscribe(listener, "/data/ContactChangeEvent") == DENIED
    assert await reader.subscribe(listener, ALL) == ""  # brings what they may see: nothing
    viewer = await clerk({"Account": "Read All"})
    listener = await viewer.listener()
    assert await viewer.subscribe(listener, CHANGES) == ""
    assert await viewer.subscribe(listener, EVENT) == DENIED
    everything = await clerk({}, (), ("ViewAllData",))
    listener = await everything.listener()
    assert [await everything.subscribe(listener, each) for each in (CHANGES, "/data/ContactChangeEvent")] == ["", ""]


async def test_changes_are_told_of_objects_and_fields_that_may_be_read(
    client: httpx.AsyncClient, clerk: Callable[..., Any], unique: Any
) -> None:
    theirs = await clerk({"Account": "Read All"}, ("Account.Phone",))
    await client.put("/__sandbox__/forget-events", json={})
    name = next(unique)
    account = {"Name": name, "Phone": "+32 2 555 01 03", "Industry": "Energy"}
    made = (await client.post(f"{V}/sobjects/Account", json=account)).json()["id"]
    await client.post(f"{V}/sobjects/Contact", json={"LastName": name, "AccountId": made})
    await client.patch(f"{V}/sobjects/Account/{made}", json={"Phone": None, "Industry": None})
    listener = await theirs.listener()
    assert await theirs.subscribe(listener, ALL) == ""
    await theirs.poll(listener)
    told = [each["payload"] for each in await theirs.poll(listener)]
    assert [each["ChangeEventHeader"]["entityName"] for each in told] == ["Account", "Account"]
    assert (told[0]["Name"], told[0]["Phone"], "Industry" in told[0]) == (name, "+32 2 555 01 03", False)
    assert told[1]["ChangeEventHeader"]["nulledFields"] == ["Phone"]
    assert "Industry" not in told[1]["ChangeEventHeader"]["changedFields"]


async def test_a_topic_asks_for_its_object_and_tells_readable_fields(
    client: httpx.AsyncClient, clerk: Callable[..., Any], unique: Any
) -> None:
    name = next(unique)
    query = "SELECT Id, Name, Industry FROM Account WHERE NumberOfEmployees > 10"
    await client.post(f"{V}/sobjects/PushTopic", json={"Name": name, "Query": query, "ApiVersion": 66.0})
    generic = await client.post(f"{V}/sobjects/StreamingChannel", json={"Name": f"/u/{name}"})
    push = f"{V}/sobjects/StreamingChannel/{generic.json()['id']}/push"
    blind = await clerk({"PushTopic": "Read", "Account": "Read", "StreamingChannel": "Read"}, ("Account.Industry",))
    listener = await blind.listener()
    assert await blind.subscribe(listener, f"/topic/{name}") == DENIED  # what its condition names is not readable
    assert await blind.subscribe(listener, f"/u/{name}") == ""
    refused = await blind.http.post(push, json={"pushEvents": [{"payload": "x"}]})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS_OR_READONLY")
    theirs = await clerk({"PushTopic": "Read", "Account": "Read"}, ("Account.NumberOfEmployees",))
    listener = await theirs.listener()
    assert await theirs.subscribe(listener, f"/u/{name}") == DENIED
    assert await theirs.subscribe(listener, f"/topic/{name}") == ""
    row = {"Name": name, "Industry": "Energy", "NumberOfEmployees": 20}
    made = (await client.post(f"{V}/sobjects/Account", json=row)).json()["id"]
    await theirs.poll(listener)
    assert [each["sobject"] for each in await theirs.poll(listener)] == [{"Id": made, "Name": name}]


@pytest.fixture
async def stub(client: httpx.AsyncClient) -> AsyncIterator[Any]:
    told = (await client.post("/__sandbox__/pubsub", json={})).json()
    credentials = grpc.ssl_channel_credentials(told["certificate"].encode())
    async with grpc.aio.secure_channel(told["address"], credentials) as channel:
        await asyncio.wait_for(channel.channel_ready(), 60)
        yield pb_grpc.PubSubStub(channel)


def of(user: Clerk) -> Any:
    organization = company().salesforce_organization_id
    return (("accesstoken", user.token), ("instanceurl", str(user.http.base_url)), ("tenantid", organization))


async def refusal(call: Any) -> tuple[Any, str]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    trailer = dict(caught.value.trailing_metadata() or ())
    return caught.value.code(), str(trailer["error-code"]).rpartition("grpc.")[2]


async def test_pubsub_asks_for_the_same_rights(
    client: httpx.AsyncClient, clerk: Callable[..., Any], stub: Any, unique: Any
) -> None:
    theirs = await clerk({"Order_Status__e": "Read", "Account": "Read All"}, ("Account.Phone",))
    topic = await stub.GetTopic(pb.TopicRequest(topic_name=EVENT), metadata=of(theirs))
    assert (topic.can_publish, topic.can_subscribe) == (False, True)
    event = pb.ProducerEvent(id="1", schema_id=topic.schema_id, payload=b"")
    denied = grpc.StatusCode.PERMISSION_DENIED, "topic.meta.permission"
    publishing = stub.Publish(pb.PublishRequest(topic_name=EVENT, events=[event]), metadata=of(theirs))
    assert await refusal(publishing) == denied

    async def asked(name: str) -> AsyncIterator[Any]:
        yield pb.FetchRequest(topic_name=name, replay_preset=1, num_requested=5)
        await asyncio.Event().wait()

    for name in ("/data/ContactChangeEvent", "/data/OrderChangeEvent"):
        assert await refusal(stub.Subscribe(asked(name), metadata=of(theirs)).read()) == denied
    other = await clerk({"Order_Status__e": "Create"})
    topic = await stub.GetTopic(pb.TopicRequest(topic_name=EVENT), metadata=of(other))
    assert topic.can_publish is True
    contacts = await stub.GetTopic(pb.TopicRequest(topic_name="/data/ContactChangeEvent"), metadata=of(theirs))
    assert contacts.can_subscribe is False
    unreadable = stub.GetSchema(pb.SchemaRequest(schema_id=contacts.schema_id), metadata=of(theirs))
    assert await refusal(unreadable) == (grpc.StatusCode.NOT_FOUND, "schema.not.found")
    await client.put("/__sandbox__/forget-events", json={})
    await clerk({"Account": "Read All"}, ("Account.Phone",))
    name = next(unique)
    await client.post(f"{V}/sobjects/Contact", json={"LastName": name})
    await client.post(f"{V}/sobjects/Account", json={"Name": name, "Industry": "Energy"})
    stream = stub.Subscribe(asked(ALL), metadata=of(theirs))
    [received] = (await asyncio.wait_for(stream.read(), 60)).events
    stream.cancel()
    assert name.encode() in received.event.payload
    assert b"Energy" not in received.event.payload


ENVELOPE = (
    '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns="http://soap.sforce.com/2006/04/metadata">'
    "<e:Header><SessionHeader><sessionId>{}</sessionId></SessionHeader></e:Header>"
    "<e:Body><listMetadata><queries><type>CustomObject</type></queries></listMetadata></e:Body></e:Envelope>"
)


async def test_metadata_asks_for_the_permission_to_modify_it(clerk: Callable[..., Any]) -> None:
    async def asked(user: Clerk) -> tuple[int, str]:
        answer = await user.http.post("/services/Soap/m/66.0", content=ENVELOPE.format(user.token))
        fault = fromstring(answer.text).findtext(".//{*}faultcode") or ""
        return answer.status_code, fault

    theirs = await clerk({"Account": "Read"})
    assert await asked(theirs) == (500, "sf:INSUFFICIENT_ACCESS")
    parts = {
        "json": (None, msgspec.json.encode({"deployOptions": {}}), "application/json"),
        "file": ("p.zip", base64.b64decode(b""), "application/zip"),
    }
    deployed = await theirs.http.post(f"{V}/metadata/deployRequest", files=parts)
    assert (deployed.status_code, deployed.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")
    assert await asked(await clerk({}, (), ("ApiEnabled", "ModifyMetadata"))) == (200, "")


async def test_tooling_shows_what_may_be_read_and_changes_for_who_may_customize(clerk: Callable[..., Any]) -> None:
    theirs = await clerk({"Account": "Read"}, ("Account.Phone",))

    async def asked(soql: str) -> Any:
        return (await theirs.http.get(f"{V}/tooling/query", params={"q": soql})).json()

    entities = await asked("SELECT QualifiedApiName FROM EntityDefinition")
    assert {each["QualifiedApiName"] for each in entities["records"]} == {"Account", "Organization", "User"}
    fields = "SELECT QualifiedApiName FROM FieldDefinition WHERE EntityDefinition.QualifiedApiName = 'Account'"
    names = {each["QualifiedApiName"] for each in (await asked(fields))["records"]}
    assert ("Phone" in names, "Industry" in names) == (True, False)
    assert (await asked("SELECT Id FROM CustomField"))[0]["errorCode"] == "INVALID_TYPE"
    body = {"FullName": "Account.X__c", "Metadata": {"label": "X", "type": "Text", "length": 5}}
    made = await theirs.http.post(f"{V}/tooling/sobjects/CustomField", json=body)
    assert (made.status_code, made.json()[0]["errorCode"]) == (403, "INSUFFICIENT_ACCESS")
    apex = {"anonymousBody": "System.debug('x');"}
    assert (await theirs.http.get(f"{V}/tooling/executeAnonymous", params=apex)).status_code == 403
    theirs = await clerk({"Account": "Read Edit"}, (), ("CustomizeApplication",))
    made = await theirs.http.post(f"{V}/tooling/sobjects/CustomField", json=body)
    assert made.status_code == 201, made.text
    assert (await asked("SELECT Id FROM CustomField WHERE DeveloperName = 'X'"))["totalSize"] == 1
    gone = await theirs.http.delete(f"{V}/tooling/sobjects/CustomField/{made.json()['id']}")
    assert gone.status_code == 204
