"""Bulk API 1.0 as clients see it, in its three spellings."""

from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest
from eventually import eventually

JOB = "/services/async/66.0/job"
NS = "{http://www.force.com/2009/06/asyncapi/dataload}"
XSI = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
XML, CSV, JSON = "application/xml", "text/csv", "application/json"


class Bulk:
    """A session of Bulk API 1.0."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        token = client.headers["Authorization"].partition(" ")[2]
        self._client, self._session = client, {"X-SFDC-Session": token, "Authorization": ""}

    async def call(
        self, method: str, path: str, content: Any = None, kind: str = JSON, **headers: str
    ) -> httpx.Response:
        sent = {**self._session, "Content-Type": kind, **headers}
        return await self._client.request(method, JOB + path, content=content, headers=sent)

    async def job(self, **body: Any) -> str:
        made = await self.call("POST", "", httpx.Request("POST", "http://x", json=body).content)
        assert made.status_code == 201, made.text
        return made.json()["id"]

    async def ended(self, job: str, batch: str) -> dict[str, Any]:
        async def found() -> dict[str, Any] | None:
            told = (await self.call("GET", f"/{job}/batch/{batch}")).json()
            return None if told["state"] in ("Queued", "InProgress") else told

        return await eventually(found, every=0.005)


@pytest.fixture
def bulk(client: httpx.AsyncClient) -> Bulk:
    return Bulk(client)


def text(node: ET.Element, name: str) -> str:
    return node.findtext(NS + name) or ""


async def test_a_job_in_xml_from_first_to_last(bulk: Bulk, unique) -> None:
    key = next(unique)
    asked = (
        f'<jobInfo xmlns="{NS[1:-1]}"><operation>insert</operation><object>Account</object>'
        "<concurrencyMode>Serial</concurrencyMode><contentType>XML</contentType></jobInfo>"
    )
    made = await bulk.call("POST", "", asked, XML)
    told = ET.fromstring(made.text)
    assert (made.status_code, told.tag) == (201, f"{NS}jobInfo")
    assert (text(told, "state"), text(told, "concurrencyMode"), text(told, "apiVersion")) == ("Open", "Serial", "66.0")
    job = text(told, "id")
    records = (
        f'<sObjects xmlns="{NS[1:-1]}" {XSI}><sObject><Name>A &amp; B</Name><ERP_Customer_Number__c>{key}'
        '</ERP_Customer_Number__c><Phone xsi:nil="true"/></sObject><sObject><Phone>1</Phone></sObject></sObjects>'
    )
    added = ET.fromstring((await bulk.call("POST", f"/{job}/batch", records, XML)).text)
    assert added.tag == f"{NS}batchInfo"
    closed = await bulk.call("POST", f"/{job}", f'<jobInfo xmlns="{NS[1:-1]}"><state>Closed</state></jobInfo>', XML)
    assert text(ET.fromstring(closed.text), "state") == "Closed"
    done = await bulk.ended(job, text(added, "id"))
    assert (done["state"], done["numberRecordsProcessed"], done["numberRecordsFailed"]) == ("Completed", 2, 1)
    good, bad = ET.fromstring((await bulk.call("GET", f"/{job}/batch/{done['id']}/result", kind=XML)).text)
    assert (text(good, "success"), text(good, "created"), text(good, "id")[:3]) == ("true", "true", "001")
    assert text(bad.find(f"{NS}errors"), "statusCode") == "REQUIRED_FIELD_MISSING"
    assert (await bulk.call("GET", f"/{job}/batch/{done['id']}/request", kind=XML)).text == records
    listed = ET.fromstring((await bulk.call("GET", f"/{job}/batch", kind=XML)).text)
    assert [text(each, "id") for each in listed] == [done["id"]]


async def test_records_and_rows_in_csv(bulk: Bulk, unique) -> None:
    key = next(unique)
    job = await bulk.job(
        operation="upsert", object="Account", contentType="CSV", externalIdFieldName="ERP_Customer_Number__c"
    )
    rows = f"ERP_Customer_Number__c,Name,Phone\n{key},One,1\n,Two,2\n{key},Once more,#N/A\n"
    added = (await bulk.call("POST", f"/{job}/batch", rows, CSV, Accept=JSON)).json()
    await bulk.ended(job, added["id"])
    lines = (await bulk.call("GET", f"/{job}/batch/{added['id']}/result", kind=CSV)).text.splitlines()
    assert lines[0] == '"Id","Success","Created","Error"'
    assert [line.split(",")[1:3] for line in lines[1:]] == [
        ['"true"', '"true"'],
        ['"false"', '"false"'],
        ['"true"', '"false"'],
    ]
    job = await bulk.job(operation="query", object="Account", contentType="CSV")
    soql = f"SELECT Name, Phone, Owner.Username FROM Account WHERE ERP_Customer_Number__c = '{key}'"
    added = (await bulk.call("POST", f"/{job}/batch", soql, CSV, Accept=JSON)).json()
    await bulk.ended(job, added["id"])
    ids = ET.fromstring((await bulk.call("GET", f"/{job}/batch/{added['id']}/result", kind=CSV)).text)
    assert ids.tag == f"{NS}result-list"
    found = await bulk.call("GET", f"/{job}/batch/{added['id']}/result/{ids[0].text}", kind=CSV)
    assert found.text.splitlines()[0] == '"Name","Phone","Owner.Username"'
    assert found.text.splitlines()[1].startswith('"Once more","","integration@')


async def test_chunks_of_a_query_are_batches_of_their_own(bulk: Bulk) -> None:
    made = await bulk.call(
        "POST", "", '{"operation":"query","object":"Product2","contentType":"JSON"}',
        **{"Sforce-Enable-PKChunking": "chunkSize=200; startRow="},
    )  # fmt: skip
    job = made.json()["id"]
    first = (await bulk.call("POST", f"/{job}/batch", "SELECT Id FROM Product2")).json()
    assert first["state"] == "NotProcessed"
    batches = (await bulk.call("GET", f"/{job}/batch")).json()["batchInfo"][1:]
    found: list[str] = []
    for batch in batches:
        assert (await bulk.ended(job, batch["id"]))["state"] == "Completed"
        (result,) = (await bulk.call("GET", f"/{job}/batch/{batch['id']}/result")).json()
        found += [each["Id"] for each in (await bulk.call("GET", f"/{job}/batch/{batch['id']}/result/{result}")).json()]
    assert len(batches) == 3
    assert len(found) == len(set(found)) > 500
    refused = await bulk.call(
        "POST", "", '{"operation":"query","object":"Account"}', **{"Sforce-Enable-PKChunking": "chunkSize=300000"}
    )
    assert refused.json()["exceptionCode"] == "InvalidJob"


async def test_refusals_say_exception_codes(bulk: Bulk, client: httpx.AsyncClient) -> None:
    nobody = await client.get(f"{JOB}/750000000000000", headers={"X-SFDC-Session": "x"})
    assert (nobody.status_code, ET.fromstring(nobody.text).tag) == (400, f"{NS}error")
    assert text(ET.fromstring(nobody.text), "exceptionCode") == "InvalidSessionId"
    job = await bulk.job(operation="insert", object="Account", contentType="JSON")
    refused = [
        await bulk.call("GET", "/750000000000000"),
        await bulk.call("POST", "", '{"operation":"insert","object":"Nothing"}'),
        await bulk.call("POST", "", '{"operation":"sing","object":"Account"}'),
        await bulk.call("POST", f"/{job}", '{"state":"Open"}'),
        await bulk.call("GET", f"/{job}/batch/751000000000000"),
        await bulk.call("POST", f"/{job}/batch", b"x" * 10_000_001),
        await bulk.call("GET", "/../nothing"),
    ]
    assert [each.json()["exceptionCode"] for each in refused] == [
        "InvalidJob", "InvalidJob", "InvalidJob", "InvalidJobState", "InvalidBatch", "InvalidBatch", "InvalidUrl",
    ]  # fmt: skip
    assert (await bulk.call("POST", f"/{job}", '{"state":"Aborted"}')).json()["state"] == "Aborted"
    late = await bulk.call("POST", f"/{job}/batch", "[]")
    assert late.json()["exceptionCode"] == "InvalidJobState"


async def test_a_batch_that_is_none_fails_as_a_whole(bulk: Bulk) -> None:
    job = await bulk.job(operation="insert", object="Account", contentType="CSV")
    for rows, reason in (("Nonsense__c\n1\n", "Field name not found"), ("Name\n" + "x\n" * 10_001, "at most 10000")):
        added = (await bulk.call("POST", f"/{job}/batch", rows, CSV, Accept=JSON)).json()
        done = await bulk.ended(job, added["id"])
        assert done["state"] == "Failed"
        assert reason in done["stateMessage"]


async def test_batches_are_counted_against_the_allowance_of_both_bulk_apis(
    bulk: Bulk, client: httpx.AsyncClient
) -> None:
    limits = (await client.get("/services/data/v66.0/limits")).json()["DailyBulkApiBatches"]
    await client.post("/__sandbox__/limits", json={"DailyBulkApiBatches": limits["Max"] - limits["Remaining"]})
    try:
        job = await bulk.job(operation="insert", object="Account", contentType="JSON")
        refused = await bulk.call("POST", f"/{job}/batch", '[{"Name":"A"}]')
        assert refused.json()["exceptionCode"] == "ExceededQuota"
    finally:
        await client.post("/__sandbox__/limits", json={"DailyBulkApiBatches": limits["Max"]})


async def test_a_job_in_turn_gets_in_nobodys_way(bulk: Bulk, client: httpx.AsyncClient, unique) -> None:
    records = f'[{{"Name":"{next(unique)}"}}]'
    await client.post("/__sandbox__/lock-rows", json={"object": "Account", "times": 1, "from_others": True})
    told: list[bool] = []
    for mode in ("Serial", "Parallel"):
        job = await bulk.job(operation="insert", object="Account", contentType="JSON", concurrencyMode=mode)
        added = (await bulk.call("POST", f"/{job}/batch", records)).json()
        await bulk.ended(job, added["id"])
        told += [each["success"] for each in (await bulk.call("GET", f"/{job}/batch/{added['id']}/result")).json()]
    assert told == [True, False]
