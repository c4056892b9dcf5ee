"""kill -9 in the middle of an order, and a restart: the order is finished, once."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from eventually import eventually
from forked_command import forked

from sandboxes.company import company
from shared.host.api import installed_apis
from shared.host.development import issue_documentation_token
from shared.host.runtime import read_runtime
from shared.host.sandbox_secrets import ensure_keys, sandbox_environment
from shared.host.server import free_port
from shared.host.tokens import app_token
from shared.host.topology import load_topology
from shared.security.issuer import Issuer
from shared.security.signing_keys import SigningKeys

PLAIN = company().quotes_for("plain")
ROOT = Path(__file__).parents[2]


class Started:
    """`triptych up` in a process of its own, over stand-ins that outlive it."""

    def __init__(self, state: Path, topology: Path) -> None:
        self.state = state
        self.port = free_port()
        self.process = forked("up", str(topology), "--port", str(self.port), "--state", str(state))

    async def ready(self) -> httpx.AsyncClient:
        http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=60.0)

        async def is_ready() -> bool:
            assert self.process.is_alive(), "triptych up ended"
            with contextlib.suppress(httpx.HTTPError):
                return (await http.get("/readyz")).status_code == 200
            return False

        await eventually(is_ready, every=0.05)
        http.headers["authorization"] = f"Bearer {await app_token(read_runtime(self.state), 'field-sales-app')}"
        return http

    def desk(self, api: str = "order_cancellations") -> dict[str, str]:
        """Headers of somebody who may use this API."""
        runtime = read_runtime(self.state)
        issuer = Issuer(runtime.issuer, SigningKeys(self.state / "issuer"))
        token = issue_documentation_token(issuer, installed_apis(), api)
        return {"authorization": f"Bearer {token}", "prefer": "respond-async"}

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    def end(self) -> None:
        self.process.terminate()
        self.process.join(60)
        assert self.process.exitcode is not None, "triptych up does not end"


@pytest.fixture
def stand_ins(tmp_path: Path):
    """Stand-in backends that do not die with the suite, and a topology that names them."""
    state = tmp_path / "state"
    written = ROOT / "deploy/topologies/fused.toml"
    environment = {**os.environ, **sandbox_environment(load_topology(written), state)}
    ensure_keys(load_topology(written), state)
    addresses = tmp_path / "addresses.json"
    process = subprocess.Popen(
        [sys.executable, "-m", "sandboxes", "--state", str(tmp_path / "sandboxes"), "--ports-file", str(addresses)],
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    until = time.monotonic() + 60
    while not addresses.exists():
        assert time.monotonic() < until
        assert process.poll() is None
        time.sleep(0.05)
    urls = json.loads(addresses.read_text())
    text = written.read_text()
    for name, url in urls.items():
        text = text.replace(f"sandbox:{name}", url)
    text = text.replace("[backends.sap]\n", "[backends.sap]\nsettle_seconds = 5.0\n")  # its stand-in is quick
    topology = tmp_path / "standing.toml"
    topology.write_text(text)
    yield state, topology, urls
    process.terminate()
    process.wait(60)


async def control(url: str, method: str, path: str, body: Any = None) -> Any:
    async with httpx.AsyncClient(base_url=url) as http:
        answer = await http.request(method, f"/__sandbox__/{path}", json=body)
        return answer.json() if answer.content else None


SLOW = {
    "before the stock is held": ("easypost", "POST", "/v2/shipments"),
    "while the ERP takes the order": ("sap", "POST", "*A_SalesOrder"),
    "while the label is bought": ("easypost", "POST", "*/buy"),
    "while the CRM records it": ("salesforce", "POST", "*composite*"),
}


ONBOARDINGS = "/process/customer-onboarding/v1/onboardings"
ORDERS, CANCELLATIONS = "/experience/field-sales/v1/orders", "/process/order-cancellations/v1/cancellations"
LATER = {"prefer": "respond-async"}
Ask = Callable[[Started, httpx.AsyncClient], Awaitable[httpx.Response]]
After = Callable[[Started, httpx.AsyncClient], Awaitable[None]]


async def at_once(_started: Started, _http: httpx.AsyncClient) -> None:
    """Nothing was killed before."""


async def killed_at(
    stand_ins: Any, slow: tuple[str, str, str], ask: Ask, *, after: After = at_once, busy: float = 0.8
) -> None:
    """Start the suite, see what was killed before come to its end, ask, and kill it while a backend is busy."""
    state, topology, urls = stand_ins
    backend, method, path = slow
    started = Started(state, topology)
    try:
        async with contextlib.aclosing(await started.ready()) as http:
            await after(started, http)
            fault = {"fault": "latency", "seconds": 2 * busy, "method": method, "path": path, "times": 1}
            await control(urls[backend], "POST", "faults", fault)
            answer = await ask(started, http)
            assert answer.status_code == 202, answer.text
            await asyncio.sleep(busy)
    finally:
        started.kill()


async def ended(http: httpx.AsyncClient, path: str, headers: dict[str, str]) -> dict[str, Any]:
    async def found() -> dict[str, Any] | None:
        status = (await http.get(path, headers=headers)).json()
        return None if status.get("state") in ("pending", "running", "waiting") else status

    return await eventually(found, within=100, every=0.05)  # a step that met the kill may be tried again after 60 s


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_an_order_killed_anywhere_is_finished_once_after_a_restart(stand_ins) -> None:
    state, topology, urls = stand_ins
    quotes = [PLAIN[10 + index].salesforce_id for index in range(len(SLOW))]

    async def is_finished(http: httpx.AsyncClient, quote: str) -> None:
        status = await ended(http, f"{ORDERS}/order-{quote}", {})
        assert status["state"] == "completed", status

    for index, slow in enumerate(SLOW.values()):

        async def ask(_: Started, http: httpx.AsyncClient, at: int = index) -> httpx.Response:
            return await http.post(ORDERS, json={"quoteId": quotes[at]}, headers=LATER)

        async def the_one_before(_: Started, http: httpx.AsyncClient, at: int = index) -> None:
            if at:
                await is_finished(http, quotes[at - 1])

        await killed_at(stand_ins, slow, ask, after=the_one_before, busy=0.4)
    last = Started(state, topology)
    try:
        async with contextlib.aclosing(await last.ready()) as http:
            await is_finished(http, quotes[-1])
    finally:
        last.end()
    orders = (await control(urls["sap"], "GET", "ledger"))["orders"]
    assert len([order for order in orders if not order["cancelled"]]) == len(SLOW)
    assert len((await control(urls["salesforce"], "GET", "ledger"))["orders"]) == len(SLOW)
    labels = (await control(urls["easypost"], "GET", "ledger"))["purchases"]
    assert len([label for label in labels if not label["refund_status"]]) == len(SLOW)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_an_order_cancelled_and_placed_again_is_there_once_however_often_it_is_killed(stand_ins) -> None:
    state, topology, urls = stand_ins
    quote = PLAIN[20].salesforce_id
    order = f"order-{quote}"

    async def place(_: Started, http: httpx.AsyncClient) -> httpx.Response:
        return await http.post(ORDERS, json={"quoteId": quote}, headers=LATER)

    async def ordered(_: Started, http: httpx.AsyncClient) -> None:
        assert (await ended(http, f"{ORDERS}/{order}", {}))["state"] == "completed"

    async def cancel(started: Started, http: httpx.AsyncClient) -> httpx.Response:
        body = {"orderId": order, "reason": "The customer called."}
        return await http.post(CANCELLATIONS, json=body, headers=started.desk())

    async def cancelled(started: Started, http: httpx.AsyncClient) -> None:
        status = await ended(http, f"{CANCELLATIONS}/{order}-cancellation", started.desk())
        assert status["state"] == "completed", status

    await killed_at(stand_ins, SLOW["while the ERP takes the order"], place)
    await killed_at(stand_ins, SLOW["while the CRM records it"], cancel, after=ordered)
    await killed_at(stand_ins, SLOW["while the ERP takes the order"], place, after=cancelled)
    last = Started(state, topology)
    try:
        async with contextlib.aclosing(await last.ready()) as http:
            assert (await ended(http, f"{ORDERS}/{order}.2", {}))["state"] == "completed"
            assert (await http.get(f"{ORDERS}/{order}")).json()["state"] == "cancelled"
            assert (await http.post(ORDERS, json={"quoteId": quote})).json()["orderId"] == f"{order}.2"
    finally:
        last.end()
    orders = (await control(urls["sap"], "GET", "ledger"))["orders"]
    assert sorted(one["cancelled"] for one in orders) == [False, True]
    labels = (await control(urls["easypost"], "GET", "ledger"))["purchases"]
    assert sorted(bool(label["refund_status"]) for label in labels) == [False, True]


WHILE_ONBOARDING = {
    "while the ERP enters the customer": ("sap", "POST", "*A_BusinessPartner"),
    "while the delivery place is assigned": ("sap", "POST", "*A_CustSalesPartnerFunc"),
    "while the CRM is told": ("salesforce", "POST", "*composite*"),
}


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_an_onboarding_killed_anywhere_is_finished_once_after_a_restart(stand_ins) -> None:
    state, topology, urls = stand_ins
    prospects = company().prospects_for("plain")[: len(WHILE_ONBOARDING)]
    customers = [prospect.salesforce_id for prospect in prospects]

    async def is_onboarded(started: Started, http: httpx.AsyncClient, customer: str) -> None:
        told = await ended(http, f"{ONBOARDINGS}/onboarding-{customer}", started.desk("customer_onboarding"))
        assert told["state"] == "completed", (customer, told)

    for index, slow in enumerate(WHILE_ONBOARDING.values()):

        async def ask(started: Started, http: httpx.AsyncClient, at: int = index) -> httpx.Response:
            headers = started.desk("customer_onboarding")
            return await http.post(ONBOARDINGS, json={"customerId": customers[at]}, headers=headers)

        async def the_one_before(started: Started, http: httpx.AsyncClient, at: int = index) -> None:
            if at:
                await is_onboarded(started, http, customers[at - 1])

        await killed_at(stand_ins, slow, ask, after=the_one_before)
    last = Started(state, topology)
    try:
        async with contextlib.aclosing(await last.ready()) as http:
            await is_onboarded(last, http, customers[-1])
    finally:
        last.end()
    partners = (await control(urls["sap"], "GET", "ledger"))["partners"]
    references = [one["BusinessPartnerIDByExtSystem"] for one in partners]
    assert sorted(references) == sorted(f"{one.salesforce_id}{place}" for one in prospects for place in ("", "-1"))


WHILE_RETURNING = {
    "while the ERP authorizes the return": ("sap", "POST", "*A_CustomerReturn"),
    "while the return label is bought": ("easypost", "POST", "*/buy"),
    "while the ERP credits the return": ("sap", "POST", "*A_CreditMemoRequest"),
}
RETURNS = "/process/customer-returns/v1/returns"


async def at_stage(http: httpx.AsyncClient, path: str, headers: dict[str, str], *stages: str) -> dict[str, Any]:
    """The return at this path once it is at one of these stages."""

    async def found() -> dict[str, Any] | None:
        status = (await http.get(path, headers=headers)).json()
        return status if status.get("stage") in stages else None

    return await eventually(found, within=100, every=0.05)


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_a_return_killed_anywhere_is_refunded_once_after_a_restart(stand_ins) -> None:
    state, topology, urls = stand_ins
    cheap = (one for one in PLAIN if one.currency == "EUR" and one.lines[0].unit_price < 400)  # needs no approval
    quote = next(one for one in cheap if one.lines[0].quantity >= len(WHILE_RETURNING))
    sku = next(one.sku for one in company().products if one.number == quote.lines[0].product)
    order = f"order-{quote.salesforce_id}"
    first = Started(state, topology)
    try:
        async with contextlib.aclosing(await first.ready()) as http:
            assert (await http.post(ORDERS, json={"quoteId": quote.salesforce_id})).json()["state"] == "completed"
    finally:
        first.end()
    [placed] = (await control(urls["sap"], "GET", "ledger"))["orders"]
    await control(urls["sap"], "POST", "fulfil", {"order": placed["SalesOrder"]})

    async def ask(started: Started, http: httpx.AsyncClient) -> httpx.Response:
        headers, number = started.desk("customer_returns"), len(asked)
        asked.append(f"{RETURNS}/return-KILL-{number}")
        line = {"sku": sku, "quantity": "1", "reason": "damaged"}
        body = {"reference": f"KILL-{number}", "orderId": order, "lines": [line], "lookEverySeconds": 1}
        answer = await http.post(RETURNS, json=body, headers=headers)
        if number == len(WHILE_RETURNING) - 1:
            await at_stage(http, asked[-1], headers, "waiting-for-goods")
            await http.post(f"{asked[-1]}/receipt", json={}, headers=headers)
        return answer

    asked: list[str] = []
    for slow in WHILE_RETURNING.values():
        await killed_at(stand_ins, slow, ask)
    last = Started(state, topology)
    try:
        async with contextlib.aclosing(await last.ready()) as http:
            headers = last.desk("customer_returns")
            for path in asked:
                await at_stage(http, path, headers, "waiting-for-goods", "crediting", "refunded")
                await http.post(f"{path}/receipt", json={}, headers=headers)
                await at_stage(http, path, headers, "refunded")
    finally:
        last.end()
    books = await control(urls["sap"], "GET", "ledger")
    assert [one["cancelled"] for one in books["returns"]] == [False] * len(asked)
    assert [len(one["memos"]) for one in books["credits"]] == [1] * len(asked)
    returns = (await control(urls["salesforce"], "GET", "ledger"))["returns"]
    assert [one["Status"] for one in returns] == ["Closed"] * len(asked)
    labels = (await control(urls["easypost"], "GET", "ledger"))["purchases"]
    assert len([one for one in labels if one["is_return"]]) == len(asked)
