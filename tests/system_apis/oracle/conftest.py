"""Oracle's connector over real sockets, and a peer that answers whatever it is told."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from scripted_peer import Peer, peers

from sandboxes.company import Company, company
from sandboxes.kit import serve_sandbox
from shared.contracts.canonical.order import NewErpOrder, NewOrderLine
from shared.contracts.canonical.values import Money
from shared.resilience.outbound import Outbound
from shared.resilience.wire import Wire
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.service import OracleErp
from system_apis.oracle.settings import OracleSettings


@pytest.fixture(scope="session")
async def wire() -> AsyncIterator[Wire]:
    opened = open_wire()
    yield opened
    await opened.aclose()


@pytest.fixture(scope="session")
def password(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("oracle") / "password"
    path.write_text("sandbox-only\n")
    return path


@pytest.fixture
def connect(wire: Wire, password: Path) -> Callable[..., OracleConnector]:
    """A connector for the pod at a URL."""

    def connected(url: str, secret: Path = password, **changed: Any) -> OracleConnector:
        chosen: dict[str, Any] = {"username": "TRIPTYCH", "retry_delays": (0.001, 0.002), **changed}
        settings = OracleSettings(url=url, password=Secret(f"file:{secret}"), **chosen)
        return OracleConnector(settings, Outbound(wire))

    return connected


@pytest.fixture
async def peer() -> AsyncIterator[Callable[..., Awaitable[Peer]]]:
    """Starts a `Peer` with these answers; each is (status, body, headers…)."""
    async with peers() as started:
        yield started


@pytest.fixture(scope="session")
async def sandbox_url() -> AsyncIterator[str]:
    async with serve_sandbox("oracle") as url:
        yield url


class Control:
    """The stand-in's control path."""

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(base_url=f"{url}/__sandbox__")

    async def do(self, name: str, **body: Any) -> Any:
        answer = await self._client.post(f"/{name}", json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def ledger(self, name: str) -> list[dict[str, Any]]:
        return (await self._client.get("/ledger")).json()[name]

    async def requests(self) -> list[tuple[str, str, int]]:
        seen: Any = (await self._client.get("/requests", params={"limit": 10_000})).json()
        return [(row["method"], row["path"], row["status"]) for row in seen["requests"]]

    async def aclose(self) -> None:
        await self._client.aclose()


@pytest.fixture
async def control(sandbox_url: str) -> AsyncIterator[Control]:
    """The stand-in, reset to its seed."""
    made = Control(sandbox_url)
    await made.do("reset")
    yield made
    await made.do("reset")
    await made.aclose()


@pytest.fixture
def erp(control: Control, connect: Callable[..., OracleConnector], sandbox_url: str) -> OracleErp:
    del control
    return OracleErp(connect(sandbox_url))


@pytest.fixture(scope="session")
def firm() -> Company:
    return company()


@pytest.fixture
def new_order(firm: Company) -> Callable[..., NewErpOrder]:
    """An order for the first quote of a scenario."""

    def made(reference: str = "flow-1", scenario: str = "plain", place: int = 0, **changed: Any) -> NewErpOrder:
        quote = firm.quotes_for(scenario)[place]
        customer, skus = firm.customer_by_number[quote.customer], firm.product_by_number
        lines = [
            NewOrderLine(skus[line.product].sku, line.quantity, Money(line.unit_price, quote.currency))
            for line in quote.lines
        ]
        values: dict[str, Any] = {"currency": quote.currency, "lines": lines, "erp_number": customer.sap_customer}
        return NewErpOrder(reference=reference, **{**values, **changed})

    return made
