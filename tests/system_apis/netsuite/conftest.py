"""A NetSuite account over HTTP, the service in front of it, and a peer that answers whatever it is told."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from scripted_peer import Peer, peers

from sandboxes.company import Company, company
from sandboxes.kit import serve_sandbox
from sandboxes.netsuite import ACCOUNT, CONSUMER_KEY, CONSUMER_SECRET, TOKEN_ID, TOKEN_SECRET
from shared.contracts.canonical.order import NewErpOrder, NewOrderLine
from shared.contracts.canonical.values import Money
from shared.resilience.outbound import Outbound
from shared.resilience.wire import Wire
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.netsuite.connector import NetSuiteConnector
from system_apis.netsuite.service import NetSuiteErp
from system_apis.netsuite.settings import NetSuiteSettings


@pytest.fixture(scope="session")
async def sandbox_url() -> AsyncIterator[str]:
    async with serve_sandbox("netsuite") as url:
        yield url


@pytest.fixture(scope="session")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Secret]:
    folder = tmp_path_factory.mktemp("netsuite")
    made = {"consumer_secret": CONSUMER_SECRET, "token_secret": TOKEN_SECRET}
    for name, value in made.items():
        (folder / name).write_text(value)
    return {name: Secret(f"file:{folder / name}") for name in made}


@pytest.fixture(scope="session")
async def wire() -> AsyncIterator[Wire]:
    opened = open_wire()
    yield opened
    await opened.aclose()


@pytest.fixture
def account(wire: Wire, secrets: dict[str, Secret]) -> Callable[..., NetSuiteConnector]:
    """A connector for the account at a URL."""

    def connected(url: str, **changed: Any) -> NetSuiteConnector:
        chosen: dict[str, Any] = {
            "account": ACCOUNT,
            "consumer_key": CONSUMER_KEY,
            "token_id": TOKEN_ID,
            "retry_delays": (0.001, 0.002),
            "retry_share": 10.0,
            **secrets,
            **changed,
        }
        return NetSuiteConnector(NetSuiteSettings(url=url, restlet_url=url, **chosen), Outbound(wire))

    return connected


@pytest.fixture
def connect(account: Callable[..., NetSuiteConnector]) -> Callable[..., NetSuiteErp]:
    """A service for the account at a URL."""
    return lambda url, **changed: NetSuiteErp(account(url, **changed))


class Control:
    """The stand-in's control path."""

    def __init__(self, url: str) -> None:
        self._client = httpx.AsyncClient(base_url=f"{url}/__sandbox__")

    async def do(self, name: str, **body: Any) -> Any:
        answer = await self._client.post(f"/{name}", json=body)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    async def ledger(self) -> dict[str, list[dict[str, Any]]]:
        return (await self._client.get("/ledger")).json()

    async def orders(self) -> list[dict[str, Any]]:
        return (await self.ledger())["orders"]

    async def requests(self) -> list[tuple[str, str, int]]:
        seen: Any = (await self._client.get("/requests", params={"limit": 10_000})).json()
        return [(row["method"], row["path"], row["status"]) for row in seen["requests"]]

    async def aclose(self) -> None:
        await self._client.delete("/faults")
        await self._client.aclose()


@pytest.fixture
async def control(sandbox_url: str) -> AsyncIterator[Control]:
    """The stand-in, for tests that change it: back to its seed afterwards."""
    made = Control(sandbox_url)
    yield made
    await made.do("reset")
    await made.aclose()


@pytest.fixture
def erp(control: Control, connect: Callable[..., NetSuiteErp], sandbox_url: str) -> NetSuiteErp:
    """For tests that write."""
    del control
    return connect(sandbox_url)


@pytest.fixture
def reading(connect: Callable[..., NetSuiteErp], sandbox_url: str) -> NetSuiteErp:
    """For tests that only read the seed."""
    return connect(sandbox_url)


@pytest.fixture(scope="session")
def firm() -> Company:
    return company()


@pytest.fixture
def new_order(firm: Company) -> Callable[..., NewErpOrder]:
    """An order for the first quote of a scenario."""

    def made(reference: str = "flow-1", scenario: str = "plain", place: int = 0, **changed: Any) -> NewErpOrder:
        quote = firm.quotes_for(scenario)[place]
        customer = firm.customer_by_number[quote.customer]
        lines = [
            NewOrderLine(
                firm.product_by_number[line.product].sku, line.quantity, Money(line.unit_price, quote.currency)
            )
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
