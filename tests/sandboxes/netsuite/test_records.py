"""The record service: addresses, bodies, collections, refusals."""

from typing import Any

import httpx
import pytest

from sandboxes.company import company

RECORD = "/record/v1"
EXPANDED = {"expandSubResources": "true"}
_LIMITED = sum(one.credit_limit == 2_000_000 and one.currency == "EUR" for one in company().customers)


def fault(answer: httpx.Response) -> tuple[int, str, str]:
    [detail] = answer.json()["o:errorDetails"]
    places = ("o:errorPath", "o:urlPath", "o:errorQueryParam", "o:errorHeader")
    return answer.status_code, detail["o:errorCode"], next((detail[name] for name in places if name in detail), "")


async def test_a_customer_of_the_company_is_here_with_address_book_and_credit(reader: httpx.AsyncClient) -> None:
    answer = await reader.get(f"{RECORD}/customer/107", params=EXPANDED)
    assert answer.headers["content-type"].startswith("application/vnd.oracle.resource+json; type=singular")
    customer = answer.json()
    assert (customer["entityId"], customer["creditLimit"], customer["balance"]) == ("10100001", 2_000_000.0, 200_000.0)
    assert customer["currency"] | {"links": []} == {"links": [], "id": "1", "refName": "EUR"}
    billing, shipping, _ = customer["addressBook"]["items"]
    assert (billing["defaultBilling"], shipping["defaultShipping"], shipping["label"]) == (True, True, "10200010")
    assert shipping["addressBookAddress"]["country"] == {"id": "DE", "refName": "Germany"}


async def test_sublists_are_links_until_they_are_asked_for(reader: httpx.AsyncClient) -> None:
    base = f"{reader.base_url}record/v1/inventoryItem/1"
    item = (await reader.get(f"{RECORD}/inventoryItem/1", params={"fields": "itemId,price"})).json()
    assert item.keys() == {"links", "id", "itemId", "price"}
    assert item["price"] == {"links": [{"rel": "self", "href": f"{base}/price"}]}
    prices = (await reader.get(f"{RECORD}/inventoryItem/1/price")).json()
    assert prices["items"][0].keys() == {"links"}
    price = await reader.get(f"{RECORD}/inventoryItem/1/price/quantity=0,currencypage=1,pricelevel=1")
    assert price.json()["price"] == 22.59
    address = await reader.get(f"{RECORD}/customer/107/addressBook/2/addressBookAddress")
    assert address.json()["addr1"] == "Gewerbering 15"


async def test_a_collection_has_ids_and_links_only_and_pages(reader: httpx.AsyncClient) -> None:
    page = (await reader.get(f"{RECORD}/customer", params={"limit": 2, "offset": 4})).json()
    assert (page["count"], page["hasMore"], page["totalResults"]) == (2, True, 256)
    assert page["items"][0].keys() == {"links", "id"}
    assert {one["rel"] for one in page["links"]} == {"self", "first", "prev", "next", "last"}
    odd = await reader.get(f"{RECORD}/customer", params={"limit": 2, "offset": 3})
    assert fault(odd) == (400, "INVALID_PARAMETER", "offset")
    assert fault(await reader.get(f"{RECORD}/customer", params={"limit": 1001}))[2] == "limit"


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('entityId IS "10100001"', 1),
        ('entityId IS "10100001" OR entityId IS "10100002" AND isInactive IS true', 1),
        ('(entityId IS "10100001" OR entityId IS "10100002") AND isInactive IS false', 2),
        ('companyName START_WITH "Alster" AND companyName ENDWITH "gmbh"', 4),
        ('companyName CONTAIN_NOT "a"', sum("a" not in one.legal_name[:83].lower() for one in company().customers)),
        ("externalId EMPTY", 256),
        ("externalId EMPTY_NOT", 0),
        ("creditLimit BETWEEN [1999999, 2000000] AND currency ANY_OF [1]", _LIMITED),
        ("creditLimit LESS 0", 0),
        ("id ANY_OF [107, 108, 999999]", 2),
        ("currency ANY_OF_NOT [1]", 196),
        ('creditHoldOverride ANY_OF ["ON"]', 16),
        ('dateCreated ON_OR_AFTER "2/3/2025" AND dateCreated BEFORE "2/4/2025"', 256),
        ('dateCreated AFTER "2/3/2025"', 0),
    ],
)
async def test_collections_are_filtered(reader: httpx.AsyncClient, query: str, found: int) -> None:
    answer = await reader.get(f"{RECORD}/customer", params={"q": query, "limit": 1})
    assert answer.status_code == 200, answer.text
    assert answer.json()["totalResults"] == found


@pytest.mark.parametrize(
    "query",
    [
        "nope IS 1", 'entityId GREATER "1"', "creditLimit EQUAL x", 'dateCreated ON "3. Mai"', "(isInactive IS true",
        'entityId IS "1" entityId', "creditLimit BETWEEN [1]", 'entityId IS "open', "addressBook EMPTY", "entityId IS",
    ],
)  # fmt: skip
async def test_a_wrong_filter_is_refused(reader: httpx.AsyncClient, query: str) -> None:
    assert fault(await reader.get(f"{RECORD}/customer", params={"q": query})) == (400, "INVALID_PARAMETER", "q")


async def test_a_customer_is_made_read_changed_and_deleted(writer: httpx.AsyncClient) -> None:
    country: dict[str, Any] = {"addr1": "Kai 1", "country": {"id": "DE"}}
    entry = {"label": "Dock", "defaultShipping": True, "addressBookAddress": country}
    body = {"companyName": "Neu", "subsidiary": {"id": "1"}, "addressBook": {"items": [entry]}, "custentity_grade": "A"}
    made = await writer.post(f"{RECORD}/customer", json=body)
    assert (made.status_code, made.content) == (204, b"")
    where = made.headers["location"]
    second = {
        "addressBook": {"items": [{"addressBookAddress": {"addr1": "Kai 2", "country": "DE"}, "defaultShipping": True}]}
    }
    assert (await writer.patch(where, json=second)).status_code == 204
    shown = (await writer.get(where, params=EXPANDED)).json()
    book = shown["addressBook"]["items"]
    assert [(one["label"], one["defaultShipping"]) for one in book] == [("Dock", False), ("Kai 2", True)]
    assert (shown["entityId"], shown["custentity_grade"], shown["currency"]["refName"]) == ("10900001", "A", "EUR")
    assert (await writer.patch(where, params={"replace": "addressBook"}, json=second)).status_code == 204
    assert len((await writer.get(where, params=EXPANDED)).json()["addressBook"]["items"]) == 1
    assert (await writer.delete(where)).status_code == 204
    assert fault(await writer.get(where))[:2] == (404, "NONEXISTENT_ID")


async def test_an_upsert_by_external_id_makes_one_record(writer: httpx.AsyncClient) -> None:
    body: dict[str, Any] = {"companyName": "Neu", "subsidiary": {"id": "1"}}
    answers = [await writer.put(f"{RECORD}/customer/eid:SF-1", json=body | {"phone": str(at)}) for at in (1, 2)]
    assert [one.status_code for one in answers] == [204, 204]
    assert answers[0].headers["location"] == answers[1].headers["location"]
    assert (await writer.get(f"{RECORD}/customer/eid:SF-1")).json()["phone"] == "2"
    again = await writer.post(f"{RECORD}/customer", json=body | {"externalId": "SF-1"})
    assert fault(again) == (400, "DUP_RCRD", "externalId")
    assert (await writer.put(f"{RECORD}/customer/107", json=body)).status_code == 405


async def test_lines_have_addresses_of_their_own(writer: httpx.AsyncClient) -> None:
    book = f"{RECORD}/customer/107/addressBook"
    added = await writer.post(book, json={"label": "New", "addressBookAddress": {"country": {"id": "FR"}}})
    assert added.status_code == 204
    line = added.headers["location"]
    assert (await writer.patch(line, json={"label": "Newer"})).status_code == 204
    assert (await writer.get(line)).json()["label"] == "Newer"
    assert (await writer.delete(line)).status_code == 204
    assert (await writer.get(line)).status_code == 404
    assert len((await writer.get(book)).json()["items"]) == 3


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"companyName": "x"}, (400, "USER_ERROR", "subsidiary")),
        ({"subsidiary": {"id": "1"}}, (400, "USER_ERROR", "companyName")),
        ({"companyName": "x", "subsidiary": {"id": "99"}}, (400, "INVALID_CONTENT", "subsidiary")),
        ({"companyName": "x" * 84, "subsidiary": {"id": "1"}}, (400, "USER_ERROR", "companyName")),
        ({"companyName": "x", "subsidiary": {"id": "1"}, "shoeSize": 1}, (400, "NONEXISTENT_FIELD", "shoeSize")),
        ({"companyName": {"a": 1}, "subsidiary": {"id": "1"}}, (400, "INVALID_CONTENT", "companyName")),
        ({"companyName": "x", "subsidiary": {"id": "1"}, "isInactive": "no"}, (400, "INVALID_CONTENT", "isInactive")),
        ({"companyName": "x", "subsidiary": {"id": "1"}, "creditLimit": "x"}, (400, "INVALID_CONTENT", "creditLimit")),
        (
            {"companyName": "x", "subsidiary": {"id": "1"}, "entityId": "10100001"},
            (400, "UNIQUE_CUST_ID_REQD", "entityId"),
        ),
        ([1], (400, "INVALID_CONTENT", "")),
    ],
)
async def test_a_wrong_body_is_refused_with_its_place(
    writer: httpx.AsyncClient, body: object, expected: tuple[int, str, str]
) -> None:  # fmt: skip
    refused = await writer.post(f"{RECORD}/customer", json=body)
    assert fault(refused) == expected
    assert refused.headers["content-type"].startswith("application/vnd.oracle.resource+json; type=error")


async def test_unknown_names_are_refused_noted_or_ignored(writer: httpx.AsyncClient) -> None:
    header = "x-netsuite-propertynamevalidation"

    async def change(how: str) -> httpx.Response:
        return await writer.patch(f"{RECORD}/customer/107", json={"shoeSize": 1}, headers={header: how})

    assert (await change("Error")).status_code == 400
    assert "shoeSize" in (await change("Warning")).headers["warning"]
    assert "warning" not in (await change("Ignore")).headers
    assert fault(await change("Perhaps"))[2] == "X-NetSuite-PropertyNameValidation"


async def test_what_is_not_there_or_not_allowed_is_told_apart(writer: httpx.AsyncClient) -> None:
    assert fault(await writer.get(f"{RECORD}/customer/999999")) == (404, "NONEXISTENT_ID", "customer/999999")
    assert fault(await writer.get(f"{RECORD}/unicorn"))[:2] == (404, "INVALID_RECORD_TYPE")
    assert fault(await writer.post(f"{RECORD}/currency", json={"name": "XXX"}))[:2] == (403, "INSUFFICIENT_PERMISSION")
    assert fault(await writer.delete(f"{RECORD}/customer/107"))[:2] == (400, "USER_ERROR")
    assert (await writer.put(f"{RECORD}/customer", json={})).status_code == 405
    assert (await writer.get("/nothing/here")).status_code == 404
    assert (await writer.get(f"{RECORD}/customer/107", params={"expand": "true"})).status_code == 400
    assert (await writer.get(f"{RECORD}/customer/107", params={"fields": "shoeSize"})).status_code == 400
    text = await writer.post(f"{RECORD}/customer", content="a=b", headers={"content-type": "text/csv"})
    assert text.status_code == 415


async def test_the_catalog_describes_every_type(reader: httpx.AsyncClient) -> None:
    catalog = (await reader.get(f"{RECORD}/metadata-catalog", params={"select": "customer,salesOrder"})).json()
    assert [one["name"] for one in catalog["items"]] == ["customer", "salesOrder"]
    schema = await reader.get(f"{RECORD}/metadata-catalog/salesOrder", headers={"accept": "application/schema+json"})
    assert schema.json()["properties"]["orderStatus"]["properties"]["id"]["enum"][:2] == ["A", "B"]
    swagger = await reader.get(f"{RECORD}/metadata-catalog", headers={"accept": "application/swagger+json"})
    assert swagger.json()["openapi"] == "3.0.1"
    assert fault(await reader.get(f"{RECORD}/metadata-catalog", params={"select": "unicorn"}))[2] == "select"
