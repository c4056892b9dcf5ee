"""With one line of the topology changed, the same flows stand on another ERP."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass
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
Entry = dict[str, Any]


@dataclass(frozen=True)
class Books:
    """How an ERP's stand-in tells what it did."""

    numbers: Callable[[Entry], Collection[str]]
    """What a document may be called."""
    stands: Callable[[Entry, str], bool]
    """Whether an order is open, for the customer of this number."""
    cancelled: Callable[[Entry], bool]
    returned: Callable[[Entry, str], bool]
    """Whether a return is of the order of this number."""
    customers: str
    entered: Callable[[Entry], tuple[str, str]]
    """Whom a new customer is of in the CRM, and its number."""


BOOKS = {
    "oracle": Books(
        numbers=lambda entry: [entry.get("OrderNumber") or entry["TransactionNumber"]],
        stands=lambda entry, number: (entry["AccountNumber"], entry["state"]) == (number, "open"),
        cancelled=lambda entry: entry["state"] == "cancelled",
        returned=lambda entry, order: entry["of"] == order,
        customers="accounts",
        entered=lambda entry: (entry["OrigSystemReference"], entry["AccountNumber"]),
    ),
    "netsuite": Books(
        numbers=lambda entry: [entry["id"], entry["tranId"]],
        stands=lambda entry, _: (entry["status"], entry["cancelled"]) == ("B", False),
        cancelled=lambda entry: entry["cancelled"],
        returned=lambda _, __: True,
        customers="customers",
        entered=lambda entry: (entry["externalId"][-18:], entry["entityId"]),
    ),
}


class Standing:
    """A suite on that ERP."""

    def __init__(self, erp: str, suite: Any) -> None:
        self.erp, self.suite, self.books = erp, suite, BOOKS[erp]

    async def ledger(self) -> dict[str, list[Entry]]:
        return await self.suite.sandbox(self.erp, "GET", "ledger")


@pytest.fixture(scope="module", params=sorted(BOOKS))
async def standing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, suite_of: Callable[[Any], Any]
) -> AsyncIterator[Standing]:
    state = tmp_path_factory.mktemp(request.param)
    path = state / "erp.toml"
    path.write_text(FUSED.read_text().replace('erp = "sap"', f'erp = "{request.param}"'))
    async with running_topology(path, load_topology(path), state, free_port()) as runtime:
        made = Standing(request.param, suite_of(runtime))
        await made.ledger()  # made when first asked, which must not count against a call's deadline
        yield made


async def order(suite: Any, quote: Quote) -> httpx.Response:
    async with suite.phone() as phone:
        return await phone.post("/orders", json={"quoteId": quote.salesforce_id}, headers={"prefer": "wait=25"})


async def ask(suite: Any, api: str, path: str, wanted: Entry) -> httpx.Response:
    headers = {"authorization": f"Bearer {suite.token(api)}", "prefer": "wait=25"}
    async with httpx.AsyncClient(base_url=suite.edge, headers=headers, timeout=60.0) as http:
        return await http.post(f"/process/{path}", json=wanted)


async def cancel(suite: Any, order_id: str) -> None:
    wanted = {"orderId": order_id, "reason": "Changed their mind."}
    answer = await ask(suite, "order_cancellations", "order-cancellations/v1/cancellations", wanted)
    assert answer.status_code == 201, answer.text


async def test_a_quote_becomes_an_order_once_and_is_cancelled_everywhere(standing: Standing) -> None:
    answers = await asyncio.gather(*(order(standing.suite, PLAIN[0]) for _ in range(3)))
    assert {one.status_code for one in answers} == {201}, [one.text for one in answers]
    (entry,) = (await standing.ledger())["orders"]
    (number,) = {one.json()["erpOrderId"] for one in answers}
    assert number in standing.books.numbers(entry)
    assert standing.books.stands(entry, company().customer_by_number[PLAIN[0].customer].sap_customer)
    await cancel(standing.suite, answers[0].json()["orderId"])
    (entry,) = (await standing.ledger())["orders"]
    assert standing.books.cancelled(entry)


@pytest.mark.parametrize("scenario", ["credit-refused", "blocked-customer", "short-stock"])
async def test_what_sap_refuses_is_refused(standing: Standing, scenario: str) -> None:
    before = len((await standing.ledger())["orders"])
    answer = await order(standing.suite, company().quotes_for(scenario)[0])
    assert answer.status_code in (409, 422), answer.text
    assert len((await standing.ledger())["orders"]) == before


async def test_what_comes_back_is_credited(standing: Standing) -> None:
    suite = standing.suite
    ordered = (await order(suite, PLAIN[1])).json()
    await suite.sandbox(standing.erp, "POST", "fulfil", {"order": ordered["erpOrderId"], "until": "invoice"})
    sku = company().product_by_number[PLAIN[1].lines[0].product].sku
    wanted = {
        "reference": "BACK-1",
        "orderId": ordered["orderId"],
        "lines": [{"sku": sku, "quantity": "1", "reason": "damaged"}],
        "lookEverySeconds": 1,
        "goodsWithinSeconds": 600,
    }
    headers = {"authorization": f"Bearer {suite.token('customer_returns')}", "prefer": "wait=5"}
    address = f"{suite.edge}/process/customer-returns/v1"
    async with httpx.AsyncClient(base_url=address, headers=headers, timeout=60.0) as http:
        await http.post("/returns", json=wanted)

        async def settled() -> Entry | None:
            shown = (await http.get("/returns/return-BACK-1")).json()
            if shown.get("stage") == "waiting-for-approval":
                await http.post("/returns/return-BACK-1/approval", json={"approved": True})
            elif shown.get("stage") == "waiting-for-goods":
                await suite.sandbox("easypost", "POST", "clock", {"offset_seconds": 20 * 86_400})
            return shown if shown.get("stage") == "refunded" else None

        shown = await eventually(settled, every=0.1)
    told = await standing.ledger()
    (returned,), (memo,) = told["returns"], told["credits"]
    assert standing.books.returned(returned, ordered["erpOrderId"])
    assert shown["refunded"]["creditMemoId"] in standing.books.numbers(memo)


async def test_a_company_that_only_the_crm_knows_is_onboarded_and_can_order(standing: Standing) -> None:
    customer = company().prospects_for("plain")[0]
    quote = next(one for one in company().quotes if one.customer == customer.number)
    wanted = {"customerId": customer.salesforce_id}
    answer = await ask(standing.suite, "customer_onboarding", "customer-onboarding/v1/onboardings", wanted)
    assert answer.status_code == 201, answer.text
    (entry,) = (await standing.ledger())[standing.books.customers]
    assert standing.books.entered(entry) == (customer.salesforce_id, answer.json()["onboarded"]["erpNumber"])
    ordered = await order(standing.suite, quote)
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
        assert (await suite.sandbox("oracle", "GET", "ledger"))["orders"] == []
        await cancel(suite, answers[0].json()["orderId"])
        (entry,) = (await suite.sandbox("oracle_ebs", "GET", "ledger"))["orders"]
    assert (entry["state"], entry["CHANGE_COMMENTS"]) == ("cancelled", "Changed their mind.")
