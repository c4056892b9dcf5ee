"""What a delivered order brings back is refunded once, everywhere; what is refused leaves nothing behind."""

import sqlite3
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from eventually import eventually

from sandboxes.company import Quote, company
from shared.host.tokens import app_token

PLAIN = company().quotes_for("plain")
DAY = 86_400
CREDITS = "*A_CreditMemoRequest"


@pytest.fixture(autouse=True)
async def carrier_today(calm_suite: Any) -> AsyncIterator[None]:
    yield
    await calm_suite.sandbox("easypost", "POST", "clock", {"offset_seconds": 0})
    await calm_suite.sandbox("sap", "POST", "billing-run", {})


async def delivered(suite: Any, quote: Quote, until: str = "invoice") -> dict[str, Any]:
    """An order of this quote that the customer has, with its first product."""
    async with suite.phone() as phone:
        answer = await phone.post("/orders", json={"quoteId": quote.salesforce_id}, headers={"prefer": "wait=25"})
    assert answer.status_code == 201, answer.text
    order_id = answer.json()["orderId"]
    headers = {"authorization": f"Bearer {suite.token('quote_to_order')}"}
    async with httpx.AsyncClient(headers=headers, timeout=60.0) as http:
        shown = (await http.get(f"{suite.edge}/process/quote-to-order/v1/orders/{order_id}")).json()["order"]
    if until:
        await suite.sandbox("sap", "POST", "fulfil", {"order": shown["erpOrderId"], "until": until})
    line = quote.lines[0]
    sku = next(one.sku for one in company().products if one.number == line.product)
    return {"orderId": order_id, "sku": sku, "quantity": int(line.quantity), **shown}


def desk(suite: Any, token: str | None = None, prefer: str = "wait=25") -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"{suite.edge}/process/customer-returns/v1",
        headers={"authorization": f"Bearer {token or suite.token('customer_returns')}", "prefer": prefer},
        timeout=60.0,
    )


def body(
    order: dict[str, Any], reference: str, quantity: int = 1, reason: str = "damaged", **more: Any
) -> dict[str, Any]:
    line = {"sku": order["sku"], "quantity": str(quantity), "reason": reason}
    return {
        "reference": reference,
        "orderId": order["orderId"],
        "lines": [line],
        "lookEverySeconds": 1,
        "goodsWithinSeconds": 600,
        **more,
    }


async def ask(suite: Any, wanted: dict[str, Any], prefer: str = "respond-async") -> httpx.Response:
    async with desk(suite, prefer=prefer) as http:
        return await http.post("/returns", json=wanted)


async def until(suite: Any, reference: str, *stages: str) -> dict[str, Any]:
    async with desk(suite) as http:

        async def rests() -> dict[str, Any] | None:
            shown = (await http.get(f"/returns/return-{reference}")).json()
            going_on = shown.get("state") in ("pending", "running", "compensating")
            return shown if shown.get("stage") in stages and not going_on else None

        return await eventually(rests, every=0.1)


async def authorized(suite: Any, reference: str) -> dict[str, Any]:
    """The return once its label is there; approved if what comes back is worth so much."""
    shown = await until(suite, reference, "waiting-for-approval", "waiting-for-goods", "closed")
    if shown["stage"] == "waiting-for-approval":
        async with desk(suite) as http:
            await http.post(f"/returns/return-{reference}/approval", json={"approved": True})
    return await until(suite, reference, "waiting-for-goods", "closed")


def on_hand(suite: Any, sku: str) -> int:
    with sqlite3.connect(suite.runtime.sandboxes["warehouse"].removeprefix("sqlite://")) as database:
        [(pieces,)] = database.execute("SELECT sum(on_hand) FROM inventory_level WHERE sku = ?", (sku,)).fetchall()
    database.close()
    return pieces


async def books(suite: Any, reference: str) -> dict[str, Any]:
    """What each backend's own books say of a return."""
    sap = await suite.sandbox("sap", "GET", "ledger")
    salesforce = await suite.sandbox("salesforce", "GET", "ledger")
    labels = (await suite.sandbox("easypost", "GET", "ledger"))["purchases"]
    own = f"return-{reference}"
    return {
        "returns": [one["cancelled"] for one in sap["returns"] if one["PurchaseOrderByCustomer"] == own],
        "memos": [memo for one in sap["credits"] if one["PurchaseOrderByCustomer"] == own for memo in one["memos"]],
        "crm": [one["Status"] for one in salesforce["returns"] if one["External_Return_Id__c"] == own],
        "labels": [one["refund_status"] for one in labels if one["is_return"] and one["reference"] == own],
    }


async def test_a_return_is_approved_comes_back_and_is_refunded_everywhere(calm_suite: Any) -> None:
    order = await delivered(calm_suite, PLAIN[16])
    stock = on_hand(calm_suite, order["sku"])
    asked = await ask(calm_suite, body(order, "E2E-1", 1, "not-satisfied"))
    assert asked.status_code == 202, asked.text
    assert asked.headers["location"].endswith("/returns/return-E2E-1")
    waiting = await until(calm_suite, "E2E-1", "waiting-for-approval")
    assert waiting["until"] > waiting["created"]
    assert (await books(calm_suite, "E2E-1")) == {"returns": [], "memos": [], "crm": ["Submitted"], "labels": []}

    async with desk(calm_suite) as http:
        decided = await http.post("/returns/return-E2E-1/approval", json={"approved": True, "note": "Fine."})
    assert decided.status_code == 200, decided.text
    assert (decided.json()["approval"]["by"], decided.json()["approval"]["note"]) == ("developer@localhost", "Fine.")
    sent = await until(calm_suite, "E2E-1", "waiting-for-goods")
    assert sent["label"]["labelUrl"].startswith("http")
    assert (await books(calm_suite, "E2E-1"))["crm"] == ["Approved"]

    await calm_suite.sandbox("easypost", "POST", "clock", {"offset_seconds": 20 * DAY})
    settled = (await until(calm_suite, "E2E-1", "refunded"))["refunded"]
    assert settled["approvedBy"] == "developer@localhost"
    assert float(settled["refund"]["amount"]) > 0
    found = await books(calm_suite, "E2E-1")
    assert found == {"returns": [False], "memos": [settled["creditMemoId"]], "crm": ["Closed"], "labels": [None]}
    assert on_hand(calm_suite, order["sku"]) == stock + 1

    again = await ask(calm_suite, body(order, "E2E-1", 1, "not-satisfied"), "wait=25")
    assert again.json()["refunded"] == settled
    other = await ask(calm_suite, body(order, "E2E-1", 1, "other"))
    assert (other.status_code, other.json()["type"]) == (409, "/problems/conflict")
    assert await books(calm_suite, "E2E-1") == found


async def test_a_refused_approval_leaves_a_cancelled_record_and_nothing_else(calm_suite: Any) -> None:
    order = await delivered(calm_suite, PLAIN[17])
    await ask(calm_suite, body(order, "E2E-2", 1, "other"))
    await until(calm_suite, "E2E-2", "waiting-for-approval")
    async with desk(calm_suite) as http:
        await http.post("/returns/return-E2E-2/approval", json={"approved": False, "note": "Worn out."})
        late = await http.post("/returns/return-E2E-2/approval", json={"approved": True})
    closed = await until(calm_suite, "E2E-2", "closed")
    assert closed["problem"]["type"] == "/problems/approval-refused"
    assert "Worn out." in closed["problem"]["detail"]
    assert (late.status_code, late.json()["type"]) == (409, "/problems/decided-otherwise")
    assert await books(calm_suite, "E2E-2") == {"returns": [], "memos": [], "crm": ["Canceled"], "labels": []}


async def test_nobody_decides_in_time(calm_suite: Any) -> None:
    order = await delivered(calm_suite, PLAIN[18])
    await ask(calm_suite, body(order, "E2E-3", 1, "other", approvalWithinSeconds=1))
    closed = await until(calm_suite, "E2E-3", "closed")
    assert closed["problem"]["type"] == "/problems/approval-timed-out"
    assert await books(calm_suite, "E2E-3") == {"returns": [], "memos": [], "crm": ["Canceled"], "labels": []}


async def test_goods_that_never_come_are_undone_everywhere_and_can_be_sent_back_later(calm_suite: Any) -> None:
    order = await delivered(calm_suite, PLAIN[19])
    stock = on_hand(calm_suite, order["sku"])
    await ask(calm_suite, body(order, "E2E-4", goodsWithinSeconds=2))
    await authorized(calm_suite, "E2E-4")
    closed = await until(calm_suite, "E2E-4", "closed")
    assert closed["problem"]["type"] == "/problems/goods-not-returned"
    found = await books(calm_suite, "E2E-4")
    assert found == {"returns": [True], "memos": [], "crm": ["Canceled"], "labels": ["submitted"]}
    assert on_hand(calm_suite, order["sku"]) == stock

    again = await ask(calm_suite, body(order, "E2E-4", order["quantity"]))
    assert again.json()["returnId"] == "return-E2E-4.2"


async def test_a_return_that_the_dock_receives_survives_lost_replies_and_is_credited_once(calm_suite: Any) -> None:
    order = await delivered(calm_suite, PLAIN[20])
    for path in ("*A_CustomerReturn", CREDITS):
        await calm_suite.fault("sap", fault="lost-reply", method="POST", path=path, times=1)
    await calm_suite.fault("salesforce", fault="lost-reply", method="POST", path="*/composite*", times=1)
    await calm_suite.fault("easypost", fault="lost-reply", method="POST", path="*/buy", times=1)
    await ask(calm_suite, body(order, "E2E-5"))
    await authorized(calm_suite, "E2E-5")
    async with desk(calm_suite) as http:
        received = await http.post("/returns/return-E2E-5/receipt", json={"note": "Box is wet."})
    assert received.status_code == 200, received.text
    settled = (await until(calm_suite, "E2E-5", "refunded"))["refunded"]
    found = await books(calm_suite, "E2E-5")
    assert found == {"returns": [False], "memos": [settled["creditMemoId"]], "crm": ["Closed"], "labels": [None]}


async def test_a_credit_that_is_billed_later_is_waited_for(calm_suite: Any) -> None:
    order = await delivered(calm_suite, PLAIN[21])
    await calm_suite.sandbox("sap", "POST", "billing-run", {"held": True})
    await ask(calm_suite, body(order, "E2E-6"))
    await authorized(calm_suite, "E2E-6")
    async with desk(calm_suite) as http:
        await http.post("/returns/return-E2E-6/receipt", json={})
    await until(calm_suite, "E2E-6", "crediting")
    assert (await books(calm_suite, "E2E-6"))["crm"] == ["Approved"]
    [billed] = (await calm_suite.sandbox("sap", "POST", "billing-run", {}))["billed"]
    assert (await until(calm_suite, "E2E-6", "refunded"))["refunded"]["creditMemoId"] == billed


async def test_only_what_the_customer_has_comes_back(calm_suite: Any) -> None:
    order = await delivered(calm_suite, PLAIN[22], until="")
    early = await ask(calm_suite, body(order, "E2E-7"), "wait=25")
    assert (early.status_code, early.json()["type"]) == (409, "/problems/order-not-delivered")
    assert early.json()["returnId"] == "return-E2E-7"

    await calm_suite.sandbox("sap", "POST", "fulfil", {"order": order["erpOrderId"]})
    for wanted, kind in (
        (body(order, "E2E-8", order["quantity"] + 1), "quantity-too-high"),
        (body(order, "E2E-9", 0), "unusable-quantity"),
        (body({**order, "sku": "TG-99999"}, "E2E-10"), "sku-not-ordered"),
    ):
        refused = await ask(calm_suite, wanted, "wait=25")
        assert (refused.status_code, refused.json()["type"]) == (422, f"/problems/{kind}"), refused.text
        assert refused.json()["errors"][0]["pointer"].startswith("/lines/0")
    missing = await ask(calm_suite, body({**order, "orderId": "order-nothing"}, "E2E-11"), "wait=25")
    assert (missing.status_code, missing.json()["type"]) == (404, "/problems/order-not-found")
    for number in range(7, 12):
        nothing = {"returns": [], "memos": [], "crm": [], "labels": []}
        assert await books(calm_suite, f"E2E-{number}") == nothing


async def test_each_hand_has_its_own_scope(calm_suite: Any) -> None:
    order = await delivered(calm_suite, PLAIN[23])
    tokens = {
        client: await app_token(calm_suite.runtime, client)
        for client in ("returns-desk", "returns-approval", "warehouse-dock")
    }
    calls = {
        "/returns": (body(order, "E2E-12", 1, "other"), "returns-desk"),
        "/returns/return-E2E-12/approval": ({"approved": True}, "returns-approval"),
        "/returns/return-E2E-12/receipt": ({}, "warehouse-dock"),
    }
    for path, (sent, allowed) in calls.items():
        for client, token in tokens.items():
            if client != allowed:
                async with desk(calm_suite, token) as http:
                    answer = await http.post(path, json=sent)
                assert (answer.status_code, answer.json()["type"]) == (403, "/problems/missing-scope"), (path, client)
        async with desk(calm_suite, tokens[allowed], "respond-async") as http:
            assert (await http.post(path, json=sent)).status_code in (200, 202)
        await until(calm_suite, "E2E-12", "waiting-for-approval", "waiting-for-goods", "refunded")
    settled = await until(calm_suite, "E2E-12", "refunded")
    assert settled["refunded"]["approvedBy"] == settled["approval"]["by"] == "returns-approval"
