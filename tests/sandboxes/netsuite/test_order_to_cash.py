"""Orders and what follows them: rules of saving, transforms, stock, credit, returns."""

from typing import Any

import httpx
import pytest

from sandboxes.company import Quote, company

RECORD = "/record/v1"
EXPANDED = {"expandSubResources": "true"}


def order(customer: str = "107", **line: Any) -> dict[str, Any]:
    return {
        "entity": {"id": customer},
        "item": {"items": [{"item": {"externalId": "TG-00001"}, "quantity": 10, **line}]},
    }


def of_quote(quote: Quote, customer: str) -> dict[str, Any]:
    firm = company()
    lines = [
        {"item": {"externalId": firm.product_by_number[one.product].sku}, "quantity": float(one.quantity)}
        for one in quote.lines
    ]
    return {"entity": {"id": customer}, "item": {"items": lines}}


async def made(client: httpx.AsyncClient, path: str, body: Any) -> str:
    answer = await client.post(path, json=body)
    assert answer.status_code == 204, answer.text
    return answer.headers["location"]


async def shown(client: httpx.AsyncClient, where: str) -> dict[str, Any]:
    return (await client.get(where, params=EXPANDED)).json()


async def customer_id(client: httpx.AsyncClient, number: str) -> str:
    found = await client.get(f"{RECORD}/customer", params={"q": f'entityId IS "{number}"'})
    return found.json()["items"][0]["id"]


@pytest.mark.parametrize(
    ("scenario", "outcome"),
    [
        ("plain", "B"),
        ("credit-refused", "A"),
        ("blocked-customer", "credit hold"),
        ("zero-quantity", "quantity"),
        ("inactive-product", "item"),
        ("no-minor-units", "B"),
        ("many-lines", "B"),
    ],
)
async def test_scenarios_of_the_company_come_out(writer: httpx.AsyncClient, scenario: str, outcome: str) -> None:
    quote = company().quotes_for(scenario)[0]
    customer = await customer_id(writer, company().customer_by_number[quote.customer].sap_customer)
    answer = await writer.post(f"{RECORD}/salesOrder", json=of_quote(quote, customer))
    if len(outcome) > 1:
        assert answer.status_code == 400
        assert outcome in answer.json()["o:errorDetails"][0]["detail"]
        return
    saved = await shown(writer, answer.headers["location"])
    assert saved["orderStatus"]["id"] == outcome
    assert saved["currency"]["refName"] == quote.currency
    assert saved["subtotal"] == pytest.approx(sum(line["amount"] for line in saved["item"]["items"]))


async def test_short_stock_is_back_ordered(writer: httpx.AsyncClient) -> None:
    quote = company().quotes_for("short-stock")[0]
    customer = await customer_id(writer, company().customer_by_number[quote.customer].sap_customer)
    saved = await shown(writer, await made(writer, f"{RECORD}/salesOrder", of_quote(quote, customer)))
    line = saved["item"]["items"][0]
    assert line["quantityBackOrdered"] > 0
    assert line["quantityCommitted"] + line["quantityBackOrdered"] == line["quantity"]


async def test_an_order_commits_stock_and_credit_and_gives_them_back(writer: httpx.AsyncClient) -> None:
    async def committed() -> tuple[float, float]:
        item, customer = await shown(writer, f"{RECORD}/inventoryItem/1"), await shown(writer, f"{RECORD}/customer/107")
        return item["locations"]["items"][0]["quantityAvailable"], customer["unbilledOrders"]

    before = await committed()
    where = await made(writer, f"{RECORD}/salesOrder", order(rate=2))
    assert await committed() == (before[0] - 10, before[1] + 20)
    await writer.patch(where, json={"item": {"items": [{"line": 1, "quantity": 4}]}})
    assert await committed() == (before[0] - 4, before[1] + 8)
    await writer.patch(where, json={"item": {"items": [{"line": 1, "isClosed": True}]}})
    assert await committed() == before
    assert (await shown(writer, where))["status"] == {"id": "H", "refName": "Closed"}


async def test_prices_come_from_the_price_level_or_the_line(writer: httpx.AsyncClient) -> None:
    lines = [
        {"item": {"id": "1"}, "quantity": 2},
        {"item": {"id": "1"}, "quantity": 2, "rate": 9.99},
        {"item": {"id": "1"}, "quantity": 2, "amount": 5},
    ]
    body = order() | {"item": {"items": lines}, "memo": "m", "otherRefNum": "PO-1", "shipAddressList": {"id": "3"}}
    saved = await shown(writer, await made(writer, f"{RECORD}/salesOrder", body))
    lines = saved["item"]["items"]
    assert [(one["price"]["id"], one["rate"], one["amount"]) for one in lines] == [
        ("1", 22.59, 45.18), ("-1", 9.99, 19.98), ("-1", 2.5, 5.0),
    ]  # fmt: skip
    assert (saved["subtotal"], saved["taxTotal"], saved["total"]) == (70.16, 13.33, 83.49)
    assert (saved["shippingAddress"]["city"], saved["terms"]["refName"]) == ("München", "Net 60")
    assert saved["shipAddressList"] == {"links": [], "id": "3", "refName": "10200011"}
    refused = await writer.post(f"{RECORD}/salesOrder", json=body | {"shipAddressList": {"id": "999"}})
    assert refused.json()["o:errorDetails"][0]["o:errorPath"] == "shipAddressList"


async def test_an_order_has_at_most_five_thousand_lines(writer: httpx.AsyncClient) -> None:
    body = order()
    body["item"] = {"items": body["item"]["items"] * 5001}
    refused = (await writer.post(f"{RECORD}/salesOrder", json=body)).json()["o:errorDetails"][0]
    assert (refused["o:errorCode"], refused["o:errorPath"]) == ("USER_ERROR", "item")


async def test_an_order_is_approved_cancelled_and_then_left_alone(writer: httpx.AsyncClient) -> None:
    where = await made(writer, f"{RECORD}/salesOrder", order() | {"orderStatus": {"id": "A"}})
    assert (await writer.post(f"{where}/!transform/itemFulfillment", json={})).status_code == 400
    assert (await writer.patch(where, json={"orderStatus": {"id": "B"}})).status_code == 204
    assert (await writer.patch(where, json={"orderStatus": {"id": "C"}})).status_code == 204
    refused = await writer.patch(where, json={"orderStatus": {"id": "B"}})
    assert refused.json()["o:errorDetails"][0]["o:errorCode"] == "USER_ERROR"
    assert (await writer.delete(where)).status_code == 204


async def test_an_order_is_fulfilled_in_parts_billed_returned_and_credited(writer: httpx.AsyncClient) -> None:
    where = await made(writer, f"{RECORD}/salesOrder", order(rate=1) | {"externalId": "SF-9"})
    part = {"shipStatus": {"id": "A"}, "item": {"items": [{"orderLine": 1, "quantity": 4}]}}
    picked = await made(writer, f"{where}/!transform/itemFulfillment", part)
    assert (await shown(writer, where))["status"]["id"] == "E"
    stock = (await shown(writer, f"{RECORD}/inventoryItem/1"))["locations"]["items"][0]["quantityOnHand"]
    assert (await writer.patch(picked, json={"shipStatus": {"id": "C"}})).status_code == 204
    after = (await shown(writer, f"{RECORD}/inventoryItem/1"))["locations"]["items"][0]["quantityOnHand"]
    assert after == stock - 4
    bill = await shown(writer, await made(writer, f"{where}/!transform/invoice", {}))
    assert (bill["subtotal"], bill["status"]["id"], bill["createdFrom"]["id"]) == (4.0, "A", where.rpartition("/")[2])
    await made(writer, f"{where}/!transform/itemFulfillment", {})
    await made(writer, f"{where}/!transform/invoice", {})
    assert (await shown(writer, where))["status"]["id"] == "G"
    nothing = await writer.post(f"{where}/!transform/invoice", json={})
    assert nothing.json()["o:errorDetails"][0]["o:errorCode"] == "INVALID_INITIALIZE_REF"

    more = {"item": {"items": [{"orderLine": 1, "quantity": 11}]}}
    assert (await writer.post(f"{where}/!transform/returnAuthorization", json=more)).status_code == 400
    back = {"orderStatus": {"id": "B"}, "externalId": "R-1", "item": {"items": [{"orderLine": 1, "quantity": 3}]}}
    returned = await made(writer, f"{where}/!transform/returnAuthorization", back)
    await made(writer, f"{returned}/!transform/itemReceipt", {})
    assert (await shown(writer, returned))["status"]["id"] == "F"
    credit = await shown(writer, await made(writer, f"{returned}/!transform/creditMemo", {}))
    assert (credit["subtotal"], (await shown(writer, returned))["status"]["id"]) == (3.0, "G")
    assert (await writer.post(f"{returned}/!transform/creditMemo", json={})).status_code == 400
    ledger = (await writer.get(f"{str(writer.base_url).partition('/services')[0]}/__sandbox__/ledger")).json()
    assert [one["externalId"] for one in ledger["orders"]] == ["SF-9"]
    assert [len(ledger[name]) for name in ("returns", "credits")] == [1, 1]


async def test_a_return_is_cancelled_as_long_as_nothing_was_credited(writer: httpx.AsyncClient) -> None:
    root = str(writer.base_url).partition("/services")[0]
    (await writer.post(f"{root}/__sandbox__/fulfil", json={"order": "SO100001"})).raise_for_status()
    found = await writer.get(f"{RECORD}/salesOrder", params={"q": 'tranId IS "SO100001"'})
    where = f"{RECORD}/salesOrder/{found.json()['items'][0]['id']}"
    returned = await made(writer, f"{where}/!transform/returnAuthorization", {})
    assert (await writer.patch(returned, json={"orderStatus": {"id": "C"}})).status_code == 204
    assert (await writer.post(f"{returned}/!transform/creditMemo", json={})).status_code == 400
    again = await made(writer, f"{where}/!transform/returnAuthorization", {"orderStatus": {"id": "B"}})
    closed = {"item": {"items": [{"line": 1, "isClosed": True}]}}
    assert (await writer.patch(again, json=closed)).status_code == 204
    assert (await shown(writer, again))["status"]["id"] == "H"


async def test_a_form_shows_what_would_be_saved(writer: httpx.AsyncClient) -> None:
    form = {"accept": "application/vnd.oracle.resource+json; type=create-form"}
    filled = await writer.post(f"{RECORD}/salesOrder", json=order(), headers=form)
    assert filled.headers["content-type"] == "application/vnd.oracle.resource+json; type=create-form"
    assert (filled.json()["total"], "id" in filled.json()) == (268.82, False)
    assert (await writer.get(f"{RECORD}/salesOrder", params={"limit": 1})).json()["totalResults"] == 192


async def test_a_change_that_comes_second_is_refused(fresh: str, writer: httpx.AsyncClient) -> None:
    (await writer.post(f"{fresh}/__sandbox__/contend", json={"times": 1})).raise_for_status()
    answers = [await writer.patch(f"{RECORD}/customer/107", json={"phone": "1"}) for _ in range(2)]
    assert [one.status_code for one in answers] == [400, 204]
    assert answers[0].json()["o:errorDetails"][0]["o:errorCode"] == "RCRD_HAS_BEEN_CHANGED"


async def test_the_control_path_holds_customers_and_refuses_what_cannot_follow(
    fresh: str, plain: httpx.AsyncClient
) -> None:
    async def control(name: str, **body: Any) -> httpx.Response:
        return await plain.post(f"{fresh}/__sandbox__/{name}", json=body)

    held = await control("customer", entityId="10100001", creditHoldOverride="ON")
    assert held.json() == {"changed": "107"}
    assert (await control("customer", entityId="nobody")).status_code == 400
    assert (await control("fulfil", order="SO100003")).status_code == 400
    assert (await control("fulfil", order="nothing")).status_code == 400
