"""With one line of the topology changed, the same flows stand on Oracle."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from eventually import eventually

from sandboxes.company import Quote, company
from shared.host.server import free_port
from shared.host.supervisor import running_topology
from shared.host.topology import load_topology

FUSED = Path(__file__).parents[2] / "deploy" / "topologies" / "fused.toml"
PLAIN = company().quotes_for("plain")
IN_SUITE = """interfaces = { create_order = "ebs", get_order = "ebs", cancel_order = "ebs" }
ebs = { url = "sandbox:oracle_ebs", username = "TRIPTYCH", password = "file:{state}/oracle/ebs_password" }
"""


@pytest.fixture(scope="module")
async def on_oracle(tmp_path_factory: pytest.TempPathFactory, suite_of: Callable[[Any], Any]) -> AsyncIterator[Any]:
    state = tmp_path_factory.mktemp("oracle")
    path = state / "oracle.toml"
    path.write_text(FUSED.read_text().replace('erp = "sap"', 'erp = "oracle"'))
    async with running_topology(path, load_topology(path), state, free_port()) as runtime:
        yield suite_of(runtime)


async def order(suite: Any, quote: Quote) -> httpx.Response:
    async with suite.phone() as phone:
        return await phone.post("/orders", json={"quoteId": quote.salesforce_id}, headers={"prefer": "wait=25"})


async def ledger(suite: Any) -> dict[str, Any]:
    return await suite.sandbox("oracle", "GET", "ledger")


async def test_a_quote_becomes_an_order_once(on_oracle: Any) -> None:
    answers = await asyncio.gather(*(order(on_oracle, PLAIN[0]) for _ in range(3)))
    assert {one.status_code for one in answers} == {201}, [one.text for one in answers]
    (entry,) = (await ledger(on_oracle))["orders"]
    assert {one.json()["erpOrderId"] for one in answers} == {entry["OrderNumber"]}
    customer = company().customer_by_number[PLAIN[0].customer]
    assert (entry["AccountNumber"], entry["state"]) == (customer.sap_customer, "open")


@pytest.mark.parametrize("scenario", ["credit-refused", "blocked-customer", "short-stock"])
async def test_what_sap_refuses_oracle_refuses(on_oracle: Any, scenario: str) -> None:
    before = len((await ledger(on_oracle))["orders"])
    answer = await order(on_oracle, company().quotes_for(scenario)[0])
    assert answer.status_code in (409, 422), answer.text
    assert len((await ledger(on_oracle))["orders"]) == before


async def test_an_order_is_cancelled_everywhere(on_oracle: Any) -> None:
    standing = (await order(on_oracle, PLAIN[1])).json()
    headers = {"authorization": f"Bearer {on_oracle.token('order_cancellations')}", "prefer": "wait=25"}
    async with httpx.AsyncClient(base_url=on_oracle.edge, headers=headers, timeout=60.0) as http:
        wanted = {"orderId": standing["orderId"], "reason": "Changed their mind."}
        answer = await http.post("/process/order-cancellations/v1/cancellations", json=wanted)
    assert answer.status_code == 201, answer.text
    states = {one["OrderNumber"]: one["state"] for one in (await ledger(on_oracle))["orders"]}
    assert states[standing["erpOrderId"]] == "cancelled"


async def test_what_comes_back_is_credited(on_oracle: Any) -> None:
    standing = (await order(on_oracle, PLAIN[2])).json()
    await on_oracle.sandbox("oracle", "POST", "fulfil", {"order": standing["erpOrderId"], "until": "invoice"})
    headers = {"authorization": f"Bearer {on_oracle.token('customer_returns')}", "prefer": "wait=5"}
    sku = company().product_by_number[PLAIN[2].lines[0].product].sku
    wanted = {
        "reference": "ORA-1",
        "orderId": standing["orderId"],
        "lines": [{"sku": sku, "quantity": "1", "reason": "damaged"}],
        "lookEverySeconds": 1,
        "goodsWithinSeconds": 600,
    }
    async with httpx.AsyncClient(
        base_url=f"{on_oracle.edge}/process/customer-returns/v1", headers=headers, timeout=60.0
    ) as http:
        await http.post("/returns", json=wanted)

        async def settled() -> dict[str, Any] | None:
            shown = (await http.get("/returns/return-ORA-1")).json()
            if shown.get("stage") == "waiting-for-approval":
                await http.post("/returns/return-ORA-1/approval", json={"approved": True})
            elif shown.get("stage") == "waiting-for-goods":
                await on_oracle.sandbox("easypost", "POST", "clock", {"offset_seconds": 20 * 86_400})
            return shown if shown.get("stage") == "refunded" else None

        shown = await eventually(settled, every=0.1)
    books = await ledger(on_oracle)
    assert [one["of"] for one in books["returns"]] == [standing["erpOrderId"]]
    assert [one["TransactionNumber"] for one in books["credits"]] == [shown["refunded"]["creditMemoId"]]


async def test_a_company_that_only_the_crm_knows_is_onboarded_and_can_order(on_oracle: Any) -> None:
    customer = company().prospects_for("plain")[0]
    quote = next(one for one in company().quotes if one.customer == customer.number)
    headers = {"authorization": f"Bearer {on_oracle.token('customer_onboarding')}", "prefer": "wait=25"}
    async with httpx.AsyncClient(base_url=on_oracle.edge, headers=headers, timeout=60.0) as http:
        wanted = {"customerId": customer.salesforce_id}
        answer = await http.post("/process/customer-onboarding/v1/onboardings", json=wanted)
    assert answer.status_code == 201, answer.text
    (account,) = (await ledger(on_oracle))["accounts"]
    assert (account["OrigSystemReference"], account["AccountNumber"]) == (
        customer.salesforce_id,
        answer.json()["onboarded"]["erpNumber"],
    )
    ordered = await order(on_oracle, quote)
    assert ordered.status_code == 201, ordered.text


async def test_with_orders_in_the_e_business_suite_a_quote_becomes_one_order_there_and_is_cancelled_there(
    tmp_path: Path, suite_of: Callable[[Any], Any]
) -> None:
    path = tmp_path / "ebs.toml"
    text = FUSED.read_text().replace('erp = "sap"', 'erp = "oracle"')
    path.write_text(text.replace("[backends.oracle]\n", f"[backends.oracle]\n{IN_SUITE}"))
    async with running_topology(path, load_topology(path), tmp_path, free_port()) as runtime:
        suite = suite_of(runtime)
        answers = await asyncio.gather(*(order(suite, PLAIN[0]) for _ in range(3)))
        assert {one.status_code for one in answers} == {201}, [one.text for one in answers]
        (entry,) = (await suite.sandbox("oracle_ebs", "GET", "ledger"))["orders"]
        assert {one.json()["erpOrderId"] for one in answers} == {str(entry["HEADER_ID"])}
        assert (await ledger(suite))["orders"] == []
        headers = {"authorization": f"Bearer {suite.token('order_cancellations')}", "prefer": "wait=25"}
        async with httpx.AsyncClient(base_url=suite.edge, headers=headers, timeout=60.0) as http:
            wanted = {"orderId": answers[0].json()["orderId"], "reason": "Changed their mind."}
            answer = await http.post("/process/order-cancellations/v1/cancellations", json=wanted)
        assert answer.status_code == 201, answer.text
        (entry,) = (await suite.sandbox("oracle_ebs", "GET", "ledger"))["orders"]
    assert (entry["state"], entry["CHANGE_COMMENTS"]) == ("cancelled", "Changed their mind.")
