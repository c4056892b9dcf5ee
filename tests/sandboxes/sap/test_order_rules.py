"""The business rules of an order, each with its message; simulation applies the same."""

from typing import Any

import httpx
import pytest

from sandboxes.company import company

ROOT = "/sap/opu/odata/sap"
CREATE = f"{ROOT}/API_SALES_ORDER_SRV/A_SalesOrder"
SIMULATE = f"{ROOT}/API_SALES_ORDER_SIMULATION_SRV/A_SalesOrderSimulation"


def _item(**changes: str) -> dict[str, Any]:
    return {"to_Item": [{"Material": "TG-00001", "RequestedQuantity": "1", **changes}]}


_BLOCKED = next(one.sap_customer for one in company().customers if one.order_blocked)
_SHIP_TO = company().customers[0].ship_to[0].sap_customer
_INACTIVE = next(one.sku for one in company().products if not one.active)
RULES = [
    ({"SalesOrderType": "ZZ"}, "V1/310", "SalesOrderType"),
    ({"SoldToParty": ""}, "V1/319", "SoldToParty"),
    ({"SoldToParty": "77777777"}, "V1/320", "SoldToParty"),
    ({"SoldToParty": _SHIP_TO}, "V1/320", "SoldToParty"),
    ({"SalesOrganization": "9999"}, "V1/320", "SoldToParty"),
    ({"SoldToParty": _BLOCKED}, "V1/302", "SoldToParty"),
    ({"TransactionCurrency": "XXX"}, "SV/731", "TransactionCurrency"),
    ({"to_Item": []}, "V4/219", "to_Item"),
    (_item(Material="NOTHING"), "V1/382", "Material"),
    (_item(Material=_INACTIVE), "V1/028", "Material"),
    (_item(RequestedQuantity="0"), "V1/404", "RequestedQuantity"),
    (_item(RequestedQuantity="-1"), "V1/404", "RequestedQuantity"),
    (_item(RequestedQuantityUnit="KG"), "V1/385", "RequestedQuantityUnit"),
    ({"to_Partner": [{"PartnerFunction": "SH", "Customer": "77777777"}]}, "VP/199", "Customer"),
    ({"to_Partner": [{"PartnerFunction": "ZZ", "Customer": "10100001"}]}, "VP/201", "PartnerFunction"),
]


@pytest.mark.parametrize(("change", "code", "target"), RULES)
@pytest.mark.parametrize("path", [CREATE, SIMULATE])
async def test_broken_rule_is_a_business_error(
    writer: httpx.AsyncClient, order: dict[str, Any], path: str, change: dict[str, Any], code: str, target: str
) -> None:
    refused = await writer.post(path, json=order | change)
    error = refused.json()["error"]
    assert (refused.status_code, error["code"]) == (400, code)
    assert error["innererror"]["errordetails"][0]["target"] == target
    assert (await writer.get("/__sandbox__/ledger")).json()["orders"] == []


async def test_every_faulty_item_is_reported(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    order["to_Item"] = [{"Material": "A", "RequestedQuantity": "1"}, {"Material": "TG-00001", "RequestedQuantity": "0"}]
    details = (await writer.post(CREATE, json=order)).json()["error"]["innererror"]["errordetails"]
    assert [one["code"] for one in details] == ["V1/382", "V1/404"]


async def test_unknown_plant_and_condition_and_twice_used_item_number(
    writer: httpx.AsyncClient, order: dict[str, Any]
) -> None:
    plant = _item(ProductionPlant="0001")
    assert (await writer.post(CREATE, json=order | plant)).json()["error"]["code"] == "V1/384"
    condition = {"to_Item": [{**order["to_Item"][0], "to_PricingElement": [{"ConditionType": "ZZZZ"}]}]}
    assert (await writer.post(CREATE, json=order | condition)).json()["error"]["code"] == "VE/108"
    twice = {"to_Item": [{**one, "SalesOrderItem": "10"} for one in order["to_Item"]]}
    assert (await writer.post(CREATE, json=order | twice)).json()["error"]["code"] == "V1/501"


async def test_order_beyond_the_credit_limit_is_saved_but_blocked(
    writer: httpx.AsyncClient, order: dict[str, Any]
) -> None:
    quote = company().quotes_for("credit-refused")[0]
    customer = company().customer_by_number[quote.customer]
    answered = await writer.post(CREATE, json=order | {"SoldToParty": customer.sap_customer})
    made = answered.json()["d"]
    assert answered.status_code == 201
    assert (made["TotalCreditCheckStatus"], made["TotalBlockStatus"]) == ("B", "C")
    assert '"severity":"warning"' in answered.headers["sap-message"]


async def test_open_orders_use_up_the_credit(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    big = {"to_Item": [{"Material": "TG-00001", "RequestedQuantity": "1", "to_PricingElement": [_price("1100000")]}]}
    first = (await writer.post(CREATE, json=order | big)).json()["d"]
    second = (await writer.post(CREATE, json=order | big)).json()["d"]
    assert (first["TotalCreditCheckStatus"], second["TotalCreditCheckStatus"]) == ("A", "B")
    headers = {"if-match": first["__metadata"]["etag"]}
    await writer.delete(f"{CREATE}('{first['SalesOrder']}')", headers=headers)
    third = (await writer.post(CREATE, json=order)).json()["d"]
    assert third["TotalCreditCheckStatus"] == "A"


async def test_short_stock_confirms_what_is_there(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    quote = company().quotes_for("short-stock")[0]
    product = company().product_by_number[quote.lines[0].product]
    order["to_Item"] = [{"Material": product.sku, "RequestedQuantity": "12", "to_ScheduleLine": []}]
    answered = await writer.post(CREATE, json=order)
    [line] = answered.json()["d"]["to_Item"]["results"][0]["to_ScheduleLine"]["results"]
    there = str(max(product.stock.values()))
    assert (line["ScheduleLineOrderQuantity"], line["ConfdOrderQtyByMatlAvailCheck"]) == ("12", there)
    assert '"code":"V1/849"' in answered.headers["sap-message"]


async def test_two_items_of_one_material_share_its_stock(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    stock = company().product_by_sku["TG-00001"].stock["HAM1"]
    item = {"Material": "TG-00001", "ProductionPlant": "1010", "RequestedQuantity": str(stock - 1)}
    made = (await writer.post(CREATE, json=order | {"to_Item": [item, item]})).json()["d"]
    confirmed = [one["ConfdDelivQtyInOrderQtyUnit"] for one in made["to_Item"]["results"]]
    assert confirmed == [str(stock - 1), "1"]


async def test_locked_document_cannot_be_changed(writer: httpx.AsyncClient) -> None:
    await writer.post("/__sandbox__/lock", json={"document": "4000001", "user": "MUELLER"})
    item = f"{ROOT}/API_SALES_ORDER_SRV/A_SalesOrderItem(SalesOrder='4000001',SalesOrderItem='10')"
    refused = await writer.patch(item, json={"RequestedQuantity": "7"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "V1/042")
    assert "MUELLER" in refused.text
    await writer.post("/__sandbox__/unlock", json={"document": "4000001"})
    assert (await writer.patch(item, json={"RequestedQuantity": "7"})).status_code == 204


async def test_approval_of_an_order_that_needs_none(writer: httpx.AsyncClient) -> None:
    path = f"{ROOT}/API_SALES_ORDER_SRV/releaseApprovalRequest?SalesOrder='4000001'"
    assert (await writer.post(path)).status_code == 400
    assert (await writer.get(path)).status_code == 405


async def test_rejection_reason_must_exist(writer: httpx.AsyncClient) -> None:
    item = f"{ROOT}/API_SALES_ORDER_SRV/A_SalesOrderItem(SalesOrder='4000001',SalesOrderItem='10')"
    assert (await writer.patch(item, json={"SalesDocumentRjcnReason": "99"})).json()["error"]["code"] == "V1/483"


def _price(amount: str) -> dict[str, str]:
    return {"ConditionType": "PR00", "ConditionRateValue": amount, "ConditionCurrency": "EUR"}
