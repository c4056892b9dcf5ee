"""Orders by OData V4: the same orders as by V2, each once, and refusals in our words."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest

from sandboxes.company import Company
from shared.binding.problems import BackendFault, BackendUnavailable
from shared.contracts.canonical.order import NewErpOrder
from shared.contracts.canonical.values import Money
from shared.contracts.system.erp import (
    CustomerBlocked,
    ErpCancellation,
    ErpOrderNotFound,
    OrderNotCancellable,
    OrderRejected,
)
from system_apis.sap.service import SapErp

New = Callable[..., NewErpOrder]
BY_V4 = {"create_order": "odata4", "get_order": "odata4", "cancel_order": "odata4"}
SERVICE = "/sap/opu/odata4/sap/api_salesorder/srvd_a2x/sap/salesorder/0001"
TOKEN = (200, b"{}", "x-csrf-token: t0ken", "set-cookie: s=1")
NOTHING = (200, b'{"@odata.context":"$metadata#SalesOrder","value":[]}')
ROW = {
    "SalesOrder": "77", "SoldToParty": "2", "TotalNetAmount": 12345678901234.125, "TransactionCurrency": "KWD",
    "RequestedDeliveryDate": "2027-01-15", "SAP__Messages": [{"code": "V1/1", "message": "x", "numericSeverity": 2}],
    "_Item": [{"SalesOrderItem": "10", "Material": "M", "RequestedQuantity": 3, "NetAmount": "0.125"}],
}  # fmt: skip


@pytest.fixture
def newer(control: Any, connect: Callable[..., SapErp], sandbox_url: str) -> SapErp:
    """The service with orders by V4 as far as it goes."""
    del control
    return connect(sandbox_url, interfaces=BY_V4)


async def test_order_is_placed_by_v4_and_reads_alike_by_either(
    newer: SapErp, erp: SapErp, new_order: New, firm: Company, control: Any
) -> None:
    customer = firm.customer_by_number[firm.quotes_for("plain")[0].customer]
    asked = new_order(
        "flow-é'1;&",
        purchase_order="PO 'Ж' 東京",
        requested_date=datetime.now(UTC).date() + timedelta(days=30),
        ship_to_erp_number=customer.ship_to[-1].sap_customer,
    )
    order = await newer.create_order(asked)
    assert (order.reference, order.state) == ("flow-é'1;&", "open")
    assert [(one.sku, one.quantity) for one in order.lines] == [(one.sku, one.quantity) for one in asked.lines]
    assert order == await newer.get_order(order.erp_order_id) == await erp.get_order(order.erp_order_id)
    assert await newer.create_order(asked) == order
    assert len(await control.orders()) == 1
    assert {path for method, path, _ in await control.requests() if method == "POST"} <= {
        f"{SERVICE}/SalesOrder",
        "/__sandbox__/reset",
    }


@pytest.mark.parametrize("until", ["delivery", "goods-issue", "invoice"])
async def test_what_follows_an_order_shows_alike(
    newer: SapErp, erp: SapErp, new_order: New, control: Any, until: str
) -> None:
    number = (await newer.create_order(new_order())).erp_order_id
    await control.do("fulfil", order=number, until=until)
    assert await newer.get_order(number) == await erp.get_order(number)


async def test_order_whose_invoice_is_cancelled_is_delivered_again(
    newer: SapErp, erp: SapErp, new_order: New, control: Any, sandbox_url: str
) -> None:
    number = (await newer.create_order(new_order())).erp_order_id
    invoice = (await control.do("fulfil", order=number, until="invoice"))["invoice"]
    assert (await newer.get_order(number)).state == "invoiced"
    root = "/sap/opu/odata/sap/API_BILLING_DOCUMENT_SRV"
    async with httpx.AsyncClient(base_url=sandbox_url, auth=("TRIPTYCH", "sandbox-only")) as billing:
        token = (await billing.get(f"{root}/", headers={"x-csrf-token": "Fetch"})).headers["x-csrf-token"]
        done = await billing.post(f"{root}/Cancel?BillingDocument='{invoice}'", headers={"x-csrf-token": token})
    assert done.status_code == 200
    assert (await newer.get_order(number)).state == (await erp.get_order(number)).state == "delivered"


async def test_order_placed_by_v2_is_found_by_its_reference_and_cancelled_alike(
    newer: SapErp, erp: SapErp, new_order: New, control: Any
) -> None:
    order = await erp.create_order(new_order("either"))
    assert await newer.create_order(new_order("either")) == order
    cancelled = await newer.cancel_order(order.erp_order_id, ErpCancellation("changed their mind"))
    assert (cancelled.state, await newer.get_order(order.erp_order_id)) == ("cancelled", cancelled)
    assert await newer.cancel_order(order.erp_order_id, ErpCancellation("again")) == cancelled
    assert await erp.get_order(order.erp_order_id) == cancelled
    batches = [path for method, path, _ in await control.requests() if method == "POST" and path.endswith("$batch")]
    assert batches == [f"{SERVICE}/$batch"]


async def test_order_that_has_left_or_is_locked_is_not_cancelled(newer: SapErp, new_order: New, control: Any) -> None:
    gone, open_ = [(await newer.create_order(new_order(name))).erp_order_id for name in ("gone", "open")]
    await control.do("fulfil", order=gone, until="delivery")
    with pytest.raises(OrderNotCancellable, match="return"):
        await newer.cancel_order(gone, ErpCancellation("late"))
    await control.do("lock", document=open_)
    with pytest.raises(BackendUnavailable, match="another user"):
        await newer.cancel_order(open_, ErpCancellation("locked"))
    await control.do("unlock", document=open_)
    assert (await newer.get_order(open_)).state == "open"
    assert (await newer.cancel_order(open_, ErpCancellation("now"))).state == "cancelled"


@pytest.mark.parametrize(
    ("answers", "problem"),
    [
        ([{"id": "1", "status": 424}], BackendFault),
        ([{"id": "1", "status": 412}], BackendUnavailable),
        ([], BackendFault),
        ([{"id": "1", "status": 400, "body": {"error": {"code": "V1/781", "message": "gone"}}}], OrderNotCancellable),
    ],
)
async def test_answer_inside_a_batch_decides(
    connect: Callable[..., SapErp], peer: Any, answers: list[Any], problem: type[Exception]
) -> None:
    order = (200, json.dumps({**ROW, "@odata.etag": "W/x"}).encode())
    batch = (200, json.dumps({"responses": answers}).encode())
    server = await peer(order, TOKEN, *[batch, order] * 4)
    with pytest.raises(problem):
        await connect(server.url, interfaces=BY_V4).cancel_order("77", ErpCancellation("x"))
    sent = next(one for one in server.requests if one.startswith(b"POST"))
    (request,) = json.loads(sent.partition(b"\r\n\r\n")[2])["requests"]
    assert (request["url"], request["headers"]["if-match"], request["atomicityGroup"]) == (
        "SalesOrderItem(SalesOrder='77',SalesOrderItem='10')",
        "W/x",
        "all",
    )


@pytest.mark.parametrize("fault", ["lost-reply", "truncate"])
async def test_lost_reply_leaves_one_order(newer: SapErp, new_order: New, control: Any, fault: str) -> None:
    await control.do("faults", fault=fault, method="POST", path=f"{SERVICE}/SalesOrder")
    order = await newer.create_order(new_order("lost"))
    assert [one["SalesOrder"] for one in await control.orders()] == [order.erp_order_id]


async def test_refusals_are_said_in_our_words(newer: SapErp, new_order: New) -> None:
    with pytest.raises(CustomerBlocked):
        await newer.create_order(new_order(scenario="blocked-customer"))
    with pytest.raises(OrderRejected, match="currency") as caught:
        await newer.create_order(new_order(currency="ZZZ"))
    assert set(caught.value.extensions) == {"code", "remark"}
    for number in ("999", "x" * 11):
        with pytest.raises(ErpOrderNotFound):
            await newer.get_order(number)


async def test_ended_session_is_opened_again_at_the_v4_service(newer: SapErp, new_order: New, control: Any) -> None:
    await newer.create_order(new_order("first"))
    await control.do("expire-tokens")
    await newer.create_order(new_order("second"))
    asked = [path for method, path, _ in await control.requests() if method == "GET" and path.endswith("/")]
    assert asked == [f"{SERVICE}/"] * 2


async def test_decimals_go_as_strings_and_come_as_either(
    connect: Callable[..., SapErp], peer: Any, new_order: New
) -> None:
    made = json.dumps(ROW).encode()
    server = await peer(TOKEN, NOTHING, (201, made), (200, made))
    order = await connect(server.url, interfaces=BY_V4).create_order(new_order("r"))
    assert order.net == Money(Decimal("12345678901234.125"), "KWD")
    assert (str(order.requested_date), order.lines[0].net.amount) == ("2027-01-15", Decimal("0.125"))
    sent = next(one for one in server.requests if one.startswith(b"POST"))
    assert b"content-type: application/json;IEEE754Compatible=true" in sent
    items = json.loads(sent.partition(b"\r\n\r\n")[2])["_Item"]
    assert all(isinstance(one["RequestedQuantity"], str) for one in items)


async def test_answer_of_another_version_is_a_fault(connect: Callable[..., SapErp], peer: Any, new_order: New) -> None:
    server = await peer(TOKEN, (200, b'{"d":{"results":[]}}'))
    with pytest.raises(BackendFault, match="answer"):
        await connect(server.url, interfaces=BY_V4).create_order(new_order("r"))
    absent = json.dumps({"error": {"code": "/IWFND/CM_V4_COS/021", "message": "Service group not published"}})
    with pytest.raises(BackendFault, match="paths"):
        await connect((await peer((404, absent.encode()))).url, interfaces=BY_V4).get_order("1")
