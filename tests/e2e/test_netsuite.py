"""With one line of the topology changed, the same flows stand on NetSuite."""

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


@pytest.fixture(scope="module")
async def on_netsuite(tmp_path_factory: pytest.TempPathFactory, suite_of: Callable[[Any], Any]) -> AsyncIterator[Any]:
    state = tmp_path_factory.mktemp("netsuite")
    path = state / "netsuite.toml"
    path.write_text(FUSED.read_text().replace('erp = "sap"', 'erp = "netsuite"'))
    async with running_topology(path, load_topology(path), state, free_port()) as runtime:
        yield suite_of(runtime)


async def order(suite: Any, quote: Quote) -> httpx.Response:
    async with suite.phone() as phone:
        return await phone.post("/orders", json={"quoteId": quote.salesforce_id}, headers={"prefer": "wait=25"})


async def ledger(suite: Any) -> dict[str, Any]:
    return await suite.sandbox("netsuite", "GET", "ledger")


async def test_a_quote_becomes_an_order_once_and_is_cancelled_everywhere(on_netsuite: Any) -> None:
    answers = await asyncio.gather(*(order(on_netsuite, PLAIN[0]) for _ in range(3)))
    assert {one.status_code for one in answers} == {201}, [one.text for one in answers]
    (entry,) = (await ledger(on_netsuite))["orders"]
    standing = answers[0].json()
    assert standing["erpOrderId"] in (entry["id"], entry["tranId"])
    assert (entry["status"], entry["cancelled"]) == ("B", False)
    headers = {"authorization": f"Bearer {on_netsuite.token('order_cancellations')}", "prefer": "wait=25"}
    async with httpx.AsyncClient(base_url=on_netsuite.edge, headers=headers, timeout=60.0) as http:
        wanted = {"orderId": standing["orderId"], "reason": "Changed their mind."}
        answer = await http.post("/process/order-cancellations/v1/cancellations", json=wanted)
    assert answer.status_code == 201, answer.text
    (entry,) = (await ledger(on_netsuite))["orders"]
    assert entry["cancelled"]


@pytest.mark.parametrize("scenario", ["credit-refused", "blocked-customer", "short-stock"])
async def test_what_sap_refuses_netsuite_refuses(on_netsuite: Any, scenario: str) -> None:
    before = len((await ledger(on_netsuite))["orders"])
    answer = await order(on_netsuite, company().quotes_for(scenario)[0])
    assert answer.status_code in (409, 422), answer.text
    assert len((await ledger(on_netsuite))["orders"]) == before


async def test_what_comes_back_is_credited(on_netsuite: Any) -> None:
    standing = (await order(on_netsuite, PLAIN[1])).json()
    await on_netsuite.sandbox("netsuite", "POST", "fulfil", {"order": standing["erpOrderId"], "until": "invoice"})
    headers = {"authorization": f"Bearer {on_netsuite.token('customer_returns')}", "prefer": "wait=5"}
    sku = company().product_by_number[PLAIN[1].lines[0].product].sku
    wanted = {
        "reference": "NS-1",
        "orderId": standing["orderId"],
        "lines": [{"sku": sku, "quantity": "1", "reason": "damaged"}],
        "lookEverySeconds": 1,
        "goodsWithinSeconds": 600,
    }
    address = f"{on_netsuite.edge}/process/customer-returns/v1"
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60.0) as http:
        await http.post("/returns", json=wanted)

        async def settled() -> dict[str, Any] | None:
            shown = (await http.get("/returns/return-NS-1")).json()
            if shown.get("stage") == "waiting-for-approval":
                await http.post("/returns/return-NS-1/approval", json={"approved": True})
            elif shown.get("stage") == "waiting-for-goods":
                await on_netsuite.sandbox("easypost", "POST", "clock", {"offset_seconds": 20 * 86_400})
            return shown if shown.get("stage") == "refunded" else None

        shown = await eventually(settled, every=0.1)
    books = await ledger(on_netsuite)
    (memo,) = books["credits"]
    assert len(books["returns"]) == 1
    assert shown["refunded"]["creditMemoId"] in (memo["id"], memo["tranId"])


async def test_a_company_that_only_the_crm_knows_is_onboarded_and_can_order(on_netsuite: Any) -> None:
    customer = company().prospects_for("plain")[0]
    quote = next(one for one in company().quotes if one.customer == customer.number)
    headers = {"authorization": f"Bearer {on_netsuite.token('customer_onboarding')}", "prefer": "wait=25"}
    async with httpx.AsyncClient(base_url=on_netsuite.edge, headers=headers, timeout=60.0) as http:
        wanted = {"customerId": customer.salesforce_id}
        answer = await http.post("/process/customer-onboarding/v1/onboardings", json=wanted)
    assert answer.status_code == 201, answer.text
    (entered,) = (await ledger(on_netsuite))["customers"]
    assert entered["entityId"] == answer.json()["onboarded"]["erpNumber"]
    assert entered["externalId"].endswith(customer.salesforce_id)
    ordered = await order(on_netsuite, quote)
    assert ordered.status_code == 201, ordered.text
