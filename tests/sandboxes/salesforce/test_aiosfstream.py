"""An independent streaming client, unmodified, against the org."""

import asyncio
import warnings

import httpx

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    from aiosfstream_ng import Client, ReplayMarker, ReplayOption
    from aiosfstream_ng.auth import AuthenticatorBase


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


async def test_it_receives_events_and_replays_them(url: str, client: httpx.AsyncClient, unique) -> None:
    first, second = next(unique), next(unique)
    rows = "/services/data/v66.0/sobjects/Order_Status__e"
    markers: dict = {}
    async with Client(Loopback(url), replay=markers) as streaming:
        await streaming.subscribe("/event/Order_Status__e")
        await client.post(rows, json={"Order_Id__c": first, "Status__c": "Shipped"})
        message = await asyncio.wait_for(streaming.receive(), 60)
        assert message["data"]["payload"]["Order_Id__c"] == first
    await client.post(rows, json={"Order_Id__c": second, "Status__c": "Shipped"})
    async with Client(Loopback(url), replay=markers) as streaming:
        await streaming.subscribe("/event/Order_Status__e")
        message = await asyncio.wait_for(streaming.receive(), 60)
        assert message["data"]["payload"]["Order_Id__c"] == second


async def test_it_falls_back_when_its_replay_id_is_gone(url: str, client: httpx.AsyncClient, unique) -> None:
    name = next(unique)
    await client.post("/services/data/v66.0/sobjects/Account", json={"Name": name})
    gone = {"/data/AccountChangeEvent": ReplayMarker(date="2020-01-01T00:00:00.000Z", replay_id=987_654_321)}
    async with Client(Loopback(url), replay=gone, replay_fallback=ReplayOption.ALL_EVENTS) as streaming:
        await streaming.subscribe("/data/AccountChangeEvent")
        seen = ""
        while seen != name:
            payload = (await asyncio.wait_for(streaming.receive(), 60))["data"]["payload"]
            seen = payload.get("Name", "")
        assert payload["ChangeEventHeader"]["changeType"] == "CREATE"
