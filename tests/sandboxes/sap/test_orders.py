"""Sales orders written: created, changed, cancelled, deleted, with the preconditions HTTP asks for."""

import json
from typing import Any

import httpx
import pytest

SALES = "/sap/opu/odata/sap/API_SALES_ORDER_SRV"


async def create(writer: httpx.AsyncClient, body: dict[str, Any]) -> httpx.Response:
    answered = await writer.post(f"{SALES}/A_SalesOrder", json=body)
    assert answered.status_code == 201, answered.text
    return answered


async def read(writer: httpx.AsyncClient, path: str) -> Any:
    answered = await writer.get(f"{SALES}/{path}")
    assert answered.status_code == 200, answered.text
    return answered.json()["d"]


async def test_create_completes_the_order_from_master_data(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    answered = await create(writer, order)
    made = answered.json()["d"]
    assert answered.headers["location"].endswith(f"{SALES}/A_SalesOrder('4000193')")
    assert answered.headers["etag"] == made["__metadata"]["etag"]
    assert made["SalesOrderTypeInternalCode"] == "TA"
    assert made["CustomerPaymentTerms"]
    assert made["OverallSDProcessStatus"] == "A"
    assert made["TotalCreditCheckStatus"] == "A"
    items = made["to_Item"]["results"]
    assert [one["SalesOrderItem"] for one in items] == ["10", "20"]
    assert items[0]["ProductionPlant"] == "1010"
    assert made["to_Partner"] == {"__deferred": {"uri": f"{answered.headers['location']}/to_Partner"}}


async def test_net_tax_and_conditions_agree(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    made = (await create(writer, order)).json()["d"]
    items = (await read(writer, f"A_SalesOrder('{made['SalesOrder']}')/to_Item?$expand=to_PricingElement"))["results"]
    assert float(made["TotalNetAmount"]) == pytest.approx(sum(float(one["NetAmount"]) for one in items))
    for one in items:
        by_type = {element["ConditionType"]: element for element in one["to_PricingElement"]["results"]}
        assert set(by_type) == {"PR00", "", "MWST"}
        assert by_type[""]["ConditionAmount"] == one["NetAmount"]
        assert by_type["MWST"]["ConditionAmount"] == one["TaxAmount"]
        assert by_type["PR00"]["ConditionRateValue"].endswith("0000000")


async def test_the_same_request_twice_makes_two_orders(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    numbers = {(await create(writer, order)).json()["d"]["SalesOrder"] for _ in range(2)}
    found = await read(writer, "A_SalesOrder?$filter=PurchaseOrderByCustomer eq 'SF-0001'&$select=SalesOrder")
    assert {one["SalesOrder"] for one in found["results"]} == numbers
    assert len(numbers) == 2


async def test_partners_and_texts_are_inserted_deep(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    order["to_Partner"] = [{"PartnerFunction": "WE", "Customer": "10200011"}]
    order["to_Text"] = {"results": [{"Language": "EN", "LongTextID": "TX01", "LongText": "Please ring. ☎"}]}
    made = (await create(writer, order)).json()["d"]
    partners = {one["PartnerFunction"]: one for one in made["to_Partner"]["results"]}
    assert partners["SH"]["Customer"] == "10200011"
    assert partners["SH"]["PartnerFunctionInternalCode"] == "WE"
    assert partners["SP"]["Customer"] == "10100001"
    assert made["to_Text"]["results"][0]["LongText"] == "Please ring. ☎"


async def test_items_may_have_partners_of_their_own_and_padded_numbers(
    writer: httpx.AsyncClient, order: dict[str, Any]
) -> None:
    partner = {"PartnerFunction": "SH", "Customer": "0010200020"}
    order["to_Item"][0] |= {"SalesOrderItem": "000010", "to_Partner": [partner]}
    made = (await create(writer, order | {"SoldToParty": "0010100001"})).json()["d"]
    assert made["SoldToParty"] == "10100001"
    assert [one["SalesOrderItem"] for one in made["to_Item"]["results"]] == ["10", "20"]
    assert made["to_Item"]["results"][0]["to_Partner"]["results"][0]["Customer"] == "10200020"
    order["to_Item"][1]["SalesOrderItem"] = "10"
    assert (await writer.post(f"{SALES}/A_SalesOrder", json=order)).json()["error"]["code"] == "V1/501"


async def test_manual_price_and_discount_replace_the_list_price(
    writer: httpx.AsyncClient, order: dict[str, Any]
) -> None:
    conditions = [
        {"ConditionType": "PR00", "ConditionRateValue": "100.00", "ConditionCurrency": "EUR"},
        {"ConditionType": "K007", "ConditionRateValue": "10"},
    ]
    order["to_Item"] = [{"Material": "TG-00001", "RequestedQuantity": "3", "to_PricingElement": conditions}]
    made = (await create(writer, order)).json()["d"]
    item = made["to_Item"]["results"][0]
    assert item["NetAmount"] == "270.00"
    manual = [one["ConditionType"] for one in item["to_PricingElement"]["results"] if one["ConditionIsManuallyChanged"]]
    assert manual == ["PR00", "K007"]


@pytest.mark.parametrize(("currency", "places"), [("JPY", 0), ("KWD", 3), ("EUR", 2)])
async def test_amounts_have_the_currencys_minor_units(
    writer: httpx.AsyncClient, order: dict[str, Any], currency: str, places: int
) -> None:
    made = (await create(writer, order | {"TransactionCurrency": currency})).json()["d"]
    assert len(made["TotalNetAmount"].partition(".")[2]) == places


async def test_patch_needs_the_current_entity_tag(writer: httpx.AsyncClient) -> None:
    path, change = f"{SALES}/A_SalesOrder('4000001')", {"PurchaseOrderByCustomer": "NEW"}
    etag = (await writer.get(path)).headers["etag"]
    assert (await writer.patch(path, json=change)).status_code == 428
    changed = await writer.patch(path, json=change, headers={"if-match": etag})
    assert (changed.status_code, changed.content) == (204, b"")
    assert changed.headers["etag"] != etag
    stale = await writer.patch(path, json=change, headers={"if-match": etag})
    assert stale.status_code == 412
    assert (await writer.patch(path, json=change, headers={"if-match": "*"})).status_code == 204
    items = await read(writer, "A_SalesOrder('4000001')/to_Item")
    assert {one["PurchaseOrderByCustomer"] for one in items["results"]} == {"NEW"}


async def test_merge_may_be_tunnelled_through_post(writer: httpx.AsyncClient) -> None:
    headers = {"x-http-method": "MERGE", "if-match": "*"}
    answered = await writer.post(f"{SALES}/A_SalesOrder('4000001')", json={"ShippingCondition": "02"}, headers=headers)
    assert answered.status_code == 204
    assert (await read(writer, "A_SalesOrder('4000001')"))["ShippingCondition"] == "02"


async def test_put_clears_what_it_leaves_out(writer: httpx.AsyncClient) -> None:
    await writer.put(f"{SALES}/A_SalesOrder('4000001')", json={"ShippingCondition": "03"}, headers={"if-match": "*"})
    after = await read(writer, "A_SalesOrder('4000001')")
    assert (after["ShippingCondition"], after["PurchaseOrderByCustomer"]) == ("03", "")
    assert after["SoldToParty"] == "10100001"


async def test_fixed_property_cannot_be_changed(writer: httpx.AsyncClient) -> None:
    answered = await writer.patch(
        f"{SALES}/A_SalesOrder('4000001')", json={"SoldToParty": "10100002"}, headers={"if-match": "*"}
    )
    assert answered.status_code == 400
    assert answered.json()["error"]["innererror"]["errordetails"][0]["target"] == "SoldToParty"


async def test_deep_update_is_refused(writer: httpx.AsyncClient) -> None:
    body = {"to_Item": [{"SalesOrderItem": "10", "RequestedQuantity": "9"}]}
    assert (
        await writer.patch(f"{SALES}/A_SalesOrder('4000001')", json=body, headers={"if-match": "*"})
    ).status_code == 400


async def test_changed_quantity_reprices_and_moves_the_header(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    made = (await create(writer, order)).json()["d"]
    number, before = made["SalesOrder"], made["to_Item"]["results"][0]
    item = f"A_SalesOrderItem(SalesOrder='{number}',SalesOrderItem='10')"
    assert (await writer.patch(f"{SALES}/{item}", json={"RequestedQuantity": "10"})).status_code == 204
    after, header = await read(writer, item), await read(writer, f"A_SalesOrder('{number}')")
    assert float(after["NetAmount"]) == pytest.approx(2 * float(before["NetAmount"]))
    assert float(header["TotalNetAmount"]) > float(made["TotalNetAmount"])
    assert header["__metadata"]["etag"] != made["__metadata"]["etag"]


async def test_item_is_added_and_deleted(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    number = (await create(writer, order)).json()["d"]["SalesOrder"]
    body = {"Material": "TG-00003", "RequestedQuantity": "1"}
    added = await writer.post(f"{SALES}/A_SalesOrder('{number}')/to_Item", json=body)
    assert (added.status_code, added.json()["d"]["SalesOrderItem"]) == (201, "30")
    gone = await writer.delete(f"{SALES}/A_SalesOrderItem(SalesOrder='{number}',SalesOrderItem='10')")
    assert gone.status_code == 204
    items = await read(writer, f"A_SalesOrder('{number}')/to_Item")
    assert [one["SalesOrderItem"] for one in items["results"]] == ["20", "30"]


async def test_rejecting_every_item_cancels_the_order(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    number = (await create(writer, order)).json()["d"]["SalesOrder"]
    seen = list[tuple[str, str]]()
    for item in ("10", "20"):
        path = f"{SALES}/A_SalesOrderItem(SalesOrder='{number}',SalesOrderItem='{item}')"
        assert (await writer.patch(path, json={"SalesDocumentRjcnReason": "50"})).status_code == 204
        header = await read(writer, f"A_SalesOrder('{number}')")
        seen.append((header["OverallSDDocumentRejectionSts"], header["OverallSDProcessStatus"]))
    assert seen == [("B", "B"), ("C", "C")]
    assert header["TotalNetAmount"] in {"0", "0.00"}
    assert (await writer.get("/__sandbox__/ledger")).json()["orders"][0]["cancelled"] is True


async def test_rejected_item_gives_its_stock_back(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    async def there() -> int:
        args = "Material='TG-00001'&SupplyingPlant='1010'&ATPCheckingRule='A'"
        moment = "RequestedUTCDateTime=datetimeoffset'2026-12-01T00:00:00Z'"
        root = "/sap/opu/odata/sap/API_PRODUCT_AVAILY_INFO_BASIC"
        record = (await writer.get(f"{root}/DetermineAvailabilityAt?{args}&{moment}")).json()["d"]
        return int(record["DetermineAvailabilityAt"]["AvailableQuantityInBaseUnit"])

    before = await there()
    number = (await create(writer, order)).json()["d"]["SalesOrder"]
    assert await there() == before - 5
    path = f"{SALES}/A_SalesOrderItem(SalesOrder='{number}',SalesOrderItem='10')"
    await writer.patch(path, json={"SalesDocumentRjcnReason": "50"})
    assert await there() == before


async def test_deleted_order_is_gone_and_stays_in_the_ledger(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    made = (await create(writer, order)).json()["d"]
    path = f"{SALES}/A_SalesOrder('{made['SalesOrder']}')"
    assert (await writer.delete(path)).status_code == 428
    assert (await writer.delete(path, headers={"if-match": made["__metadata"]["etag"]})).status_code == 204
    assert (await writer.get(path)).status_code == 404
    assert (await writer.get("/__sandbox__/ledger")).json()["orders"][0]["state"] == "deleted"


async def test_order_with_a_delivery_cannot_be_deleted_nor_its_items_changed(writer: httpx.AsyncClient) -> None:
    refused = await writer.delete(f"{SALES}/A_SalesOrder('4000002')", headers={"if-match": "*"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "V1/043")
    item = f"{SALES}/A_SalesOrderItem(SalesOrder='4000002',SalesOrderItem='10')"
    assert (await writer.patch(item, json={"RequestedQuantity": "1000"})).json()["error"]["code"] == "V1/781"


async def test_what_the_backend_computes_is_ignored_on_create(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    made = (await create(writer, order | {"TotalNetAmount": "1", "ExternalDocumentID": "X"})).json()["d"]
    assert made["TotalNetAmount"] != "1"
    assert made["ExternalDocumentID"] == ""


@pytest.mark.parametrize(
    ("change", "target"),
    [
        ({"PurchaseOrderByCustomer": "x" * 36}, "PurchaseOrderByCustomer"),
        ({"Nonsense": "1"}, "Nonsense"),
        ({"RequestedDeliveryDate": "tomorrow"}, "RequestedDeliveryDate"),
        ({"CompleteDeliveryIsDefined": "yes"}, "CompleteDeliveryIsDefined"),
        ({"to_Item": [{"Material": "TG-00001", "RequestedQuantity": "1.2345"}]}, "RequestedQuantity"),
        ({"to_Item": [{"Material": "x" * 41, "RequestedQuantity": "1"}]}, "Material"),
        ({"to_Item": ["TG-00001"]}, "to_Item"),
    ],
)
async def test_body_that_does_not_fit_the_model_is_refused(
    writer: httpx.AsyncClient, order: dict[str, Any], change: dict[str, Any], target: str
) -> None:
    refused = await writer.post(f"{SALES}/A_SalesOrder", json=order | change)
    assert refused.status_code == 400
    assert refused.json()["error"]["innererror"]["errordetails"][0]["target"] == target


@pytest.mark.parametrize("body", ["", "[]", "{", '"text"', "{'a':1}"])
async def test_body_that_is_not_an_object_is_refused(writer: httpx.AsyncClient, body: str) -> None:
    refused = await writer.post(f"{SALES}/A_SalesOrder", content=body, headers={"content-type": "application/json"})
    assert refused.status_code == 400


async def test_wrapped_body_and_dates_in_either_form_are_accepted(
    writer: httpx.AsyncClient, order: dict[str, Any]
) -> None:
    order |= {"RequestedDeliveryDate": "/Date(1796083200000)/", "PricingDate": "2026-12-01T00:00:00"}
    answered = await writer.post(
        f"{SALES}/A_SalesOrder", content=json.dumps({"d": order}), headers={"content-type": "application/json"}
    )
    made = answered.json()["d"]
    assert made["RequestedDeliveryDate"] == "/Date(1796083200000)/"
    assert made["PricingDate"] == "/Date(1796083200000)/"


async def test_other_content_types_are_not_supported(writer: httpx.AsyncClient) -> None:
    refused = await writer.post(
        f"{SALES}/A_SalesOrder", content="<entry/>", headers={"content-type": "application/atom+xml"}
    )
    assert refused.status_code == 415


async def test_write_errors_come_as_xml_to_who_does_not_ask_for_json(
    writer: httpx.AsyncClient, order: dict[str, Any]
) -> None:
    refused = await writer.post(f"{SALES}/A_SalesOrder", json=order | {"SoldToParty": "1"}, headers={"accept": "*/*"})
    assert "<code>V1/320</code>" in refused.text
    assert "<target>SoldToParty</target>" in refused.text


async def test_methods_a_resource_does_not_have(writer: httpx.AsyncClient) -> None:
    stock = "/sap/opu/odata/sap/API_MATERIAL_STOCK_SRV/A_MaterialStock"
    assert (await writer.post(stock, json={"Material": "X"})).status_code == 405
    assert (await writer.delete(f"{stock}('TG-00001')")).status_code == 405
    assert (await writer.patch(f"{SALES}/A_SalesOrder", json={})).status_code == 405
    assert (await writer.post(f"{SALES}/$metadata")).status_code == 405


async def test_header_partner_is_replaced_and_texts_are_kept(writer: httpx.AsyncClient) -> None:
    partner = f"{SALES}/A_SalesOrderHeaderPartner(SalesOrder='4000001',PartnerFunction='SH')"
    assert (await writer.patch(partner, json={"Customer": "10200020"})).status_code == 204
    assert (await writer.patch(partner, json={"Customer": "99999999"})).json()["error"]["code"] == "VP/199"
    assert (await writer.delete(partner)).json()["error"]["code"] == "VP/202"
    contact = {"PartnerFunction": "CP", "ContactPerson": "40000004"}
    assert (await writer.post(f"{SALES}/A_SalesOrder('4000001')/to_Partner", json=contact)).status_code == 201
    text = {"Language": "EN", "LongTextID": "TX01", "LongText": "one"}
    assert (await writer.post(f"{SALES}/A_SalesOrder('4000001')/to_Text", json=text)).status_code == 201
    assert (await writer.post(f"{SALES}/A_SalesOrder('4000001')/to_Text", json=text)).json()["error"][
        "code"
    ] == "TD/601"
    path = f"{SALES}/A_SalesOrderText(SalesOrder='4000001',Language='EN',LongTextID='TX01')"
    await writer.patch(path, json={"LongText": "two"})
    assert (await writer.get(path)).json()["d"]["LongText"] == "two"
    assert (await writer.delete(path)).status_code == 204
