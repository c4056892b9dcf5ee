"""Keys follow the issuer, and its outages and made-up `kid`s cost next to nothing."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from eventually import eventually

from shared.binding.problems import BackendUnavailable, Unauthenticated
from shared.security.access_token import TokenVerifier, TrustedIssuer
from shared.security.issuer import Issuer
from shared.security.jwks import Jwks, discovery_urls, read_jwks
from shared.security.oauth_http import HttpxOAuth, require_trustworthy
from shared.security.signing_keys import SigningKeys

URL = "https://issuer.triptych.example"
SYSTEM = "urn:triptych:system:crm"


class Wire:
    """An issuer's two documents, with the failures a network has."""

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.fetched: list[str] = []
        self.down = False
        self.status = 200
        self.body: bytes | None = None
        self.metadata: dict[str, Any] = issuer.metadata()

    async def get(self, url: str) -> tuple[int, bytes]:
        self.fetched.append(url)
        await asyncio.sleep(0)
        if self.down:
            raise BackendUnavailable("down")
        if url.endswith("/oauth2/jwks"):
            return self.status, self.body or msgspec.json.encode(self.issuer.keys.jwks())
        if url.endswith("/.well-known/oauth-authorization-server"):
            return 404, b"{}"
        return 200, msgspec.json.encode(self.metadata)

    async def post(self, url: str, form: Any, headers: Any) -> tuple[int, bytes]:
        raise AssertionError(f"keys are never posted for: {url} {form} {headers}")

    async def aclose(self) -> None:
        self.down = True

    @property
    def key_fetches(self) -> int:
        return sum(url.endswith("/oauth2/jwks") for url in self.fetched)


@pytest.fixture
def wire(issuer: Issuer) -> Wire:
    return Wire(issuer)


@pytest.fixture
def jwks(wire: Wire, clock: Any) -> Jwks:
    return Jwks(URL, http=wire, monotonic=clock)


@pytest.fixture
def verifier(jwks: Jwks, clock: Any) -> TokenVerifier:
    return TokenVerifier([TrustedIssuer(URL, jwks)], clock=clock)


def _token(issuer: Issuer) -> str:
    return issuer.issue("ada", "mobile", SYSTEM, ["crm:read"])


async def test_keys_are_found_by_discovery_and_fetched_once(verifier: TokenVerifier, wire: Wire) -> None:
    tokens = [_token(wire.issuer) for _ in range(50)]
    await asyncio.gather(*(verifier.verify(token, SYSTEM) for token in tokens))
    assert wire.fetched == [*discovery_urls(URL), f"{URL}/oauth2/jwks"]


def test_metadata_addresses_follow_both_standards_for_an_issuer_with_a_path() -> None:
    assert discovery_urls("https://id.example/tenant") == (
        "https://id.example/.well-known/oauth-authorization-server/tenant",
        "https://id.example/tenant/.well-known/openid-configuration",
    )


async def test_metadata_of_another_issuer_is_not_believed(wire: Wire, verifier: TokenVerifier) -> None:
    wire.metadata["issuer"] = "https://attacker.example"
    with pytest.raises(BackendUnavailable):
        await verifier.verify(_token(wire.issuer), SYSTEM)
    assert wire.key_fetches == 0


async def test_a_key_set_without_tls_is_not_fetched(wire: Wire, verifier: TokenVerifier) -> None:
    wire.metadata["jwks_uri"] = "http://attacker.example/jwks"
    with pytest.raises(BackendUnavailable):
        await verifier.verify(_token(wire.issuer), SYSTEM)
    assert "http://attacker.example/jwks" not in wire.fetched


@pytest.mark.parametrize("url", ["http://id.example", "ftp://id.example", "file:///etc/passwd", "//id.example", ""])
def test_only_https_or_this_machine_is_trustworthy(url: str) -> None:
    with pytest.raises(ValueError, match="TLS"):
        require_trustworthy(url)
    assert require_trustworthy("http://127.0.0.1:80/x") == "http://127.0.0.1:80/x"


async def test_an_unreachable_issuer_is_unavailable_not_the_callers_fault(wire: Wire, verifier: TokenVerifier) -> None:
    wire.down = True
    with pytest.raises(BackendUnavailable) as unavailable:
        await verifier.verify(_token(wire.issuer), SYSTEM)
    assert unavailable.value.retry_after == 1


async def test_an_issuer_that_comes_up_late_is_found_a_second_later(
    wire: Wire, verifier: TokenVerifier, clock: Any
) -> None:
    wire.down = True
    for _ in range(20):
        with pytest.raises(BackendUnavailable):
            await verifier.verify(_token(wire.issuer), SYSTEM)
    assert len(wire.fetched) == 1
    wire.down = False
    clock.pass_seconds(1)
    await verifier.verify(_token(wire.issuer), SYSTEM)


async def test_ten_thousand_unknown_kids_cost_one_fetch_in_thirty_seconds(
    wire: Wire, verifier: TokenVerifier, clock: Any, tmp_path: Path
) -> None:
    stranger = Issuer(URL, SigningKeys(tmp_path / "stranger", clock=clock), clock=clock)
    good, bad = _token(wire.issuer), _token(stranger)
    await verifier.verify(good, SYSTEM)
    fetched = wire.key_fetches
    clock.pass_seconds(30)

    refused = await asyncio.gather(*(verifier.verify(bad, SYSTEM) for _ in range(5000)), return_exceptions=True)
    clock.pass_seconds(29)
    refused += await asyncio.gather(*(verifier.verify(bad, SYSTEM) for _ in range(5000)), return_exceptions=True)

    reasons = {each.extensions["reason"] for each in refused if isinstance(each, Unauthenticated)}
    assert (len(refused), reasons) == (10_000, {"key"})
    assert wire.key_fetches == fetched + 1


async def test_an_outage_of_an_hour_is_not_noticed(wire: Wire, verifier: TokenVerifier, clock: Any) -> None:
    await verifier.verify(_token(wire.issuer), SYSTEM)
    wire.down = True
    fetched = len(wire.fetched)
    for _ in range(360):
        clock.pass_seconds(10)
        assert (await verifier.verify(_token(wire.issuer), SYSTEM)).subject == "ada"
    assert len(wire.fetched) - fetched <= 3600 / 30


@pytest.mark.parametrize(
    "body", [b"<html>", b"{}", b'{"keys":[]}', b'{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}', b"[" * 9999]
)
async def test_nonsense_instead_of_keys_does_not_replace_them(
    body: bytes, wire: Wire, verifier: TokenVerifier, clock: Any
) -> None:
    await verifier.verify(_token(wire.issuer), SYSTEM)
    wire.body = body
    clock.pass_seconds(120)
    assert (await verifier.verify(_token(wire.issuer), SYSTEM)).subject == "ada"


async def test_a_withdrawn_key_is_refused_within_a_minute_even_for_remembered_tokens(
    wire: Wire, verifier: TokenVerifier, clock: Any
) -> None:
    token = _token(wire.issuer)
    await verifier.verify(token, SYSTEM)
    wire.issuer.keys.withdraw(wire.issuer.keys.signing_key().kid)
    clock.pass_seconds(60)
    assert verifier.cached(token, SYSTEM) is None
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(token, SYSTEM)
    assert refused.value.extensions == {"reason": "key"}


async def test_rotation_under_load_refuses_no_good_token(wire: Wire, verifier: TokenVerifier, clock: Any) -> None:
    signed_by: set[str] = set()
    held: list[str] = []
    for second in range(0, 1500, 5):
        if second in (200, 700):
            wire.issuer.keys.rotate()
        held = [*held, _token(wire.issuer)][-110:]
        signed_by.add(wire.issuer.keys.signing_key().kid)
        for token in (held[0], held[len(held) // 2], held[-1]):
            if verifier.cached(token, SYSTEM) is None:
                await verifier.verify(token, SYSTEM)
        clock.pass_seconds(5)
        await asyncio.sleep(0)
    assert len(signed_by) == 3


async def test_refreshing_keeps_unchanged_keys_so_tokens_stay_remembered(
    wire: Wire, jwks: Jwks, verifier: TokenVerifier, clock: Any
) -> None:
    token = _token(wire.issuer)
    principal = await verifier.verify(token, SYSTEM)
    clock.pass_seconds(31)
    assert verifier.cached(token, SYSTEM) is principal
    await eventually(lambda: wire.key_fetches == 2)
    clock.pass_seconds(29)
    assert verifier.cached(token, SYSTEM) is principal
    await jwks.aclose()


async def test_closing_stops_a_refresh_under_way(wire: Wire, jwks: Jwks) -> None:
    asking = asyncio.create_task(jwks.find("any"))
    await asyncio.sleep(0)
    await jwks.aclose()
    assert wire.key_fetches == 0
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


def test_a_key_set_yields_only_keys_that_may_verify(issuer: Issuer) -> None:
    good = issuer.keys.jwks()["keys"][0]
    others = [{**good, "kid": "enc", "use": "enc"}, {"kty": "oct", "kid": "hmac", "k": "c2VjcmV0"}, {"kty": "?"}]
    assert list(read_jwks(msgspec.json.encode({"keys": [*others, good]}))) == [good["kid"]]


async def test_an_answer_without_end_is_cut_off(serving: Any, free_port: int) -> None:
    async def endless(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(20):
            await send({"type": "http.response.body", "body": b" " * 65_536, "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    http = HttpxOAuth()
    async with serving(endless, free_port):
        with pytest.raises(BackendUnavailable, match="larger"):
            await http.get(f"http://127.0.0.1:{free_port}/jwks")
    await http.aclose()


async def test_nobody_listening_is_unavailable_and_says_where(free_port: int) -> None:
    http = HttpxOAuth(timeout=1)
    with pytest.raises(BackendUnavailable, match=f"127.0.0.1:{free_port}"):
        await http.get(f"http://127.0.0.1:{free_port}/jwks?secret=x")
    await http.aclose()
