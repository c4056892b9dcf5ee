"""An operator finds orders that could not finish, fixes and resumes them, over HTTP and on the command line."""

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from eventually import eventually

from sandboxes.company import company

QUOTES = company().quotes_for("plain")[-12:]


def operator(suite: Any, **headers: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"{suite.edge}/process/flow-operations/v1",
        headers={"authorization": f"Bearer {suite.token('flow_operations')}", **headers},
        timeout=60.0,
    )


async def die(suite: Any, *quotes: Any) -> list[str]:
    """Orders whose label purchase is answered with nonsense, so that nobody knows whether it happened."""
    await suite.fault("easypost", fault="nonsense", method="POST", path="*buy*")
    async with suite.phone(prefer="wait=25") as phone:
        for quote in quotes:
            answer = await phone.post("/orders", json={"quoteId": quote.salesforce_id})
            assert answer.json()["state"] == "dead", answer.text
    await suite.calm()
    return [f"order-{quote.salesforce_id}" for quote in quotes]


async def triptych(suite: Any, *arguments: str) -> tuple[int, str, str]:
    state = {"TRIPTYCH_STATE": str(Path(suite.runtime.state)), "COLUMNS": "200", "NO_COLOR": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared.host", *arguments, env=os.environ | state,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def ended(http: httpx.AsyncClient, flow_id: str, state: str) -> Any:
    async def found() -> Any:
        shown = (await http.get(f"/flows/{flow_id}")).json()
        return shown if shown["flow"]["state"] == state else None

    return await eventually(found, every=0.05)


async def completed(http: httpx.AsyncClient, flow_id: str) -> Any:
    return await ended(http, flow_id, "completed")


async def test_a_dead_letter_is_found_previewed_resumed_and_audited(calm_suite: Any) -> None:
    before = await calm_suite.effects()
    (flow_id,) = await die(calm_suite, QUOTES[0])
    async with operator(calm_suite) as http:
        listed = (await http.get("/flows", params={"state": "dead"})).json()["items"]
        assert listed[0]["flowId"] == flow_id
        found = (await http.get(f"/flows/{flow_id}")).json()
        assert json.loads(found["request"])["quoteId"] == QUOTES[0].salesforce_id
        assert found["timeline"][-1]["step"] == "logistics.purchase_label"
        assert found["flow"]["correlationId"]
        preview = (await http.post(f"/dead-letters/{flow_id}/preview", json={})).json()
        assert preview["writes"] == [
            {"step": "logistics.purchase_label", "certainty": "next", "repeated": True},
            {"step": "crm.record_order", "certainty": "later"},
            {"step": "cross_references.note_keys", "certainty": "later"},
            {"step": "warehouse.confirm_reservation", "certainty": "later"},
        ]
        assert preview["kept"] == ["warehouse.reserve", "erp.create_order"]
        resumed = await http.post(f"/dead-letters/{flow_id}/resumption", json={"reason": "carrier answers again"})
        assert resumed.status_code == 200, resumed.text
        done = await completed(http, flow_id)
        (entry,) = done["audit"]
        assert (entry["act"], entry["detail"]) == ("resume", "carrier answers again")
        assert "developer@localhost" in entry["who"]
        assert (await http.get("/audit")).json()["items"][0]["flowId"] == flow_id
        again = await http.post(f"/dead-letters/{flow_id}/resumption", json={"reason": "once more"})
        assert (again.status_code, again.json()["type"]) == (409, "/problems/no-dead-letter")
    after = await calm_suite.effects()
    assert {name: after[name] - before[name] for name in ("crm_orders", "erp_orders", "labels")} == {
        "crm_orders": 1, "erp_orders": 1, "labels": 1,
    }  # fmt: skip


async def test_a_dead_letter_is_edited_cancelled_or_discarded(calm_suite: Any) -> None:
    before = await calm_suite.effects()
    first, second = await die(calm_suite, QUOTES[1], QUOTES[2])
    async with operator(calm_suite) as http:
        edited = await http.post(
            f"/dead-letters/{first}/edit", json={"patch": '{"shippingPreference": "fastest"}', "reason": "in a hurry"}
        )
        assert edited.status_code == 200, edited.text
        wrong = await http.post(f"/dead-letters/{first}/edit", json={"patch": "[1]", "reason": "typo"})
        assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (400, "/patch")
        other = await http.post(
            f"/dead-letters/{first}/edit", json={"patch": '{"purchaseOrder": "PO-1"}', "reason": "forgotten"}
        )
        assert (other.status_code, other.json()["type"]) == (409, "/problems/cannot-go-on")
        cancelled = await http.post(f"/flows/{first}/cancellation", json={"reason": "customer changed their mind"})
        assert cancelled.status_code == 200
        await ended(http, first, "cancelled")
        discarded = await http.post(f"/dead-letters/{second}/discard", json={"reason": "done by telephone"})
        assert discarded.json()["flow"]["state"] == "discarded"
    after = await calm_suite.effects()
    assert after["erp_orders"] - before["erp_orders"] == 1  # what the discarded one had done


async def test_operations_ask_for_their_scopes(calm_suite: Any) -> None:
    read = calm_suite.issuer.issue(
        "ann", "desk", "urn:triptych:process:flow-operations", {"flow-operations:read"}, tier="gold"
    )
    async with operator(calm_suite, authorization=f"Bearer {read}") as http:
        assert (await http.get("/flows")).status_code == 200
        refused = await http.post("/dead-letters/f/discard", json={"reason": "x"})
        assert (refused.status_code, refused.json()["type"]) == (403, "/problems/missing-scope")


@pytest.mark.slow
async def test_an_operator_works_from_the_command_line(calm_suite: Any) -> None:
    flow_ids = await die(calm_suite, *QUOTES[3:8])
    code, out, _ = await triptych(calm_suite, "dead-letters", "list")
    assert code == 0
    assert all(flow_id in out for flow_id in flow_ids)
    code, out, _ = await triptych(calm_suite, "flows", "show", flow_ids[0])
    assert (code, "logistics.purchase_label" in out, QUOTES[3].salesforce_id in out) == (0, True, True)
    code, out, err = await triptych(calm_suite, "dead-letters", "resume", flow_ids[0], "--reason", "again")
    assert (code, "crm.record_order" in out, "--yes" in err, err.count("\n")) == (2, True, True, 1)
    code, out, _ = await triptych(calm_suite, "flows", "resume", flow_ids[0], "--reason", "again", "--yes")
    assert code == 0
    code, out, _ = await triptych(calm_suite, "dead-letters", "discard", flow_ids[1], "--reason", "by hand")
    assert (code, "discarded" in out, "by hand" in out) == (0, True, True)
    code, out, _ = await triptych(calm_suite, "dead-letters", "resume", "--all", "--reason", "carrier is back", "--yes")
    assert (code, "3 resumed, 0 not." in out) == (0, True), out
    async with operator(calm_suite) as http:
        for flow_id in (flow_ids[0], *flow_ids[2:]):
            await completed(http, flow_id)
    code, out, _ = await triptych(calm_suite, "dead-letters", "resume", "--all", "--reason", "more", "--yes")
    assert (code, "no dead letters" in out) == (0, True)
    code, _, err = await triptych(calm_suite, "flows", "show", "nothing-9999")
    assert (code, err.count("\n"), "nothing-9999" in err) == (2, 1, True)
    code, _, err = await triptych(calm_suite, "flows", "cancel", flow_ids[0], "--reason", "too late")
    assert (code, "completed" in err) == (2, True)
    code, _, err = await triptych(calm_suite, "dead-letters", "resume", "--reason", "which")
    assert (code, "--all" in err) == (2, True)


async def test_nothing_personal_lies_readable_in_the_state_directory(calm_suite: Any) -> None:
    quote = QUOTES[9]
    customer = company().customer_by_number[quote.customer]
    async with calm_suite.phone(prefer="wait=25", **{"idempotency-key": '"sealed-1"'}) as phone:
        assert (await phone.post("/orders", json={"quoteId": quote.salesforce_id})).json()["state"] == "completed"
    state = Path(calm_suite.runtime.state)
    kept = list(state.glob("journal*"))  # noqa: ASYNC240 - a test may wait
    assert kept
    stored = b"".join(path.read_bytes() for path in kept)
    assert quote.salesforce_id.encode() in stored  # the business key is no secret
    for secret in (customer.name, customer.billing.street, quote.name, customer.sap_customer):
        assert secret.encode() not in stored, secret
