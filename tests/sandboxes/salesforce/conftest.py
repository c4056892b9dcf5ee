"""One org for all tests of this folder; each test makes the records it changes."""

import itertools
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sandboxes.kit import Clock, serve_sandbox
from sandboxes.salesforce.org import Org

USERNAME = "integration@tarn-gauge.example"
APP = "triptych-local"
SECRET = "triptych-local-secret"


@pytest.fixture(scope="session")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
async def url(clock: Clock) -> AsyncIterator[str]:
    async with serve_sandbox("salesforce", clock=clock) as base:
        yield base


@pytest.fixture(scope="session")
def private_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


@pytest.fixture(scope="session")
def public_pem(private_key: rsa.RSAPrivateKey) -> str:
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return private_key.public_key().public_bytes(serialization.Encoding.PEM, form).decode()


@pytest.fixture(scope="session")
async def signing(url: str, public_pem: str) -> str:
    """A consumer key whose assertions `private_key` signs."""
    async with httpx.AsyncClient(base_url=url) as client:
        body = {"client_id": "signing-app", "public_key": public_pem}
        answer = await client.post("/__sandbox__/connected-apps", json=body)
    assert answer.status_code == 200
    return "signing-app"


async def log_in(client: httpx.AsyncClient) -> dict[str, Any]:
    form = {
        "grant_type": "password",
        "client_id": APP,
        "client_secret": SECRET,
        "username": USERNAME,
        "password": "sandbox-password",
    }
    answer = await client.post("/services/oauth2/token", data=form)
    assert answer.status_code == 200
    return answer.json()


@pytest.fixture
async def anonymous(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=url) as client:
        yield client


@pytest.fixture
async def client(anonymous: httpx.AsyncClient) -> httpx.AsyncClient:
    """A logged-in client."""
    granted = await log_in(anonymous)
    anonymous.headers["Authorization"] = f"Bearer {granted['access_token']}"
    return anonymous


@pytest.fixture(scope="session")
def unique() -> Iterator[str]:
    return (f"T{number:06d}" for number in itertools.count(1))


@pytest.fixture(scope="session")
def org() -> Iterator[Org]:
    """An org without a door, for tests of the query language."""
    made = Org(None, Clock(lambda: 1_780_000_000.0))  # 2026-05-28T20:26:40Z, a Thursday
    yield made
    made.store.close()
