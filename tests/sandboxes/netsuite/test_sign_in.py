"""Who is let in: signatures of the token, and tokens for assertions."""

import time
from base64 import b64encode
from hashlib import sha1
from typing import Any

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sandboxes.netsuite import CLIENT_ID

CUSTOMERS = "/services/rest/record/v1/customer?limit=1&q=entityId%20IS%20%22a%26b%22"
TOKEN = "/services/rest/auth/oauth2/v1/token"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


async def test_a_signature_over_the_query_is_believed_once(plain: httpx.AsyncClient, token_signed: Any) -> None:
    assert (await plain.get(CUSTOMERS, auth=token_signed(oauth_nonce="n1"))).status_code == 200
    again = await plain.get(CUSTOMERS, auth=token_signed(oauth_nonce="n1"))
    assert again.status_code == 401
    assert again.headers["www-authenticate"].startswith('OAuth realm="1234567_SB1", error="token_rejected"')
    assert again.json()["o:errorDetails"][0]["o:errorCode"] == "INVALID_LOGIN"


@pytest.mark.parametrize(
    "spoilt",
    [
        {"secret": "another"},
        {"realm": "7654321"},
        {"oauth_consumer_key": "another"},
        {"oauth_token": "another"},
        {"oauth_timestamp": "1000000000"},
        {"oauth_signature_method": "HMAC-SHA1"},
        {"oauth_nonce": None},
        {"oauth_version": "2.0"},
        {"oauth_body_hash": "bm90IGl0"},
    ],
)
async def test_a_spoilt_signature_is_not_believed(
    plain: httpx.AsyncClient, token_signed: Any, spoilt: dict[str, Any]
) -> None:
    assert (await plain.get(CUSTOMERS, auth=token_signed(**spoilt))).status_code == 401


async def test_a_body_hash_is_part_of_what_is_signed(plain: httpx.AsyncClient, token_signed: Any) -> None:
    empty = b64encode(sha1(b"", usedforsecurity=False).digest()).decode()
    assert (await plain.get(CUSTOMERS, auth=token_signed(oauth_body_hash=empty))).status_code == 200


async def test_nobody_comes_in_without_a_signature(plain: httpx.AsyncClient) -> None:
    assert (await plain.get(CUSTOMERS)).status_code == 401
    assert (await plain.get(CUSTOMERS, headers={"authorization": "OAuth nonsense"})).status_code == 401


def assertion(base_url: str, key: Any, algorithm: str, **changes: Any) -> dict[str, str]:
    now = int(time.time())
    claims = {
        "iss": CLIENT_ID,
        "scope": ["rest_webservices"],
        "aud": f"{base_url}{TOKEN}",
        "iat": now,
        "exp": now + 300,
    }
    kid = changes.pop("kid", "mine")
    claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(claims, key, algorithm, headers={"kid": kid}),
    }


@pytest.fixture
async def certified(fresh: str, plain: httpx.AsyncClient) -> str:
    """An account with the certificates of both keys."""
    for name, key in (("mine", RSA_KEY), ("curve", EC_KEY)):
        pem = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        document = {"certificate_id": name, "public_key": pem}
        (await plain.post("/__sandbox__/certificate", json=document)).raise_for_status()
    return fresh


@pytest.mark.parametrize(("kid", "algorithm"), [("mine", "PS256"), ("mine", "PS512"), ("curve", "ES256")])
async def test_an_assertion_is_exchanged_for_a_bearer_token(
    plain: httpx.AsyncClient, certified: str, kid: str, algorithm: str
) -> None:
    key = RSA_KEY if kid == "mine" else EC_KEY
    issued = await plain.post(TOKEN, data=assertion(certified, key, algorithm, kid=kid))
    assert issued.json()["expires_in"] == "3600"
    assert issued.json()["token_type"] == "bearer"
    bearer = {"authorization": f"Bearer {issued.json()['access_token']}"}
    assert (await plain.get(CUSTOMERS, headers=bearer)).status_code == 200
    await plain.post("/__sandbox__/expire-tokens", json={})
    assert (await plain.get(CUSTOMERS, headers=bearer)).status_code == 401


async def test_a_bearer_token_is_good_for_its_scopes_only(plain: httpx.AsyncClient, certified: str) -> None:
    issued = await plain.post(TOKEN, data=assertion(certified, RSA_KEY, "PS256", scope=["restlets"]))
    bearer = {"authorization": f"Bearer {issued.json()['access_token']}"}
    assert (await plain.get(CUSTOMERS, headers=bearer)).status_code == 403


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"iss": "another"}, "invalid_client"),
        ({"aud": "https://another.example"}, "invalid_client"),
        ({"exp": 1_000_000_000}, "invalid_client"),
        ({"iat": 1_000_000_000}, "invalid_client"),
        ({"kid": "unknown"}, "invalid_client"),
        ({"scope": ["everything"]}, "invalid_scope"),
    ],
)
async def test_a_wrong_assertion_is_refused(
    plain: httpx.AsyncClient, certified: str, changes: dict[str, Any], error: str
) -> None:
    refused = await plain.post(TOKEN, data=assertion(certified, RSA_KEY, "PS256", **changes))
    assert refused.json() == {"error": error}


async def test_an_assertion_with_an_id_counts_once_and_rs256_never(plain: httpx.AsyncClient, certified: str) -> None:
    once = assertion(certified, RSA_KEY, "PS256", jti="1")
    assert [(await plain.post(TOKEN, data=once)).status_code for _ in range(2)] == [200, 401]
    assert (await plain.post(TOKEN, data=assertion(certified, RSA_KEY, "RS256"))).status_code == 401
