"""Bulk API 2.0 as clients see it."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from eventually import eventually

from sandboxes.kit import Clock, serve_sandbox

INGEST = "/services/data/v66.0/jobs/ingest"
QUERY = "/services/data/v66.0/jobs/query"
ENDED = {"JobComplete", "Failed", "Aborted"}


async def ended(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    async def found() -> dict[str, Any] | None:
        job = (await client.get(path)).json()
        return job if job["state"] in ENDED else None

    return await eventually(found, every=0.005)


async def ingest(client: httpx.AsyncClient, text: str | bytes, **body: Any) -> dict[str, Any]:
    made = await client.post(INGEST, json={"object": "Account", "operation": "insert", **body})
    assert made.status_code == 200, made.text
    path = f"{INGEST}/{made.json()['id']}"
    put = await client.put(f"{path}/batches", content=text, headers={"Content-Type": "text/csv; charset=UTF-8"})
    assert (put.status_code, put.content) == (201, b"")
    assert (await client.patch(path, json={"state": "UploadComplete"})).json()["state"] == "UploadComplete"
    return await ended(client, path)


async def results(client: httpx.AsyncClient, job: dict[str, Any], kind: str) -> list[dict[str, str]]:
    answer = await client.get(f"{INGEST}/{job['id']}/{kind}")
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text)))


async def query(client: httpx.AsyncClient, soql: str, **body: Any) -> dict[str, Any]:
    made = await client.post(QUERY, json={"operation": "query", "query": soql, **body})
    assert made.status_code == 200, made.text
    assert made.json()["state"] == "UploadComplete"
    return await ended(client, f"{QUERY}/{made.json()['id']}")


async def test_a_new_job_says_where_its_records_go(client: httpx.AsyncClient) -> None:
    answer = await client.post(INGEST, json={"object": "account", "operation": "insert"})
    job = answer.json()
    assert (job["object"], job["state"], job["contentType"], job["apiVersion"]) == ("Account", "Open", "CSV", 66.0)
    assert job["contentUrl"] == f"services/data/v66.0/jobs/ingest/{job['id']}/batches"
    assert job["id"].startswith("750")


async def test_every_record_has_its_own_result(client: httpx.AsyncClient, unique) -> None:
    key = next(unique)
    text = f"Name,NumberOfEmployees,ERP_Customer_Number__c\nGood & Söhne,12,{key}\n,1,\nBad,many,\nTwin,,{key}\n"
    job = await ingest(client, text)
    assert (job["state"], job["numberRecordsProcessed"], job["numberRecordsFailed"]) == ("JobComplete", 4, 3)
    good = await results(client, job, "successfulResults")
    assert [(each["sf__Created"], each["Name"]) for each in good] == [("true", "Good & Söhne")]
    record = await client.get(f"/services/data/v66.0/sobjects/Account/{good[0]['sf__Id']}")
    assert record.json()["NumberOfEmployees"] == 12
    bad = [each["sf__Error"] for each in await results(client, job, "failedResults")]
    assert bad[0] == "REQUIRED_FIELD_MISSING:Required fields are missing: [Name]:Name --"
    assert bad[1].startswith("INVALID_TYPE_ON_FIELD_IN_RECORD:")
    assert bad[1].endswith(":NumberOfEmployees --")
    assert bad[2].startswith("DUPLICATE_VALUE:")
    assert bad[2].endswith(":--")
    assert await results(client, job, "unprocessedRecords") == []


async def test_an_upsert_creates_once_and_updates_after(client: httpx.AsyncClient, unique) -> None:
    key, name = next(unique), {"operation": "upsert", "externalIdFieldName": "ERP_Customer_Number__c"}
    first = await ingest(client, f"ERP_Customer_Number__c,Name,Website\n{key},One,https://one.example\n", **name)
    again = await ingest(client, f"ERP_Customer_Number__c,Name,Website\n{key},Two,\n", **name)
    nulled = await ingest(client, f"ERP_Customer_Number__c,Website\n{key},#N/A\n", **name)
    told = [(await results(client, job, "successfulResults"))[0] for job in (first, again, nulled)]
    assert [each["sf__Created"] for each in told] == ["true", "false", "false"]
    assert len({each["sf__Id"] for each in told}) == 1
    record = (await client.get(f"/services/data/v66.0/sobjects/Account/{told[0]['sf__Id']}")).json()
    assert (record["Name"], record["Website"]) == ("Two", None)


async def test_a_blank_value_changes_nothing(client: httpx.AsyncClient, unique) -> None:
    made = await ingest(client, f"Name,Phone\n{next(unique)},+49 40 1\n")
    record_id = (await results(client, made, "successfulResults"))[0]["sf__Id"]
    await ingest(client, f"Id,Phone,Name\n{record_id},,Renamed\n", operation="update")
    record = (await client.get(f"/services/data/v66.0/sobjects/Account/{record_id}")).json()
    assert (record["Name"], record["Phone"]) == ("Renamed", "+49 40 1")


async def test_a_parent_is_found_by_its_external_id(client: httpx.AsyncClient, unique) -> None:
    key = next(unique)
    await ingest(client, f"Name,ERP_Customer_Number__c\nParent,{key}\n")
    job = await ingest(
        client, f"LastName,Account.ERP_Customer_Number__c\nKind,{key}\nOrphan,nobody\n", object="Contact"
    )
    assert job["numberRecordsFailed"] == 1
    assert "Foreign key external ID: nobody not found" in (await results(client, job, "failedResults"))[0]["sf__Error"]


@pytest.mark.parametrize(("operation", "status"), [("delete", 404), ("hardDelete", 404)])
async def test_records_are_deleted_by_id(client: httpx.AsyncClient, unique, operation: str, status: int) -> None:
    made = await ingest(client, f"Name\n{next(unique)}\n")
    record_id = (await results(client, made, "successfulResults"))[0]["sf__Id"]
    job = await ingest(client, f"Id\n{record_id}\n{record_id}\n", operation=operation)
    assert job["numberRecordsFailed"] == 1
    gone = await client.get(f"/services/data/v66.0/sobjects/Account/{record_id}")
    assert gone.status_code == status
    query_all = await client.get(
        "/services/data/v66.0/queryAll", params={"q": f"SELECT Id FROM Account WHERE Id = '{record_id}'"}
    )
    assert query_all.json()["totalSize"] == (1 if operation == "delete" else 0)


@pytest.mark.parametrize("delimiter", ["BACKQUOTE", "CARET", "COMMA", "PIPE", "SEMICOLON", "TAB"])
@pytest.mark.parametrize("ending", ["LF", "CRLF"])
async def test_every_delimiter_and_line_ending_survives(client: httpx.AsyncClient, delimiter: str, ending: str) -> None:
    mark = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}[delimiter]
    line = {"LF": "\n", "CRLF": "\r\n"}[ending]
    name = f'a{mark}b"c"\nd'
    quoted = name.replace('"', '""')
    text = line.join([f"Name{mark}Phone", f'"{quoted}"{mark}1', ""])
    job = await ingest(client, text, columnDelimiter=delimiter, lineEnding=ending)
    assert (job["state"], job["numberRecordsFailed"]) == ("JobComplete", 0), job
    answer = await client.get(f"{INGEST}/{job['id']}/successfulResults")
    assert answer.text.count(line) >= 2
    rows = list(csv.reader(io.StringIO(answer.text, newline=""), delimiter=mark))
    assert rows[1][2:] == [name, "1"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Name,Foo__c\nx,y\n", "InvalidBatch : Field name not found : Foo__c"),
        ("Name,name\nx,y\n", "InvalidBatch : Duplicate column: Name"),
        ("Name\r\nx\r\n", "ClientInputError : LineEnding is invalid on user data. Current LineEnding setting is LF"),
        (b"Name\n\xff\xfe\n", "ClientInputError : The records are not UTF-8"),
        ('Name\n"x" y\n', "ClientInputError : Invalid CSV"),
        ("", "InvalidBatch : No records were uploaded for this job"),
    ],
)
async def test_an_upload_that_does_not_fit_fails_the_job(client: httpx.AsyncClient, text: Any, said: str) -> None:
    job = await ingest(client, text)
    assert job["state"] == "Failed"
    assert job["errorMessage"].startswith(said)


async def test_a_line_of_another_width_is_a_failed_record(client: httpx.AsyncClient, unique) -> None:
    job = await ingest(client, f"Name,Phone\n{next(unique)}\n{next(unique)},1,2\n{next(unique)},1\n")
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (3, 2)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"object": "Nothing__c", "operation": "insert"}, "INVALIDJOB"),
        ({"object": "Account", "operation": "merge"}, "INVALIDJOB"),
        ({"object": "Account", "operation": "upsert"}, "INVALIDJOB"),
        ({"object": "Account", "operation": "upsert", "externalIdFieldName": "Name"}, "INVALIDJOB"),
        ({"object": "Account", "operation": "insert", "contentType": "JSON"}, "INVALIDJOB"),
        ({"object": "Account", "operation": "insert", "columnDelimiter": "SPACE"}, "INVALIDJOB"),
    ],
)
async def test_a_job_that_makes_no_sense_is_refused(client: httpx.AsyncClient, body: dict[str, Any], code: str) -> None:
    answer = await client.post(INGEST, json=body)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


async def test_records_are_uploaded_once_and_only_while_the_job_is_open(client: httpx.AsyncClient) -> None:
    path = f"{INGEST}/{(await client.post(INGEST, json={'object': 'Account', 'operation': 'insert'})).json()['id']}"
    headers = {"Content-Type": "text/csv"}
    assert (await client.get(f"{path}/successfulResults")).status_code == 400
    assert (await client.put(f"{path}/batches", content="Name\nx\n", headers=headers)).status_code == 201
    twice = await client.put(f"{path}/batches", content="Name\nx\n", headers=headers)
    assert (twice.status_code, twice.json()[0]["errorCode"]) == (400, "ClientInputError")
    assert (await client.patch(path, json={"state": "Aborted"})).json()["state"] == "Aborted"
    late = await client.put(f"{path}/batches", content="Name\nx\n", headers=headers)
    assert (late.status_code, late.json()[0]["errorCode"]) == (400, "INVALIDJOBSTATE")
    assert (await client.patch(path, json={"state": "UploadComplete"})).status_code == 400
    assert (await client.delete(path)).status_code == 204
    assert (await client.get(path)).status_code == 404
    assert (await client.put(f"{path}/batches", json={})).status_code == 415


async def test_a_small_job_comes_whole_as_multipart(client: httpx.AsyncClient, unique) -> None:
    boundary, name = "frontier", next(unique)
    body = (
        f'--{boundary}\r\nContent-Type: application/json\r\nContent-Disposition: form-data; name="job"\r\n\r\n'
        '{"object":"Account","contentType":"CSV","operation":"insert"}\r\n'
        f"--{boundary}\r\nContent-Type: text/csv\r\n"
        'Content-Disposition: form-data; name="content"; filename="content"\r\n\r\n'
        f"Name\n{name}\n\r\n--{boundary}--\r\n"
    )
    made = await client.post(
        INGEST, content=body, headers={"Content-Type": f"multipart/form-data; boundary={boundary}"}
    )
    assert (made.status_code, made.json()["state"]) == (200, "UploadComplete")
    job = await ended(client, f"{INGEST}/{made.json()['id']}")
    assert (job["numberRecordsProcessed"], job["numberRecordsFailed"]) == (1, 0)


async def test_a_query_job_pages_by_locator_until_null(client: httpx.AsyncClient) -> None:
    job = await query(client, "SELECT Id, Name, IsDeleted, CreatedDate, Owner.Username FROM Account")
    total, names, locator, pages = job["numberRecordsProcessed"], list[str](), "", 0
    while locator != "null":
        params = {"maxRecords": "100"} | ({"locator": locator} if locator else {})
        answer = await client.get(f"{QUERY}/{job['id']}/results", params=params)
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert int(answer.headers["sforce-numberofrecords"]) == len(rows)
        names += [row["Id"] for row in rows]
        locator, pages = answer.headers["sforce-locator"], pages + 1
    assert (len(names), len(set(names)), pages) == (total, total, -(-total // 100))
    assert list(rows[0]) == ["Id", "Name", "IsDeleted", "CreatedDate", "Owner.Username"]
    assert rows[0]["IsDeleted"] == "false"
    assert rows[0]["CreatedDate"].endswith("Z")


async def test_an_empty_query_job_has_a_header_and_ends(client: httpx.AsyncClient) -> None:
    job = await query(client, "SELECT Id FROM Account WHERE Name = 'nobody of this name'")
    answer = await client.get(f"{QUERY}/{job['id']}/results")
    assert (answer.text, answer.headers["sforce-locator"], answer.headers["sforce-numberofrecords"]) == (
        '"Id"\n',
        "null",
        "0",
    )


@pytest.mark.parametrize(
    ("soql", "code"),
    [
        ("SELECT COUNT(Id) FROM Account", "API_ERROR"),
        ("SELECT BillingAddress FROM Account", "API_ERROR"),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "API_ERROR"),
        ("SELECT Id FROM Account LIMIT 5 OFFSET 5", "API_ERROR"),
        ("SELECT Nope FROM Account", "INVALID_FIELD"),
        ("SELECT Id FROM", "MALFORMED_QUERY"),
    ],
)
async def test_a_query_that_bulk_cannot_run_is_refused(client: httpx.AsyncClient, soql: str, code: str) -> None:
    answer = await client.post(QUERY, json={"operation": "query", "query": soql})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, code)


@pytest.mark.parametrize(
    "params", [{"locator": "?"}, {"locator": "OTk5OTk5OTk"}, {"maxRecords": "0"}, {"maxRecords": "x"}]
)
async def test_a_locator_of_nobody_is_refused(client: httpx.AsyncClient, params: dict[str, str]) -> None:
    job = await query(client, "SELECT Id FROM Account LIMIT 10")
    answer = await client.get(f"{QUERY}/{job['id']}/results", params=params)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


async def test_jobs_are_listed_newest_first_by_kind(client: httpx.AsyncClient) -> None:
    made = await ingest(client, "Name\nListed\n")
    asked = await query(client, "SELECT Id FROM Account LIMIT 1")
    loads = (await client.get(INGEST)).json()
    assert (loads["done"], loads["nextRecordsUrl"]) == (True, None)
    assert loads["records"][0]["id"] == made["id"]
    assert (await client.get(QUERY)).json()["records"][0]["id"] == asked["id"]
    assert (await client.get(f"{QUERY}/{made['id']}")).status_code == 404


@pytest.fixture
async def bounded() -> AsyncIterator[httpx.AsyncClient]:
    """An org of its own, whose allowances a test may use up."""
    async with serve_sandbox("salesforce", clock=Clock()) as url, httpx.AsyncClient(base_url=url) as client:
        await authorise(client)
        yield client


async def authorise(client: httpx.AsyncClient) -> None:
    form = {
        "grant_type": "password", "client_id": "triptych-local", "client_secret": "triptych-local-secret",
        "username": "integration@tarn-gauge.example", "password": "sandbox-password",
    }  # fmt: skip
    granted = (await client.post("/services/oauth2/token", data=form)).json()
    client.headers["Authorization"] = f"Bearer {granted['access_token']}"


async def test_batches_and_query_jobs_run_out(bounded: httpx.AsyncClient) -> None:
    await bounded.post("/__sandbox__/limits", json={"DailyBulkApiBatches": 3, "DailyBulkV2QueryJobs": 1})
    assert (await ingest(bounded, "Name\n" + "x\n" * 10_001))["numberRecordsProcessed"] == 10_001
    limits = (await bounded.get("/services/data/v66.0/limits")).json()
    assert limits["DailyBulkApiBatches"] == {"Max": 3, "Remaining": 1}
    made = (await bounded.post(INGEST, json={"object": "Account", "operation": "insert"})).json()
    await bounded.put(
        f"{INGEST}/{made['id']}/batches", content="Name\n" + "x\n" * 10_001, headers={"Content-Type": "text/csv"}
    )
    refused = await bounded.patch(f"{INGEST}/{made['id']}", json={"state": "UploadComplete"})
    assert (refused.status_code, refused.json()[0]["errorCode"]) == (400, "LIMIT_EXCEEDED")
    await query(bounded, "SELECT Id FROM Account LIMIT 1")
    refused = await bounded.post(QUERY, json={"operation": "query", "query": "SELECT Id FROM Account"})
    assert refused.json()[0]["errorCode"] == "LIMIT_EXCEEDED"


async def test_others_are_served_while_a_job_runs_and_an_aborted_one_keeps_its_rest(bounded: httpx.AsyncClient) -> None:
    made = (await bounded.post(INGEST, json={"object": "Account", "operation": "insert"})).json()
    path = f"{INGEST}/{made['id']}"
    text = "Name\n" + "".join(f"Row {number}\n" for number in range(20_000))
    await bounded.put(f"{path}/batches", content=text, headers={"Content-Type": "text/csv"})
    await bounded.patch(path, json={"state": "UploadComplete"})
    while (job := (await bounded.get(path)).json())["numberRecordsProcessed"] == 0:
        assert job["state"] in ("UploadComplete", "InProgress")
    assert (await bounded.delete(path)).status_code == 400
    assert (await bounded.patch(path, json={"state": "Aborted"})).status_code == 200
    await asyncio.sleep(0.2)
    job = (await bounded.get(path)).json()
    assert job["state"] == "Aborted"
    done = await results(bounded, job, "successfulResults")
    rest = await results(bounded, job, "unprocessedRecords")
    assert {each["Name"] for each in done} | {each["Name"] for each in rest} == {f"Row {n}" for n in range(20_000)}
    assert len(done) + len(rest) == 20_000


async def test_a_job_goes_on_after_a_restart(tmp_path: Path) -> None:
    state = tmp_path / "org.sqlite3"
    text = "Name\n" + "".join(f"Row {number}\n" for number in range(20_000))
    async with (
        serve_sandbox("salesforce", state=state, clock=Clock()) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        await authorise(client)
        made = (await client.post(INGEST, json={"object": "Account", "operation": "insert"})).json()
        path = f"{INGEST}/{made['id']}"
        await client.put(f"{path}/batches", content=text, headers={"Content-Type": "text/csv"})
        await client.patch(path, json={"state": "UploadComplete"})
        while (await client.get(path)).json()["numberRecordsProcessed"] == 0:
            pass
    async with (
        serve_sandbox("salesforce", state=state, clock=Clock()) as url,
        httpx.AsyncClient(base_url=url) as client,
    ):
        await authorise(client)
        job = await ended(client, path)
        assert (job["state"], job["numberRecordsProcessed"], job["numberRecordsFailed"]) == ("JobComplete", 20_000, 0)
        names = [each["Name"] for each in await results(client, job, "successfulResults")]
        assert sorted(names) == sorted(f"Row {number}" for number in range(20_000))
        count = await client.get(
            "/services/data/v66.0/query", params={"q": "SELECT COUNT() FROM Account WHERE Name LIKE 'Row %'"}
        )
        assert count.json()["totalSize"] == 20_000


async def test_a_locked_row_fails_alone(client: httpx.AsyncClient, unique) -> None:
    made = await ingest(client, f"Name\n{next(unique)}\n{next(unique)}\n")
    ids = [each["sf__Id"] for each in await results(client, made, "successfulResults")]
    await client.post("/__sandbox__/lock-rows", json={"object": "Account", "id": ids[0]})
    job = await ingest(client, "Id,Phone\n" + "".join(f"{each},1\n" for each in ids), operation="update")
    failed = await results(client, job, "failedResults")
    assert [(each["sf__Id"], each["sf__Error"].partition(":")[0]) for each in failed] == [
        (ids[0], "UNABLE_TO_LOCK_ROW")
    ]
