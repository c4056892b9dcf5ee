"""The embedded issuer over HTTP, on a real server, as its clients meet it."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from shared.security.access_token import TokenVerifier, TrustedIssuer
from shared.security.client_verification import ASSERTION_TYPE
from shared.security.clients import CLIENT_CREDENTIALS, JWT_BEARER, TOKEN_EXCHANGE, digest_secret
from shared.security.grants import ACCESS_TOKEN
from shared.security.issuer import Issuer
from shared.security.issuer_app import issuer_app
from shared.security.jwks import Jwks
from shared.security.replay import MemoryReplayGuard

Form = dict[str, Any]


class Served:
    """The issuer, its address and a client of it."""

    def __init__(self, issuer: Issuer, http: httpx.AsyncClient, suite: Any) -> None:
        self.issuer, self.http, self.suite = issuer, http, suite

    async def token(self, form: Form, **options: Any) -> httpx.Response:
        return await self.http.post("/oauth2/token", data=form, **options)

    def by_secret(self, client_id: str, **changes: Any) -> Form:
        return {"client_id": client_id, "client_secret": self.suite.secret, **changes}

    def own(self, **changes: Any) -> Form:
        form = {"grant_type": CLIENT_CREDENTIALS, "audience": self.suite.system, **self.by_secret(self.suite.process)}
        return {name: value for name, value in {**form, **changes}.items() if value is not None}

    def exchange(self, token: str, **changes: Any) -> Form:
        form = {
            "grant_type": TOKEN_EXCHANGE,
            "subject_token": token,
            "subject_token_type": ACCESS_TOKEN,
            "audience": self.suite.process,
            **self.by_secret(self.suite.experience),
        }
        return {name: value for name, value in {**form, **changes}.items() if value is not None}

    def user_token(self, **changes: Any) -> str:
        facts: dict[str, Any] = {
            "subject": "ada",
            "client_id": "mobile",
            "audience": self.suite.experience,
            "scopes": ["field-sales:read", "quote-to-order:write", "crm:read"],
            "tier": "gold",
        }
        return self.issuer.issue(**{**facts, **changes})

    def assertion(self, client_id: str, typ: str = "JWT", **changes: Any) -> str:
        now = self.issuer.clock()
        claims = {"iss": client_id, "sub": client_id, "aud": self.issuer.url, "exp": now + 60, "jti": "1"}
        whole = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return str(self.suite.key.sign(whole, typ=typ))


@pytest.fixture
async def served(make_issuer: Callable[..., Issuer], serving: Any, free_port: int, suite: Any) -> AsyncIterator[Served]:
    issuer = make_issuer(f"http://127.0.0.1:{free_port}")
    async with serving(issuer_app(issuer), free_port), httpx.AsyncClient(base_url=issuer.url) as http:
        yield Served(issuer, http, suite)


def _error(response: httpx.Response) -> str:
    assert response.headers["cache-control"] == "no-store"
    assert response.json()["error_description"].endswith(".")
    return f"{response.status_code} {response.json()['error']}"


async def test_metadata_and_keys_lead_a_stranger_to_a_verified_token(served: Served, clock: Any) -> None:
    for name in ("oauth-authorization-server", "openid-configuration"):
        metadata = (await served.http.get(f"/.well-known/{name}")).json()
        assert metadata["issuer"] == served.issuer.url
        assert metadata["grant_types_supported"] == sorted([CLIENT_CREDENTIALS, JWT_BEARER, TOKEN_EXCHANGE])
    jwks = Jwks(served.issuer.url)
    verifier = TokenVerifier([TrustedIssuer(served.issuer.url, jwks)], clock=clock)

    response = await served.token(served.own(scope="crm:read"))

    body = response.json()
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    assert {name: value for name, value in body.items() if name != "access_token"} == {
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": "crm:read",
    }
    principal = await verifier.verify(body["access_token"], served.suite.system)
    assert (principal.subject, principal.client_id) == (served.suite.process, served.suite.process)
    assert (principal.scopes, principal.tier) == ({"crm:read"}, "internal")
    await jwks.aclose()


async def test_each_way_to_authenticate_is_accepted(served: Served) -> None:
    process, secret = served.suite.process, served.suite.secret
    pair = base64.b64encode(f"{quote(process, safe='')}:{secret}".encode()).decode()
    bare = served.own(client_id=None, client_secret=None)
    basic = await served.token(bare, headers={"authorization": f"Basic {pair}"})
    post = await served.token(served.own())
    signed = {**bare, "client_assertion_type": ASSERTION_TYPE, "client_assertion": served.assertion(process)}
    assert [basic.status_code, post.status_code, (await served.token(signed)).status_code] == [200, 200, 200]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"grant_type": "password"}, "400 unsupported_grant_type"),
        ({"grant_type": None}, "400 unsupported_grant_type"),
        ({"client_secret": "wrong"}, "401 invalid_client"),
        ({"client_secret": None}, "401 invalid_client"),
        ({"client_secret": ""}, "401 invalid_client"),
        ({"client_id": "unheard-of"}, "401 invalid_client"),
        ({"client_id": "robot", "client_secret": ""}, "401 invalid_client"),
        ({"client_id": None, "client_secret": None}, "401 invalid_client"),
        ({"audience": None}, "400 invalid_target"),
        ({"audience": "urn:triptych:system:unheard-of"}, "400 invalid_target"),
        ({"audience": "urn:triptych:experience:field-sales"}, "400 invalid_target"),
        ({"scope": "crm:admin"}, "400 invalid_scope"),
        ({"scope": "erp:write"}, "400 invalid_scope"),
        ({"client_assertion": "x.y.z"}, "400 invalid_request"),
        ({"client_secret": None, "client_assertion": "x.y.z"}, "401 invalid_client"),
        ({"grant_type": JWT_BEARER, "assertion": "x.y.z"}, "400 invalid_grant"),
        ({"scope": ["crm:read", "crm:write"]}, "400 invalid_request"),
    ],
)
async def test_a_wrong_request_is_refused_by_name(changes: Form, error: str, served: Served) -> None:
    response = await served.token(served.own(**changes))
    assert _error(response) == error
    assert ("www-authenticate" in response.headers) == error.startswith("401")


async def test_only_a_complete_small_urlencoded_post_is_read(served: Served) -> None:
    assert _error(await served.http.post("/oauth2/token", json=served.own())) == "400 invalid_request"
    assert _error(await served.token(served.own(scope="x" * 70_000))) == "400 invalid_request"
    got = await served.http.get("/oauth2/token")
    assert (_error(got), got.headers["allow"]) == ("405 invalid_request", "POST")
    posted = await served.http.post("/oauth2/jwks")
    assert (posted.status_code, posted.headers["allow"]) == (405, "GET, HEAD")
    assert (await served.http.get("/oauth2/elsewhere")).status_code == 404
    head = await served.http.head("/oauth2/jwks")
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere.example"},
        {"aud": None},
        {"jti": None},
        {"exp": None},
        {"exp": 1},
        {"exp": 9_999_999_999},
        {"nbf": 9_999_999_999},
        {"sub": "somebody-else"},
        {"iss": "unheard-of"},
        {"typ": "at+jwt"},
    ],
    ids=str,
)
async def test_a_wrong_client_assertion_is_refused(changes: Form, served: Served) -> None:
    bare = served.own(client_id=None, client_secret=None, client_assertion_type=ASSERTION_TYPE)
    assertion = served.assertion(served.suite.process, **changes)
    assert _error(await served.token({**bare, "client_assertion": assertion})) == "401 invalid_client"
    good = served.assertion(served.suite.process, jti="2")
    assert (await served.token({**bare, "client_assertion": good})).status_code == 200


async def test_an_assertion_is_accepted_once_however_many_ask_at_once(served: Served) -> None:
    bare = served.own(client_id=None, client_secret=None, client_assertion_type=ASSERTION_TYPE)
    form = {**bare, "client_assertion": served.assertion(served.suite.process)}
    responses = await asyncio.gather(*(served.token(form) for _ in range(10)))
    assert sorted(each.status_code for each in responses) == [200, *[401] * 9]


async def test_a_client_may_assert_only_the_subjects_it_is_registered_for(served: Served) -> None:
    def form(**changes: Any) -> Form:
        assertion = served.assertion("robot", **changes)
        return {"grant_type": JWT_BEARER, "assertion": assertion, "audience": served.suite.system}

    response = await served.token(form(sub="ada@triptych.example"))
    principal = await served.issuer.verifier.verify(response.json()["access_token"], served.suite.system)
    assert (principal.subject, principal.client_id) == ("ada@triptych.example", "robot")
    assert _error(await served.token(form(sub="ada@triptych.example"))) == "400 invalid_grant"
    assert _error(await served.token(form(sub="bob@triptych.example", jti="2"))) == "400 invalid_grant"
    late = served.issuer.clock() + 400
    assert _error(await served.token(form(sub="ada@triptych.example", jti="3", exp=late))) == "400 invalid_grant"


async def test_an_exchanged_token_is_narrower_and_names_who_acted(served: Served) -> None:
    response = await served.token(served.exchange(served.user_token()))
    body = response.json()
    assert (body["issued_token_type"], body["scope"]) == (ACCESS_TOKEN, "crm:read quote-to-order:write")
    principal = await served.issuer.verifier.verify(body["access_token"], served.suite.process)
    assert (principal.subject, principal.client_id, principal.tier) == ("ada", served.suite.experience, "gold")
    assert principal.actor is not None
    assert principal.actor.subject == served.suite.experience


async def test_a_scope_asked_for_in_an_exchange_narrows_and_never_widens(served: Served) -> None:
    form = served.exchange(served.user_token(), scope="quote-to-order:read quote-to-order:write")
    assert (await served.token(form)).json()["scope"] == "quote-to-order:write"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"audience": "urn:triptych:system:unheard-of"}, "400 invalid_target"),
        ({"audience": "urn:triptych:experience:field-sales"}, "400 invalid_target"),
        ({"client_id": "urn:triptych:process:quote-to-order"}, "400 invalid_request"),
        ({"subject_token": "x.y.z"}, "400 invalid_request"),
        ({"subject_token": None}, "400 invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "400 invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "400 invalid_request"),
        ({"actor_token": "x.y.z"}, "400 invalid_request"),
    ],
    ids=str,
)
async def test_a_wrong_exchange_is_refused(changes: Form, error: str, served: Served) -> None:
    assert _error(await served.token(served.exchange(served.user_token(), **changes))) == error


async def test_a_client_not_registered_for_exchange_is_refused(served: Served) -> None:
    bare = served.exchange(served.user_token(), client_id=None, client_secret=None)
    signed = {**bare, "client_assertion_type": ASSERTION_TYPE, "client_assertion": served.assertion("robot")}
    assert _error(await served.token(signed)) == "400 unauthorized_client"


async def test_an_exchanged_token_never_outlives_its_subject(served: Served, clock: Any) -> None:
    token = served.user_token(lifetime=100)
    assert (await served.token(served.exchange(token))).json()["expires_in"] == 100
    clock.pass_seconds(161)
    assert _error(await served.token(served.exchange(token))) == "400 invalid_request"


async def test_introspection_tells_an_api_about_its_own_tokens_only(served: Served) -> None:
    token = served.user_token()
    credentials = served.by_secret(served.suite.experience)
    told = (await served.http.post("/oauth2/introspect", data={**credentials, "token": token})).json()
    assert (told["active"], told["sub"], told["aud"]) == (True, "ada", served.suite.experience)
    others = served.by_secret(served.suite.process)
    assert (await served.http.post("/oauth2/introspect", data={**others, "token": token})).json() == {"active": False}
    assert _error(await served.http.post("/oauth2/introspect", data={"token": token})) == "401 invalid_client"


def test_a_token_holds_what_rfc_9068_needs_and_no_more(issuer: Issuer) -> None:
    token = issuer.issue("ada", "mobile", "urn:triptych:system:crm", ["crm:read"])
    header, claims = (json.loads(base64.urlsafe_b64decode(part + "==")) for part in token.split(".")[:2])
    assert set(header) == {"alg", "typ", "kid"}
    assert set(claims) == {"iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "tier"}


@pytest.mark.parametrize("lifetime", [0, -1, 3601, float("nan")])
def test_a_lifetime_out_of_bounds_is_refused(lifetime: float, issuer: Issuer) -> None:
    with pytest.raises(ValueError, match="at most 3600 seconds"):
        issuer.issue("ada", "mobile", "urn:triptych:system:crm", [], lifetime)


def test_a_guessable_client_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32"):
        digest_secret("password")


async def test_the_memory_of_assertions_is_bounded_and_refuses_rather_than_forgets(clock: Any) -> None:
    guard = MemoryReplayGuard(2, clock)
    seen = [await guard.first_use(key, clock.now + 60) for key in ("a", "b", "c", "a")]
    clock.pass_seconds(61)
    assert [*seen, await guard.first_use("c", clock.now + 60)] == [True, True, False, False, True]
