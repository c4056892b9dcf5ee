"""SuiteQL: what it answers, how it says it, and what it refuses."""

from typing import Any

import httpx
import pytest

from sandboxes.netsuite.suiteql.views import VIEWS

SUITEQL = "/query/v1/suiteql"
TRANSIENT = {"prefer": "transient"}


async def run(client: httpx.AsyncClient, query: str, **page: int) -> dict[str, Any]:
    answer = await client.post(SUITEQL, json={"q": query}, params=page, headers=TRANSIENT)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def rows(client: httpx.AsyncClient, query: str) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in row.items() if name != "links"} for row in (await run(client, query))["items"]
    ]


async def test_every_table_can_be_read(reader: httpx.AsyncClient) -> None:
    for table in VIEWS:
        assert (await run(reader, f"SELECT * FROM {table}", limit=1))["totalResults"] >= 1


async def test_keys_are_lower_case_values_are_text_and_nulls_are_left_out(reader: httpx.AsyncClient) -> None:
    query = (
        "SELECT EntityId, CreditLimit, externalId, isInactive, dateCreated FROM Customer WHERE entityId = '10100001'"
    )
    assert await rows(reader, query) == [
        {"entityid": "10100001", "creditlimit": "2000000", "isinactive": "F", "datecreated": "2/3/2025"}
    ]


async def test_oracle_functions_and_display_values(reader: httpx.AsyncClient) -> None:
    query = """
        SELECT NVL(c.externalid, 'none') AS ext, BUILTIN.DF(c.currency) AS currency,
               TO_CHAR(c.lastmodifieddate, 'YYYY-MM-DD HH24:MI:SS') AS changed,
               DECODE(c.isinactive, 'F', 'active', 'gone') AS state
        FROM customer c WHERE c.lastmodifieddate >= TO_DATE('2025-02-03', 'YYYY-MM-DD') AND c.entityid = '10100001'
    """
    expected = {"ext": "none", "currency": "EUR", "changed": "2025-02-03 09:00:00", "state": "active"}
    assert await rows(reader, query) == [expected]
    assert await rows(reader, "SELECT BUILTIN.DF(status) AS s FROM transaction WHERE tranid = 'SO100001'") == [
        {"s": "Sales Order : Pending Fulfillment"}
    ]
    assert await rows(reader, "SELECT id FROM customer WHERE datecreated > SYSDATE") == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("SELECT id FROM customer WHERE ROWNUM <= 5 AND isinactive = 'F'", 5),
        ("SELECT TOP 4 id FROM item ORDER BY id DESC", 4),
        ("SELECT id FROM item ORDER BY id FETCH FIRST 3 ROWS ONLY", 3),
        ("SELECT id FROM item ORDER BY id OFFSET 538 ROWS FETCH NEXT 5 ROWS ONLY", 2),
        ("SELECT x.id FROM (SELECT id FROM item WHERE ROWNUM < 3) x, (SELECT id FROM customer WHERE ROWNUM < 3) y", 4),
        ("WITH few (k) AS (SELECT id FROM item WHERE id < 4) SELECT k FROM few WHERE k > 1", 2),
        ("SELECT id FROM item MINUS SELECT id FROM item WHERE isinactive = 'F' OR id < 600", 0),
    ],
)
async def test_rows_are_limited_as_oracle_does(reader: httpx.AsyncClient, query: str, found: int) -> None:
    assert (await run(reader, query))["totalResults"] == found


async def test_lines_that_sell_are_negative_and_join_their_transaction(reader: httpx.AsyncClient) -> None:
    query = """
        SELECT t.tranid, tl.quantity, tl.foreignamount, BUILTIN.DF(tl.item) AS sku FROM transaction t
        JOIN transactionline tl ON tl.transaction = t.id AND tl.mainline = 'F' WHERE t.tranid = 'SO100001'
    """
    expected = {"tranid": "SO100001", "quantity": "-1", "foreignamount": "-22.59", "sku": "TG-00001"}
    assert await rows(reader, query) == [expected]


async def test_pages_link_to_each_other(reader: httpx.AsyncClient) -> None:
    page = await run(reader, "SELECT id FROM item ORDER BY id", limit=200, offset=200)
    assert (page["count"], page["hasMore"], page["offset"], page["totalResults"]) == (200, True, 200, 540)
    assert {one["rel"] for one in page["links"]} == {"self", "first", "prev", "next", "last"}
    assert page["items"][0] == {"links": [], "id": "201"}


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("SELECT * FROM record", "Record 'record' was not found"),
        ("SELECT * FROM nope", "Record 'nope' was not found"),
        ("SELECT * FROM sqlite_master", "Record 'sqlite_master' was not found"),
        ("SELECT * FROM access_token", "was not found"),
        ("WITH record AS (SELECT 1) SELECT * FROM main.record", "Record 'record' was not found"),
        ("SELECT nope FROM customer", "Field 'nope' was not found"),
        ("SELECT json_extract('{}', '$')", "json_extract"),
        ("SELECT * FROM customer LIMIT 3", "LIMIT is not supported"),
        ("SELECT 1; SELECT 2", "Unexpected ;"),
        ("DELETE FROM customer", "Only SELECT"),
        ("WITH x AS (SELECT 1) DELETE FROM customer", "DELETE is not supported"),
        ("SELECT BUILTIN.CONSOLIDATE(id) FROM item", "BUILTIN.CONSOLIDATE is not supported"),
        ("SELECT (", "syntax error"),
        ("SELECT id) FROM item", "A parenthesis is not opened"),
        ("SELECT TO_DATE('x', 'YYYY') FROM dual", "raised exception"),
    ],
)
async def test_what_is_not_suiteql_is_refused(reader: httpx.AsyncClient, query: str, why: str) -> None:
    refused = await reader.post(SUITEQL, json={"q": query}, headers=TRANSIENT)
    assert refused.status_code == 400
    detail = refused.json()["o:errorDetails"][0]
    assert detail["o:errorCode"] == "INVALID_PARAMETER"
    assert detail["detail"].startswith("Invalid search query.")
    assert why in detail["detail"]


async def test_transient_is_required_and_pages_end_at_100_000_rows(reader: httpx.AsyncClient) -> None:
    missing = await reader.post(SUITEQL, json={"q": "SELECT id FROM item"})
    assert missing.json()["o:errorDetails"][0]["o:errorHeader"] == "Prefer"
    beyond = await reader.post(
        SUITEQL, json={"q": "SELECT id FROM item"}, params={"offset": 100_000}, headers=TRANSIENT
    )
    assert beyond.json()["o:errorDetails"][0]["o:errorQueryParam"] == "offset"
    too_long = await reader.post(SUITEQL, json={"q": "SELECT id FROM item"}, params={"limit": 1001}, headers=TRANSIENT)
    assert too_long.status_code == 400
