"""CRM Analytics: an upload in parts becomes a dataset, and SAQL reads it."""

import asyncio
import base64
import gzip
import json
from typing import Any

import httpx
import pytest

from sandboxes.kit import serve_sandbox

V = "/services/data/v66.0"
FIELDS = [
    {"name": "Id", "type": "Text", "isUniqueId": True},
    {"name": "Region", "type": "Text"},
    {"name": "Amount", "type": "Numeric", "precision": 18, "scale": 2},
    {"name": "Day", "type": "Date", "format": "yyyy-MM-dd"},
]
ROWS = [
    "1,North,10.5,2026-01-01", "2,North,20,2026-01-02", "3,South,5,2026-01-03", '4,"Süd, tief",,2026-01-04',
]  # fmt: skip


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def described(fields: Any = FIELDS) -> str:
    metadata = {
        "fileFormat": {"charsetName": "UTF-8", "numberOfLinesToIgnore": 1},
        "objects": [{"connector": "CSV", "name": "Sales", "fullyQualifiedName": "Sales", "fields": fields}],
    }
    return b64(json.dumps(metadata).encode())


async def upload(
    client: httpx.AsyncClient,
    parts: list[bytes],
    operation: str = "Overwrite",
    alias: str = "Sales",
    fields: Any = FIELDS,
) -> dict[str, Any]:
    body = {"Format": "Csv", "EdgemartAlias": alias, "Operation": operation, "Action": "None"}
    body["MetadataJson"] = described(fields)
    made = await client.post(f"{V}/sobjects/InsightsExternalData", json=body)
    assert made.status_code == 201, made.text
    url = f"{V}/sobjects/InsightsExternalData/{made.json()['id']}"
    for number, part in enumerate(parts, 1):
        body = {"InsightsExternalDataId": made.json()["id"], "PartNumber": number, "DataFile": b64(part)}
        assert (await client.post(f"{V}/sobjects/InsightsExternalDataPart", json=body)).status_code == 201
    answer = await client.patch(url, json={"Action": "Process"})
    assert answer.status_code == 204, answer.text
    found: dict[str, Any] = {"Status": "Queued"}
    seen = [found["Status"]]
    while found["Status"] in ("Queued", "InProgress"):
        found = (await client.get(url)).json()
        seen.append(found["Status"])
    assert "Queued" in seen
    return found


def csv(*rows: str) -> bytes:
    return "\r\n".join(["Id,Region,Amount,Day", *rows, ""]).encode()


async def ask(client: httpx.AsyncClient, saql: str) -> list[dict[str, Any]]:
    answer = await client.post(f"{V}/wave/query", json={"query": saql})
    assert answer.status_code == 200, answer.text
    return answer.json()["results"]["records"]


@pytest.fixture
async def sales(client: httpx.AsyncClient) -> str:
    """Id and version of a dataset, as SAQL names it."""
    packed = gzip.compress(csv(*ROWS))
    assert (await upload(client, [packed[:40], packed[40:]]))["Status"] == "Completed"
    found = (await client.get(f"{V}/wave/datasets", params={"q": "sal"})).json()["datasets"][0]
    version = (await client.get(f"{V}/wave/datasets/{found['id']}/versions/{found['currentVersionId']}")).json()
    assert version["totalRowCount"] == 4
    return f"{found['id']}/{found['currentVersionId']}"


async def test_what_was_uploaded_in_parts_is_grouped_filtered_and_ordered(
    client: httpx.AsyncClient, sales: str
) -> None:
    loaded = f'q = load "{sales}";'
    by_region = (
        f"{loaded} q = group q by 'Region'; q = foreach q generate 'Region' as 'R', count() as 'n', "
        "sum('Amount') as 's', avg('Amount') as 'a', min('Amount') as 'lo', max('Amount') as 'hi'; "
        "q = order q by 's' desc; q = limit q 2;"
    )
    assert await ask(client, by_region) == [
        {"R": "North", "n": 2, "s": 30.5, "a": 15.25, "lo": 10.5, "hi": 20.0},
        {"R": "South", "n": 1, "s": 5.0, "a": 5.0, "lo": 5.0, "hi": 5.0},
    ]
    plain = "q = foreach q generate 'Id' as 'Id'; q = order q by 'Id'; "
    filters = {
        "'Region' == \"North\" && 'Amount' > 15": ["2"],
        '\'Region\' in ["South", "Süd, tief"]': ["3", "4"],
        "not ('Region' matches \"nor\") and 'Amount' is not null": ["3"],
        "'Amount' is null or 'Day' <= \"2026-01-01\"": ["1", "4"],
        "'Region' like \"%o%th\" && 'Amount' != 10.5": ["2", "3"],
    }
    for condition, ids in filters.items():
        assert [each["Id"] for each in await ask(client, f"{loaded} q = filter q by {condition}; {plain}")] == ids
    paged = await ask(client, f"{loaded} {plain} q = offset q 1; q = limit q 2;")
    assert [each["Id"] for each in paged] == ["2", "3"]
    whole = "q = group q by all; q = foreach q generate count() as 'n', sum('Amount') / count('Amount') as 'm';"
    assert await ask(client, loaded + whole) == [{"n": 4, "m": pytest.approx(35.5 / 3)}]


async def test_rows_are_appended_upserted_and_deleted(client: httpx.AsyncClient, sales: str) -> None:
    count = "q = load \"Sales\"; q = group q by all; q = foreach q generate count() as 'n', sum('Amount') as 's';"
    await upload(client, [csv("5,East,1,2026-01-01")], "Append")
    assert await ask(client, count) == [{"n": 5, "s": 36.5}]
    await upload(client, [csv("5,East,2,2026-01-01", "6,East,3,2026-01-01")], "Upsert")
    assert await ask(client, count) == [{"n": 6, "s": 40.5}]
    await upload(client, [csv("1,,,", "2,,,")], "Delete")
    assert await ask(client, count) == [{"n": 4, "s": 10.0}]
    refused = await client.post(f"{V}/wave/query", json={"query": f'q = load "{sales}";'})
    assert "cannot be found" in refused.json()[0]["message"]  # the version was replaced


async def test_what_cannot_be_read_fails_or_is_left_out(client: httpx.AsyncClient) -> None:
    some = await upload(client, [csv("1,N,abc,2026-01-01", "2,N,1,2026-01-01", "too,few")], alias="Partly")
    assert (some["Status"], some["StatusMessage"]) == ("CompletedWithWarnings", "2 rows were left out")
    wrong: list[tuple[str, list[bytes], Any, str]] = [
        ("Overwrite", [b"\x1f\x8bnot gzip"], FIELDS, "not the gzip"),
        ("Overwrite", [gzip.compress(csv(*ROWS))[:-20]], FIELDS, "cut off"),
        ("Overwrite", [b"\xff\xfe"], FIELDS, "not UTF-8"),
        ("Overwrite", [csv()], [{"name": "A", "type": "Colour"}], "unknown type"),
        ("Upsert", [csv()], [{"name": "A", "type": "Text"}], "exactly one field"),
        ("Append", [csv()], [{"name": "A", "type": "Text"}], "fields that the dataset has"),
    ]
    for operation, parts, fields, message in wrong:
        failed = await upload(client, parts, operation, "Partly", fields)
        assert failed["Status"] == "Failed"
        assert message in failed["StatusMessage"]


async def test_an_upload_is_refused_out_of_order(client: httpx.AsyncClient) -> None:
    async def code(kind: str, body: dict[str, Any], method: str = "POST") -> str:
        answer = await client.request(method, f"{V}/sobjects/{kind}", json=body)
        return answer.json()[0]["errorCode"] if answer.status_code >= 300 else ""

    assert await code("InsightsExternalData", {"EdgemartAlias": "no good"}) == "INVALID_FIELD"
    assert await code("InsightsExternalData", {"EdgemartAlias": "A", "Operation": "Burn"}) != ""
    made = (await client.post(f"{V}/sobjects/InsightsExternalData", json={"EdgemartAlias": "A"})).json()["id"]
    process = {"Action": "Process"}
    assert await code(f"InsightsExternalData/{made}", process, "PATCH") == "INVALID_FIELD"
    part = {"InsightsExternalDataId": made, "PartNumber": 2, "DataFile": b64(b"x")}
    assert await code("InsightsExternalDataPart", part) == ""
    assert await code("InsightsExternalDataPart", part) == "DUPLICATE_VALUE"
    assert await code("InsightsExternalDataPart", part | {"PartNumber": 0}) == "INVALID_FIELD"
    assert await code("InsightsExternalDataPart", part | {"PartNumber": 3, "DataFile": "***"}) == "JSON_PARSER_ERROR"
    large = b64(b"x" * (10 * 1024 * 1024 + 1))
    assert await code("InsightsExternalDataPart", part | {"PartNumber": 3, "DataFile": large}) == "STRING_TOO_LONG"
    assert await code(f"InsightsExternalData/{made}", process, "PATCH") == "INVALID_FIELD"


@pytest.mark.parametrize(
    ("saql", "message"),
    [
        ("", "empty"),
        ('q = load "Nothing";', "cannot be found"),
        ("q = filter p by 'a' == 1;", "Unknown stream p"),
        ("q = load \"Sales\"; q = filter q by 'Nope' == 1;", "Undefined field 'Nope'"),
        ("q = load \"Sales\"; q = group q by 'Region';", "followed by foreach"),
        ("q = load \"Sales\"; q = foreach q generate sum('Amount') as 's';", "needs a group"),
        ("q = load \"Sales\"; q = group q by 'Region'; q = foreach q generate 'Day' as 'd';", "neither grouped"),
        ("q = load \"Sales\"; q = group q by all; q = foreach q generate sum('Region') as 's';", "needs numbers"),
        ("q = load \"Sales\"; q = filter q by 'Amount' == \"x\";", "cannot be compared"),
        ('q = load "Sales"; q = burn q;', "Unknown statement"),
        ('q = load "Sales"; q = limit q 1.5;', "whole number"),
        ('q = load "Sales" \x07', "Unexpected character"),
        ('q = load "Sales"; q = filter q by ' + "(" * 60, "nested too deeply"),
    ],
)  # fmt: skip
async def test_saql_that_cannot_be_run_says_why(client: httpx.AsyncClient, sales: str, saql: str, message: str) -> None:
    answer = await client.post(f"{V}/wave/query", json={"query": saql})
    assert answer.status_code == 400
    assert message in answer.json()[0]["message"]


async def test_a_dataset_outlives_a_restart(tmp_path: Any) -> None:
    state = tmp_path / "org.db"
    form = {"grant_type": "password", "username": "integration@tarn-gauge.example", "password": "sandbox-password"}
    form |= {"client_id": "triptych-local", "client_secret": "triptych-local-secret"}
    for restarted in (False, True):
        async with serve_sandbox("salesforce", state=state) as url, httpx.AsyncClient(base_url=url) as client:
            token = (await client.post("/services/oauth2/token", data=form)).json()["access_token"]
            client.headers["Authorization"] = f"Bearer {token}"
            if not restarted:
                assert (await upload(client, [csv(*ROWS)]))["Status"] == "Completed"
            assert len(await ask(client, 'q = load "Sales";')) == 4
            await asyncio.sleep(0)
