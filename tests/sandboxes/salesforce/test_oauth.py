import base64
import hashlib
import hmac
import json
import re
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from sandboxes.kit import Clock, serve_sandbox

USERNAME = "integration@tarn-gauge.example"
TOKEN = "/services/oauth2/token"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
SECRETS = {"client_id": "triptych-local", "client_secret": "triptych-local-secret"}


def encoded(value: Any, *, padded: bool = False) -> str:
    text = base64.urlsafe_b64encode(json.dumps(value).encode()).decode()
    return text if padded else text.rstrip("=")


def assertion(key: rsa.RSAPrivateKey, claims: dict[str, Any], *, alg: str = "RS256", padded: bool = False) -> str:
    signed = f"{encoded({'alg': alg}, padded=padded)}.{encoded(claims, padded=padded)}"
    signature = base64.urlsafe_b64encode(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())).decode()
    return f"{signed}.{signature if padded else signature.rstrip('=')}"


def claims(app: str, **changes: Any) -> dict[str, Any]:
    good = {"iss": app, "sub": USERNAME, "aud": "https://login.salesforce.com", "exp": int(time.time()) + 170}
    return good | changes


async def grant(client: httpx.AsyncClient, text: str) -> httpx.Response:
    return await client.post(TOKEN, data={"grant_type": JWT_BEARER, "assertion": text})


async def test_jwt_bearer_gives_a_token_without_refresh_token_issued_at_or_signature(
    anonymous: httpx.AsyncClient, private_key: rsa.RSAPrivateKey, signing: str, url: str
) -> None:
    answer = await grant(anonymous, assertion(private_key, claims(signing)))
    granted = answer.json()
    assert answer.status_code == 200
    assert re.fullmatch(r"00D\w{12}![.\w]+", granted["access_token"])
    assert granted["instance_url"] == url
    assert re.search(r"/id/00D\w{15}/005\w{15}$", granted["id"])
    assert granted["token_type"] == "Bearer"
    assert not {"refresh_token", "issued_at", "signature"} & granted.keys()


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": lambda now: str(now + 170)},
        {"exp": lambda now: (now + 170) * 1000},
        {"exp": lambda now: now + 270},
        {"aud": "https://login.salesforce.com/"},
        {"aud": "https://test.salesforce.com"},
        {"sub": "nobody@example.org", "prn": USERNAME},
    ],
)
async def test_jwt_bearer_accepts_what_clients_in_the_wild_send(
    anonymous: httpx.AsyncClient, private_key: rsa.RSAPrivateKey, signing: str, changes: dict[str, Any]
) -> None:
    now = int(time.time())  # of the test, not of the collection of all tests
    sent = {name: value(now) if callable(value) else value for name, value in changes.items()}
    answer = await grant(anonymous, assertion(private_key, claims(signing, **sent)))
    assert answer.status_code == 200, answer.text


async def test_jwt_bearer_accepts_padding_and_the_orgs_own_address(
    anonymous: httpx.AsyncClient, private_key: rsa.RSAPrivateKey, signing: str, url: str
) -> None:
    text = assertion(private_key, claims(signing, aud=url), padded=True)
    assert (await grant(anonymous, text)).status_code == 200


@pytest.mark.parametrize(
    ("changes", "error", "description"),
    [
        ({"exp": 1_700_000_000}, "invalid_grant", "expired authorization code"),
        ({"aud": "https://evil.example"}, "invalid_grant", "audience is invalid"),
        ({"sub": "nobody@example.org"}, "invalid_grant", "user hasn't approved this consumer"),
        ({"iss": "unknown-app"}, "invalid_client_id", "client identifier invalid"),
        ({"exp": None}, "invalid_grant", "invalid assertion"),
    ],
)
async def test_jwt_bearer_refuses_as_an_object_with_status_400(
    anonymous: httpx.AsyncClient,
    private_key: rsa.RSAPrivateKey,
    signing: str,
    changes: dict[str, Any],
    error: str,
    description: str,
) -> None:
    answer = await grant(anonymous, assertion(private_key, claims(signing, **changes)))
    assert answer.status_code == 400
    assert answer.json() == {"error": error, "error_description": description}


async def test_jwt_bearer_refuses_foreign_keys_other_algorithms_and_rubbish(
    anonymous: httpx.AsyncClient, private_key: rsa.RSAPrivateKey, signing: str
) -> None:
    stranger = rsa.generate_private_key(65537, 2048)
    for text in (
        assertion(stranger, claims(signing)),
        assertion(private_key, claims(signing), alg="none"),
        "a.b.c",
        "not a token",
    ):
        answer = await grant(anonymous, text)
        assert (answer.status_code, answer.json()["error_description"]) == (400, "invalid assertion")


async def test_password_grant_signs_id_and_issued_at_with_the_client_secret(anonymous: httpx.AsyncClient) -> None:
    form = {"grant_type": "password", "username": USERNAME, "password": "sandbox-passwordsandbox-token"}
    granted = (await anonymous.post(TOKEN, data=form | SECRETS)).json()
    signed = (granted["id"] + granted["issued_at"]).encode()
    digest = hmac.digest(SECRETS["client_secret"].encode(), signed, hashlib.sha256)
    assert granted["signature"] == base64.b64encode(digest).decode()
    assert granted["refresh_token"]


async def test_wrong_passwords_secrets_and_grants_are_refused(anonymous: httpx.AsyncClient) -> None:
    form = {"grant_type": "password", "username": USERNAME, "password": "wrong"}
    refused = (await anonymous.post(TOKEN, data=form | SECRETS)).json()
    assert refused == {"error": "invalid_grant", "error_description": "authentication failure"}
    wrong = {"grant_type": "client_credentials", **SECRETS, "client_secret": "wrong"}
    refused = (await anonymous.post(TOKEN, data=wrong)).json()
    assert refused == {"error": "invalid_client", "error_description": "invalid client credentials"}
    refused = (await anonymous.post(TOKEN, data={"grant_type": "magic"})).json()
    assert refused == {"error": "unsupported_grant_type", "error_description": "grant type not supported"}


async def test_client_credentials_work_with_basic_and_need_a_run_as_user(anonymous: httpx.AsyncClient) -> None:
    form = {"grant_type": "client_credentials"}
    basic = httpx.BasicAuth(*SECRETS.values())
    granted = await anonymous.post(TOKEN, data=form, auth=basic)
    assert granted.status_code == 200
    assert "refresh_token" not in granted.json()
    body = {"client_id": "no-user", "client_secret": "s"}
    await anonymous.post("/__sandbox__/connected-apps", json=body)
    refused = await anonymous.post(TOKEN, data=form | body)
    assert refused.json()["error_description"] == "no client credentials user enabled"


async def test_refresh_gives_a_new_token_and_no_new_refresh_token(anonymous: httpx.AsyncClient) -> None:
    form = {"grant_type": "password", "username": USERNAME, "password": "sandbox-password"}
    first = (await anonymous.post(TOKEN, data=form | SECRETS)).json()
    form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]} | SECRETS
    second = (await anonymous.post(TOKEN, data=form)).json()
    assert second["access_token"] != first["access_token"]
    assert "refresh_token" not in second
    assert (await anonymous.post("/services/oauth2/revoke", data={"token": first["refresh_token"]})).content == b""
    refused = await anonymous.post(TOKEN, data=form)
    assert refused.json()["error_description"] == "expired access/refresh token"
    headers = {"Authorization": f"Bearer {second['access_token']}"}
    assert (await anonymous.get("/services/data/v66.0/limits", headers=headers)).status_code == 401


async def test_formats_other_than_json_are_served(anonymous: httpx.AsyncClient) -> None:
    form = {"grant_type": "client_credentials", **SECRETS}
    answer = await anonymous.post(TOKEN, data=form | {"format": "urlencoded"})
    assert "access_token=00D" in answer.text
    answer = await anonymous.post(TOKEN, data=form | {"format": "xml"})
    assert "<access_token>00D" in answer.text


async def test_introspection_tells_live_tokens_from_dead_ones(anonymous: httpx.AsyncClient) -> None:
    granted = (await anonymous.post(TOKEN, data={"grant_type": "client_credentials", **SECRETS})).json()
    ask = {"token": granted["access_token"], **SECRETS}
    answer = (await anonymous.post("/services/oauth2/introspect", data=ask)).json()
    assert answer["active"] is True
    assert answer["username"] == USERNAME
    assert answer["exp"] > answer["iat"]
    await anonymous.post("/services/oauth2/revoke", data={"token": granted["access_token"]})
    assert (await anonymous.post("/services/oauth2/introspect", data=ask)).json() == {"active": False}
    again = await anonymous.post("/services/oauth2/revoke", data={"token": granted["access_token"]})
    assert (again.status_code, again.json()["error"]) == (400, "invalid_token")


async def test_sessions_slide_and_then_expire_on_the_sandbox_clock(client: httpx.AsyncClient, clock: Clock) -> None:
    limits = "/services/data/v66.0/limits"
    try:
        for hours in (1.5, 3.0, 4.5):
            clock.offset_seconds = hours * 3600
            assert (await client.get(limits)).status_code == 200
        clock.offset_seconds = 6.6 * 3600
        answer = await client.get(limits)
    finally:
        clock.offset_seconds = 0
    assert answer.status_code == 401
    assert answer.json() == [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]


async def test_the_expire_tokens_control_ends_every_session(client: httpx.AsyncClient) -> None:
    assert (await client.post("/__sandbox__/expire-tokens")).json()["expired"] >= 1
    assert (await client.get("/services/data/v66.0/limits")).status_code == 401


async def test_identity_and_userinfo_describe_the_user(client: httpx.AsyncClient) -> None:
    info = (await client.get("/services/oauth2/userinfo")).json()
    assert info["preferred_username"] == USERNAME
    assert "{version}" in info["urls"]["rest"]
    identity = (await client.get(f"/id/{info['organization_id']}/{info['user_id']}")).json()
    assert identity["username"] == USERNAME
    assert identity["id"] == info["sub"]


async def test_userinfo_without_a_good_token_is_403_in_plain_text(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/services/oauth2/userinfo")
    assert (answer.status_code, answer.text) == (403, "Missing_OAuth_Token")
    answer = await anonymous.get("/services/oauth2/userinfo", headers={"Authorization": "Bearer nope"})
    assert (answer.status_code, answer.text) == (403, "Bad_OAuth_Token")


async def test_the_key_of_the_development_app_comes_from_a_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, private_key: rsa.RSAPrivateKey, public_pem: str
) -> None:
    path = tmp_path / "later.pem"
    monkeypatch.setenv("SANDBOX_SALESFORCE_PUBLIC_KEY_FILE", str(path))
    async with serve_sandbox("salesforce") as url, httpx.AsyncClient(base_url=url) as client:
        text = assertion(private_key, claims("triptych-local"))
        assert (await grant(client, text)).status_code == 400
        path.write_text(public_pem)
        assert (await grant(client, text)).status_code == 200


async def test_openid_discovery_names_keys_that_verify_id_tokens(anonymous: httpx.AsyncClient, url: str) -> None:
    told = (await anonymous.get("/.well-known/openid-configuration")).json()
    assert (told["issuer"], told["token_endpoint"]) == (url, f"{url}{TOKEN}")
    [key] = (await anonymous.get(told["jwks_uri"])).json()["keys"]
    assert (key["kty"], key["alg"], "d" in key) == ("RSA", "RS256", False)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_id": "nobody"}, "invalid_client_id"),
        ({"redirect_uri": "https://evil.example"}, "redirect_uri_mismatch"),
    ],
)
async def test_the_authorize_page_sends_nobody_where_the_app_does_not_live(
    anonymous: httpx.AsyncClient, changes: dict[str, str], error: str
) -> None:
    asked = {
        "response_type": "code",
        "client_id": "triptych-local",
        "redirect_uri": "http://localhost:1717/OauthRedirect",
    }
    refused = await anonymous.get("/services/oauth2/authorize", params=asked | changes)
    assert (refused.status_code, f"error={error}" in refused.text) == (400, True)
    unknown = await anonymous.get("/services/oauth2/authorize", params=asked | {"response_type": "magic"})
    assert unknown.headers["location"].startswith(f"{asked['redirect_uri']}?error=unsupported_response_type")
