"""A fresh EasyPost account, a clock to move, and parcels to send."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from sandboxes.easypost import API_KEY
from sandboxes.kit import serve_sandbox


@pytest.fixture
async def url() -> AsyncGenerator[str]:
    async with serve_sandbox("easypost") as base_url:
        yield base_url


@pytest.fixture
async def client(url: str) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"{url}/v2", auth=(API_KEY, "")) as session:
        yield session


@pytest.fixture
def shipment() -> dict[str, Any]:
    return {
        "to_address": {
            "name": "Grace Begaye",
            "street1": "12 Oak Ave",
            "city": "Austin",
            "state": "TX",
            "zip": "78701",
        },
        "from_address": {
            "company": "Tarn",
            "street1": "5555 Longley Ln",
            "city": "Reno",
            "state": "NV",
            "zip": "89511",
        },
        "parcel": {"length": 10, "width": 8, "height": 4, "weight": 15.4},
        "reference": "order-4711",
    }
