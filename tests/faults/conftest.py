"""The suite as a process of its own that may be hurt, with the processes it started."""

import asyncio
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from eventually import eventually

from sandboxes.company import Quote, company
from shared.binding.declare import Contract
from shared.host.api import installed_apis
from shared.host.runtime import Runtime, read_runtime
from shared.host.server import free_port
from shared.security.issuer import Issuer
from shared.security.signing_keys import SigningKeys

CONTRACTS: dict[str, type[Contract]] = {api.contract.slug: api.contract for api in installed_apis()}
SCOPES = {scope for contract in CONTRACTS.values() for scope in contract.scopes()}
CHEAP_READS = {
    "salesforce": "/system/crm/v1/customers?limit=1",
    "sap": "/system/erp/v1/products?limit=1",
    "easypost": "/system/logistics/v1/shipments/A1",
}


@dataclass
class Suite:
    """A running suite, seen from outside."""

    runtime: Runtime
    pid: int
    http: httpx.AsyncClient
    numbers: Any
    quotes: Any

    def token(self, slug: str) -> str:
        """A token of a client that nobody has seen before, so that its first call needs a decision."""
        issuer = Issuer(self.runtime.issuer, SigningKeys(Path(self.runtime.state) / "issuer"))
        audience = CONTRACTS[slug].audience
        return issuer.issue("ada", f"faults-{next(self.numbers)}", audience, SCOPES, tier="internal")

    async def ask(self, method: str, path: str, body: Any = None, token: str = "", **headers: str) -> httpx.Response:
        slug = path.split("/")[2].replace("-", "_")
        sent = {"authorization": f"Bearer {token or self.token(slug)}", **headers}
        return await self.http.request(method, path, json=body, headers=sent)

    async def order(self, **headers: str) -> tuple[Quote, httpx.Response]:
        """Order a quote that has not been ordered yet."""
        quote = next(self.quotes)
        body = {"quoteId": quote.salesforce_id}
        answer = await self.ask("POST", "/experience/field-sales/v1/orders", body, **{"prefer": "wait=25", **headers})
        return quote, answer

    async def settled(self, quote: Quote) -> str:
        """How an order ends, however long ago it was asked for; empty if it was never taken."""
        path = f"/process/quote-to-order/v1/orders/order-{quote.salesforce_id}"

        async def found() -> tuple[str] | None:
            answer = await self.ask("GET", path)
            if answer.status_code == 404:
                return ("",)
            state = answer.json()["state"] if answer.is_success else "unknown"
            return (state,) if state in ("completed", "refused", "cancelled", "dead") else None

        (ends,) = await eventually(found, within=100, every=0.1)  # a step may be tried again after 60 s
        return ends

    async def sandbox(self, name: str, method: str, path: str, body: Any = None) -> Any:
        answer = await self.http.request(method, f"{self.runtime.sandboxes[name]}/__sandbox__/{path}", json=body)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def fault(self, name: str, **fault: Any) -> None:
        await self.sandbox(name, "POST", "faults", {"method": "*", "path": "*", "times": None, **fault})

    async def requests(self, name: str) -> list[dict[str, Any]]:
        return (await self.sandbox(name, "GET", "requests?limit=10000"))["requests"]

    async def calm(self) -> None:
        """End all failures and wait until every circuit is closed."""
        for name, path in CHEAP_READS.items():
            await self.sandbox(name, "DELETE", "faults")

            async def well(path: str = path) -> bool:
                return (await self.ask("GET", path)).status_code < 500

            await eventually(well, every=0.05)

    async def books(self) -> dict[str, int]:
        """How many orders stand in each backend, by its own books."""
        erp = (await self.sandbox("sap", "GET", "ledger"))["orders"]
        crm = (await self.sandbox("salesforce", "GET", "ledger"))["orders"]
        labels = (await self.sandbox("easypost", "GET", "ledger"))["purchases"]
        with sqlite3.connect(self.runtime.sandboxes["warehouse"].removeprefix("sqlite://")) as database:
            planned = database.execute("SELECT count(*) FROM shipment WHERE status <> 'cancelled'").fetchone()[0]
        return {
            "erp": len([order for order in erp if not order["cancelled"]]),
            "crm": len(crm),
            "labels": len([label for label in labels if not label["refund_status"]]),
            "planned": planned,
        }

    def valkey(self) -> int:
        """The process id of the suite's Valkey; 0 while there is none."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    name, fields = (entry / "comm").read_text(), (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:  # it ended while we looked
                    continue
                if "valkey" in name and int(fields[1]) == self.pid and fields[0] != "Z":
                    return int(entry.name)
        return 0

    async def health_of(self, part: str) -> str:
        return (await self.http.get("/health")).json()["checks"][part][0]["status"]


@pytest.fixture(scope="session")
async def suite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    state, port = tmp_path_factory.mktemp("faults") / "state", free_port()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "shared.host", "up", "fused", "--port", str(port), "--state", str(state),
        cwd=Path(__file__).parents[2], stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    http = httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}", timeout=90.0, limits=httpx.Limits(max_connections=200)
    )
    try:

        async def is_ready() -> bool:
            assert child.returncode is None
            with suppress(httpx.HTTPError):
                return (await http.get("/readyz")).status_code == 200
            return False

        await eventually(is_ready, every=0.1)
        yield Suite(read_runtime(state), child.pid, http, count(), iter(company().quotes_for("plain")))
    finally:
        await http.aclose()
        if child.returncode is None:
            child.send_signal(signal.SIGTERM)
        await asyncio.wait_for(child.wait(), 60)


@pytest.fixture
async def calm_suite(suite: Suite) -> AsyncIterator[Suite]:
    await suite.calm()
    yield suite
    if (valkey := suite.valkey()) != 0:
        os.kill(valkey, signal.SIGCONT)
    await suite.calm()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Faults are judged by how long others wait, so nothing else may run beside them."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.alone)
