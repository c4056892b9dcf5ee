"""PushTopics and generic channels, as an unmodified streaming client hears them."""

import asyncio
import json
import warnings
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from aiosfstream_ng import Client, ReplayOption
    from aiosfstream_ng.auth import AuthenticatorBase
    from aiosfstream_ng.exceptions import ServerError

V = "/services/data/v66.0"
QUERY = "SELECT Id, Name, Industry FROM Account WHERE NumberOfEmployees > 10"


class Loopback(AuthenticatorBase):
    """Logs in where the org is; everything after is the client's own."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url.replace("127.0.0.1", "localhost")  # its cookie jar keeps nothing for bare addresses

    async def _authenticate(self) -> tuple[int, dict]:
        form = {
            "grant_type": "password", "client_id": "triptych-local", "client_secret": "triptych-local-secret",
            "username": "integration@tarn-gauge.example", "password": "sandbox-password",
        }  # fmt: skip
        async with httpx.AsyncClient(base_url=self._url) as http:
            answer = await http.post("/services/oauth2/token", data=form)
        return answer.status_code, answer.json() | {"instance_url": self._url}


@pytest.fixture
async def listen(url: str) -> AsyncIterator[Any]:
    """Opens a client that has subscribed to a channel."""
    opened: list[Client] = []

    async def listening(channel: str, replay: Any = ReplayOption.NEW_EVENTS) -> Client:
        client = Client(Loopback(url), replay=replay)
        await client.open()
        opened.append(client)
        await client.subscribe(channel)
        return client

    yield listening
    for client in opened:
        await client.close()


async def heard(client: Client) -> dict[str, Any]:
    return (await asyncio.wait_for(client.receive(), 60))["data"]


async def topic(client: httpx.AsyncClient, name: str, query: str = QUERY, **facts: Any) -> httpx.Response:
    body = {"Name": name, "Query": query, "ApiVersion": 66.0, **facts}
    return await client.post(f"{V}/sobjects/PushTopic", json=body)


async def account(client: httpx.AsyncClient, **fields: Any) -> str:
    answer = await client.post(f"{V}/sobjects/Account", json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def test_a_topic_tells_of_records_that_match_and_replays_them(client, listen, unique) -> None:
    name = next(unique)
    assert (await topic(client, name)).status_code == 201
    markers: dict = {}
    streaming = await listen(f"/topic/{name}", markers)
    await account(client, Name="Small", NumberOfEmployees=3)
    made = await account(client, Name="Large", Industry="Energy", NumberOfEmployees=300)
    told = await heard(streaming)
    assert told["sobject"] == {"Id": made, "Name": "Large", "Industry": "Energy"}
    assert (told["event"]["type"], told["event"]["createdDate"][-1]) == ("created", "Z")
    row = f"{V}/sobjects/Account/{made}"
    await streaming.close()
    await client.patch(row, json={"Phone": "+32 2 555 01 01"})  # not in the query, so not told
    await client.patch(row, json={"Industry": "Chemicals"})
    await client.patch(row, json={"NumberOfEmployees": 5})  # no longer a match
    await client.patch(row, json={"NumberOfEmployees": 50})
    await client.delete(row)
    again = await listen(f"/topic/{name}", markers)
    changes = [await heard(again) for _ in range(3)]
    assert [each["event"]["type"] for each in changes] == ["updated", "updated", "deleted"]
    assert changes[0]["sobject"]["Industry"] == "Chemicals"
    assert changes[2]["sobject"] == {"Id": made}
    replays = [each["event"]["replayId"] for each in (told, *changes)]
    assert replays == sorted(set(replays))


@pytest.mark.parametrize(
    ("notify", "told"),
    [("All", ["Phone", "Industry", "NumberOfEmployees"]), ("Select", ["Industry"]), ("Where", ["NumberOfEmployees"])],
)
async def test_a_topic_tells_of_the_fields_that_it_names(client, listen, unique, notify, told) -> None:
    name = next(unique)
    flags = {"NotifyForOperationCreate": False, "NotifyForOperationDelete": False}
    await topic(client, name, NotifyForFields=notify, **flags)
    streaming = await listen(f"/topic/{name}")
    made = await account(client, Name=name, NumberOfEmployees=20)
    row = f"{V}/sobjects/Account/{made}"
    for field, value in (("Phone", "+32 2 555 01 02"), ("Industry", "Energy"), ("NumberOfEmployees", 30)):
        await client.patch(row, json={field: value})
    await client.patch(row, json={"Name": "end", "NumberOfEmployees": 31, "Industry": "Media"})
    heard_of = [await heard(streaming) for _ in range(len(told) + 1)]
    assert {each["event"]["type"] for each in heard_of} == {"updated"}
    names = [each["sobject"]["Name"] for each in heard_of]
    assert names == [name] * len(told) + ["end"]
    await client.delete(row)


async def test_what_is_rolled_back_is_not_told(client, listen, unique) -> None:
    name = next(unique)
    await topic(client, name)
    streaming = await listen(f"/topic/{name}")
    good = {"attributes": {"type": "Account"}, "Name": "Gone", "NumberOfEmployees": 20}
    bad = {"attributes": {"type": "Account"}, "NumberOfEmployees": 20}
    await client.post(f"{V}/composite/sobjects", json={"allOrNone": True, "records": [good, bad]})
    await client.post(f"{V}/composite/sobjects", json={"allOrNone": True, "records": [good | {"Name": "Kept"}]})
    assert (await heard(streaming))["sobject"]["Name"] == "Kept"


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        ("SELECT Name FROM Account", "Id field"),
        ("SELECT Id, COUNT(Name) FROM Account GROUP BY Id", "Aggregate"),
        ("SELECT Id FROM Account LIMIT 5", "'LIMIT' is not allowed"),
        ("SELECT Id FROM Account ORDER BY Name", "'ORDER BY' clause"),
        ("SELECT Id FROM Account LIMIT 1 OFFSET 3", "not allowed"),
        ("SELECT Id, Account.Name FROM Contact", "relationships"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "relationships"),
        ("SELECT Id FROM Account WHERE NOT Name = 'x'", "'NOT' is not supported"),
        ("SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact)", "semi/anti join"),
        ("SELECT Id FROM Account USING SCOPE mine", "USING SCOPE"),
        ("SELECT FIELDS(STANDARD) FROM Account", "'FIELDS'"),
        ("SELECT Id FROM User", "not supported"),
        ("SELECT Id, Nonsense__c FROM Account", "No such column"),
        ("SELECT Id FROM Nothing", "not supported"),
    ],
)
async def test_a_topic_refuses_what_its_query_may_not_say(client, unique, query, refusal) -> None:
    answer = await topic(client, next(unique), query)
    assert answer.status_code == 400
    assert refusal in answer.json()[0]["message"]


async def test_a_topic_that_is_not_active_is_no_channel(client, listen, unique) -> None:
    name = next(unique)
    made = (await topic(client, name, IsActive=False)).json()["id"]
    for channel in (f"/topic/{name}", "/topic/Nothing", "/u/nothing"):
        with pytest.raises(ServerError, match="doesn't exist"):
            await listen(channel)
    await client.patch(f"{V}/sobjects/PushTopic/{made}", json={"IsActive": True})
    await listen(f"/topic/{name}")
    with pytest.raises(ServerError, match="doesn't exist"):
        await listen(f"/topic/{name.lower()}")


async def test_a_text_is_pushed_to_all_or_to_those_it_names(client, listen, unique) -> None:
    name = f"/u/notifications/{next(unique)}"
    assert (await client.post(f"{V}/sobjects/StreamingChannel", json={"Name": "no"})).status_code == 400
    made = (await client.post(f"{V}/sobjects/StreamingChannel", json={"Name": name})).json()["id"]
    push = f"{V}/sobjects/StreamingChannel/{made}/push"
    markers: dict = {}
    streaming = await listen(name, markers)
    users = (await client.get(f"{V}/query", params={"q": "SELECT Id, Username FROM User"})).json()["records"]
    ids = {each["Username"]: each["Id"] for each in users}
    ours, theirs = ids["integration@tarn-gauge.example"], ids["catalog-reader@tarn-gauge.example"]
    answer = await client.post(push, json={"pushEvents": [{"payload": "to all"}]})
    assert (answer.status_code, answer.json()) == (200, [{"fanoutCount": -1, "userOnlineStatus": {}}])
    only = [{"payload": "not for us", "userIds": [theirs]}, {"payload": "for us", "userIds": [ours[:15], theirs]}]
    answer = await client.post(push, json={"pushEvents": only})
    assert answer.json()[0] == {"fanoutCount": 0, "userOnlineStatus": {theirs: False}}
    assert answer.json()[1] == {"fanoutCount": 1, "userOnlineStatus": {ours: True, theirs: False}}
    told = [await heard(streaming) for _ in range(2)]
    assert [each["payload"] for each in told] == ["to all", "for us"]
    assert set(told[0]["event"]) == {"createdDate", "replayId"}
    await streaming.close()
    await client.post(push, json={"pushEvents": [{"payload": json.dumps({"later": True})}]})
    assert (await heard(await listen(name, markers)))["payload"] == '{"later": true}'
    for body in ({}, {"pushEvents": []}, {"pushEvents": [{"text": "x"}]}):
        assert (await client.post(push, json=body)).status_code == 400
    assert (await client.post(push.replace(made, made[:10]), json={"pushEvents": only})).status_code == 404


async def test_the_allowance_of_a_day_ends_subscriptions(client, listen, unique, url) -> None:
    name = next(unique)
    await topic(client, name)
    await client.put(f"{url}/__sandbox__/limits", json={"DailyStreamingApiEvents": 0})
    try:
        with pytest.raises(ServerError, match="total events daily limit exceeded"):
            await listen(f"/topic/{name}")
    finally:
        await client.put(f"{url}/__sandbox__/limits", json={"DailyStreamingApiEvents": 200_000})


async def test_they_are_kept_for_a_day(client, listen, unique, url, clock) -> None:
    name = next(unique)
    await topic(client, name)
    await account(client, Name="Yesterday", NumberOfEmployees=20)
    clock.offset_seconds += 25 * 3_600
    try:
        await client.get(f"{V}/limits")
        answer = await client.post("/services/oauth2/token", data={
            "grant_type": "password", "client_id": "triptych-local", "client_secret": "triptych-local-secret",
            "username": "integration@tarn-gauge.example", "password": "sandbox-password",
        })  # fmt: skip
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        await account(client, Name="Today", NumberOfEmployees=20)
        streaming = await listen(f"/topic/{name}", ReplayOption.ALL_EVENTS)
        assert (await heard(streaming))["sobject"]["Name"] == "Today"
    finally:
        clock.offset_seconds -= 25 * 3_600
