from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from sandboxes.company import company
from sandboxes.kit import serve_sandbox
from shared.contracts.canonical.order import NewCrmOrder, NewCrmOrderLine
from shared.contracts.canonical.quote import Quote
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.salesforce.connector import SalesforceConnector, SalesforceSettings
from system_apis.salesforce.service import SalesforceCrm

USERNAME = "integration@tarn-gauge.example"


class Org:
    """The sandbox under test, and its levers."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        self.url = url
        self._client = client

    async def control(self, name: str, /, **body: Any) -> Any:
        reply = await self._client.post(f"{self.url}/__sandbox__/{name}", json=body)
        assert reply.status_code < 300, reply.text
        return reply.json() if reply.content else None

    async def fault(self, path: str = "*", method: str = "*", **fault: Any) -> None:
        await self.control("faults", path=path, method=method, **fault)

    async def heal(self) -> None:
        assert (await self._client.delete(f"{self.url}/__sandbox__/faults")).status_code < 300

    async def orders(self) -> list[dict[str, Any]]:
        return (await self._client.get(f"{self.url}/__sandbox__/ledger")).json()["orders"]

    async def requests(self, path: str = "") -> list[dict[str, Any]]:
        reply = await self._client.get(f"{self.url}/__sandbox__/requests", params={"limit": 10_000})
        return [each for each in reply.json()["requests"] if path in each["path"]]

    async def recent(self) -> list[dict[str, Any]]:
        """The latest requests that have ended."""
        reply = await self._client.get(f"{self.url}/__sandbox__/requests", params={"limit": 200})
        return reply.json()["requests"]

    async def rest(self, method: str, path: str, **kwargs: Any) -> Any:
        """What an administrator does in the org, with a session of their own."""
        form = {"grant_type": "password", "username": USERNAME, "password": "sandbox-password"}
        form |= {"client_id": "triptych-local", "client_secret": "triptych-local-secret"}
        token = (await self._client.post(f"{self.url}/services/oauth2/token", data=form)).json()["access_token"]
        headers = {"authorization": f"Bearer {token}"}
        reply = await self._client.request(method, f"{self.url}/services/data/v66.0{path}", headers=headers, **kwargs)
        assert reply.status_code < 300, reply.text
        return reply.json() if reply.content else None


@pytest.fixture(scope="session")
def private_key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = tmp_path_factory.mktemp("salesforce") / "private.pem"
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture(scope="session")
async def served(private_key: tuple[Path, str]) -> AsyncGenerator[Org]:
    async with serve_sandbox("salesforce") as url, httpx.AsyncClient() as client:
        org = Org(url, client)
        await org.control("connected-apps", client_id="triptych-local", public_key=private_key[1])
        yield org


@pytest.fixture(scope="module")
async def fresh(served: Org) -> Org:
    """As seeded when the file begins, for tests that need no reset each: whatever others spent or moved is back."""
    await served.control("reset")
    return served


@pytest.fixture
async def org(served: Org) -> AsyncGenerator[Org]:
    await served.control("reset")
    await served.heal()
    yield served
    await served.heal()


@pytest.fixture(scope="session")
async def authority(served: Org, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """Where the org's Pub/Sub API is, and the certificate to trust there."""
    told = await served.control("pubsub")
    path = tmp_path_factory.mktemp("pubsub") / "ca.pem"
    path.write_text(told["certificate"])
    return told["address"], path


@pytest.fixture
def settings(org: Org, private_key: tuple[Path, str]) -> SalesforceSettings:
    return SalesforceSettings(
        url=org.url, username=USERNAME, private_key=Secret(f"file:{private_key[0]}"), retry_delays=(0.01, 0.02)
    )


Connect = Callable[[SalesforceSettings], SalesforceConnector]


@pytest.fixture
async def connect() -> AsyncGenerator[Connect]:
    wire = open_wire()
    yield lambda settings: SalesforceConnector(settings, Outbound(wire))
    await wire.aclose()


@pytest.fixture
def salesforce(connect: Connect, settings: SalesforceSettings) -> SalesforceConnector:
    return connect(settings)


@pytest.fixture
def crm(salesforce: SalesforceConnector) -> SalesforceCrm:
    return SalesforceCrm(salesforce)


def new_order_for(quote: Quote, reference: str = "QTO-1") -> NewCrmOrder:
    lines = [
        NewCrmOrderLine(
            price_book_entry_id=line.price_book_entry_id or "",
            quantity=line.quantity,
            unit_price=line.unit_price,
            quote_line_id=line.line_id,
        )
        for line in quote.lines
    ]
    return NewCrmOrder(
        reference=reference,
        customer_id=quote.customer_id,
        quote_id=quote.quote_id,
        erp_order_id="4500000001",
        currency=quote.total.currency,
        lines=lines,
        opportunity_id=quote.opportunity_id,
        price_book_id=quote.price_book_id,
    )


@pytest.fixture
async def quote(crm: SalesforceCrm) -> Quote:
    return await crm.get_quote(company().quotes_for("plain")[0].salesforce_id)


@pytest.fixture
def new_order(quote: Quote) -> Callable[..., NewCrmOrder]:
    return lambda reference="QTO-1", of=quote: new_order_for(of, reference)
