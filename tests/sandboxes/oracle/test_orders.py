"""Sales orders of the Fusion stand-in: made once, held, split, canceled, billed."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandboxes.company import Customer, Quote, company
from sandboxes.kit import Clock
from sandboxes.oracle.app import create_app
from sandboxes.oracle.areas.master import account_id, party_id

HUB = "/salesOrdersForOrderHub"
ROOT = "/fscmRestApi/resources/11.13.18.05"
AUTH = ("TRIPTYCH", "sandbox-only")


def buyer() -> Customer:
    return company().customer_by_number[company().quotes_for("plain")[0].customer]


def body(reference: str = "SF-0001", customer: Customer | None = None, **changes: object) -> dict[str, Any]:
    """An order of two lines."""
    account = {"AccountNumber": (customer or buyer()).sap_customer}
    order: dict[str, Any] = {
        "SourceTransactionNumber": reference,
        "SourceTransactionSystem": "TRIPTYCH",
        "SourceTransactionId": reference,
        "BusinessUnitName": "US1 Business Unit",
        "TransactionalCurrencyCode": "EUR",
        "SubmittedFlag": True,
        "billToCustomer": [account],
        "lines": [line(1, "TG-00001", 3, 10), line(2, "TG-00002", 2, 20)],
    }
    return order | changes


def line(place: int, item: str, quantity: float, price: float | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {
        "SourceTransactionLineId": str(place),
        "SourceTransactionLineNumber": str(place),
        "SourceTransactionScheduleId": str(place),
        "SourceScheduleNumber": "1",
        "ProductNumber": item,
        "OrderedQuantity": quantity,
        "OrderedUOMCode": "Ea",
    }
    if price is not None:
        made["manualPriceAdjustments"] = [{"AdjustmentTypeCode": "PRICE_OVERRIDE", "AdjustmentAmount": price}]
    return made


async def placed(client: httpx.AsyncClient, order: dict[str, Any]) -> dict[str, Any]:
    made = await client.post(HUB, json=order)
    assert made.status_code == 201, made.text
    return await whole(client, made.json()["OrderKey"])


async def whole(client: httpx.AsyncClient, key: str) -> dict[str, Any]:
    found = await client.get(f"{HUB}/{key}?expand=all&onlyData=true")
    assert found.status_code == 200
    return found.json()


def totals(order: dict[str, Any]) -> dict[str, Any]:
    return {one["TotalCode"]: one["TotalAmount"] for one in order["totals"]["items"]}


def codes(refused: httpx.Response) -> list[str]:
    assert refused.status_code == 400, refused.text
    return [one["o:errorCode"] for one in refused.json()["o:errorDetails"]]


async def test_an_order_is_made_under_the_key_of_its_source(fusion: httpx.AsyncClient) -> None:
    customer = buyer()
    made = await fusion.post(HUB, json=body())
    assert made.headers["location"].endswith(f"{HUB}/TRIPTYCH:SF-0001")
    order = await whole(fusion, "TRIPTYCH:SF-0001")
    assert order["OrderKey"] == "TRIPTYCH:SF-0001"
    assert (order["StatusCode"], order["SubmittedFlag"], order["OnHoldFlag"]) == ("OPEN", True, False)
    assert order["BuyingPartyId"] == party_id(customer)
    assert order["billToCustomer"]["items"][0]["CustomerAccountId"] == account_id(customer)
    assert order["shipToCustomer"]["items"][0]["PartyName"] == customer.legal_name
    assert await whole(fusion, str(order["HeaderId"])) == order
    by_number = await fusion.get(HUB, params={"finder": f"findByOrderNumber;OrderNumber={order['OrderNumber']}"})
    assert [one["HeaderId"] for one in by_number.json()["items"]] == [order["HeaderId"]]


async def test_lines_are_priced_and_scheduled(fusion: httpx.AsyncClient) -> None:
    order = await placed(fusion, body())
    first, second = order["lines"]["items"]
    assert (first["LineNumber"], first["StatusCode"], first["UnitSellingPrice"], first["ExtendedAmount"]) == (
        "1",
        "AWAIT_SHIP",
        10,
        30,
    )
    assert first["ScheduleShipDate"] is not None
    assert second["charges"]["items"][0]["chargeComponents"]["items"][1]["HeaderCurrencyExtendedAmount"] == 40
    assert totals(order)["QP_TOTAL_NET_PRICE"] == 70
    assert totals(order)["QP_TOTAL_TAX"] == (13.3 if buyer().country == "DE" else 0)


async def test_without_a_price_the_list_price_counts_and_frozen_charges_win(fusion: httpx.AsyncClient) -> None:
    listed = company().product_by_sku["TG-00001"].list_price
    free = await placed(fusion, body("L", lines=[line(1, "TG-00001", 1)]))
    assert Decimal(str(free["lines"]["items"][0]["UnitSellingPrice"])) == listed
    component = {"PriceElementCode": "QP_NET_PRICE", "HeaderCurrencyUnitPrice": 7.5}
    frozen = line(1, "TG-00001", 2) | {"charges": [{"chargeComponents": [component]}]}
    kept = await placed(fusion, body("F", FreezePriceFlag=True, lines=[frozen]))
    assert kept["lines"]["items"][0]["ExtendedAmount"] == 15
    bare = await fusion.post(HUB, json=body("N", FreezePriceFlag=True, lines=[line(1, "TG-00001", 2)]))
    assert codes(bare) == ["FOM-4515570"]


async def test_the_same_source_transaction_is_refused_whatever_it_says(fusion: httpx.AsyncClient) -> None:
    await placed(fusion, body())
    assert codes(await fusion.post(HUB, json=body(lines=[line(1, "TG-00003", 1)]))) == ["FOM-4515507"]
    other = body() | {"SourceTransactionSystem": "OTHER"}
    assert (await fusion.post(HUB, json=other)).status_code == 201


async def test_everything_wrong_with_an_order_is_said(fusion: httpx.AsyncClient) -> None:
    lines = [line(1, "NOPE", 1), line(1, "TG-00001", 1), line(3, "TG-00001", 0), line(4, "TG-00053", 1)]
    refused = await fusion.post(HUB, json=body(lines=lines, shipToCustomer=[{"SiteId": 1}]))
    assert codes(refused) == ["FOM-4515540", "FOM-4515550", "FOM-4515544", "FOM-4515540", "FOM-4515521"]
    paths = [one["o:errorPath"] for one in refused.json()["o:errorDetails"]]
    assert paths[:2] == ["/lines/0/ProductNumber", "/lines/1/SourceTransactionLineId"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"billToCustomer": [{"AccountNumber": "nobody"}]}, "FOM-4515519"),
        ({"billToCustomer": []}, "FOM-4515519"),
        ({"TransactionalCurrencyCode": "XXX"}, "FOM-4515530"),
        ({"lines": []}, "FOM-4515560"),
    ],
)
async def test_orders_for_nobody_or_of_nothing_are_refused(
    fusion: httpx.AsyncClient, changes: dict[str, Any], code: str
) -> None:
    assert codes(await fusion.post(HUB, json=body(**changes))) == [code]


def quoted(scenario: str) -> tuple[Quote, Customer, dict[str, Any]]:
    quote = company().quotes_for(scenario)[0]
    customer = company().customer_by_number[quote.customer]
    lines = [
        line(place, company().product_by_number[one.product].sku, float(one.quantity), float(one.unit_price))
        for place, one in enumerate(quote.lines, 1)
    ]
    return quote, customer, body(scenario, customer, TransactionalCurrencyCode=quote.currency, lines=lines)


async def test_a_blocked_customer_orders_nothing(fusion: httpx.AsyncClient) -> None:
    _, _, order = quoted("blocked-customer")
    assert codes(await fusion.post(HUB, json=order)) == ["FOM-4515613"]
    draft = await placed(fusion, order | {"SubmittedFlag": False})
    assert draft["StatusCode"] == "DOO_DRAFT"


async def test_an_order_beyond_the_credit_limit_is_held_until_released(fusion: httpx.AsyncClient) -> None:
    order = await placed(fusion, quoted("credit-refused")[2])
    assert order["OnHoldFlag"]
    assert order["holds"]["items"][0]["HoldCode"] == "DOO_CREDIT_CHECK_FAILURE"
    sent = {"HoldCode": "DOO_CREDIT_CHECK_FAILURE", "HoldReleaseReasonCode": "OTHER"}
    path = f"{HUB}/{order['OrderKey']}/action"
    assert (await fusion.post(f"{path}/releaseHold", json=sent)).json() == {"result": "SUCCESS"}
    assert not (await whole(fusion, order["OrderKey"]))["OnHoldFlag"]
    assert codes(await fusion.post(f"{path}/releaseHold", json=sent)) == ["FOM-4515701"]
    await fusion.post(f"{path}/applyHold", json={"HoldCode": "REVIEW"})
    assert (await whole(fusion, order["OrderKey"]))["OnHoldFlag"]


async def test_what_is_not_in_stock_is_split_off_unscheduled(fusion: httpx.AsyncClient) -> None:
    order = await placed(fusion, quoted("short-stock")[2])
    scarce = [one for one in order["lines"]["items"] if one["LineNumber"] == "1"]
    shown = [(one["FulfillLineNumber"], one["OrderedQuantity"], one["StatusCode"]) for one in scarce]
    assert shown == [("1", 2, "AWAIT_SHIP"), ("2", 10, "NOT_SCHEDULED")]
    assert len({one["FulfillLineId"] for one in scarce}) == 2
    assert len({one["LineId"] for one in scarce}) == 1


async def test_a_draft_is_submitted_later(fusion: httpx.AsyncClient) -> None:
    draft = await placed(fusion, body(SubmittedFlag=False))
    assert draft["lines"]["items"][0]["StatusCode"] == "DOO_DRAFT"
    await fusion.patch(f"{HUB}/{draft['OrderKey']}", json={"SubmittedFlag": True})
    order = await whole(fusion, draft["OrderKey"])
    assert (order["StatusCode"], order["lines"]["items"][0]["StatusCode"]) == ("OPEN", "AWAIT_SHIP")


async def test_canceling_gives_everything_back(fusion: httpx.AsyncClient) -> None:
    scarce = quoted("short-stock")[2]
    order = await placed(fusion, scarce)
    canceled = await fusion.patch(
        f"{HUB}/{order['OrderKey']}", json={"CanceledFlag": True, "CancelReasonCode": "CUSTOMER_REQUEST"}
    )
    assert canceled.json()["StatusCode"] == "CANCELED"
    assert totals(await whole(fusion, order["OrderKey"]))["QP_TOTAL_NET_PRICE"] == 0
    again = await placed(fusion, scarce | {"SourceTransactionId": "again"})
    assert again["lines"]["items"][0]["OrderedQuantity"] == 2
    refused = await fusion.patch(f"{HUB}/{again['OrderKey']}", json={"CanceledFlag": True, "CancelReasonCode": "NO"})
    assert codes(refused) == ["FOM-4515580"]


async def test_a_line_changes_or_is_canceled_by_itself(fusion: httpx.AsyncClient) -> None:
    order = await placed(fusion, body())
    lines = (await fusion.get(f"{HUB}/{order['OrderKey']}/child/lines")).json()["items"]
    first, second = (one["links"][0]["href"] for one in lines)
    changed = (await fusion.patch(first, json={"OrderedQuantity": 5})).json()
    assert (changed["ExtendedAmount"], changed["StatusCode"]) == (50, "AWAIT_SHIP")
    sent = {"CanceledFlag": True, "CancelReasonCode": "ENTERED_IN_ERROR"}
    assert (await fusion.patch(second, json=sent)).json()["StatusCode"] == "CANCELED"
    now = await whole(fusion, order["OrderKey"])
    assert (now["StatusCode"], totals(now)["QP_TOTAL_NET_PRICE"]) == ("OPEN", 50)
    assert codes(await fusion.patch(second, json=sent)) == ["FOM-4515600"]
    assert codes(await fusion.patch(first, json={"OrderedQuantity": 0})) == ["FOM-4515544"]


async def test_a_line_is_split_by_an_action(fusion: httpx.AsyncClient) -> None:
    order = await placed(fusion, body())
    sent = {"FulfillLineId": order["lines"]["items"][0]["FulfillLineId"], "SplitQuantity": 1}
    path = f"{HUB}/{order['OrderKey']}/action/splitFulfillmentLine"
    assert (await fusion.post(path, json=sent)).status_code == 200
    now = await whole(fusion, order["OrderKey"])
    parts = [one["OrderedQuantity"] for one in now["lines"]["items"] if one["LineNumber"] == "1"]
    assert (parts, totals(now)["QP_TOTAL_NET_PRICE"]) == ([2, 1], 70)
    assert codes(await fusion.post(path, json=sent | {"SplitQuantity": "x"})) == ["FOM-4515702"]


async def test_what_was_picked_is_not_picked_again(fusion: httpx.AsyncClient, fresh: str) -> None:
    order = await placed(fusion, body())
    sent = {"order": order["OrderNumber"], "until": "delivery"}
    assert (await fusion.post(f"{fresh}/__sandbox__/fulfil", json=sent)).status_code == 200
    picked = await whole(fusion, order["OrderKey"])
    assert [one["StatusCode"] for one in picked["lines"]["items"]] == ["PICKED", "PICKED"]
    assert (await fusion.post(f"{fresh}/__sandbox__/fulfil", json=sent)).status_code == 400


async def test_an_invoice_follows_what_was_shipped(fusion: httpx.AsyncClient, fresh: str) -> None:
    order = await placed(fusion, body())
    done = (await fusion.post(f"{fresh}/__sandbox__/fulfil", json={"order": order["OrderNumber"]})).json()
    assert (await whole(fusion, order["OrderKey"]))["StatusCode"] == "CLOSED"
    sent = {"q": f"TransactionNumber = '{done['invoice']}'", "expand": "receivablesInvoiceLines"}
    found = (await fusion.get("/receivablesInvoices", params=sent)).json()["items"][0]
    assert (found["BillToCustomerNumber"], found["InvoiceCurrencyCode"]) == (buyer().sap_customer, "EUR")
    lines = found["receivablesInvoiceLines"]["items"]
    assert [(one["ItemNumber"], one["LineAmount"], one["SalesOrder"]) for one in lines] == [
        ("TG-00001", 30, order["OrderNumber"]),
        ("TG-00002", 40, order["OrderNumber"]),
    ]
    sent = {"CanceledFlag": True, "CancelReasonCode": "OTHER"}
    assert codes(await fusion.patch(f"{HUB}/{order['OrderKey']}", json=sent)) == ["FOM-4515600"]


async def test_the_ledger_tells_what_was_made_since_the_seed(fusion: httpx.AsyncClient, fresh: str) -> None:
    seeded = (await fusion.get(f"{HUB}?totalResults=true&limit=1")).json()["totalResults"]
    assert seeded > 50
    assert (await fusion.get(f"{fresh}/__sandbox__/ledger")).json()["orders"] == []
    await placed(fusion, body())
    entry = (await fusion.get(f"{fresh}/__sandbox__/ledger")).json()["orders"][0]
    assert (entry["SourceTransactionId"], entry["net"], entry["state"]) == ("SF-0001", "70.00", "open")


async def test_a_restart_finds_what_was_there(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "oracle.sqlite"
    for expected in (404, 200):
        app = create_app(path, clock)
        transport = httpx.ASGITransport(app=app)  # pyright: ignore[reportArgumentType] - ASGI 3, typed more narrowly
        async with httpx.AsyncClient(transport=transport, base_url=f"http://fusion{ROOT}", auth=AUTH) as client:
            assert (await client.get(f"{HUB}/TRIPTYCH:SF-0001")).status_code == expected
            if expected == 404:
                assert (await client.post(HUB, json=body())).status_code == 201
        app.close()
