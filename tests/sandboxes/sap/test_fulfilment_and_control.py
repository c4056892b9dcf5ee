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
