"""A HubSpot portal over HTTP, the service that talks to it, and its control path."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from bad_day import Fail, failing

from sandboxes.company import company
from sandboxes.hubspot import TOKEN
from sandboxes.kit import serve_sandbox
from shared.contracts.canonical.engagement import ContactsWanted, MarketingContact
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.hubspot import HubSpotMarketing
from system_apis.hubspot.connector import HubSpot, HubSpotSettings

Opened = Callable[..., HubSpotMarketing]


@pytest.fixture(scope="session")
async def portal() -> AsyncGenerator[str]:
    async with serve_sandbox("hubspot") as url:
        yield url


@pytest.fixture
async def control(portal: str) -> AsyncGenerator[httpx.AsyncClient]:
    """The control path of a portal as seeded."""
    async with httpx.AsyncClient(base_url=f"{portal}/__sandbox__") as client:
        await client.post("/reset")
        yield client
        await client.post("/rate-limit", json={})
        await client.post("/index", json={"lag_seconds": 0})


@pytest.fixture
def fail(control: httpx.AsyncClient) -> Fail:
    """`fail("POST", "*/notes", "lost-reply")`: what HubSpot does on a bad day."""
    return failing(control, "method", "path", "fault")


@pytest.fixture
def kept(control: httpx.AsyncClient) -> Callable[[str], Awaitable[list[dict[str, Any]]]]:
    """What the portal holds: `kept("notes")`."""

    async def read(type_: str) -> list[dict[str, Any]]:
        return (await control.get("/ledger")).json()[type_]

    return read


@pytest.fixture
async def opened(portal: str, control: httpx.AsyncClient, tmp_path: Path) -> AsyncGenerator[Opened]:
    """A service with these settings; its own circuit, closed."""
    del control
    wire = open_wire()

    def open_(*, token: str = TOKEN, **settings: Any) -> HubSpotMarketing:
        (tmp_path / "token").write_text(token)
        chosen = {"url": portal, "retry_delays": (0.01, 0.01), **settings}
        secret = Secret(f"file:{tmp_path / 'token'}")
        return HubSpotMarketing(HubSpot(HubSpotSettings(token=secret, **chosen), Outbound(wire)))

    yield open_
    await wire.aclose()


@pytest.fixture
def marketing(opened: Opened) -> HubSpotMarketing:
    return opened()


@pytest.fixture
def emails() -> list[str]:
    """Addresses that the portal knows."""
    return [person.email for person in company().customers[0].contacts]


@pytest.fixture
async def person(marketing: HubSpotMarketing, emails: list[str]) -> MarketingContact:
    """Somebody whom the portal knows."""
    return (await marketing.find_contacts(ContactsWanted(emails[:1]))).contacts[0]
