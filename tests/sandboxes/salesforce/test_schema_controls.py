"""The stand-in notes what callers touch through each door, and its schema drifts and comes back on demand."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

V = "/services/data/v66.0"


@pytest.fixture
async def org(client: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    await control(client, "touched", clear=True)
    yield client
    await control(client, "schema")


async def control(client: httpx.AsyncClient, name: str, **body: Any) -> Any:
    answer = await client.post(f"/__sandbox__/{name}", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def query(client: httpx.AsyncClient, soql: str) -> httpx.Response:
    return await client.get(f"{V}/query", params={"q": soql})


async def test_a_query_reads_what_it_selects_tests_and_sorts_by_on_every_level(org: httpx.AsyncClient) -> None:
    soql = (
        "SELECT Id, (SELECT Product2.Name FROM QuoteLineItems WHERE Quantity > 0) FROM Quote "
        "WHERE Status = 'Draft' AND AccountId IN (SELECT Id FROM Account WHERE Name LIKE 'A%') ORDER BY Name LIMIT 1"
    )
    assert (await query(org, soql)).status_code == 200
    touched = await control(org, "touched")
    assert {name: each["read"] for name, each in touched.items()} == {
        "Account": ["Id", "Name"],
        "Product2": ["Name"],
        "Quote": ["AccountId", "Id", "Name", "Status"],
        "QuoteLineItem": ["Quantity"],
    }
    assert not any(each["create"] or each["edit"] or each["delete"] for each in touched.values())


async def test_writes_of_every_kind_are_told_apart(org: httpx.AsyncClient, unique: Iterator[str]) -> None:
    made = await org.post(f"{V}/sobjects/Account", json={"Name": "A", "Phone": "1"})
    row = f"{V}/sobjects/Account/{made.json()['id']}"
    await org.patch(row, json={"phone": "2"})
    await org.patch(f"{V}/sobjects/Account/ERP_Customer_Number__c/{next(unique)}", json={"Name": "B"})
    assert (await control(org, "touched", clear=True))["Account"] == {
        "read": ["ERP_Customer_Number__c"],
        "create": ["ERP_Customer_Number__c", "Name", "Phone"],
        "edit": ["Phone"],
        "delete": False,
    }
    await org.delete(row)
    touched = await control(org, "touched")
    assert touched["Account"] == {"read": [], "create": [], "edit": [], "delete": True}


async def test_a_hidden_field_is_gone_from_describe_query_and_writes_until_it_comes_back(
    org: httpx.AsyncClient,
) -> None:
    await control(org, "schema", object="account", field="legal_name__c")
    described = (await org.get(f"{V}/sobjects/Account/describe")).json()["fields"]
    assert "Legal_Name__c" not in {field["name"] for field in described}
    for answer in (
        await query(org, "SELECT Legal_Name__c FROM Account LIMIT 1"),
        await org.post(f"{V}/sobjects/Account", json={"Name": "A", "Legal_Name__c": "B"}),
    ):
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_FIELD")
    await control(org, "schema")
    assert (await query(org, "SELECT Legal_Name__c FROM Account LIMIT 1")).status_code == 200


async def test_a_hidden_object_is_no_object_until_it_comes_back(org: httpx.AsyncClient) -> None:
    await control(org, "schema", object="ReturnOrder")
    assert (await org.get(f"{V}/sobjects/ReturnOrder/describe")).status_code == 404
    assert (await query(org, "SELECT Id FROM ReturnOrder")).json()[0]["errorCode"] == "INVALID_TYPE"
    await control(org, "schema")
    assert (await query(org, "SELECT Id FROM ReturnOrder")).status_code == 200


async def test_a_changed_field_is_described_and_enforced_as_changed(org: httpx.AsyncClient) -> None:
    await control(org, "schema", object="Order", field="Fulfilment_Status__c", set={"inactive": ["Shipped"]})
    await control(org, "schema", object="Account", field="Legal_Name__c", set={"length": 3})
    described = (await org.get(f"{V}/sobjects/Order/describe")).json()["fields"]
    values = next(field["picklistValues"] for field in described if field["name"] == "Fulfilment_Status__c")
    assert [each["value"] for each in values if not each["active"]] == ["Shipped"]
    refused = await org.post(f"{V}/sobjects/Account", json={"Name": "A", "Legal_Name__c": "long"})
    assert refused.json()[0]["errorCode"] == "STRING_TOO_LONG"
    await control(org, "schema")
    made = await org.post(f"{V}/sobjects/Account", json={"Name": "A", "Legal_Name__c": "long"})
    assert made.status_code == 201


@pytest.mark.parametrize("body", [{"object": "Nothing"}, {"object": "Account", "field": "Nothing__c"}])
async def test_what_is_not_there_cannot_be_changed(org: httpx.AsyncClient, body: dict[str, Any]) -> None:
    answer = await org.post("/__sandbox__/schema", json=body)
    assert answer.status_code == 400
    assert "Nothing" in answer.json()["error"]
