"""Compact JWS, strictly: one signature, one asymmetric algorithm per key, nothing on the token's word.

The primitives are PyJWT's; the envelope is ours, because PyJWT accepts non-canonical base64url and ignores
a key's `use` and `key_ops` (RFC 7515, RFC 7517 §4.2-4.3, RFC 8725 §3.1-3.5).
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

import jwt
import msgspec

MAX_TOKEN_BYTES = 8192
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")
_MIN_RSA_BITS = 2048
_ALGORITHMS: dict[tuple[str, str | None], tuple[str, ...]] = {
    ("RSA", None): ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("EC", "P-521"): ("ES512",),
    ("OKP", "Ed25519"): ("EdDSA",),
}
"""What a key of this type and curve may sign with; the first is meant when its JWK names no `alg`."""

ALGORITHMS = frozenset(name for names in _ALGORITHMS.values() for name in names)


class TokenRefusedError(ValueError):
    """A token that cannot be trusted.

    Attributes:
        reason: A stable code for programs, e.g. `signature`.
        detail: A sentence for people: what was wrong and what to do. Never holds the token.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class UnusableKeyError(ValueError):
    """A JWK that must not verify or sign tokens; the text says why."""


class JoseHeader(msgspec.Struct, frozen=True):
    """The protected header. What could point at keys or change the meaning of the rest is only looked for."""

    alg: str
    kid: str | None = None
    typ: str | None = None
    crit: Any = msgspec.UNSET
    jku: Any = msgspec.UNSET
    jwk: Any = msgspec.UNSET
    x5u: Any = msgspec.UNSET
    x5c: Any = msgspec.UNSET


class Jws(msgspec.Struct, frozen=True):
    """A well-formed compact JWS whose signature is **not** verified yet."""

    header: JoseHeader
    payload: bytes
    signing_input: bytes
    signature: bytes


def encode_base64url(octets: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def decode_base64url(text: str) -> bytes:
    """The octets of canonical, unpadded base64url; raises ValueError for any other spelling of them."""
    octets = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode_base64url(octets) != text:
        raise ValueError("not canonical base64url")
    return octets


def parse_compact(token: str) -> Jws:
    """Take a compact JWS apart without trusting it.

    Raises:
        TokenRefusedError: `malformed`, `algorithm` (none, HMAC) or `header` (crit, jku, jwk, x5u, x5c).
    """
    if len(token) > MAX_TOKEN_BYTES:
        raise TokenRefusedError("malformed", f"The token exceeds {MAX_TOKEN_BYTES} bytes; ask for fewer scopes.")
    if _COMPACT.fullmatch(token) is None:
        raise TokenRefusedError("malformed", "The token is not a signed compact JWT; send it unchanged.")
    signing_input, _, signature = token.rpartition(".")
    protected, _, payload = signing_input.partition(".")
    try:
        header = _header_decoder.decode(decode_base64url(protected))
        claims, mark = decode_base64url(payload), decode_base64url(signature)
    except (ValueError, RecursionError):
        raise TokenRefusedError(
            "malformed", "The token is not canonical base64url around a JSON header; send it unchanged."
        ) from None
    _refuse_header(header)
    return Jws(header, claims, signing_input.encode("ascii"), mark)


def _refuse_header(header: JoseHeader) -> None:
    if header.alg not in ALGORITHMS:
        raise TokenRefusedError(
            "algorithm", "The token must be signed with an asymmetric algorithm (RS, PS, ES or EdDSA)."
        )
    for name in ("crit", "jku", "jwk", "x5u", "x5c"):
        if getattr(header, name) is not msgspec.UNSET:
            raise TokenRefusedError(
                "header", f"The token header `{name}` is not accepted; keys come from the issuer's JWKS only."
            )


class VerificationKey:
    """A public key bound to one algorithm. Build it with `from_jwk`."""

    __slots__ = ("_key", "_primitive", "algorithm", "kid")

    def __init__(self, kid: str, algorithm: str, key: jwt.PyJWK) -> None:
        self.kid = kid
        self.algorithm = algorithm
        self._key: Any = key.key
        self._primitive = key.Algorithm

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, Any]) -> "VerificationKey":
        """Read a public JWK (RFC 7517); raises UnusableKeyError for any that must not verify tokens."""
        kid = jwk.get("kid")
        if not isinstance(kid, str) or not kid:
            raise UnusableKeyError("the key has no `kid`")
        if jwk.get("use", "sig") != "sig":
            raise UnusableKeyError(f"key {kid}: `use` is not `sig`")
        if "verify" not in jwk.get("key_ops", ("verify",)):
            raise UnusableKeyError(f"key {kid}: `key_ops` does not include `verify`")
        algorithm = _pinned_algorithm(jwk, kid)
        public = {name: value for name, value in jwk.items() if name not in _PRIVATE_MEMBERS}
        return cls(kid, algorithm, _load(public, algorithm, kid))

    def same_as(self, other: "VerificationKey") -> bool:
        """Whether the other is the same public key under the same algorithm."""
        return self.algorithm == other.algorithm and bool(self._key == other._key)  # noqa: SLF001 - its own kind

    def verify(self, jws: Jws) -> None:
        """Raise TokenRefusedError unless this key made the signature with the algorithm it is pinned to."""
        if jws.header.alg != self.algorithm:
            raise TokenRefusedError(
                "algorithm", "The token names another algorithm than its key is pinned to; get a new token."
            )
        if not self._primitive.verify(jws.signing_input, self._key, jws.signature):
            raise TokenRefusedError("signature", "The token's signature does not match; send it unchanged.")


class SigningKey:
    """A private key bound to one algorithm, from a private JWK."""

    __slots__ = ("_key", "_primitive", "algorithm", "kid")

    def __init__(self, jwk: Mapping[str, Any]) -> None:
        kid = str(jwk.get("kid", ""))
        self.kid = kid
        self.algorithm = _pinned_algorithm(jwk, kid)
        loaded = _load(jwk, self.algorithm, kid)
        self._key: Any = loaded.key
        self._primitive = loaded.Algorithm
        if not hasattr(self._key, "sign"):
            raise UnusableKeyError(f"key {kid}: signing needs a private key")

    def __repr__(self) -> str:
        return f"SigningKey(kid={self.kid!r}, algorithm={self.algorithm!r})"

    def sign(self, claims: Mapping[str, Any], *, typ: str) -> str:
        """The compact JWS over `claims` with header `typ`."""
        header = msgspec.json.encode({"alg": self.algorithm, "typ": typ, "kid": self.kid})
        signing_input = f"{encode_base64url(header)}.{encode_base64url(msgspec.json.encode(claims))}"
        return f"{signing_input}.{self.signature(signing_input)}"

    def signature(self, signing_input: str) -> str:
        """The base64url signature over an encoded header and payload (RFC 7515 §5.1)."""
        return encode_base64url(self._primitive.sign(signing_input.encode("ascii"), self._key))


_PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_header_decoder = msgspec.json.Decoder(JoseHeader)


def _pinned_algorithm(jwk: Mapping[str, Any], kid: str) -> str:
    kind, curve = jwk.get("kty"), jwk.get("crv")
    allowed = _ALGORITHMS.get((str(kind), None if kind == "RSA" else str(curve)))
    if allowed is None:
        raise UnusableKeyError(f"key {kid}: type {kind}/{curve} is not accepted; use RSA, EC or Ed25519")
    algorithm = jwk.get("alg", allowed[0])
    if algorithm not in allowed:
        raise UnusableKeyError(f"key {kid}: `alg` {algorithm} does not fit its type")
    return str(algorithm)


def _load(jwk: Mapping[str, Any], algorithm: str, kid: str) -> jwt.PyJWK:
    try:
        loaded = jwt.PyJWK(dict(jwk), algorithm)
    except (jwt.PyJWTError, ValueError, TypeError, KeyError) as error:
        raise UnusableKeyError(f"key {kid}: not a readable JWK ({type(error).__name__})") from None
    if jwk.get("kty") == "RSA" and loaded.key.key_size < _MIN_RSA_BITS:
        raise UnusableKeyError(f"key {kid}: RSA keys need at least {_MIN_RSA_BITS} bits")
    return loaded
