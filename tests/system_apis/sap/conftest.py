"""SAP's stand-in over HTTP, the service in front of it, and a peer that answers whatever it is told."""

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
from shared.security.key_ring import KeyRing, ensure_key_file
from shared.security.secrets import Secret
from system_apis.sap.connector import SapConnector
from system_apis.sap.service import SapErp
from system_apis.sap.settings import SapSettings

SESSION_PATH = "/sap/opu/odata/sap/API_SALES_ORDER_SRV/"


@pytest.fixture(scope="session")
async def sandbox_url() -> AsyncIterator[str]:
    async with serve_sandbox("sap") as url:
        yield url


@pytest.fixture(scope="session")
def password(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sap") / "password"
    path.write_text("sandbox-only\n")
    return path


@pytest.fixture(scope="session")
async def wire() -> AsyncIterator[Wire]:
    opened = open_wire()
    yield opened
    await opened.aclose()


@pytest.fixture(scope="session")
def keys(password: Path) -> KeyRing:
    return KeyRing(Secret(f"file:{ensure_key_file(password.with_name('keys'))}"))


@pytest.fixture
def connect(wire: Wire, password: Path, keys: KeyRing) -> Callable[..., SapErp]:
    """A service for the system at a URL."""

    def connected(url: str, secret: Path = password, **changed: Any) -> SapErp:
        chosen: dict[str, Any] = {"username": "TRIPTYCH", "retry_delays": (0.001, 0.002), **changed}
        settings = SapSettings(url=url, password=Secret(f"file:{secret}"), **chosen)
        return SapErp(SapConnector(settings, Outbound(wire), keys))

    return connected


class Control:
    """The stand-in's control path."""

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(base_url=f"{url}/__sandbox__")

    async def do(self, name: str, **body: Any) -> Any:
        answer = await self._client.post(f"/{name}", json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def orders(self) -> list[dict[str, Any]]:
        return (await self._client.get("/ledger")).json()["orders"]

    async def partners(self) -> list[dict[str, Any]]:
        return (await self._client.get("/ledger")).json()["partners"]

    async def requests(self) -> list[tuple[str, str, int]]:
        seen: Any = (await self._client.get("/requests", params={"limit": 10_000})).json()
        return [(row["method"], row["path"], row["status"]) for row in seen["requests"]]

    async def handshakes(self) -> int:
        return sum(path == SESSION_PATH for _, path, _ in await self.requests())

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
def erp(control: Control, connect: Callable[..., SapErp], sandbox_url: str) -> SapErp:
    del control
    return connect(sandbox_url)


BY_BAPI = dict.fromkeys(
    ("get_customer", "get_credit", "simulate_order", "create_order", "get_order", "cancel_order"), "bapi"
)


@pytest.fixture(params=["odata", "bapi"])
def either(
    request: pytest.FixtureRequest, control: Control, connect: Callable[..., SapErp], sandbox_url: str
) -> SapErp:
    """The service by OData, and again by BAPIs as far as they go."""
    del control
    return connect(sandbox_url, interfaces=BY_BAPI if request.param == "bapi" else {})


@pytest.fixture
def bapi(control: Control, connect: Callable[..., SapErp], sandbox_url: str) -> SapErp:
    """The service by BAPIs as far as they go."""
    del control
    return connect(sandbox_url, interfaces=BY_BAPI)


@pytest.fixture(scope="session")
def firm() -> Company:
    return company()


@pytest.fixture
def new_order(firm: Company) -> Callable[..., NewErpOrder]:
    """An order for the first quote of a scenario."""

    def made(reference: str = "flow-1", scenario: str = "plain", place: int = 0, **changed: Any) -> NewErpOrder:
        quote = firm.quotes_for(scenario)[place]
        customer = firm.customer_by_number[quote.customer]
        by_number = {product.number: product for product in firm.products}
        lines = [
            NewOrderLine(by_number[line.product].sku, line.quantity, Money(line.unit_price, quote.currency))
            for line in quote.lines
        ]
        values: dict[str, Any] = {"currency": quote.currency, "lines": lines, "erp_number": customer.sap_customer}
        return NewErpOrder(reference=reference, **{**values, **changed})

    return made


@pytest.fixture
async def peer() -> AsyncIterator[Callable[..., Awaitable[Peer]]]:
    """Starts a `Peer` with these answers; each is (status, body, headers…)."""
    async with peers() as started:
        yield started
