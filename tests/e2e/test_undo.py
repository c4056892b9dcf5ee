"""A refusal late in an order undoes what was done, in reverse, and leaves every backend's books as they were."""

from typing import Any

import pytest
from eventually import eventually

from sandboxes.company import company

PLAIN = company().quotes_for("plain")
REFUSED_LABEL = {"error": {"code": "SHIPMENT.RATE.UNAVAILABLE", "message": "The rate is gone.", "errors": []}}
REFUSED_ORDER = [{"errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "No orders today.", "fields": []}]


async def order(suite: Any, quote_id: str) -> Any:
    async with suite.phone() as phone:
        return await phone.post("/orders", json={"quoteId": quote_id}, headers={"prefer": "wait=25"})


@pytest.mark.parametrize(
    ("index", "backend", "path", "status", "body"),
    [
        (10, "easypost", "*/buy", 422, REFUSED_LABEL),
        (28, "salesforce", "*/composite*", 400, REFUSED_ORDER),
    ],
    ids=["the carrier refuses the label", "the CRM refuses the order"],
)
async def test_a_late_refusal_undoes_everything_and_a_new_attempt_may_follow(
    calm_suite, index: int, backend: str, path: str, status: int, body: Any
) -> None:
    before = await calm_suite.effects()
    await calm_suite.fault(backend, fault="status", method="POST", path=path, status=status, body=body)
    refused = await order(calm_suite, PLAIN[index].salesforce_id)
    assert 400 <= refused.status_code < 500, refused.text
    assert await calm_suite.effects() == before

    async with calm_suite.phone() as phone:
        told = (await phone.get(f"/orders/{refused.json()['orderId']}")).json()
    assert told["state"] == "refused"
    undone = [step["text"] for step in told["steps"] if step["state"] == "undone"]
    assert undone[:2] == ["Stock held", "Order placed in the ERP"]

    await calm_suite.calm()
    again = await order(calm_suite, PLAIN[index].salesforce_id)
    assert again.status_code == 201, again.text
    assert again.json()["orderId"].endswith(".2")
    after = await calm_suite.effects()
    assert {key: after[key] - before[key] for key in before} == {
        "crm_orders": 1, "erp_orders": 1, "labels": 1, "held": 0, "planned": 1,
    }  # fmt: skip


async def test_an_order_that_waits_can_be_cancelled_and_leaves_nothing(calm_suite) -> None:
    before = await calm_suite.effects()
    await calm_suite.fault("easypost", fault="status", method="POST", path="*/buy", status=503)
    async with calm_suite.phone() as phone:
        answer = await phone.post("/orders", json={"quoteId": PLAIN[29].salesforce_id}, headers={"prefer": "wait=1"})
    assert answer.status_code == 202, answer.text
    order_id = answer.json()["orderId"]
    headers = {"authorization": f"Bearer {calm_suite.token('quote_to_order')}"}
    async with calm_suite.phone() as phone:
        path = f"{calm_suite.edge}/process/quote-to-order/v1/orders/{order_id}"
        cancelled = await phone.post(f"{path}/cancellation", json={"reason": "The customer called."}, headers=headers)
        assert cancelled.status_code == 200, cancelled.text
        await calm_suite.calm()  # a purchase that may have happened is settled first, then undone

        async def is_cancelled() -> bool:
            return (await phone.get(path, headers=headers)).json()["state"] == "cancelled"

        await eventually(is_cancelled, every=0.05)
    assert await calm_suite.effects() == before


async def test_stock_is_shown_although_an_open_quote_names_a_product_nobody_stocks(calm_suite) -> None:
    quote = company().quotes_for("inactive-product")[0]
    customer = company().customer_by_number[quote.customer]
    async with calm_suite.phone() as phone:
        view = (await phone.get(f"/customers/{customer.salesforce_id}")).json()
    assert "stock" not in {part["part"] for part in view.get("missing", [])}
