"""Order simulation: asked-for nodes only, and nothing is stored."""

from decimal import Decimal
from typing import Any

import httpx

from sandboxes.company import company

ROOT = "/sap/opu/odata/sap"
SIMULATE = f"{ROOT}/API_SALES_ORDER_SIMULATION_SRV/A_SalesOrderSimulation"


def _whole(order: dict[str, Any]) -> dict[str, Any]:
    items = [{**one, "to_PricingElement": [], "to_ScheduleLine": []} for one in order["to_Item"]]
    return {**order, "to_Pricing": {}, "to_Credit": {}, "to_PricingElement": [], "to_Item": items}


async def test_empty_associations_bring_price_credit_and_availability(
    writer: httpx.AsyncClient, order: dict[str, Any]
) -> None:
    answered = await writer.post(SIMULATE, json=_whole(order))
    simulated = answered.json()["d"]
    assert answered.status_code == 201
    assert simulated["SalesOrder"] == ""
    assert simulated["to_Credit"]["TotalCreditCheckStatus"] == "A"
    items = simulated["to_Item"]["results"]
    net = sum(Decimal(one["NetAmount"]) for one in items)
    assert Decimal(simulated["to_Pricing"]["TotalNetAmount"]) == net
    assert simulated["to_Pricing"]["TransactionCurrency"] == "EUR"
    [line] = items[0]["to_ScheduleLine"]["results"]
    assert line["ConfdOrderQtyByMatlAvailCheck"] == "5"
    assert line["ConfirmedDeliveryDate"] == line["RequestedDeliveryDate"]
    assert {one["ConditionType"] for one in simulated["to_PricingElement"]["results"]} == {"PR00", "", "MWST"}
    assert '"code":"SLS_LORD/098"' in answered.headers["sap-message"]
    assert answered.headers["location"].endswith("A_SalesOrderSimulation('')")


async def test_associations_that_were_not_asked_for_stay_deferred(
    writer: httpx.AsyncClient, order: dict[str, Any]
) -> None:
    simulated = (await writer.post(SIMULATE, json=order)).json()["d"]
    assert "__deferred" in simulated["to_Pricing"]
    assert "__deferred" in simulated["to_Credit"]
    assert "__deferred" in simulated["to_Item"]["results"][0]["to_ScheduleLine"]


async def test_nothing_is_stored_or_reserved(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    before = (await writer.get(f"{ROOT}/API_SALES_ORDER_SRV/A_SalesOrder/$count")).text
    first, second = [(await writer.post(SIMULATE, json=_whole(order))).json() for _ in range(2)]
    assert first == second
    assert (await writer.get(f"{ROOT}/API_SALES_ORDER_SRV/A_SalesOrder/$count")).text == before
    assert (await writer.get("/__sandbox__/ledger")).json()["orders"] == []


async def test_credit_refusal_shows_as_status_b(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    quote = company().quotes_for("credit-refused")[0]
    order["SoldToParty"] = company().customer_by_number[quote.customer].sap_customer
    assert (await writer.post(SIMULATE, json=_whole(order))).json()["d"]["to_Credit"]["TotalCreditCheckStatus"] == "B"


async def test_every_plain_quote_of_the_seed_would_go_through(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    firm = company()
    for quote in firm.quotes_for("plain") + firm.quotes_for("many-lines"):
        customer = firm.customer_by_number[quote.customer]
        items = [
            {"Material": firm.product_by_number[line.product].sku, "RequestedQuantity": str(line.quantity)}
            for line in quote.lines
        ]
        body = _whole({**order, "SoldToParty": customer.sap_customer, "to_Item": items})
        simulated = (await writer.post(SIMULATE, json=body)).json()["d"]
        assert simulated["to_Credit"]["TotalCreditCheckStatus"] == "A", quote.number
        for one, line in zip(simulated["to_Item"]["results"], quote.lines, strict=True):
            assert one["to_ScheduleLine"]["results"][0]["ConfdOrderQtyByMatlAvailCheck"] == str(line.quantity)


async def test_price_list_agrees_with_the_quotes_unit_price(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    firm = company()
    for quote in firm.quotes_for("no-minor-units") + firm.quotes_for("three-minor-units"):
        customer, line = firm.customer_by_number[quote.customer], quote.lines[0]
        item = {"Material": firm.product_by_number[line.product].sku, "RequestedQuantity": "1"}
        body = _whole({**order, "SoldToParty": customer.sap_customer, "to_Item": [item]})
        simulated = (await writer.post(SIMULATE, json=body)).json()["d"]
        assert simulated["to_Pricing"] | {"TotalNetAmount": str(line.unit_price)} == simulated["to_Pricing"]
        assert simulated["to_Pricing"]["TransactionCurrency"] == quote.currency
