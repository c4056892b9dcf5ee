import sqlite3
from pathlib import Path

import httpx

from sandboxes.kit import Clock, serve_sandbox

V = "/services/data/v66.0"
SECRETS = {"client_id": "triptych-local", "client_secret": "triptych-local-secret"}


async def logged_in(client: httpx.AsyncClient) -> None:
    form = {"grant_type": "client_credentials", **SECRETS}
    token = (await client.post("/services/oauth2/token", data=form)).json()["access_token"]
    client.headers["Authorization"] = f"OAuth {token}"


async def test_the_daily_allowance_ends_and_comes_back() -> None:
    clock = Clock()
    async with serve_sandbox("salesforce", clock=clock) as url, httpx.AsyncClient(base_url=url) as client:
        await logged_in(client)
        await client.post("/__sandbox__/limits", json={"DailyApiRequests": 3, "used": 1})
        headers = [(await client.get(V)).headers["Sforce-Limit-Info"] for _ in range(2)]
        assert headers == ["api-usage=2/3", "api-usage=3/3"]
        refused = await client.get(V)
        assert refused.status_code == 403
        expected = {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
        assert refused.json() == [expected]
        assert refused.headers["Sforce-Limit-Info"] == "api-usage=3/3"
        assert "Retry-After" not in refused.headers
        clock.offset_seconds = 25 * 3_600
        await logged_in(client)
        assert (await client.get(V)).status_code == 200
        unknown = await client.post("/__sandbox__/limits", json={"Nonsense": 1})
        assert unknown.status_code == 400


async def test_limits_carry_max_and_remaining(client: httpx.AsyncClient) -> None:
    limits = (await client.get(f"{V}/limits/")).json()
    assert limits["DailyApiRequests"]["Max"] == 100_000
    assert limits["DailyApiRequests"]["Remaining"] < 100_000
    wanted = "DailyBulkApiBatches DailyBulkV2QueryJobs DailyBulkV2QueryFileStorageMB HourlyPublishedPlatformEvents"
    assert set(wanted.split()) <= limits.keys()


async def test_locked_rows_are_refused_as_often_as_told(client: httpx.AsyncClient) -> None:
    await client.post("/__sandbox__/lock-rows", json={"object": "Lead", "times": 2})
    body = {"LastName": "x", "Company": "x"}
    answers = [await client.post(f"{V}/sobjects/Lead", json=body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [400, 400, 201]
    assert answers[0].json()[0]["errorCode"] == "UNABLE_TO_LOCK_ROW"
    assert answers[0].json()[0]["message"].startswith("unable to obtain exclusive access to this record")
    assert (await client.post(f"{V}/sobjects/Account", json={"Name": "free"})).status_code == 201


async def test_reset_goes_back_to_the_seed_and_keeps_sessions_and_apps() -> None:
    async with serve_sandbox("salesforce") as url, httpx.AsyncClient(base_url=url) as client:
        await logged_in(client)
        made = (await client.post(f"{V}/sobjects/Account", json={"Name": "Short-lived"})).json()["id"]
        assert (await client.post("/__sandbox__/reset")).status_code == 204
        assert (await client.get(f"{V}/sobjects/Account/{made}")).status_code == 404
        assert (await client.get("/__sandbox__/ledger")).json()["orders"] == []


async def test_records_outlive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "salesforce.sqlite3"
    async with serve_sandbox("salesforce", state=path) as url, httpx.AsyncClient(base_url=url) as client:
        await logged_in(client)
        made = (await client.post(f"{V}/sobjects/Account", json={"Name": "Durable"})).json()["id"]
    async with serve_sandbox("salesforce", state=path) as url, httpx.AsyncClient(base_url=url) as client:
        await logged_in(client)
        assert (await client.get(f"{V}/sobjects/Account/{made}")).json()["Name"] == "Durable"


async def test_an_older_state_file_gains_the_fields_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "salesforce.sqlite3"
    async with serve_sandbox("salesforce", state=path):
        pass
    with sqlite3.connect(path) as old:
        old.execute('ALTER TABLE "Lead" DROP COLUMN "Website"')
    old.close()
    async with serve_sandbox("salesforce", state=path) as url, httpx.AsyncClient(base_url=url) as client:
        await logged_in(client)
        body = {"LastName": "x", "Company": "x", "Website": "https://x.example"}
        assert (await client.post(f"{V}/sobjects/Lead", json=body)).status_code == 201
