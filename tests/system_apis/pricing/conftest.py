"""A pricing sandbox over HTTP, and the service that asks it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from bad_day import Fail, failing

from sandboxes.kit import serve_sandbox
from sandboxes.pricing import API_KEY
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.pricing import RestPricing
from system_apis.pricing.connector import PricingConnector, PricingSettings


@pytest.fixture(scope="module")
async def sandbox() -> AsyncIterator[str]:
    async with serve_sandbox("pricing") as url:
        yield url


@pytest.fixture
async def control(sandbox: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{sandbox}/__sandbox__") as client:
        await client.post("/reset")
        yield client


@pytest.fixture
def fail(control: httpx.AsyncClient) -> Fail:
    return failing(control, "fault", method="*", path="*", times=1)


@pytest.fixture
def asked(control: httpx.AsyncClient) -> Callable[[], Awaitable[list[int]]]:
    """The statuses that the sandbox answered with, oldest first."""

    async def read() -> list[int]:
        return [one["status"] for one in (await control.get("/requests")).json()["requests"]]

    return read


@pytest.fixture
async def opened(sandbox: str, control: httpx.AsyncClient, tmp_path: Path) -> AsyncIterator[Callable[..., RestPricing]]:
    """A service with these settings; its own circuit, closed."""
    del control
    wire = open_wire()

    def open_(*, key: str = API_KEY, **settings: Any) -> RestPricing:
        (tmp_path / "key").write_text(key)
        chosen: dict[str, Any] = {"url": sandbox, "retry_delays": (0.01, 0.01), "retry_share": 10.0, **settings}
        kind = PricingSettings(api_key=Secret(f"file:{tmp_path / 'key'}"), **chosen)
        return RestPricing(PricingConnector(kind, Outbound(wire)))

    yield open_
    await wire.aclose()


@pytest.fixture
def pricing(opened: Callable[..., RestPricing]) -> RestPricing:
    return opened()
