"""simple-salesforce, unmodified, keeps return orders; what the org would refuse is refused."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest

from sandboxes.company import company

V = "/services/data/v66.0"
QUOTE = company().quotes_for("plain")[2]
ACCOUNT = company().customer_by_number[QUOTE.customer].salesforce_id
USERNAME = "integration@tarn-gauge.example"


class Loopback(HTTPAdapter):
    """Sends what is meant for a salesforce.com host to the sandbox."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url = url

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        request.url = self._url + parts.path + (f"?{parts.query}" if parts.query else "")
        return super().send(request, *args, **kwargs)


@pytest.fixture
def connect(url: str) -> Callable[[], Salesforce]:
    def connected() -> Salesforce:
        session = requests.Session()
        session.mount("https://", Loopback(url))
        return Salesforce(
            username=USERNAME, password="sandbox-password", security_token="sandbox-token", session=session
        )

    return connected


async def create(client: httpx.AsyncClient, sobject: str, body: dict[str, Any]) -> str:
    answer = await client.post(f"{V}/sobjects/{sobject}", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


@pytest.fixture
async def order(client: httpx.AsyncClient) -> tuple[str, str]:
    """An order and its one product."""
    body = {"AccountId": ACCOUNT, "EffectiveDate": "2026-06-01", "Status": "Draft", "QuoteId": QUOTE.salesforce_id}
    body |= {"Pricebook2Id": company().standard_pricebook_id, "CurrencyIsoCode": QUOTE.currency}
    made = await create(client, "Order", body)
    line = (await client.get(f"{V}/sobjects/QuoteLineItem/{QUOTE.lines[0].salesforce_id}")).json()
    item = {"OrderId": made, "PricebookEntryId": line["PricebookEntryId"], "Quantity": 3, "UnitPrice": 10.25}
    return made, await create(client, "OrderItem", item)


async def test_a_return_order_is_made_approved_and_closed(
    connect: Callable[[], Salesforce], order: tuple[str, str], unique: Iterator[str]
) -> None:
    reference = next(unique)

    def run() -> None:
        sf = connect()
        kept = {"OrderId": order[0], "Status": "Submitted", "CurrencyIsoCode": QUOTE.currency}
        assert sf.ReturnOrder.upsert(f"External_Return_Id__c/{reference}", kept) == 201
        made = sf.ReturnOrder.get_by_custom_id("External_Return_Id__c", reference)
        assert (made["AccountId"], made["StatusCategory"]) == (ACCOUNT, "Activated")
        assert made["ReturnOrderNumber"].isdigit()
        line = {"ReturnOrderId": made["Id"], "OrderItemId": order[1], "QuantityReturned": 2}
        item = sf.ReturnOrderLineItem.get(sf.ReturnOrderLineItem.create({**line, "ReasonForReturn": "Defective"})["id"])
        assert (item["TotalPrice"], item["UnitPrice"]) == (20.5, 10.25)
        assert item["Product2Id"] == company().product_by_number[QUOTE.lines[0].product].salesforce_id
        sf.ReturnOrder.update(made["Id"], {"Status": "Closed", "Refund_Amount__c": 20.5})
        lines = "(SELECT ReasonForReturn FROM ReturnOrderLineItems)"
        where = f"FROM ReturnOrder WHERE Id = '{made['Id']}'"
        [found] = sf.query(f"SELECT StatusCategory, GrandTotalAmount, {lines} {where}")["records"]
        assert (found["StatusCategory"], found["GrandTotalAmount"]) == ("Closed", 20.5)
        assert found["ReturnOrderLineItems"]["records"][0]["ReasonForReturn"] == "Defective"
        assert sf.ReturnOrderLineItem.delete(item["Id"]) == 204
        assert sf.ReturnOrder.get(made["Id"])["TotalAmount"] == 0

    await asyncio.to_thread(run)


async def test_what_the_org_would_refuse_is_refused(
    connect: Callable[[], Salesforce], order: tuple[str, str], unique: Iterator[str]
) -> None:
    reference = next(unique)

    def run() -> None:
        sf = connect()
        made = sf.ReturnOrder.create({"OrderId": order[0], "External_Return_Id__c": reference})["id"]
        assert sf.ReturnOrder.get(made)["Status"] == "Draft"
        for body, code in (
            ({"ReturnOrderId": made, "QuantityReturned": 1}, "FIELD_INTEGRITY_EXCEPTION"),
            ({"ReturnOrderId": made, "OrderItemId": order[1]}, "REQUIRED_FIELD_MISSING"),
            ({"OrderItemId": order[1], "QuantityReturned": 1}, "REQUIRED_FIELD_MISSING"),
            ({"ReturnOrderId": made, "QuantityReturned": 1, "TotalPrice": 3}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ):
            with pytest.raises(SalesforceMalformedRequest, match=code):
                sf.ReturnOrderLineItem.create(body)
        with pytest.raises(SalesforceMalformedRequest, match="DUPLICATE_VALUE"):
            sf.ReturnOrder.create({"External_Return_Id__c": reference})
        with pytest.raises(SalesforceMalformedRequest, match="INVALID_FIELD_FOR_INSERT_UPDATE"):
            sf.ReturnOrder.update(made, {"StatusCategory": "Closed"})

    await asyncio.to_thread(run)


async def test_a_line_of_another_order_is_refused(client: httpx.AsyncClient, order: tuple[str, str]) -> None:
    body = {"AccountId": ACCOUNT, "EffectiveDate": "2026-06-01", "Status": "Draft"}
    other = await create(client, "Order", body)
    made = await create(client, "ReturnOrder", {"OrderId": other})
    line = {"ReturnOrderId": made, "OrderItemId": order[1], "QuantityReturned": 1}
    answer = await client.post(f"{V}/sobjects/ReturnOrderLineItem", json=line)
    assert answer.json()[0]["errorCode"] == "FIELD_INTEGRITY_EXCEPTION"
