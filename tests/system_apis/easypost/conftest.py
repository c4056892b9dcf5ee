"""An EasyPost sandbox over HTTP, the service that talks to it, and its control path."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from bad_day import Fail, failing

from sandboxes.easypost import API_KEY
from sandboxes.kit import serve_sandbox
from shared.contracts.canonical.shipment import Parcel, RateRequest
from shared.contracts.canonical.values import Address
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.easypost import EasyPostLogistics
from system_apis.easypost.connector import EasyPost, EasyPostSettings, Sender

Logistics = Callable[..., EasyPostLogistics]


@pytest.fixture(scope="session")
async def sandbox() -> AsyncGenerator[str]:
    async with serve_sandbox("easypost") as url:
        yield url


@pytest.fixture
async def control(sandbox: str) -> AsyncGenerator[httpx.AsyncClient]:
    """The control path of an account that holds nothing yet."""
    async with httpx.AsyncClient(base_url=f"{sandbox}/__sandbox__") as client:
        await client.post("/reset")
        yield client
        await client.post("/rate-limit", json={"per_minute": None})


@pytest.fixture
def fail(control: httpx.AsyncClient) -> Fail:
    """`fail("POST", "*/buy", "lost-reply", times=2)`: what EasyPost does on a bad day."""
    return failing(control, "method", "path", "fault")


@pytest.fixture
def purchases(control: httpx.AsyncClient) -> Callable[[], Awaitable[list[dict[str, Any]]]]:
    """What the account paid for."""

    async def read() -> list[dict[str, Any]]:
        return (await control.get("/ledger")).json()["purchases"]

    return read


@pytest.fixture
def requests(control: httpx.AsyncClient) -> Callable[[], Awaitable[list[str]]]:
    """What EasyPost was asked, as `POST /v2/shipments`; ids are shown as *."""

    async def read() -> list[str]:
        entries = (await control.get("/requests")).json()["requests"]
        return [f"{one['method']} " + "/".join("*" if "_" in part else part for part in one["path"].split("/"))
                for one in entries]  # fmt: skip

    return read


@pytest.fixture
async def opened(sandbox: str, control: httpx.AsyncClient, tmp_path: Path) -> AsyncGenerator[Logistics]:
    """A service with these settings; its own circuit, closed."""
    del control
    wire = open_wire()
    services: list[EasyPostLogistics] = []

    def open_(*, key: str = API_KEY, **settings: Any) -> EasyPostLogistics:
        (tmp_path / "key").write_text(key)
        sender = Sender(
            company="Tarn Gauge", street="Longley Ln 5555", city="Reno", region="NV", postal_code="89511", country="US"
        )
        chosen = {"url": sandbox, "retry_delays": (0.01, 0.01), **settings}
        secret = Secret(f"file:{tmp_path / 'key'}")
        store = str(tmp_path / "messages.sqlite3")
        made = EasyPostSettings(api_key=secret, sender=sender, webhook_store=store, **chosen)
        services.append(EasyPostLogistics(EasyPost(made, Outbound(wire))))
        return services[-1]

    yield open_
    for service in services:
        await service.aclose()
    await wire.aclose()


@pytest.fixture
def logistics(opened: Logistics) -> EasyPostLogistics:
    return opened()


@pytest.fixture
def request_() -> RateRequest:
    """A parcel from Reno to Austin."""
    address = Address("Oak Ave", "12", "Austin", "TX", "78701", "US")
    return RateRequest("q-1", "Grace Begaye", address, Parcel(weight_grams=1200))
