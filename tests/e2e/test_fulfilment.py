"""An order is followed from delivery over shipment to invoice, and the CRM is told what changed and nothing else."""

from typing import Any

import httpx
from eventually import eventually

from sandboxes.company import Quote, company

PLAIN = company().quotes_for("plain")
DAY = 86_400


async def order(suite: Any, quote: Quote) -> dict[str, Any]:
    """Order a quote, and return the order as it stands everywhere."""
    async with suite.phone() as phone:
        answer = await phone.post("/orders", json={"quoteId": quote.salesforce_id}, headers={"prefer": "wait=25"})
    assert answer.status_code == 201, answer.text
    order_id = answer.json()["orderId"]
    shown = await ask(suite, "quote_to_order", "GET", f"quote-to-order/v1/orders/{order_id}")
    return {"orderId": order_id, **shown.json()["order"]}


async def begun(suite: Any, order_id: str) -> dict[str, Any]:
    """How the order is followed that nobody asked to follow: it was placed, and that is enough."""
    path = f"order-fulfilment/v1/fulfilments/{order_id}-fulfilment"

    async def has_begun() -> bool:
        return (await ask(suite, "order_fulfilment", "GET", path)).status_code == 200

    await eventually(has_begun, every=0.1)
    return await looked(suite, f"{order_id}-fulfilment", 1)


async def not_followed(suite: Any, order_id: str) -> None:
    """Stop what began by itself and looks once an hour, so that a test may have the order followed its own way."""
    fulfilment_id = (await begun(suite, order_id))["fulfilmentId"]
    path = f"order-fulfilment/v1/fulfilments/{fulfilment_id}/cancellation"
    stopped = await ask(suite, "order_fulfilment", "POST", path)
    assert stopped.status_code == 200, stopped.text
    await is_stopped(suite, fulfilment_id)


async def is_stopped(suite: Any, fulfilment_id: str) -> None:
    async def look() -> bool:
        return (await shown(suite, fulfilment_id))["state"] == "cancelled"

    await eventually(look, every=0.05)


async def ask(suite: Any, api: str, method: str, path: str, body: Any = None, prefer: str = "") -> httpx.Response:
    headers = {"authorization": f"Bearer {suite.token(api)}", **({"prefer": prefer} if prefer else {})}
    async with httpx.AsyncClient(headers=headers, timeout=60.0) as http:
        tier = "system" if api == "crm" else "process"
        return await http.request(method, f"{suite.edge}/{tier}/{path}", json=body)


async def follow(suite: Any, order_id: str, every: int = 1, prefer: str = "respond-async") -> httpx.Response:
    body = {"orderId": order_id, "lookEverySeconds": every}
    return await ask(suite, "order_fulfilment", "POST", "order-fulfilment/v1/fulfilments", body, prefer)


async def shown(suite: Any, fulfilment_id: str) -> dict[str, Any]:
    answer = await ask(suite, "order_fulfilment", "GET", f"order-fulfilment/v1/fulfilments/{fulfilment_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def fulfilment_in_the_crm(suite: Any, crm_order_id: str) -> str:
    return (await ask(suite, "crm", "GET", f"crm/v1/orders/{crm_order_id}")).json()["fulfilment"]


async def crm_says(suite: Any, crm_order_id: str, fulfilment: str) -> None:
    async def is_so() -> bool:
        return await fulfilment_in_the_crm(suite, crm_order_id) == fulfilment

    await eventually(is_so, every=0.1)


async def looked(suite: Any, fulfilment_id: str, times: int) -> dict[str, Any]:
    """The fulfilment once the ERP was looked at so often."""

    async def enough() -> dict[str, Any] | None:
        told = await shown(suite, fulfilment_id)
        return told if sum(step["step"] == "erp.get_order" for step in told["timeline"]) >= times else None

    return await eventually(enough, every=0.1)


async def test_an_order_is_followed_from_when_it_stands_without_being_asked(calm_suite) -> None:
    standing = await order(calm_suite, PLAIN[28])
    told = await begun(calm_suite, standing["orderId"])
    assert told["orderId"] == standing["orderId"]
    assert told["state"] in ("running", "waiting")
    placed = (await ask(calm_suite, "quote_to_order", "GET", f"quote-to-order/v1/orders/{standing['orderId']}")).json()
    assert told["correlationId"] == placed["correlationId"]
    same = await follow(calm_suite, standing["orderId"])
    assert same.json()["fulfilmentId"] == told["fulfilmentId"]


async def test_the_crm_hears_of_each_change_once_until_the_order_is_delivered_and_invoiced(calm_suite) -> None:
    standing = await order(calm_suite, PLAIN[16])
    await not_followed(calm_suite, standing["orderId"])
    asked = await follow(calm_suite, standing["orderId"])
    assert asked.status_code == 202, asked.text
    fulfilment_id = asked.json()["fulfilmentId"]
    assert asked.headers["location"].endswith(f"/fulfilments/{fulfilment_id}")
    told = await looked(calm_suite, fulfilment_id, 2)
    assert "crm.note_order_status" not in {step["step"] for step in told["timeline"]}  # the CRM said so already
    try:
        await calm_suite.sandbox("easypost", "POST", "clock", {"offset_seconds": 5 * 3600})
        await crm_says(calm_suite, standing["crmOrderId"], "Shipped")
        await calm_suite.sandbox("sap", "POST", "fulfil", {"order": standing["erpOrderId"], "until": "invoice"})
        await calm_suite.sandbox("easypost", "POST", "clock", {"offset_seconds": 30 * DAY})
        await crm_says(calm_suite, standing["crmOrderId"], "Invoiced")
    finally:
        await calm_suite.sandbox("easypost", "POST", "clock", {"offset_seconds": 0})
    answer = await follow(calm_suite, standing["orderId"], prefer="wait=25")
    assert answer.status_code == 201
    assert answer.json()["followed"] == {
        "outcome": "fulfilled", "orderState": "invoiced", "shipmentState": "delivered", "notes": 2,
    }  # fmt: skip
    steps = [step["step"] for step in answer.json()["timeline"]]
    assert steps.count("crm.note_order_status") == 2
    assert steps.count("erp.get_order") >= 3


async def test_following_can_be_stopped_and_begun_anew_and_ends_when_the_order_is_cancelled(calm_suite) -> None:
    standing = await order(calm_suite, PLAIN[17])
    first = (await follow(calm_suite, standing["orderId"], every=3600)).json()["fulfilmentId"]
    same = (await follow(calm_suite, standing["orderId"], every=60)).json()["fulfilmentId"]
    assert same == first == f"{standing['orderId']}-fulfilment"
    path = f"order-fulfilment/v1/fulfilments/{first}/cancellation"
    await looked(calm_suite, first, 1)
    for _ in range(2):
        stopped = await ask(calm_suite, "order_fulfilment", "POST", path)
        assert stopped.status_code == 200, stopped.text
    await is_stopped(calm_suite, first)

    again = (await follow(calm_suite, standing["orderId"])).json()["fulfilmentId"]
    assert again == f"{first}.2"
    body = {"orderId": standing["orderId"], "reason": "The customer called."}
    path = "order-cancellations/v1/cancellations"
    cancelled = await ask(calm_suite, "order_cancellations", "POST", path, body, "wait=25")
    assert cancelled.json()["state"] == "completed", cancelled.text
    ended = (await follow(calm_suite, standing["orderId"], prefer="wait=25")).json()
    assert ended["followed"]["outcome"] == "cancelled"
    assert await fulfilment_in_the_crm(calm_suite, standing["crmOrderId"]) == "Cancelled"
    late = await ask(calm_suite, "order_fulfilment", "POST", f"order-fulfilment/v1/fulfilments/{again}/cancellation")
    assert (late.status_code, late.json()["type"]) == (409, "/problems/fulfilment-ended")


async def test_an_order_that_does_not_stand_is_not_followed(calm_suite) -> None:
    answer = await follow(calm_suite, "order-nothing", prefer="wait=25")
    assert (answer.status_code, answer.json()["type"]) == (404, "/problems/order-not-found")
