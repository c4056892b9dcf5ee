"""Every system that fills the marketing contract, with a stand-in of its own."""

from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest
from bad_day import Fail, failing

from sandboxes import hubspot, marketo
from sandboxes.company import company
from sandboxes.kit import serve_sandbox
from shared.contracts.canonical.engagement import ContactsWanted, MarketingContact
from shared.contracts.system.marketing import Marketing
from shared.host.api import installed_apis
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.hubspot import HubSpotMarketing
from system_apis.hubspot.connector import HubSpot, HubSpotSettings
from system_apis.marketo import MarketoMarketing
from system_apis.marketo.connector import Marketo
from system_apis.marketo.settings import MarketoSettings


class Vendor(NamedTuple):
    """How one is opened, where it takes writes, and how its ledger tells what it keeps."""

    secret: str
    open: Callable[[str, Secret, Outbound], Marketing]
    save_path: str
    note_path: str
    people: str
    notes: str


def _hubspot(url: str, secret: Secret, outbound: Outbound) -> Marketing:
    return HubSpotMarketing(HubSpot(HubSpotSettings(url=url, token=secret, retry_delays=(0.01, 0.01)), outbound))


def _marketo(url: str, secret: Secret, outbound: Outbound) -> Marketing:
    settings = MarketoSettings(
        url=url, client_id=marketo.CLIENT_ID, client_secret=secret, activity_type=marketo.ACTIVITY_TYPE,
        retry_delays=(0.01, 0.01), settle_seconds=0.5,
    )  # fmt: skip
    return MarketoMarketing(Marketo(settings, outbound))


VENDORS = {
    "hubspot": Vendor(
        hubspot.TOKEN, _hubspot, "*/batch/upsert", "/crm/v3/objects/notes", "contacts", "notes"
    ),
    "marketo": Vendor(
        marketo.CLIENT_SECRET, _marketo, "/rest/v1/leads.json", "*/activities/external.json", "leads", "activities"
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=sorted(api.vendor for api in installed_apis() if api.contract is Marketing))
async def root(request: pytest.FixtureRequest) -> AsyncGenerator[tuple[str, Vendor]]:
    async with serve_sandbox(request.param) as url:
        yield url, VENDORS[request.param]


@pytest.fixture
def vendor(root: tuple[str, Vendor]) -> Vendor:
    return root[1]


@pytest.fixture
async def control(root: tuple[str, Vendor]) -> AsyncGenerator[httpx.AsyncClient]:
    """The control path of a stand-in as seeded."""
    async with httpx.AsyncClient(base_url=f"{root[0]}/__sandbox__") as client:
        await client.post("/reset")
        yield client
        await client.delete("/faults")


@pytest.fixture
async def marketing(root: tuple[str, Vendor], control: httpx.AsyncClient, tmp_path: Path) -> AsyncGenerator[Marketing]:
    del control
    url, vendor = root
    (tmp_path / "secret").write_text(vendor.secret)
    wire = open_wire()
    yield vendor.open(url, Secret(f"file:{tmp_path / 'secret'}"), Outbound(wire))
    await wire.aclose()


@pytest.fixture
def fail(control: httpx.AsyncClient) -> Fail:
    """`fail("POST", vendor.note_path, "lost-reply")`: what it does on a bad day, once."""
    return failing(control, "method", "path", "fault")


@pytest.fixture
def kept(control: httpx.AsyncClient) -> Callable[[str], Any]:
    """What it holds under a name of its ledger."""

    async def read(kind: str) -> list[dict[str, Any]]:
        return (await control.get("/ledger")).json()[kind]

    return read


@pytest.fixture
def emails() -> list[str]:
    """Addresses that it knows."""
    return [person.email for person in company().customers[0].contacts]


@pytest.fixture
async def person(marketing: Marketing, emails: list[str]) -> MarketingContact:
    """Somebody whom it knows."""
    return (await marketing.find_contacts(ContactsWanted(emails[:1]))).contacts[0]
