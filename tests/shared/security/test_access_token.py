"""Each attack is refused for its own reason, and the untampered token passes."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

from shared.binding.call_context import Actor
from shared.binding.problems import Unauthenticated
from shared.security.access_token import TokenVerifier, TrustedIssuer
from shared.security.jws import SigningKey, VerificationKey, encode_base64url

AUDIENCE = "urn:triptych:system:crm"
ISSUER = "https://issuer.triptych.example"


@cache
def _rsa_pair() -> dict[str, Any]:
    return RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 2048), as_dict=True)


class Forge:
    """A key source whose private keys the test holds, and tokens made of any header and claims."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.jwks: dict[str, dict[str, Any]] = {}
        self._add("es", ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True))
        self._add("ed", OKPAlgorithm.to_jwk(ed25519.Ed25519PrivateKey.generate(), as_dict=True))
        pair = _rsa_pair()
        self._add("rs", pair)
        self._add("ps", {**pair, "alg": "PS256"})
        self._add("unpublished", ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True))
        self.keys = {kid: VerificationKey.from_jwk(jwk) for kid, jwk in self.jwks.items() if kid != "unpublished"}

    def current(self, kid: str) -> VerificationKey | None:
        return self.keys.get(kid)

    async def find(self, kid: str) -> VerificationKey | None:
        return self.current(kid)

    def claims(self, **changes: Any) -> dict[str, Any]:
        whole = {
            "iss": ISSUER,
            "sub": "ada",
            "aud": AUDIENCE,
            "exp": self.now + 600,
            "iat": self.now,
            "jti": "1",
            "client_id": "mobile",
            "scope": "crm:read crm:write",
        }
        return {name: value for name, value in {**whole, **changes}.items() if value is not None}

    def token(self, kid: str = "es", typ: str = "at+jwt", **changes: Any) -> str:
        return SigningKey(self.jwks[kid]).sign(self.claims(**changes), typ=typ)

    def headed(self, by: str = "es", /, **header: Any) -> str:
        """A token whose signature is good and whose header is not ours."""
        key = SigningKey(self.jwks[by])
        whole = {"alg": key.algorithm, "typ": "at+jwt", "kid": by, **header}
        return self.signed(key, {name: value for name, value in whole.items() if value is not ...})

    def signed(self, key: SigningKey, header: dict[str, Any], payload: bytes | None = None) -> str:
        body = json.dumps(self.claims()).encode() if payload is None else payload
        signing_input = f"{encode_base64url(json.dumps(header).encode())}.{encode_base64url(body)}"
        return f"{signing_input}.{key.signature(signing_input)}"

    def payload(self, payload: bytes) -> str:
        return self.signed(SigningKey(self.jwks["es"]), {"alg": "ES256", "typ": "at+jwt", "kid": "es"}, payload)

    def hmac_with_public_key(self) -> str:
        """Key confusion: HS256 keyed with the public key everybody has."""
        public = json.dumps({k: v for k, v in self.jwks["es"].items() if k != "d"}).encode()
        header = encode_base64url(b'{"alg":"HS256","typ":"at+jwt","kid":"es"}')
        signing_input = f"{header}.{encode_base64url(json.dumps(self.claims()).encode())}"
        mark = hmac.new(public, signing_input.encode(), hashlib.sha256).digest()
        return f"{signing_input}.{encode_base64url(mark)}"

    def _add(self, kid: str, jwk: dict[str, Any]) -> None:
        self.jwks[kid] = {**jwk, "kid": kid, "use": "sig", "key_ops": ["sign", "verify"]}


@pytest.fixture
def forge(clock: Any) -> Forge:
    return Forge(clock.now)


@pytest.fixture
def verifier(forge: Forge, clock: Any) -> TokenVerifier:
    return TokenVerifier([TrustedIssuer(ISSUER, forge)], clock=clock)


def _with_part(token: str, index: int, change: Callable[[str], str]) -> str:
    parts = token.split(".")
    parts[index] = change(parts[index])
    return ".".join(parts)


def _with_claim(token: str, name: str, value: Any) -> str:
    def change(part: str) -> str:
        claims = json.loads(base64.urlsafe_b64decode(part + "=="))
        return encode_base64url(json.dumps({**claims, name: value}).encode())

    return _with_part(token, 1, change)


def _unused_bits(part: str) -> str:
    """Another spelling of the same octets: the last character's unused bits are set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return part[:-1] + alphabet[alphabet.index(part[-1]) + 1]


def _nested(depth: int) -> dict[str, Any] | None:
    return None if depth == 0 else {"sub": f"api-{depth}", "act": _nested(depth - 1)}


ATTACKS: dict[str, tuple[str, Callable[[Forge], str]]] = {
    # What is not a compact JWS, or not the only spelling of one.
    "empty": ("malformed", lambda _: ""),
    "two parts": ("malformed", lambda f: f.token().rpartition(".")[0]),
    "no signature": ("malformed", lambda f: f.token().rpartition(".")[0] + "."),
    "four parts": ("malformed", lambda f: f.token() + ".e30"),
    "five parts like a JWE": ("malformed", lambda f: f.token() + ".e30.e30"),
    "JSON serialization": ("malformed", lambda f: json.dumps({"payload": f.token()})),
    "padding": ("malformed", lambda f: f.token() + "=="),
    "trailing newline": ("malformed", lambda f: f.token() + "\n"),
    "space inside": ("malformed", lambda f: f.token().replace(".", " .", 1)),
    "standard base64": ("malformed", lambda f: _with_part(f.token(), 2, lambda s: "+/" + s[2:])),
    "not ASCII": ("malformed", lambda f: f.token() + "é"),
    "lone surrogate": ("malformed", lambda f: f.token() + "\ud800"),
    "unused bits in signature": ("malformed", lambda f: _with_part(f.token(), 2, _unused_bits)),
    "over 8 KB": ("malformed", lambda f: f.token(scope="x" * 8192)),
    "header not JSON": ("malformed", lambda f: _with_part(f.token(), 0, lambda _: encode_base64url(b"{"))),
    "header a list": ("malformed", lambda f: _with_part(f.token(), 0, lambda _: encode_base64url(b"[]"))),
    "header nested deeply": ("malformed", lambda f: _with_part(f.token(), 0, lambda _: encode_base64url(b"[" * 3000))),
    # The algorithm is the key's, not the token's.
    "alg none": ("algorithm", lambda f: f.headed(alg="none")),
    "alg None": ("algorithm", lambda f: f.headed(alg="None")),
    "alg nOnE": ("algorithm", lambda f: f.headed(alg="nOnE")),
    "alg empty": ("algorithm", lambda f: f.headed(alg="")),
    "alg HS256 keyed with the public key": ("algorithm", Forge.hmac_with_public_key),
    "alg missing": ("malformed", lambda f: f.headed(alg=...)),
    "RS256 by a key pinned to PS256": ("algorithm", lambda f: f.headed("rs", kid="ps")),
    "PS256 by a key pinned to RS256": ("algorithm", lambda f: f.headed("ps", kid="rs")),
    "EdDSA under the kid of an EC key": ("algorithm", lambda f: f.headed("ed", kid="es")),
    # The header may not bring or fetch keys, nor change what is signed.
    "embedded jwk": ("header", lambda f: f.headed(jwk={"kty": "EC"})),
    "jku": ("header", lambda f: f.headed(jku="https://attacker.example/jwks")),
    "x5u": ("header", lambda f: f.headed(x5u="https://attacker.example/x5u")),
    "x5c": ("header", lambda f: f.headed(x5c=["MIIB"])),
    "crit unknown": ("header", lambda f: f.headed(crit=["exp"])),
    "crit b64": ("header", lambda f: f.headed(crit=["b64"], b64=False)),
    "crit null": ("header", lambda f: f.headed(crit=None)),
    # Only access tokens.
    "ID token": ("type", lambda f: f.token(typ="JWT")),
    "typ missing": ("type", lambda f: f.headed(typ=...)),
    "typ of another kind": ("type", lambda f: f.token(typ="logout+jwt")),
    "typ in capitals": ("type", lambda f: f.token(typ="AT+JWT")),
    # Only the issuer's own keys.
    "kid missing": ("key", lambda f: f.headed(kid=...)),
    "kid unknown": ("key", lambda f: f.headed(kid="unheard-of")),
    "kid a path": ("key", lambda f: f.headed(kid="../../../../dev/null")),
    "kid SQL": ("key", lambda f: f.headed(kid="x' UNION SELECT 'secret")),
    "issuer unknown": ("issuer", lambda f: f.token(iss="https://attacker.example")),
    "issuer with a slash more": ("issuer", lambda f: f.token(iss=ISSUER + "/")),
    "issuer missing": ("issuer", lambda f: f.token(iss=None)),
    "payload not JSON": ("issuer", lambda f: f.payload(b"hello")),
    "payload nested deeply": ("issuer", lambda f: f.payload(b'{"iss":' + b"[" * 5000)),
    # The signature covers everything.
    "signed by another key": ("signature", lambda f: f.headed("unpublished", kid="es")),
    "subject changed": ("signature", lambda f: _with_claim(f.token(), "sub", "admin")),
    "scope widened": ("signature", lambda f: _with_claim(f.token(), "scope", "crm:admin")),
    "expiry extended": ("signature", lambda f: _with_claim(f.token(exp=f.now - 90), "exp", f.now + 600)),
    "signature of zeros": ("signature", lambda f: _with_part(f.token(), 2, lambda _: "A" * 86)),
    "signature cut": ("signature", lambda f: _with_part(f.token(), 2, lambda s: s[:-4] + "A" * 2)),
    "signature of another token": ("signature", lambda f: _with_part(f.token(), 2, lambda _: f.token(jti="2")[-86:])),
    # The claims RFC 9068 asks for.
    "sub missing": ("claims", lambda f: f.token(sub=None)),
    "aud missing": ("claims", lambda f: f.token(aud=None)),
    "exp missing": ("claims", lambda f: f.token(exp=None)),
    "iat missing": ("claims", lambda f: f.token(iat=None)),
    "jti missing": ("claims", lambda f: f.token(jti=None)),
    "client_id missing": ("claims", lambda f: f.token(client_id=None)),
    "sub empty": ("claims", lambda f: f.token(sub="")),
    "exp a string": ("claims", lambda f: f.token(exp="9999999999")),
    "exp infinite": ("claims", lambda f: f.payload(json.dumps(f.claims()).replace(str(f.now + 600), "1e999").encode())),
    "scope a list": ("claims", lambda f: f.token(scope=["crm:read"])),
    "audience of another API": ("audience", lambda f: f.token(aud="urn:triptych:experience:field-sales")),
    "audience a prefix": ("audience", lambda f: f.token(aud=AUDIENCE + "x")),
    "audience an empty list": ("audience", lambda f: f.token(aud=[])),
    "expired 61 s ago": ("expired", lambda f: f.token(exp=f.now - 61)),
    "issued 61 s ahead": ("not-yet-valid", lambda f: f.token(iat=f.now + 61)),
    "valid 61 s from now": ("not-yet-valid", lambda f: f.token(nbf=f.now + 61)),
    "four APIs on the way": ("actor", lambda f: f.token(act=_nested(4))),
    "act without sub": ("claims", lambda f: f.token(act={"client_id": "x"})),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_is_refused_for_its_own_reason(attack: str, forge: Forge, verifier: TokenVerifier) -> None:
    reason, forged = ATTACKS[attack]
    token = forged(forge)

    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(token, AUDIENCE)

    assert refused.value.extensions == {"reason": reason}
    assert refused.value.detail.endswith(".")
    assert not token or token not in refused.value.detail
    assert verifier.cached(token, AUDIENCE) is None


@pytest.mark.parametrize("kid", ["es", "ed", "rs", "ps"])
@pytest.mark.parametrize("typ", ["at+jwt", "application/at+jwt"])
async def test_the_untampered_token_passes(kid: str, typ: str, forge: Forge, verifier: TokenVerifier) -> None:
    token = forge.token(kid, typ, tier="gold", tenant="acme", act={"sub": "b", "act": {"sub": "a"}})

    principal = await verifier.verify(token, AUDIENCE)

    assert (principal.subject, principal.client_id, principal.audience) == ("ada", "mobile", AUDIENCE)
    assert principal.scopes == {"crm:read", "crm:write"}
    assert (principal.tier, principal.tenant) == ("gold", "acme")
    assert principal.actor == Actor("b", Actor("a"))
    assert principal.token_digest == hashlib.sha256(token.encode()).hexdigest()
    assert verifier.cached(token, AUDIENCE) is principal
    assert verifier.token_of(principal) == token


@pytest.mark.parametrize(
    "changes",
    [{"exp": -59}, {"iat": 59}, {"nbf": 59}],
    ids=["expired 59 s ago", "issued 59 s ahead", "valid 59 s from now"],
)
async def test_clocks_may_differ_by_a_minute(changes: dict[str, int], forge: Forge, verifier: TokenVerifier) -> None:
    moved: dict[str, Any] = {name: forge.now + offset for name, offset in changes.items()}
    token = forge.token(**moved)
    assert (await verifier.verify(token, AUDIENCE)).subject == "ada"


async def test_tier_and_tenant_and_scope_are_optional(forge: Forge, verifier: TokenVerifier) -> None:
    principal = await verifier.verify(forge.token(scope=None), AUDIENCE)
    assert (principal.tier, principal.tenant, principal.scopes) == ("standard", None, frozenset())


async def test_a_token_for_two_apis_is_remembered_for_each_and_for_no_third(
    forge: Forge, verifier: TokenVerifier
) -> None:
    token = forge.token(aud=[AUDIENCE, "urn:b"])
    first, second = await verifier.verify(token, AUDIENCE), await verifier.verify(token, "urn:b")
    assert (first.audience, second.audience) == (AUDIENCE, "urn:b")
    assert verifier.cached(token, AUDIENCE) is first
    assert verifier.cached(token, "urn:c") is None


async def test_a_remembered_token_still_expires(forge: Forge, verifier: TokenVerifier, clock: Any) -> None:
    token = forge.token()
    await verifier.verify(token, AUDIENCE)
    clock.pass_seconds(661)
    assert verifier.cached(token, AUDIENCE) is None
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(token, AUDIENCE)
    assert refused.value.extensions == {"reason": "expired"}


async def test_a_remembered_token_falls_with_its_key(forge: Forge, verifier: TokenVerifier) -> None:
    token = forge.token()
    await verifier.verify(token, AUDIENCE)
    del forge.keys["es"]
    assert verifier.cached(token, AUDIENCE) is None
    with pytest.raises(Unauthenticated) as refused:
        await verifier.verify(token, AUDIENCE)
    assert refused.value.extensions == {"reason": "key"}


async def test_another_issuers_keys_do_not_verify(forge: Forge, clock: Any) -> None:
    stranger = Forge(clock.now)
    issuers = [TrustedIssuer(ISSUER, forge), TrustedIssuer("https://stranger.example", stranger)]
    with pytest.raises(Unauthenticated) as refused:
        await TokenVerifier(issuers, clock=clock).verify(stranger.token(), AUDIENCE)
    assert refused.value.extensions == {"reason": "signature"}


async def test_subjects_of_two_issuers_never_meet(forge: Forge, clock: Any) -> None:
    other = TrustedIssuer("https://other.example", forge, subject_prefix="other|")
    verifier = TokenVerifier([TrustedIssuer(ISSUER, forge), other], clock=clock)
    ours = await verifier.verify(forge.token(), AUDIENCE)
    theirs = await verifier.verify(forge.token(iss="https://other.example"), AUDIENCE)
    assert (ours.subject, theirs.subject) == ("ada", "other|ada")


async def test_the_memory_of_tokens_is_bounded(forge: Forge, clock: Any) -> None:
    verifier = TokenVerifier([TrustedIssuer(ISSUER, forge)], clock=clock, max_cached=10)
    tokens = [forge.token(jti=str(number)) for number in range(25)]
    principals = [await verifier.verify(token, AUDIENCE) for token in tokens]
    assert [verifier.cached(token, AUDIENCE) is not None for token in tokens] == [False] * 15 + [True] * 10
    assert verifier.token_of(principals[0]) is None


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"use": "enc"}, "use"),
        ({"key_ops": ["encrypt"]}, "key_ops"),
        ({"alg": "HS256"}, "alg"),
        ({"alg": "ES384"}, "alg"),
        ({"crv": "secp256k1"}, "type"),
        ({"kty": "oct", "k": "c2VjcmV0"}, "type"),
        ({"kid": ""}, "kid"),
        ({"x": "AAAA"}, "readable"),
    ],
)
def test_a_key_not_made_for_signatures_is_refused(change: dict[str, Any], why: str, forge: Forge) -> None:
    with pytest.raises(ValueError, match=why):
        VerificationKey.from_jwk({**forge.jwks["es"], **change})


def test_a_short_rsa_key_is_refused() -> None:
    short = RSAAlgorithm.to_jwk(rsa.generate_private_key(65537, 1024), as_dict=True)
    with pytest.raises(ValueError, match="2048"):
        VerificationKey.from_jwk({**short, "kid": "short", "key_ops": ["verify"]})


async def test_a_remembered_token_costs_microseconds(forge: Forge, verifier: TokenVerifier) -> None:
    token = forge.token()
    started = time.perf_counter()
    await verifier.verify(token, AUDIENCE)
    first = time.perf_counter() - started
    best = min(_seconds_per_call(lambda: verifier.cached(token, AUDIENCE)) for _ in range(5))
    assert best < first / 5
    print(f"\nfirst {first * 1e6:.0f} µs, remembered {best * 1e6:.2f} µs")


def _seconds_per_call(call: Callable[[], object], times: int = 2000) -> float:
    started = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - started) / times
