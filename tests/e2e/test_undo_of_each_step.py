"""A step that fails for good, whichever it is: what was done before is undone in reverse, each exactly once."""

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
import pytest
from eventually import eventually

from sandboxes.company import Quote, company

PLAIN = company().quotes_for("plain")
UNDO = {
    "warehouse.reserve": "warehouse.release_reservation",
    "erp.create_order": "erp.cancel_order",
    "logistics.purchase_label": "logistics.refund_label",
    "crm.record_order": "crm.cancel_order",
}
SAP_REFUSES = {"error": {"code": "V1/320", "message": {"lang": "en", "value": "Not for this customer"}}}
CARRIER_REFUSES = {"error": {"code": "SHIPMENT.INVALID_PARAMS", "message": "Not this parcel.", "errors": []}}
CRM_REFUSES = [{"errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": "Not today.", "fields": []}]
REFUSALS: dict[str, dict[str, Any]] = {
    "erp.simulate_order": {"name": "sap", "path": "*Simulation*", "status": 400, "body": SAP_REFUSES},
    "logistics.get_rates": {"name": "easypost", "path": "/v2/shipments", "status": 422, "body": CARRIER_REFUSES},
    "erp.create_order": {"name": "sap", "path": "*/A_SalesOrder", "status": 400, "body": SAP_REFUSES},
    "logistics.purchase_label": {"name": "easypost", "path": "*/buy", "status": 422, "body": CARRIER_REFUSES},
    "crm.record_order": {"name": "salesforce", "path": "*/composite*", "status": 400, "body": CRM_REFUSES},
}


async def ended(suite: Any, quote: Quote) -> dict[str, Any]:
    """What an operator sees of the order once it has ended."""
    headers = {"authorization": f"Bearer {suite.token('flow_operations')}"}
    async with httpx.AsyncClient(
        base_url=f"{suite.edge}/process/flow-operations/v1", headers=headers, timeout=60.0
    ) as http:

        async def settled() -> dict[str, Any] | None:
            answer = await http.get(f"/flows/order-{quote.salesforce_id}")
            going_on = answer.is_error or answer.json()["flow"]["state"] in ("pending", "running", "compensating")
            return None if going_on else answer.json()

        return await eventually(settled, every=0.05)


async def until_at(suite: Any, quote: Quote, step: str) -> None:
    headers = {"authorization": f"Bearer {suite.token('flow_operations')}"}
    async with httpx.AsyncClient(base_url=f"{suite.edge}/process/flow-operations/v1", headers=headers) as http:

        async def is_there() -> bool:
            answer = await http.get(f"/flows/order-{quote.salesforce_id}")
            return answer.is_success and answer.json()["timeline"][-1]["step"] == step

        await eventually(is_there, every=0.02)


def expect_undone(told: dict[str, Any], failed: str) -> None:
    assert told["flow"]["state"] == "refused", told
    done = [entry["step"] for entry in told["timeline"] if entry["seq"] > 0 and entry["step"] in UNDO]
    reached = list(UNDO)[: list(UNDO).index(failed)] if failed in UNDO else []
    reached = list(UNDO) if failed == "warehouse.confirm_reservation" else reached
    assert [step for step in done if step != failed] == reached
    undos = [entry for entry in told["timeline"] if entry["seq"] < 0]
    assert [entry["step"] for entry in undos] == [UNDO[step] for step in reversed(reached)]
    assert {(entry["state"], entry.get("attempts", 1)) for entry in undos} <= {("done", 1)}


async def order(suite: Any, quote: Quote) -> Any:
    async with suite.phone() as phone:
        return await phone.post("/orders", json={"quoteId": quote.salesforce_id}, headers={"prefer": "wait=25"})


@pytest.mark.parametrize("place", range(len(REFUSALS)), ids=list(REFUSALS))
async def test_a_refusal_by_a_service_undoes_what_was_done_before(calm_suite: Any, place: int) -> None:
    step, quote, before = list(REFUSALS)[place], PLAIN[12 + place], await calm_suite.effects()
    await calm_suite.fault(fault="status", method="POST", **REFUSALS[step])
    assert (await order(calm_suite, quote)).status_code >= 400
    expect_undone(await ended(calm_suite, quote), step)
    assert await calm_suite.effects() == before


async def standing(suite: Any) -> dict[str, int]:
    """What is in force: a cancelled order stays in Salesforce as a draft, a hold that ran out until it is swept."""
    effects = await suite.effects()
    orders = (await suite.sandbox("salesforce", "GET", "ledger"))["orders"]
    effects["crm_orders"] = sum(each["Status"] == "Activated" for each in orders)
    del effects["held"]
    return effects


def take_all_stock(database: sqlite3.Connection, _quote: Quote) -> None:
    database.execute("UPDATE inventory_level SET safety_stock = safety_stock + 1000000")


def end_the_hold(database: sqlite3.Connection, quote: Quote) -> None:
    reference = f"order-{quote.salesforce_id}"
    database.execute("UPDATE reservation SET expires_at = created_at WHERE reference = ?", (reference,))


@pytest.mark.parametrize(
    ("place", "failed", "slow", "meanwhile"),
    [
        (17, "warehouse.reserve", ("easypost", "/v2/shipments", "logistics.get_rates"), take_all_stock),
        (18, "warehouse.confirm_reservation", ("salesforce", "*/composite*", "crm.record_order"), end_the_hold),
    ],
    ids=["warehouse.reserve", "warehouse.confirm_reservation"],
)
async def test_a_refusal_by_the_warehouse_undoes_what_was_done_before(
    calm_suite: Any, place: int, failed: str, slow: tuple[str, str, str], meanwhile: Callable[..., None]
) -> None:
    quote, before = PLAIN[place], await standing(calm_suite)
    backend, path, step = slow
    await calm_suite.fault(backend, fault="latency", method="POST", path=path, seconds=2.0, times=1)
    ordering = asyncio.create_task(order(calm_suite, quote))
    await until_at(calm_suite, quote, step)
    with closing(sqlite3.connect(calm_suite.runtime.sandboxes["warehouse"].removeprefix("sqlite://"))) as database:
        with database:
            meanwhile(database, quote)
        answer = await ordering
        with database:
            database.execute("UPDATE inventory_level SET safety_stock = safety_stock % 1000000")
    assert 400 <= answer.status_code < 500, answer.text
    expect_undone(await ended(calm_suite, quote), failed)
    assert await standing(calm_suite) == before
