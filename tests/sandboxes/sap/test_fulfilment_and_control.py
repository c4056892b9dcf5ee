"""What follows an order, seeded or on request, and the control path."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from sandboxes.kit import Clock, serve_sandbox
from sandboxes.sap import create_app

AUTH = ("TRIPTYCH", "sandbox-only")
ROOT = "/sap/opu/odata/sap"
SALES = f"{ROOT}/API_SALES_ORDER_SRV"
DELIVERY = f"{ROOT}/API_OUTBOUND_DELIVERY_SRV;v=0002"
BILLING = f"{ROOT}/API_BILLING_DOCUMENT_SRV"


async def read(client: httpx.AsyncClient, path: str) -> Any:
    answered = await client.get(path)
    assert answered.status_code == 200, answered.text
    return answered.json()["d"]


async def test_seed_holds_orders_in_every_state(reader: httpx.AsyncClient) -> None:
    rows = (await read(reader, f"{SALES}/A_SalesOrder"))["results"]
    states = {
        (one["OverallSDProcessStatus"], one["OverallTotalDeliveryStatus"], one["OverallSDDocumentRejectionSts"])
        for one in rows
    }
    assert states >= {("A", "A", "A"), ("C", "C", "A"), ("C", "", "C"), ("B", "A", "B")}
    assert len({one["SoldToParty"] for one in rows}) > 150


async def test_invoiced_order_can_be_followed_to_its_invoice(reader: httpx.AsyncClient) -> None:
    flow = (await read(reader, f"{SALES}/A_SalesOrder('4000004')/to_SubsequentProcFlowDoc"))["results"]
    found = {one["SubsequentDocumentCategory"]: one["SubsequentDocument"] for one in flow}
    assert set(found) == {"J", "M"}
    delivery = await read(reader, f"{DELIVERY}/A_OutbDeliveryHeader('{found['J']}')?$expand=to_DeliveryDocumentItem")
    assert delivery["OverallGoodsMovementStatus"] == "C"
    assert delivery["to_DeliveryDocumentItem"]["results"][0]["ReferenceSDDocument"] == "4000004"
    invoice = await read(reader, f"{BILLING}/A_BillingDocument('{found['M']}')?$expand=to_Item,to_Partner")
    order = await read(reader, f"{SALES}/A_SalesOrder('4000004')")
    assert invoice["TotalNetAmount"] == order["TotalNetAmount"]
    assert invoice["to_Item"]["results"][0]["SalesDocument"] == "4000004"


async def test_invoice_prints_as_pdf(reader: httpx.AsyncClient) -> None:
    found = await read(reader, f"{BILLING}/GetPDF?BillingDocument='90000001'")
    assert found["GetPDF"]["BillingDocumentBinary"].startswith("JVBERi")
    assert (await reader.get(f"{BILLING}/GetPDF?BillingDocument='1'")).status_code == 404


@pytest.mark.parametrize(
    ("until", "goods", "billed"), [("delivery", "A", 0), ("goods-issue", "C", 0), ("invoice", "C", 1)]
)
async def test_new_order_is_fulfilled_on_request(
    writer: httpx.AsyncClient, order: dict[str, Any], until: str, goods: str, billed: int
) -> None:
    number = (await writer.post(f"{SALES}/A_SalesOrder", json=order)).json()["d"]["SalesOrder"]
    stock = f"{ROOT}/API_MATERIAL_STOCK_SRV/A_MaterialStock('TG-00001')/to_MatlStkInAcctMod?$filter=Plant eq '1010'"
    before = int((await read(writer, stock))["results"][0]["MatlWrhsStkQtyInMatlBaseUnit"])
    made = (await writer.post("/__sandbox__/fulfil", json={"order": number, "until": until})).json()
    assert (await read(writer, f"{SALES}/A_SalesOrder('{number}')"))["OverallSDProcessStatus"] == "C"
    delivery = await read(writer, f"{DELIVERY}/A_OutbDeliveryHeader('{made['delivery']}')")
    assert delivery["OverallGoodsMovementStatus"] == goods
    assert bool(made["invoice"]) == bool(billed)
    after = int((await read(writer, stock))["results"][0]["MatlWrhsStkQtyInMatlBaseUnit"])
    assert before - after == (0 if until == "delivery" else 5)


async def delivered(writer: httpx.AsyncClient, order: dict[str, Any], until: str) -> tuple[str, str, str]:
    """The numbers of a new order, its delivery and, if it goes so far, its invoice."""
    number = (await writer.post(f"{SALES}/A_SalesOrder", json=order)).json()["d"]["SalesOrder"]
    made = (await writer.post("/__sandbox__/fulfil", json={"order": number, "until": until})).json()
    return number, made["delivery"], made["invoice"] or ""


async def test_warehouse_picks_and_posts_and_reverses_goods_issue(
    writer: httpx.AsyncClient, order: dict[str, Any]
) -> None:
    _, delivery, _ = await delivered(writer, order, "delivery")
    shown = f"{DELIVERY}/A_OutbDeliveryHeader('{delivery}')"

    async def do(name: str, more: str = "") -> httpx.Response:
        return await writer.post(f"{DELIVERY}/{name}?DeliveryDocument='{delivery}'{more}")

    async def statuses() -> tuple[str, str]:
        header = await read(writer, shown)
        return header["OverallPickingStatus"], header["OverallGoodsMovementStatus"]

    assert (await do("PostGoodsIssue")).status_code == 400
    one = (await do("PickOneItem", "&DeliveryDocumentItem='10'")).json()["d"]["results"]
    assert [each["DeliveryDocumentItem"] for each in one] == ["10"]
    assert await statuses() == ("B", "A")
    assert len((await do("PickAllItems")).json()["d"]["results"]) == 2
    assert (await do("ConfirmPickingAllItems")).status_code == 200
    before = (await writer.get(shown)).headers["etag"]
    assert (await do("PostGoodsIssue")).json()["d"]["PostGoodsIssue"]["SystemMessageType"] == "S"
    assert (await writer.get(shown)).headers["etag"] != before
    assert await statuses() == ("C", "C")
    refused = await do("PickAllItems")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "VL/602")
    assert (await do("ReverseGoodsIssue")).status_code == 200
    assert await statuses() == ("C", "A")
    assert (await do("ReverseGoodsIssue")).json()["error"]["code"] == "VL/609"
    missing = await writer.post(f"{DELIVERY}/PickOneItem?DeliveryDocument='{delivery}'&DeliveryDocumentItem='99'")
    assert missing.status_code == 404
    assert (await writer.post(f"{DELIVERY}/PostGoodsIssue?DeliveryDocument='1'")).status_code == 404
    await writer.post("/__sandbox__/lock", json={"document": delivery})
    assert (await do("PostGoodsIssue")).json()["error"]["code"] == "V1/042"


async def test_cancelled_invoice_leaves_its_trace_and_frees_the_delivery(
    writer: httpx.AsyncClient, order: dict[str, Any]
) -> None:
    number, delivery, invoice = await delivered(writer, order, "invoice")
    reverse, cancel = f"{DELIVERY}/ReverseGoodsIssue?DeliveryDocument='{delivery}'", f"{BILLING}/Cancel?BillingDocument"
    assert (await writer.post(reverse)).json()["error"]["code"] == "VL/611"
    (done,) = (await writer.post(f"{cancel}='{invoice}'")).json()["d"]["results"]
    old = await read(writer, f"{BILLING}/A_BillingDocument('{invoice}')")
    new = await read(writer, f"{BILLING}/A_BillingDocument('{done['BillingDocument']}')?$expand=to_Item")
    assert (old["BillingDocumentIsCancelled"], new["BillingDocumentType"]) == (True, "S1")
    assert (new["CancelledBillingDocument"], new["TotalNetAmount"]) == (invoice, old["TotalNetAmount"])
    assert len(new["to_Item"]["results"]) == 2
    flow = (await read(writer, f"{SALES}/A_SalesOrder('{number}')/to_SubsequentProcFlowDoc"))["results"]
    assert sorted(one["SubsequentDocumentCategory"] for one in flow) == ["J", "M", "N"]
    for again in (invoice, done["BillingDocument"]):
        assert (await writer.post(f"{cancel}='{again}'")).json()["error"]["code"] == "VF/039"
    assert (await writer.post(f"{cancel}='1'")).status_code == 404
    assert (await writer.post(reverse)).status_code == 200


async def test_blocked_orders_are_listed_and_released_or_rejected(
    writer: httpx.AsyncClient, order: dict[str, Any]
) -> None:
    service = f"{ROOT}/API_SLS_DOC_WITH_CREDIT_BLOCK"
    for item in order["to_Item"]:
        item["RequestedQuantity"] = "90000"
    one, two = [(await writer.post(f"{SALES}/A_SalesOrder", json=order)).json()["d"]["SalesOrder"] for _ in range(2)]

    async def blocked() -> set[str]:
        rows = (await read(writer, f"{service}/A_CreditBlockedSalesDocument"))["results"]
        assert {row["TotalCreditCheckStatus"] for row in rows} <= {"B"}
        return {row["SalesDocument"] for row in rows}

    assert await blocked() >= {one, two}
    for name, document in (("ReleaseCreditBlock", one), ("RejectCreditBlock", two)):
        assert (await writer.post(f"{service}/{name}?SalesDocument='{document}'")).status_code == 200
        again = await writer.post(f"{service}/{name}?SalesDocument='{document}'")
        assert (again.status_code, again.json()["error"]["code"]) == (400, "UKM_SD/110")
    assert not await blocked() & {one, two}
    assert (await read(writer, f"{SALES}/A_SalesOrder('{one}')"))["TotalCreditCheckStatus"] == "D"
    assert (await read(writer, f"{SALES}/A_SalesOrder('{two}')"))["OverallSDDocumentRejectionSts"] == "C"


async def test_fulfilling_what_is_not_there_is_refused(writer: httpx.AsyncClient) -> None:
    assert (await writer.post("/__sandbox__/fulfil", json={"order": "1"})).status_code == 400
    assert (await writer.post("/__sandbox__/fulfil", json={"order": "4000004"})).status_code == 400


async def test_ledger_tells_what_was_made_since_the_seed(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    assert (await writer.get("/__sandbox__/ledger")).json()["orders"] == []
    await writer.post(f"{SALES}/A_SalesOrder", json=order)
    [entry] = (await writer.get("/__sandbox__/ledger")).json()["orders"]
    assert (entry["SalesOrder"], entry["PurchaseOrderByCustomer"]) == ("4000193", "SF-0001")
    assert (entry["state"], entry["cancelled"], entry["SoldToParty"]) == ("open", False, "10100001")


async def test_reset_forgets_orders_and_sessions(writer: httpx.AsyncClient, order: dict[str, Any]) -> None:
    await writer.post(f"{SALES}/A_SalesOrder", json=order)
    await writer.post("/__sandbox__/reset")
    assert (await writer.get(f"{SALES}/A_SalesOrder('4000193')")).status_code == 404
    assert (await writer.post(f"{SALES}/A_SalesOrder", json=order)).status_code == 403


async def test_orders_outlive_a_restart(tmp_path: Path, order: dict[str, Any]) -> None:
    state = tmp_path / "sap.sqlite3"
    numbers: list[str] = []
    for _ in range(2):
        async with serve_sandbox("sap", state=state) as url, httpx.AsyncClient(base_url=url, auth=AUTH) as client:
            client.headers["accept"] = "application/json"
            fetched = await client.get(f"{SALES}/", headers={"x-csrf-token": "Fetch"})
            headers = {"x-csrf-token": fetched.headers["x-csrf-token"]}
            made = await client.post(f"{SALES}/A_SalesOrder", json=order, headers=headers)
            numbers.append(made.json()["d"]["SalesOrder"])
    assert numbers == ["4000193", "4000194"]


async def test_password_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SANDBOX_SAP_PASSWORD", "elsewhere")
    async with serve_sandbox("sap") as url, httpx.AsyncClient(base_url=url) as client:
        assert (await client.get(f"{SALES}/", auth=("TRIPTYCH", "elsewhere"))).status_code == 200
        assert (await client.get(f"{SALES}/", auth=("TRIPTYCH", "sandbox-only"))).status_code == 401


def test_two_apps_do_not_share_their_orders() -> None:
    one, other = create_app(None, Clock()), create_app(None, Clock())
    one.reset()
    assert one.ledger()["orders"] == other.ledger()["orders"] == []
    one.close()
    other.close()
