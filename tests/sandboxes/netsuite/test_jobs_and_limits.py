"""Asynchronous requests with idempotency keys, and the limit that all channels share."""

import asyncio
from typing import Any

import httpx
import pytest

JOBS = "/async/v1/job"
CUSTOMER = {"companyName": "Neu", "subsidiary": {"id": "1"}}
ASYNC = {"prefer": "respond-async"}
BATCH = ASYNC | {"content-type": "application/vnd.oracle.resource+json; type=collection"}


def root(client: httpx.AsyncClient) -> str:
    return str(client.base_url).partition("/services")[0]


async def control(client: httpx.AsyncClient, name: str, **body: Any) -> dict[str, Any]:
    return (await client.post(f"{root(client)}/__sandbox__/{name}", json=body)).raise_for_status().json()


async def test_an_asynchronous_request_becomes_a_job_whose_result_is_replayed(writer: httpx.AsyncClient) -> None:
    await control(writer, "async", delay_seconds=60)
    taken = await writer.post("/record/v1/customer", json=CUSTOMER, headers=ASYNC)
    assert (taken.status_code, taken.headers["preference-applied"]) == (202, "respond-async")
    where = taken.headers["location"]
    waiting = (await writer.get(where)).json()
    assert (waiting["completed"], waiting["progress"]) == (False, "pending")
    assert (await writer.get(f"{where}/task/1/result")).status_code == 404
    await control(writer, "clock", offset_seconds=61)
    assert (await writer.get(where)).json()["completed"] is True


async def test_a_finished_job_tells_tasks_and_results(writer: httpx.AsyncClient) -> None:
    taken = await writer.post("/record/v1/customer", json=CUSTOMER, headers=ASYNC)
    where = taken.headers["location"]
    assert (await writer.get(where)).json()["progress"] == "succeeded"
    assert [one["id"] for one in (await writer.get(f"{where}/task")).json()["items"]] == ["1"]
    assert (await writer.get(f"{where}/task/1")).json()["completed"] is True
    results = [await writer.get(f"{where}/task/1/result") for _ in range(2)]
    assert [one.status_code for one in results] == [204, 204]
    assert results[0].headers["location"] == results[1].headers["location"]
    assert (await writer.get(f"{JOBS}/999")).status_code == 404
    assert (await writer.get(f"{where}/task/2")).status_code == 404


async def test_a_job_that_fails_keeps_the_refusal(writer: httpx.AsyncClient) -> None:
    taken = await writer.post("/record/v1/customer", json={"companyName": "x"}, headers=ASYNC)
    assert (await writer.get(taken.headers["location"])).json()["progress"] == "failed"
    result = await writer.get(f"{taken.headers['location']}/task/1/result")
    assert (result.status_code, result.json()["o:errorDetails"][0]["o:errorCode"]) == (400, "USER_ERROR")


async def test_an_idempotency_key_counts_once_and_with_jobs_only(writer: httpx.AsyncClient) -> None:
    keyed = {"x-netsuite-idempotency-key": "8d5b6f0e-0a9c-4c7e-9c51-8a0d2d2f1c11"}
    alone = await writer.post("/record/v1/customer", json=CUSTOMER, headers=keyed)
    assert alone.json()["o:errorDetails"][0]["o:errorHeader"] == "X-NetSuite-Idempotency-Key"
    first = await writer.post("/record/v1/customer", json=CUSTOMER, headers=ASYNC | keyed)
    again = await writer.post("/record/v1/customer", json=CUSTOMER, headers=ASYNC | keyed)
    assert (again.status_code, again.json()["title"]) == (400, "Conflict")
    assert again.json()["o:errorDetails"][0]["o:errorCode"] == "IDEMPOTENCY_ERROR"
    assert again.headers["location"] == first.headers["location"]
    ledger = (await writer.get(f"{root(writer)}/__sandbox__/ledger")).json()
    assert len(ledger["customers"]) == 1


async def test_a_batch_is_a_job_of_one_task_per_record(writer: httpx.AsyncClient) -> None:
    items = {"items": [CUSTOMER | {"externalId": f"B{at}"} for at in range(3)] + [{"companyName": "x"}]}
    taken = await writer.post("/record/v1/customer", json=items, headers=BATCH)
    where = taken.headers["location"]
    results = [(await writer.get(f"{where}/task/{at}/result")).status_code for at in range(1, 5)]
    assert results == [204, 204, 204, 400]
    changed = {"items": [{"externalId": "B0", "phone": "1"}]}
    upserted = await writer.put("/record/v1/customer", json=changed, headers=BATCH)
    assert (await writer.get(upserted.headers["location"])).json()["progress"] == "succeeded"
    assert (await writer.get("/record/v1/customer/eid:B0")).json()["phone"] == "1"


@pytest.mark.parametrize("items", [[], [1], [CUSTOMER] * 101, {"a": 1}])
async def test_a_batch_that_is_none_is_refused(writer: httpx.AsyncClient, items: Any) -> None:
    assert (await writer.post("/record/v1/customer", json={"items": items}, headers=BATCH)).status_code == 400


async def test_batches_are_asynchronous(writer: httpx.AsyncClient) -> None:
    kind = {"content-type": BATCH["content-type"]}
    refused = await writer.post("/record/v1/customer", json={"items": [CUSTOMER]}, headers=kind)
    assert refused.json()["o:errorDetails"][0]["o:errorHeader"] == "Prefer"


async def test_all_channels_share_the_limit_and_each_says_so_in_its_way(writer: httpx.AsyncClient) -> None:
    limits = (await writer.get("/system/v1/governanceLimits")).json()
    assert limits["accountConcurrencyLimit"] == 15
    await control(writer, "concurrency", limit=5, others=5)
    rest = await writer.get("/record/v1/customer/107")
    assert (rest.status_code, rest.json()["title"]) == (429, "Too Many Requests")
    restlet = await writer.get(f"{root(writer)}/app/site/hosting/restlet.nl?script=101&deploy=1&order=SO100001")
    assert (restlet.status_code, restlet.json()["error"]["code"]) == (400, "SSS_REQUEST_LIMIT_EXCEEDED")
    envelope = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        '<getDataCenterUrls xmlns="urn:messages_2024_2.platform.webservices.netsuite.com"><account>1</account>'
        "</getDataCenterUrls></e:Body></e:Envelope>"
    )
    soap = await writer.post(f"{root(writer)}/services/NetSuitePort_2024_2", content=envelope)
    assert soap.status_code == 500
    assert "exceededConcurrentRequestLimitFault" in soap.text
    assert "WS_REQUEST_BLOCKED" in soap.text
    await control(writer, "concurrency", others=4)
    assert (await writer.get("/record/v1/customer/107")).status_code == 200


async def test_requests_at_work_take_slots(writer: httpx.AsyncClient) -> None:
    await control(writer, "concurrency", limit=2, seconds=0.1)
    asked = [writer.get("/record/v1/customer/107") for _ in range(6)]
    statuses = [one.status_code for one in await asyncio.gather(*asked)]
    figures = await control(writer, "concurrency")
    assert figures["most"] <= 2
    assert figures["refused"] == statuses.count(429)
    assert set(statuses) <= {200, 429}
