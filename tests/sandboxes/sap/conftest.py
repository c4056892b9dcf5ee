"""A served SAP stand-in, and clients logged on to it."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import requests

from sandboxes.kit import serve_sandbox

AUTH = ("TRIPTYCH", "sandbox-only")
SALES = "/sap/opu/odata/sap/API_SALES_ORDER_SRV"


@pytest.fixture(scope="session")
async def base_url() -> AsyncIterator[str]:
    async with serve_sandbox("sap") as url:
        yield url


@pytest.fixture
def fresh(base_url: str) -> Iterator[str]:
    """The stand-in for a test that writes; afterwards it is back to its seed."""
    yield base_url
    httpx.post(f"{base_url}/__sandbox__/reset").raise_for_status()


@pytest.fixture
async def reader(base_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Logged on, asking for JSON, without a CSRF token."""
    async with httpx.AsyncClient(base_url=base_url, auth=AUTH, headers={"accept": "application/json"}) as client:
        yield client


@pytest.fixture
async def writer(fresh: str) -> AsyncIterator[httpx.AsyncClient]:
    """Logged on with session and CSRF token, on a stand-in reset to its seed."""
    async with httpx.AsyncClient(base_url=fresh, auth=AUTH, headers={"accept": "application/json"}) as client:
        fetched = await client.head(f"{SALES}/", headers={"x-csrf-token": "Fetch"})
        client.headers["x-csrf-token"] = fetched.headers["x-csrf-token"]
        yield client


@pytest.fixture
def session(fresh: str) -> requests.Session:
    """A blocking session with a CSRF token, as pyodata wants it."""
    logged_on = requests.Session()
    logged_on.auth = AUTH
    fetched = logged_on.head(f"{fresh}{SALES}/", headers={"X-CSRF-Token": "Fetch"})
    logged_on.headers["X-CSRF-Token"] = fetched.headers["x-csrf-token"]
    return logged_on


@pytest.fixture
def order() -> dict[str, Any]:
    """A body that makes a valid order of two items."""
    return {
        "SalesOrderType": "OR",
        "SalesOrganization": "1010",
        "DistributionChannel": "10",
        "OrganizationDivision": "00",
        "SoldToParty": "10100001",
        "PurchaseOrderByCustomer": "SF-0001",
        "to_Item": [
            {"Material": "TG-00001", "RequestedQuantity": "5", "RequestedQuantityUnit": "PC"},
            {"Material": "TG-00002", "RequestedQuantity": "2"},
        ],
    }
