import gzip
import json

import httpx

from sandboxes.company import company
from sandboxes.kit import Clock

V = "/services/data/v66.0"


async def test_pages_end_exactly_and_the_locator_alone_suffices(client: httpx.AsyncClient) -> None:
    answer = (await client.get(f"{V}/query/", params={"q": "SELECT Id FROM PricebookEntry"})).json()
    ids = [each["Id"] for each in answer["records"]]
    assert (len(ids), answer["done"]) == (2_000, False)
    while not answer["done"]:
        locator = answer["nextRecordsUrl"].rpartition("/")[2]
        answer = (await client.get(f"{V}/query/{locator}")).json()
        ids += [each["Id"] for each in answer["records"]]
    assert "nextRecordsUrl" not in answer
    assert len(set(ids)) == len(ids) == answer["totalSize"]


async def test_batch_size_is_heeded_between_200_and_2000(client: httpx.AsyncClient) -> None:
    query = {"q": "SELECT Id FROM Product2"}
    for wanted, got in (("250", 250), ("5", 200), ("9999", 540)):
        headers = {"Sforce-Query-Options": f"batchSize={wanted}"}
        answer = (await client.get(f"{V}/query", params=query, headers=headers)).json()
        assert len(answer["records"]) == got


async def test_long_child_lists_are_paged_too(client: httpx.AsyncClient) -> None:
    soql = "SELECT Id, (SELECT Id FROM PricebookEntries) FROM Pricebook2"
    kids = (await client.get(f"{V}/query", params={"q": soql})).json()["records"][0]["PricebookEntries"]
    assert (len(kids["records"]), kids["done"]) == (2_000, False)
    more = (await client.get(kids["nextRecordsUrl"])).json()
    assert more["records"][0]["Id"] not in {each["Id"] for each in kids["records"]}


async def test_a_cursor_lives_two_days(client: httpx.AsyncClient, clock: Clock) -> None:
    answer = (await client.get(f"{V}/query", params={"q": "SELECT Id FROM PricebookEntry"})).json()
    try:
        for half_hours in range(0, 48 * 2 - 1, 2):
            clock.offset_seconds = half_hours * 1_800
            assert (await client.get(f"{V}/limits")).status_code == 200
        assert (await client.get(answer["nextRecordsUrl"])).status_code == 200
        clock.offset_seconds = 48.5 * 3_600
        gone = await client.get(answer["nextRecordsUrl"])
    finally:
        clock.offset_seconds = 0
    assert gone.status_code == 400
    assert gone.json() == [{"message": "invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}]


async def test_unknown_locators_are_refused(client: httpx.AsyncClient) -> None:
    for wrong in ("01gHs00000000ZZAAA-2000", "nonsense", "01g-x"):
        answer = await client.get(f"{V}/query/{wrong}")
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_QUERY_LOCATOR")


async def test_deleted_records_show_in_query_all_only(client: httpx.AsyncClient) -> None:
    made = (await client.post(f"{V}/sobjects/Lead", json={"LastName": "Gone", "Company": "Bin"})).json()["id"]
    await client.delete(f"{V}/sobjects/Lead/{made}")
    query = {"q": f"SELECT Id, IsDeleted FROM Lead WHERE Id = '{made}'"}
    assert (await client.get(f"{V}/query", params=query)).json()["totalSize"] == 0
    [record] = (await client.get(f"{V}/queryAll", params=query)).json()["records"]
    assert record["IsDeleted"] is True


async def test_count_answers_with_a_total_alone(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{V}/query", params={"q": "SELECT COUNT() FROM Product2"})
    assert answer.json() == {"totalSize": len(company().products), "done": True, "records": []}


async def test_explain_tells_index_from_scan(client: httpx.AsyncClient) -> None:
    async def leading(condition: str) -> str:
        soql = f"SELECT Id FROM Account WHERE {condition}"
        return (await client.get(f"{V}/query", params={"explain": soql})).json()["plans"][0]["leadingOperationType"]

    assert await leading("ERP_Customer_Number__c = '10100001'") == "Index"
    assert await leading("Phone = '1'") == "TableScan"


async def test_columns_nest_parents_and_children(client: httpx.AsyncClient) -> None:
    soql = "SELECT Name, Owner.Name, (SELECT Id FROM Contacts) FROM Account"
    answer = (await client.get(f"{V}/query", params={"q": soql, "columns": "true"})).json()
    assert answer["entityName"] == "Account"
    name, owner, contacts = answer["columnMetadata"]
    assert (name["columnName"], name["textType"], name["aggregate"]) == ("Name", True, False)
    assert (owner["aggregate"], owner["joinColumns"][0]["columnName"]) == (False, "Name")
    assert (contacts["aggregate"], contacts["joinColumns"][0]["columnName"]) == (True, "Id")


async def test_answers_are_compressed_and_indented_when_asked(client: httpx.AsyncClient) -> None:
    query = {"q": "SELECT Id, Name FROM Account LIMIT 50"}
    headers = {"Accept-Encoding": "gzip", "X-PrettyPrint": "1"}
    async with client.stream("GET", f"{V}/query", params=query, headers=headers) as answer:
        raw = b"".join([chunk async for chunk in answer.aiter_raw()])
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Content-Type"] == "application/json;charset=UTF-8"
    text = gzip.decompress(raw)
    assert b'\n  "totalSize"' in text
    assert len(json.loads(text)["records"]) == 50


async def test_very_long_queries_are_414(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{V}/query", params={"q": "SELECT Id FROM Account" + " " * 17_000})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (414, "URI_TOO_LONG")
    answer = await client.get(f"{V}/limits", headers={"X-Long": "x" * 16_300})
    assert answer.status_code == 431
