"""A served NetSuite account, and a client that signs with its token."""

import hashlib
import hmac
import secrets
import time
from base64 import b64encode
from collections.abc import AsyncIterator, Generator
from urllib.parse import parse_qsl, quote

import httpx
import pytest

from sandboxes.kit import serve_sandbox
from sandboxes.netsuite import ACCOUNT, CONSUMER_KEY, CONSUMER_SECRET, TOKEN_ID, TOKEN_SECRET


class TokenSigned(httpx.Auth):
    """OAuth 1.0a with HMAC-SHA256; `changes` sets or leaves out (None) parameters before signing."""

    def __init__(self, secret: str = TOKEN_SECRET, **changes: str | None) -> None:
        self._key = f"{quote(CONSUMER_SECRET, safe='')}&{quote(secret, safe='')}".encode()
        self._changes = changes

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        realm, sent = self._parameters()
        query = parse_qsl(request.url.query.decode(), keep_blank_values=True)
        pairs = sorted((quote(n, safe="-._~"), quote(v, safe="-._~")) for n, v in [*sent.items(), *query])
        url = f"{request.url.scheme}://{request.headers['host']}{request.url.raw_path.decode().partition('?')[0]}"
        normal = "&".join(f"{name}={value}" for name, value in pairs)
        base = "&".join(quote(part, safe="-._~") for part in (request.method, url, normal))
        sent["oauth_signature"] = b64encode(hmac.digest(self._key, base.encode(), hashlib.sha256)).decode()
        listed = ", ".join(f'{name}="{quote(value, safe="-._~")}"' for name, value in sent.items())
        request.headers["authorization"] = f'OAuth realm="{realm}", {listed}'
        yield request

    def _parameters(self) -> tuple[str, dict[str, str]]:
        chosen: dict[str, str | None] = {
            "realm": ACCOUNT,
            "oauth_consumer_key": CONSUMER_KEY,
            "oauth_token": TOKEN_ID,
            "oauth_nonce": secrets.token_hex(12),
            "oauth_timestamp": str(int(time.time())),
            "oauth_signature_method": "HMAC-SHA256",
            "oauth_version": "1.0",
            **self._changes,
        }
        realm = chosen.pop("realm")
        return realm or "", {name: value for name, value in chosen.items() if value is not None}


@pytest.fixture(scope="session")
def token_signed() -> type[TokenSigned]:
    """The signing scheme, for tests that spoil it."""
    return TokenSigned


@pytest.fixture(scope="session")
async def base_url() -> AsyncIterator[str]:
    async with serve_sandbox("netsuite") as url:
        yield url


@pytest.fixture(scope="session")
async def plain(base_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client that signs nothing. Clients live as long as the session: each costs more than most tests."""
    async with httpx.AsyncClient(base_url=base_url) as client:
        yield client


@pytest.fixture
async def fresh(base_url: str, plain: httpx.AsyncClient) -> AsyncIterator[str]:
    """The account for a test that writes; afterwards it is back to its seed."""
    yield base_url
    (await plain.post("/__sandbox__/reset")).raise_for_status()


@pytest.fixture(scope="session")
async def reader(base_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Signed in, on REST web services; for tests that only read."""
    async with httpx.AsyncClient(base_url=f"{base_url}/services/rest", auth=TokenSigned()) as client:
        yield client


@pytest.fixture(scope="session")
async def strict(base_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """Signed in, and strict about names."""
    headers = {"x-netsuite-propertynamevalidation": "Error"}
    async with httpx.AsyncClient(base_url=f"{base_url}/services/rest", auth=TokenSigned(), headers=headers) as client:
        yield client


@pytest.fixture
def writer(fresh: str, strict: httpx.AsyncClient) -> httpx.AsyncClient:
    """Signed in, strict about names, on an account that is reset afterwards."""
    return strict
