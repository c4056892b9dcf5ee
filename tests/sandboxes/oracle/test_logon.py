"""Basic, relayed tokens and tokens for assertions."""

import json
import time
from base64 import urlsafe_b64encode
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256

from sandboxes.oracle import CLIENT_ID, KEY_ID, SCOPE, USER, development_key

ROOT = "/fscmRestApi/resources/11.13.18.05"


def encoded(piece: bytes) -> str:
    return urlsafe_b64encode(piece).decode().rstrip("=")


def assertion(key: RSAPrivateKey, header: dict[str, Any] | None = None, **claims: object) -> str:
    """A signed assertion; `claims` replace what a right one has."""
    now = int(time.time())
    right: dict[str, object] = {
        "iss": CLIENT_ID,
        "sub": USER,
        "prn": USER,
        "aud": ["oauth.idm.oracle.com", "https://identity.oraclecloud.com/"],
        "jti": "1",
        "iat": now,
        "exp": now + 300,
    }
    pieces = (header or {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}, right | claims)
    signed = ".".join(encoded(json.dumps(one).encode()) for one in pieces)
    return f"{signed}.{encoded(key.sign(signed.encode(), PKCS1v15(), SHA256()))}"


async def granted(base_url: str, sent: str, secret: str = "sandbox-only", **form: str) -> httpx.Response:
    body = {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": sent, "scope": SCOPE, **form}
    auth = (CLIENT_ID, secret) if secret else None
    async with httpx.AsyncClient(base_url=base_url, auth=auth) as client:
        return await client.post("/oauth2/v1/token", data=body)


async def read(base_url: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(base_url=base_url, headers=headers) as client:
        return await client.get(ROOT)


async def test_without_credentials_there_is_a_challenge(base_url: str) -> None:
    for headers in ({}, {"authorization": "Basic bm90Om1l"}, {"authorization": "Bearer a.b.c"}):
        refused = await read(base_url, **headers)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Basic realm=")


async def test_a_relayed_token_logs_on(base_url: str) -> None:
    async with httpx.AsyncClient(base_url=base_url, auth=(USER, "sandbox-only")) as client:
        relayed = (await client.get("/fscmRestApi/tokenrelay")).json()
    assert (relayed["principal"], relayed["token_type"]) == (USER, "JWT")
    assert (await read(base_url, authorization=f"Bearer {relayed['access_token']}")).status_code == 200


async def test_an_assertion_gets_a_token_until_it_expires(base_url: str) -> None:
    token = (await granted(base_url, assertion(development_key()))).json()
    bearer = f"Bearer {token['access_token']}"
    assert (await read(base_url, authorization=bearer)).status_code == 200
    async with httpx.AsyncClient(base_url=base_url) as client:
        await client.post("/__sandbox__/clock", json={"offset_seconds": token["expires_in"] + 1})
        assert (await read(base_url, authorization=bearer)).status_code == 401
        await client.post("/__sandbox__/clock", json={"offset_seconds": 0})
        await client.post("/__sandbox__/expire-tokens")
    assert (await read(base_url, authorization=bearer)).status_code == 401


@pytest.mark.parametrize(
    "claims",
    [{"iss": "other"}, {"sub": "other"}, {"prn": "other"}, {"aud": "other"}, {"exp": 1}, {"iat": 2**40}, {"jti": ""}],
)
async def test_a_wrong_claim_is_refused(base_url: str, claims: dict[str, Any]) -> None:
    refused = await granted(base_url, assertion(development_key(), **claims))
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_a_wrong_signature_header_scope_or_grant_is_refused(base_url: str) -> None:
    right = development_key()
    wrong = [
        await granted(base_url, assertion(generate_private_key(65_537, 2_048))),
        await granted(base_url, assertion(right, {"alg": "none", "kid": KEY_ID})),
        await granted(base_url, assertion(right, {"alg": "RS256"})),
        await granted(base_url, "not.an.assertion"),
        await granted(base_url, assertion(right), scope="other"),
        await granted(base_url, assertion(right), grant_type="password"),
    ]
    errors = [one.json()["error"] for one in wrong]
    assert errors == [*["invalid_grant"] * 4, "invalid_scope", "unsupported_grant_type"]


async def test_the_client_proves_itself_by_secret_or_assertion(base_url: str) -> None:
    key = development_key()
    right = assertion(key)
    for secret in ("wrong", ""):
        refused = await granted(base_url, right, secret)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    itself = {"client_id": CLIENT_ID, "client_assertion_type": kind}
    proven = await granted(base_url, right, "", **itself, client_assertion=assertion(key, sub=CLIENT_ID))
    assert proven.status_code == 200
    other = await granted(base_url, right, "", **itself, client_assertion=right)
    assert other.status_code == 401
