"""A Shopify shop over HTTP, the service that talks to it, and its control path."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from bad_day import Fail, failing

from sandboxes.kit import serve_sandbox
from sandboxes.shopify import LOCATION, TOKEN, WEBHOOK_SECRET
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.shopify import ShopifyCommerce
from system_apis.shopify.connector import Shopify, ShopifySettings

Opened = Callable[..., ShopifyCommerce]


@pytest.fixture(scope="session")
async def shop() -> AsyncGenerator[str]:
    async with serve_sandbox("shopify") as url:
        yield url


@pytest.fixture
async def control(shop: str) -> AsyncGenerator[httpx.AsyncClient]:
    """The control path of a shop as seeded."""
    async with httpx.AsyncClient(base_url=f"{shop}/__sandbox__") as client:
        await client.post("/reset")
        await client.post("/bucket", json={})
        yield client


@pytest.fixture
def fail(control: httpx.AsyncClient) -> Fail:
    """`fail("lost-reply")`: what Shopify does on a bad day."""
    return failing(control, "fault", method="POST", path="*")


@pytest.fixture
def products(control: httpx.AsyncClient) -> Callable[[], Awaitable[dict[str, dict[str, Any]]]]:
    """What the shop sells, by SKU."""

    async def read() -> dict[str, dict[str, Any]]:
        return {each["sku"]: each for each in (await control.get("/ledger")).json()["products"]}

    return read


@pytest.fixture
async def opened(shop: str, control: httpx.AsyncClient, tmp_path: Path) -> AsyncGenerator[Opened]:
    """A service with these settings; its own circuit, closed."""
    del control
    wire = open_wire()
    services: list[ShopifyCommerce] = []

    def open_(*, token: str = TOKEN, **settings: Any) -> ShopifyCommerce:
        (tmp_path / "token").write_text(token)
        (tmp_path / "secret").write_text(WEBHOOK_SECRET)
        chosen = {"url": shop, "retry_delays": (0.01, 0.01), "location": LOCATION, **settings}
        made = ShopifySettings(
            token=Secret(f"file:{tmp_path / 'token'}"),
            webhook_secret=Secret(f"file:{tmp_path / 'secret'}"),
            webhook_store=str(tmp_path / "deliveries.sqlite3"),
            **chosen,
        )
        services.append(ShopifyCommerce(Shopify(made, Outbound(wire))))
        return services[-1]

    yield open_
    for service in services:
        await service.aclose()
    await wire.aclose()


@pytest.fixture
def commerce(opened: Opened) -> ShopifyCommerce:
    return opened()
