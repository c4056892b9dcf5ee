"""A quote becomes an order everywhere, once, and can be followed from the phone to every backend."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import httpx
from eventually import eventually

from sandboxes.company import company

PLAIN = company().quotes_for("plain")


async def order(suite: Any, quote_id: str, **headers: str) -> httpx.Response:
    async with suite.phone() as phone:
        return await phone.post("/orders", json={"quoteId": quote_id}, headers={"prefer": "wait=25", **headers})


async def test_an_order_stands_in_every_backend_with_shipping_booked(calm_suite) -> None:
    before = await calm_suite.effects()
    answer = await order(calm_suite, PLAIN[0].salesforce_id)
    assert answer.status_code == 201, answer.text
    placed = answer.json()
    assert placed["state"] == "completed"
    assert placed["erpOrderId"]
    assert placed["crmOrderId"]
    assert placed["trackingCode"]
    assert answer.headers["location"].endswith(placed["orderId"])
    after = await calm_suite.effects()
    assert {key: after[key] - before[key] for key in before} == {
        "crm_orders": 1, "erp_orders": 1, "labels": 1, "held": 0, "planned": 1,
    }  # fmt: skip


async def test_ordering_the_same_quote_many_times_at_once_places_one_order(calm_suite) -> None:
    before = await calm_suite.effects()
    answers = await asyncio.gather(*(order(calm_suite, PLAIN[1].salesforce_id) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["erpOrderId"] for answer in answers}) == 1
    assert (await calm_suite.effects())["erp_orders"] == before["erp_orders"] + 1


async def test_respond_async_answers_at_once_and_the_status_resource_tells_the_rest(calm_suite) -> None:
    async with calm_suite.phone() as phone:
        answer = await phone.post(
            "/orders", json={"quoteId": PLAIN[2].salesforce_id}, headers={"prefer": "respond-async"}
        )
        assert answer.status_code == 202
        assert answer.headers["preference-applied"] == "respond-async"
        path = httpx.URL(answer.headers["location"]).path.removeprefix("/experience/field-sales/v1")

        async def done() -> dict[str, Any] | None:
            status = (await phone.get(path)).json()
            return status if status["state"] == "completed" else None

        status = await eventually(done, every=0.05)
    assert [step["state"] for step in status["steps"]] == ["done"] * len(status["steps"])


async def test_one_trace_id_leads_to_every_tier_and_to_the_backends_own_logs(calm_suite) -> None:
    trace = "5b8aa5a2d2c872e8321cf37308d69df2"
    answer = await order(calm_suite, PLAIN[5].salesforce_id, traceparent=f"00-{trace}-00f067aa0ba902b7-01")
    assert answer.headers["trace-id"] == trace
    wanted = {
        "POST /experience/field-sales/v1/orders",
        "quote_to_order.place_order",
        "crm.get_quote",
        "erp.create_order",
    }
    async with httpx.AsyncClient() as http:

        async def has_all_tiers() -> bool:  # a span is kept once it has ended, which may be after the answer
            view = (await http.get(f"{calm_suite.edge}/traces/{trace}")).json()
            return wanted <= {span["name"] for span in flat(view["spans"])}

        await eventually(has_all_tiers)
    for backend in ("salesforce", "sap", "easypost"):
        logged = await calm_suite.sandbox(backend, "GET", f"requests?trace_id={trace}")
        assert logged["requests"], backend


def flat(spans: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [found for span in spans for found in (span, *flat(span["children"]))]


async def test_a_backend_that_comes_back_finishes_the_order_by_itself(calm_suite) -> None:
    before = await calm_suite.effects()
    await calm_suite.fault("easypost", fault="status", status=503, times=3)
    answer = await order(calm_suite, PLAIN[6].salesforce_id)
    assert answer.json()["state"] == "completed"
    assert (await calm_suite.effects())["labels"] == before["labels"] + 1


async def test_a_reply_lost_after_the_commit_makes_no_second_order(calm_suite) -> None:
    before = await calm_suite.effects()
    for backend, path in (("sap", "*A_SalesOrder"), ("salesforce", "*/composite*"), ("easypost", "*/buy")):
        await calm_suite.fault(backend, fault="lost-reply", method="POST", path=path, times=1)
    answer = await order(calm_suite, PLAIN[7].salesforce_id)
    assert answer.json()["state"] == "completed", answer.text
    after = await calm_suite.effects()
    assert {key: after[key] - before[key] for key in before} == {
        "crm_orders": 1, "erp_orders": 1, "labels": 1, "held": 0, "planned": 1,
    }  # fmt: skip


async def triptych(suite: Any, *arguments: str) -> str:
    state = {"TRIPTYCH_STATE": str(Path(suite.runtime.state)), "NO_COLOR": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared.host", "cross-references", *arguments, env=os.environ | state,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    return out.decode()


async def note(suite: Any, customer: str, key: str) -> None:
    headers = {"authorization": f"Bearer {suite.token('cross_references')}"}
    async with httpx.AsyncClient(base_url=f"{suite.edge}/system/cross-references/v1", headers=headers) as http:
        answer = await http.put(f"/identities/customer/{customer}/keys/erp", json={"key": key})
        assert answer.status_code == 200, answer.text


async def test_a_customer_noted_under_another_number_is_left_alone_until_somebody_says_which_is_right(
    calm_suite,
) -> None:
    quote, before = PLAIN[8], await calm_suite.effects()
    customer = company().customer_by_number[quote.customer]
    await note(calm_suite, customer.salesforce_id, "99999")
    refused = await order(calm_suite, quote.salesforce_id)
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/keys-disagree"), refused.text
    for said in ("The crm says", customer.sap_customer, "noted is", "99999"):
        assert said in refused.json()["detail"]
    async with calm_suite.phone() as phone:
        view = (await phone.get(f"/customers/{customer.salesforce_id}")).json()
    assert {part["part"] for part in view["missing"]} == {"identity", "credit", "erp-orders"}
    assert "credit" not in view
    assert await calm_suite.effects() == before

    right = ("customer", customer.salesforce_id, "erp", "--key", customer.sap_customer)
    told = await triptych(calm_suite, "correct", *right, "--reason", "typing error", "--yes")
    assert f"99999 → {customer.sap_customer}" in told
    assert "typing error" in told
    placed = await order(calm_suite, quote.salesforce_id)
    assert placed.status_code == 201, placed.text
    known = placed.json()
    found = await triptych(calm_suite, "show", known["erpOrderId"])
    for key in (known["orderId"], known["crmOrderId"], known["shipmentId"], "by urn:triptych:process:quote-to-order"):
        assert key in found
    assert known["orderId"] in await triptych(calm_suite, "list", "--kind", "order")
