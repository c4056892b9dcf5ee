"""The whole suite as a newcomer starts it, and a phone that calls it."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from experience_apis.field_sales import service
from shared.host.api import installed_apis
from shared.host.development import issue_documentation_token
from shared.host.runtime import Runtime
from shared.host.server import free_port
from shared.host.supervisor import running_topology
from shared.host.topology import load_topology
from shared.security.issuer import Issuer
from shared.security.signing_keys import SigningKeys
from shared.telemetry.setup import TelemetrySettings, start_telemetry

TOPOLOGIES = Path(__file__).parents[2] / "deploy" / "topologies"


@dataclass
class Suite:
    """A running suite, seen from outside."""

    runtime: Runtime

    @property
    def edge(self) -> str:
        return next(iter(self.runtime.processes.values()))

    @property
    def issuer(self) -> Issuer:
        return Issuer(self.runtime.issuer, SigningKeys(Path(self.runtime.state) / "issuer"))

    def token(self, api: str = "field_sales") -> str:
        return issue_documentation_token(self.issuer, installed_apis(), api)

    def phone(self, token: str | None = None, **headers: str) -> httpx.AsyncClient:
        bearer = self.token() if token is None else token
        return httpx.AsyncClient(
            base_url=f"{self.edge}/experience/field-sales/v1",
            headers={"authorization": f"Bearer {bearer}", **headers},
            timeout=60.0,
        )

    async def sandbox(self, name: str, method: str, path: str, body: Any = None) -> Any:
        async with httpx.AsyncClient(base_url=self.runtime.sandboxes[name], timeout=60.0) as http:
            answer = await http.request(method, f"/__sandbox__/{path}", json=body)
            assert answer.is_success, answer.text
            return answer.json() if answer.content else None

    async def fault(self, name: str, **fault: Any) -> None:
        await self.sandbox(name, "POST", "faults", {"method": "*", "path": "*", "times": None, **fault})

    async def calm(self) -> None:
        for name, url in self.runtime.sandboxes.items():
            if url.startswith("http"):
                await self.sandbox(name, "DELETE", "faults")

    async def effects(self) -> dict[str, int]:
        """What stands in each backend, by its own books: nothing of ours is asked."""
        salesforce = await self.sandbox("salesforce", "GET", "ledger")
        sap = await self.sandbox("sap", "GET", "ledger")
        easypost = await self.sandbox("easypost", "GET", "ledger")
        with sqlite3.connect(self.runtime.sandboxes["warehouse"].removeprefix("sqlite://")) as database:
            held = database.execute("SELECT count(*) FROM reservation WHERE status = 'active'").fetchone()[0]
            planned = database.execute("SELECT count(*) FROM shipment WHERE status <> 'cancelled'").fetchone()[0]
        return {
            "crm_orders": len(salesforce["orders"]),
            "erp_orders": len([order for order in sap["orders"] if not order["cancelled"]]),
            "labels": len([label for label in easypost["purchases"] if not label["refund_status"]]),
            "held": held,
            "planned": planned,
        }


@pytest.fixture(scope="session")
def suite_of() -> Callable[[Runtime], Suite]:
    """A suite on another topology."""
    return Suite


@pytest.fixture(scope="module")  # no quote that one file orders is taken when another wants it
async def suite(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Suite]:
    path = TOPOLOGIES / "fused.toml"
    state = tmp_path_factory.mktemp("e2e")
    async with running_topology(path, load_topology(path), state, free_port()) as runtime:
        yield Suite(runtime)


@pytest.fixture
async def calm_suite(suite: Suite, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Suite]:
    monkeypatch.setattr(service, "PART_SECONDS", 4.0)  # a part that a busy test machine delays is not missing
    await suite.calm()
    telemetry = start_telemetry(TelemetrySettings(service="e2e"))  # other suites in this process switch it off
    yield suite
    telemetry.close()
    await suite.calm()
