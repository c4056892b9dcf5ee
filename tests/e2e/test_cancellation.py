"""An order that stands is cancelled everywhere, once; what has left the house is refused and nothing is half done."""

import asyncio
import sqlite3
from typing import Any

import httpx
import pytest

from sandboxes.company import Quote, company

PLAIN = company().quotes_for("plain")
CYRILLIC, ARABIC, JAPANESE = (company().quotes_for(script)[1] for script in ("cyrillic", "arabic", "japanese"))
NO_MORE = {"error": {"code": "V1/781", "message": {"lang": "en", "value": "Billing is under way."}}}
NO_REFUND = {"error": {"code": "SHIPMENT.REFUND.UNAVAILABLE", "message": "The window is over.", "errors": []}}


async def order(suite: Any, quote: Quote) -> dict[str, Any]:
    """Order a quote, and return the order as it stands everywhere."""
    async with suite.phone() as phone:
        answer = await phone.post("/orders", json={"quoteId": quote.salesforce_id}, headers={"prefer": "wait=25"})
    assert answer.status_code == 201, answer.text
    headers = {"authorization": f"Bearer {suite.token('quote_to_order')}"}
    async with httpx.AsyncClient(headers=headers, timeout=60.0) as http:
        shown = await http.get(f"{suite.edge}/process/quote-to-order/v1/orders/{answer.json()['orderId']}")
    return {"orderId": answer.json()["orderId"], **shown.json()["order"]}


def desk(suite: Any, **headers: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"{suite.edge}/process/order-cancellations/v1",
        headers={"authorization": f"Bearer {suite.token('order_cancellations')}", "prefer": "wait=25", **headers},
        timeout=60.0,
    )


async def cancel(suite: Any, order_id: str, reason: str = "The customer called.") -> httpx.Response:
    async with desk(suite) as http:
        return await http.post("/cancellations", json={"orderId": order_id, "reason": reason})


async def quote_state(suite: Any, quote: Quote) -> str:
    headers = {"authorization": f"Bearer {suite.token('crm')}"}
    async with httpx.AsyncClient(headers=headers, timeout=60.0) as http:
        return (await http.get(f"{suite.edge}/system/crm/v1/quotes/{quote.salesforce_id}")).json()["state"]


async def in_the_crm(suite: Any, standing: dict[str, Any]) -> str:
    orders = (await suite.sandbox("salesforce", "GET", "ledger"))["orders"]
    return next(one["Status"] for one in orders if one["Id"] == standing["crmOrderId"])


def refused(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert (answer.status_code, problem["type"]) == (status, f"/problems/{kind}"), problem
    assert problem["detail"].endswith(".")
    return problem


async def test_an_order_is_cancelled_everywhere_once_and_its_quote_is_open_again(calm_suite) -> None:
    before = await calm_suite.effects()
    standing = await order(calm_suite, PLAIN[3])
    assert await quote_state(calm_suite, PLAIN[3]) == "accepted"
    cancelled = await cancel(calm_suite, standing["orderId"])
    assert cancelled.status_code == 201, cancelled.text
    told = cancelled.json()
    assert told["state"] == "completed"
    assert told["cancelled"]["labelRefunded"] is True
    assert told["cancelled"]["erpOrderId"] == standing["erpOrderId"]
    after = await calm_suite.effects()
    assert after == before | {"crm_orders": before["crm_orders"] + 1}  # Salesforce keeps it, as a draft
    assert await in_the_crm(calm_suite, standing) == "Draft"
    assert await quote_state(calm_suite, PLAIN[3]) == "approved"

    again = (await cancel(calm_suite, standing["orderId"], "Another reason.")).json()
    assert (again["cancellationId"], again["timeline"]) == (told["cancellationId"], told["timeline"])
    async with desk(calm_suite) as http:
        shown = (await http.get(f"/cancellations/{told['cancellationId']}")).json()
    assert (shown["cancelled"], shown["timeline"]) == (told["cancelled"], told["timeline"])
    assert await calm_suite.effects() == after


async def delivered_by_the_erp(suite: Any, standing: dict[str, Any]) -> None:
    await suite.sandbox("sap", "POST", "fulfil", {"order": standing["erpOrderId"], "until": "delivery"})


async def shipped_by_the_warehouse(suite: Any, standing: dict[str, Any]) -> None:
    with sqlite3.connect(suite.runtime.sandboxes["warehouse"].removeprefix("sqlite://")) as database:
        changed = database.execute(
            "UPDATE shipment SET status = 'shipped' WHERE reservation_id = ?", (standing["reservationId"],)
        )
    assert changed.rowcount == 1
    database.close()


async def fetched_by_the_carrier(suite: Any, standing: dict[str, Any]) -> None:
    assert standing["trackingCode"]
    await suite.sandbox("easypost", "POST", "clock", {"offset_seconds": 5 * 3600})


@pytest.mark.parametrize(
    ("index", "happened", "says"),
    [
        (4, delivered_by_the_erp, "in the ERP"),
        (8, shipped_by_the_warehouse, "The warehouse has shipped"),
        (9, fetched_by_the_carrier, "is in-transit"),
    ],
)
async def test_what_has_left_the_house_is_not_cancelled_and_nothing_changes(
    calm_suite, index: int, happened: Any, says: str
) -> None:
    standing = await order(calm_suite, PLAIN[index])
    try:
        await happened(calm_suite, standing)
        before = await calm_suite.effects()
        problem = refused(await cancel(calm_suite, standing["orderId"]), 409, "goods-have-left")
        assert says in problem["detail"]
        assert problem["cancellationId"] == f"{standing['orderId']}-cancellation"
        assert await calm_suite.effects() == before
        assert await in_the_crm(calm_suite, standing) == "Activated"
    finally:
        await calm_suite.sandbox("easypost", "POST", "clock", {"offset_seconds": 0})


async def test_when_the_erp_says_no_the_goods_are_promised_again_and_a_new_request_checks_anew(calm_suite) -> None:
    standing = await order(calm_suite, PLAIN[11])
    before = await calm_suite.effects()
    await calm_suite.fault("sap", fault="status", method="POST", path="*$batch", status=400, body=NO_MORE)
    refused(await cancel(calm_suite, standing["orderId"]), 409, "order-not-cancellable")
    assert await calm_suite.effects() == before
    assert await in_the_crm(calm_suite, standing) == "Activated"

    await calm_suite.calm()
    told = (await cancel(calm_suite, standing["orderId"])).json()
    assert (told["state"], told["cancellationId"]) == ("completed", f"{standing['orderId']}-cancellation.2")
    after = await calm_suite.effects()
    assert {key: after[key] - before[key] for key in before} == {
        "crm_orders": 0, "erp_orders": -1, "labels": -1, "held": 0, "planned": -1,
    }  # fmt: skip


async def test_a_carrier_that_changes_its_mind_costs_the_label_and_not_the_cancellation(calm_suite) -> None:
    standing = await order(calm_suite, PLAIN[12])
    await calm_suite.fault("easypost", fault="status", method="POST", path="*/refund", status=422, body=NO_REFUND)
    told = (await cancel(calm_suite, standing["orderId"])).json()
    assert (told["state"], told["cancelled"]["labelRefunded"]) == ("completed", False)
    assert await in_the_crm(calm_suite, standing) == "Draft"


async def test_a_cancellation_survives_backends_that_fail_for_a_while(calm_suite) -> None:
    before = await calm_suite.effects()
    standing = await order(calm_suite, PLAIN[13])
    await calm_suite.fault("salesforce", fault="lost-reply", method="POST", path="*/composite*", times=1)
    await calm_suite.fault("sap", fault="lost-reply", method="POST", path="*$batch", times=1)
    told = (await cancel(calm_suite, standing["orderId"])).json()
    assert told["state"] == "completed", told
    assert await calm_suite.effects() == before | {"crm_orders": before["crm_orders"] + 1}


async def test_only_an_order_that_stands_is_cancelled(calm_suite) -> None:
    refused(await cancel(calm_suite, "order-nothing"), 404, "order-not-found")
    draft = company().quotes_for("draft")[0].salesforce_id
    async with calm_suite.phone() as phone:
        await phone.post("/orders", json={"quoteId": draft}, headers={"prefer": "wait=25"})
    problem = refused(await cancel(calm_suite, f"order-{draft}"), 409, "order-not-standing")
    assert "refused" in problem["detail"]


async def test_flows_of_other_apis_are_not_to_be_seen_or_stopped_here(calm_suite) -> None:
    standing = await order(calm_suite, PLAIN[14])
    async with desk(calm_suite) as http:
        refused(await http.get(f"/cancellations/{standing['orderId']}"), 404, "cancellation-not-found")
    told = (await cancel(calm_suite, standing["orderId"])).json()
    refused(await cancel(calm_suite, told["cancellationId"]), 404, "order-not-found")
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {calm_suite.token('quote_to_order')}"}) as http:
        path = f"{calm_suite.edge}/process/quote-to-order/v1/orders/{told['cancellationId']}"
        refused(await http.get(path), 404, "order-not-found")
        refused(await http.post(f"{path}/cancellation", json={"reason": "x"}), 404, "order-not-found")


async def test_two_requests_at_once_are_one_cancellation(calm_suite) -> None:
    standing = await order(calm_suite, PLAIN[15])
    answers = await asyncio.gather(*(cancel(calm_suite, standing["orderId"], f"Reason {n}.") for n in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.json()["cancellationId"] for answer in answers} == {f"{standing['orderId']}-cancellation"}


async def shown(suite: Any, order_id: str) -> dict[str, Any]:
    async with suite.phone() as phone:
        return (await phone.get(f"/orders/{order_id}")).json()


async def test_the_quote_of_a_cancelled_order_is_ordered_again_once(calm_suite) -> None:
    before = await calm_suite.effects()
    first = await order(calm_suite, CYRILLIC)
    assert (await order(calm_suite, CYRILLIC))["orderId"] == first["orderId"]
    assert (await cancel(calm_suite, first["orderId"])).json()["state"] == "completed"
    old = await shown(calm_suite, first["orderId"])
    assert (old["state"], old["erpOrderId"]) == ("cancelled", first["erpOrderId"])
    assert "cancelled" in old["message"]

    orders = await asyncio.gather(*(order(calm_suite, CYRILLIC) for _ in range(3)))
    assert {one["orderId"] for one in orders} == {f"{first['orderId']}.2"}
    assert orders[0]["erpOrderId"] != first["erpOrderId"]
    assert await quote_state(calm_suite, CYRILLIC) == "accepted"
    told = (await cancel(calm_suite, first["orderId"], "Once more.")).json()
    assert told["cancellationId"] == f"{first['orderId']}-cancellation"
    assert (await shown(calm_suite, orders[0]["orderId"]))["state"] == "completed"
    assert await calm_suite.effects() == {
        name: count + {"crm_orders": 2, "held": 0}.get(name, 1) for name, count in before.items()
    }  # Salesforce keeps the cancelled one, as a draft

    second = (await cancel(calm_suite, orders[0]["orderId"])).json()
    assert (second["state"], second["cancellationId"]) == ("completed", f"{first['orderId']}.2-cancellation")
    assert (await order(calm_suite, CYRILLIC))["orderId"] == f"{first['orderId']}.3"


async def test_cancellations_and_orders_at_once_leave_one_order_at_most(calm_suite) -> None:
    before = await calm_suite.effects()
    first = await order(calm_suite, ARABIC)
    answers = await asyncio.gather(
        *(cancel(calm_suite, first["orderId"], f"Reason {n}.") for n in range(2)),
        *(order(calm_suite, ARABIC) for _ in range(4)),
    )
    assert {answer.json()["cancellationId"] for answer in answers[:2]} == {f"{first['orderId']}-cancellation"}
    last = await order(calm_suite, ARABIC)
    assert last["orderId"] == f"{first['orderId']}.2"
    assert {one["orderId"] for one in answers[2:]} <= {first["orderId"], last["orderId"]}
    after = await calm_suite.effects()
    assert {name: after[name] - before[name] for name in after} == {
        "crm_orders": 2, "erp_orders": 1, "labels": 1, "held": 0, "planned": 1,
    }  # fmt: skip


async def test_an_order_that_stands_is_not_retired(calm_suite) -> None:
    standing = await order(calm_suite, JAPANESE)
    path = f"{calm_suite.edge}/process/quote-to-order/v1/orders"
    async with httpx.AsyncClient(headers={"authorization": f"Bearer {calm_suite.token('quote_to_order')}"}) as http:
        answer = await http.post(f"{path}/{standing['orderId']}/retirement", json={"reason": "x"})
        refused(answer, 409, "order-not-cancelled")
        refused(await http.post(f"{path}/order-nothing/retirement", json={"reason": "x"}), 404, "order-not-found")
    assert (await order(calm_suite, JAPANESE))["orderId"] == standing["orderId"]
    async with calm_suite.phone() as phone:  # what the app may do is not enough for it
        token = phone.headers["authorization"]
    async with httpx.AsyncClient(headers={"authorization": token}) as http:
        answer = await http.post(f"{path}/{standing['orderId']}/retirement", json={"reason": "x"})
    refused(answer, 401, "unauthenticated")
