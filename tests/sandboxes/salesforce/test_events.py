"""Platform events and change data capture over the streaming door."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from sandboxes.kit import Clock, serve_sandbox

ROWS = "/services/data/v66.0/sobjects"
COMETD = "/cometd/66.0"


class Streaming:
    """A Bayeux client, message by message."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.client_id = ""

    async def send(self, channel: str, **more: Any) -> list[dict[str, Any]]:
        message = {"channel": channel, "id": "7", "clientId": self.client_id, **more}
        answer = await self.http.post(COMETD, json=[message])
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def shake_hands(self) -> dict[str, Any]:
        types = {"supportedConnectionTypes": ["long-polling"], "version": "1.0"}
        [reply] = await self.send("/meta/handshake", **types)
        self.client_id = reply.get("clientId", "")
        return reply

    async def connect(self) -> list[dict[str, Any]]:
        return await self.send("/meta/connect", connectionType="long-polling")

    async def subscribe(self, channel: str, replay: Any = -1) -> dict[str, Any]:
        [reply] = await self.send("/meta/subscribe", subscription=channel, ext={"replay": {channel: replay}})
        return reply

    async def begin(self, channel: str, replay: Any = -1) -> None:
        assert (await self.shake_hands())["successful"]
        [first] = await self.connect()
        assert first["advice"] == {"reconnect": "retry", "interval": 0, "timeout": 110_000}
        assert (await self.subscribe(channel, replay))["successful"]

    async def events(self, count: int = 1) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while len(found) < count:
            found += [each["data"] for each in await self.connect() if "data" in each]
        return found


@pytest.fixture
async def org_clock() -> Clock:
    return Clock()


@pytest.fixture
async def http(org_clock: Clock) -> AsyncIterator[httpx.AsyncClient]:
    form = {
        "grant_type": "password", "client_id": "triptych-local", "client_secret": "triptych-local-secret",
        "username": "integration@tarn-gauge.example", "password": "sandbox-password",
    }  # fmt: skip
    async with (
        serve_sandbox("salesforce", clock=org_clock) as url,
        httpx.AsyncClient(base_url=url, timeout=20) as client,
    ):
        granted = (await client.post("/services/oauth2/token", data=form)).json()
        client.headers["Authorization"] = f"Bearer {granted['access_token']}"
        yield client


@pytest.fixture
async def streaming(http: httpx.AsyncClient) -> Streaming:
    return Streaming(http)


async def publish(http: httpx.AsyncClient, order: str) -> httpx.Response:
    return await http.post(f"{ROWS}/Order_Status__e", json={"Order_Id__c": order, "Status__c": "Shipped"})


async def test_a_published_event_is_queued_under_a_uuid_and_reaches_who_waits(http, streaming: Streaming) -> None:
    await streaming.begin("/event/Order_Status__e")
    poll = asyncio.create_task(streaming.events())
    await asyncio.sleep(0.05)
    answer = await publish(http, "order-1")
    [queued] = answer.json()["errors"]
    assert (answer.status_code, answer.json()["success"], queued["statusCode"]) == (201, True, "OPERATION_ENQUEUED")
    assert answer.json()["id"].startswith("e01")
    [event] = await poll
    assert event["event"]["EventUuid"] == queued["message"]
    assert event["payload"]["Order_Id__c"] == "order-1"
    assert event["payload"]["CreatedDate"].endswith("Z")
    schema = await http.get(f"/services/data/v66.0/event/eventSchema/{event['schema']}?payloadFormat=COMPACT")
    assert (schema.json()["name"], schema.json()["uuid"]) == ("Order_Status__e", event["schema"])


async def test_what_lacks_a_required_field_is_not_published(http) -> None:
    answer = await http.post(f"{ROWS}/Order_Status__e", json={"Order_Id__c": "x"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "REQUIRED_FIELD_MISSING")


async def test_events_are_replayed_from_the_beginning_or_after_an_id(http, streaming: Streaming) -> None:
    for number in range(5):
        await publish(http, f"order-{number}")
    await streaming.begin("/event/Order_Status__e", -2)
    everything = await streaming.events(5)
    assert [each["payload"]["Order_Id__c"] for each in everything] == [f"order-{number}" for number in range(5)]
    third = everything[2]["event"]["replayId"]
    assert (await streaming.subscribe("/event/Order_Status__e", str(third)))["successful"]
    rest = await streaming.events(2)
    assert [each["payload"]["Order_Id__c"] for each in rest] == ["order-3", "order-4"]


async def test_an_id_nobody_gave_or_that_is_too_old_is_refused(http, streaming: Streaming, org_clock: Clock) -> None:
    await publish(http, "order-1")
    await streaming.begin("/event/Order_Status__e", -2)
    [event] = await streaming.events()
    refused = await streaming.subscribe("/event/Order_Status__e", 999_999)
    assert refused["error"] == (
        "400::The replayId {999999} you provided was invalid.  Please provide a valid ID, -2 to replay all events, "
        "or -1 to replay only new events."
    )
    org_clock.offset_seconds = 73 * 3_600
    again = Streaming(http)
    granted = (await http.post("/services/oauth2/token", data={
        "grant_type": "password", "client_id": "triptych-local", "client_secret": "triptych-local-secret",
        "username": "integration@tarn-gauge.example", "password": "sandbox-password",
    })).json()  # fmt: skip
    http.headers["Authorization"] = f"Bearer {granted['access_token']}"
    await again.begin("/event/Order_Status__e")
    late = await again.subscribe("/event/Order_Status__e", event["event"]["replayId"])
    assert late["error"].startswith("400::The replayId")


async def test_a_change_tells_what_changed_and_who_did_it(http, streaming: Streaming) -> None:
    made = (await http.post(f"{ROWS}/Account", json={"Name": "Change GmbH", "Phone": "1"})).json()["id"]
    await streaming.begin("/data/AccountChangeEvent")
    headers = {"Sforce-Call-Options": "client=triptych"}
    body = {"Phone": None, "BillingCity": "Bremen", "NumberOfEmployees": 7}
    await http.patch(f"{ROWS}/Account/{made}", json=body, headers=headers)
    [event] = await streaming.events()
    header = event["payload"]["ChangeEventHeader"]
    assert (header["entityName"], header["changeType"], header["recordIds"]) == ("Account", "UPDATE", [made])
    assert header["changeOrigin"] == "com/salesforce/api/rest/66.0;client=triptych"
    assert set(header["changedFields"]) == {
        "Phone", "BillingAddress.City", "NumberOfEmployees", "LastModifiedDate"
    }  # fmt: skip
    assert header["nulledFields"] == ["Phone"]
    assert event["payload"]["BillingAddress"] == {"City": "Bremen"}
    assert (event["payload"]["NumberOfEmployees"], event["payload"]["Phone"]) == (7, None)
    assert "Name" not in event["payload"]


async def test_creates_tell_all_fields_and_deletes_none(http, streaming: Streaming) -> None:
    await streaming.begin("/data/ChangeEvents")
    made = (await http.post(f"{ROWS}/Contact", json={"FirstName": "Ada", "LastName": "Ohm"})).json()["id"]
    await http.delete(f"{ROWS}/Contact/{made}")
    created, deleted = await streaming.events(2)
    assert created["payload"]["ChangeEventHeader"]["changeType"] == "CREATE"
    assert created["payload"]["Name"] == {"FirstName": "Ada", "LastName": "Ohm"}
    assert "SystemModstamp" not in created["payload"]
    assert deleted["payload"].keys() == {"ChangeEventHeader"}
    assert deleted["payload"]["ChangeEventHeader"]["recordIds"] == [made]


async def test_changes_of_one_transaction_share_its_key_and_come_in_order(http, streaming: Streaming) -> None:
    await streaming.begin("/data/ChangeEvents")
    records = [{"attributes": {"type": "Account"}, "Name": f"Batch {number}"} for number in range(3)]
    await http.post("/services/data/v66.0/composite/sobjects", json={"allOrNone": True, "records": records})
    events = await streaming.events(3)
    headers = [each["payload"]["ChangeEventHeader"] for each in events]
    assert len({header["transactionKey"] for header in headers}) == 1
    assert [header["sequenceNumber"] for header in headers] == [1, 2, 3]


async def test_the_same_change_to_several_records_is_one_event(http, streaming: Streaming) -> None:
    ids = [(await http.post(f"{ROWS}/Account", json={"Name": f"Same {n}"})).json()["id"] for n in range(3)]
    await streaming.begin("/data/AccountChangeEvent")
    records = [{"attributes": {"type": "Account"}, "id": each, "Industry": "Energy"} for each in ids]
    await http.patch("/services/data/v66.0/composite/sobjects", json={"records": records})
    [event] = await streaming.events()
    assert event["payload"]["ChangeEventHeader"]["recordIds"] == ids


async def test_what_is_rolled_back_was_never_published(http, streaming: Streaming) -> None:
    await streaming.begin("/data/ChangeEvents")
    records = [{"attributes": {"type": "Account"}, "Name": "Kept?"}, {"attributes": {"type": "Account"}}]
    await http.post("/services/data/v66.0/composite/sobjects", json={"allOrNone": True, "records": records})
    await http.post(f"{ROWS}/Account", json={"Name": "After"})
    [event] = await streaming.events()
    assert event["payload"]["Name"] == "After"


async def test_bulk_loads_are_captured_too(http, streaming: Streaming) -> None:
    await streaming.begin("/data/AccountChangeEvent")
    job = (
        await http.post("/services/data/v66.0/jobs/ingest", json={"object": "Account", "operation": "insert"})
    ).json()
    path = f"/services/data/v66.0/jobs/ingest/{job['id']}"
    await http.put(f"{path}/batches", content="Name\nBulky\n", headers={"Content-Type": "text/csv"})
    await http.patch(path, json={"state": "UploadComplete"})
    [event] = await streaming.events()
    assert event["payload"]["ChangeEventHeader"]["changeOrigin"] == "com/salesforce/api/bulkapi/66.0"


async def test_publishing_ends_with_the_allowance_of_the_hour(http, org_clock: Clock) -> None:
    await http.post("/__sandbox__/limits", json={"HourlyPublishedPlatformEvents": 1})
    assert (await publish(http, "order-1")).status_code == 201
    refused = await publish(http, "order-2")
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "LIMIT_EXCEEDED")
    org_clock.offset_seconds = 3_700
    assert (await publish(http, "order-2")).status_code == 201


async def test_a_client_must_bring_a_session_a_cookie_and_a_known_id(http, streaming: Streaming) -> None:
    denied = await http.post(
        COMETD,
        json=[{"channel": "/meta/handshake", "supportedConnectionTypes": ["long-polling"], "id": "0"}],
        headers={"Authorization": "Bearer nobody"},
    )
    assert denied.json()[0]["error"] == "403::Handshake denied"
    assert denied.json()[0]["ext"]["sfdc"]["failureReason"] == "401::Authentication invalid"
    assert (await streaming.connect())[0]["error"] == "403::Unknown client"
    await streaming.shake_hands()
    http.cookies.clear()
    assert (await streaming.connect())[0]["error"] == "403::Unknown client"
    [reply] = await streaming.send("/meta/handshake", supportedConnectionTypes=["websocket"])
    assert reply["error"] == "400::Invalid connection type"


async def test_a_client_that_stays_away_is_forgotten(streaming: Streaming, org_clock: Clock) -> None:
    await streaming.begin("/data/ChangeEvents")
    org_clock.offset_seconds = 41
    reply = (await streaming.connect())[0]
    assert (reply["error"], reply["advice"]["reconnect"]) == ("403::Unknown client", "handshake")


@pytest.mark.parametrize("channel", ["/event/Nothing__e", "/data/NothingChangeEvent", "/topic/Nothing", "x"])
async def test_a_channel_that_does_not_exist_is_refused(streaming: Streaming, channel: str) -> None:
    await streaming.shake_hands()
    reply = await streaming.subscribe(channel)
    assert reply["error"] == f"400::The channel you requested to subscribe to doesn't exist {{{channel}}}"


async def test_a_poll_that_is_hung_up_loses_no_event(http, streaming: Streaming) -> None:
    await streaming.begin("/event/Order_Status__e")
    poll = asyncio.create_task(streaming.connect())
    await asyncio.sleep(0.05)
    poll.cancel()
    await asyncio.gather(poll, return_exceptions=True)
    await asyncio.sleep(0.05)
    await publish(http, "order-1")
    [event] = await streaming.events()
    assert event["payload"]["Order_Id__c"] == "order-1"


async def test_messages_that_are_none_are_refused(http) -> None:
    for body in (b"", b"[1]", b"nonsense", b'"x"'):
        assert (await http.post(COMETD, content=body)).status_code == 400
    assert (await http.post("/cometd/1.0", json=[])).status_code == 400
    [reply] = (await http.post(COMETD, json={"channel": "/meta/nothing", "id": "1"})).json()
    assert (reply["successful"], reply["id"]) == (False, "1")


@pytest.mark.parametrize(("query", "kind"), [("", "expanded-record"), ("?payloadFormat=COMPACT", "record")])
async def test_the_schema_comes_in_two_forms(http, query: str, kind: str) -> None:
    schema = (await http.get(f"{ROWS}/Order_Status__e/eventSchema{query}")).json()
    assert schema["type"] == kind
    assert (await http.get(f"{ROWS}/Order_Status__e/eventSchema?payloadFormat=X")).status_code == 400
    assert (await http.get(f"{ROWS}/Account/eventSchema")).status_code == 404
