"""Checks JWT bearer assertions (RFC 7523) as leniently as the org does, for the clients there are."""

import binascii
from base64 import urlsafe_b64decode
from typing import Any

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

_MILLISECONDS_FROM = 100_000_000_000  # no expiry in seconds is this large
AUDIENCES = frozenset({"https://login.salesforce.com", "https://test.salesforce.com"})


class OAuthError(Exception):
    """A refusal of the token endpoint: an object, not an array."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error, self.description, self.status = error, description, status


class Assertion(msgspec.Struct):
    """An assertion that was taken apart but not believed yet."""

    client_id: str
    username: str
    audience: str
    expires_at: float
    signed: bytes
    signature: bytes


def read_assertion(assertion: str) -> Assertion:
    """Take an assertion apart; OAuthError `invalid assertion` when it is not RS256 or not a JWT.

    Padding, string or millisecond `exp`, a trailing slash of `aud` and the legacy `prn` are all accepted.
    """
    pieces = assertion.strip().split(".")
    if len(pieces) != 3:  # noqa: PLR2004 - header, claims, signature
        raise OAuthError("invalid_grant", "invalid assertion")
    header, claims = _json(pieces[0]), _json(pieces[1])
    audience: Any = claims.get("aud")
    if header.get("alg") != "RS256" or not isinstance(audience, str):
        raise OAuthError("invalid_grant", "invalid assertion")
    return Assertion(
        client_id=str(claims.get("iss", "")),
        username=str(claims.get("prn") or claims.get("sub") or ""),
        audience=audience.rstrip("/"),
        expires_at=_seconds(claims.get("exp")),
        signed=f"{pieces[0]}.{pieces[1]}".encode(),
        signature=_decoded(pieces[2]),
    )


def verified(assertion: Assertion, keys: list[RSAPublicKey]) -> bool:
    """Whether one of the keys signed it."""
    return any(_signed_by(assertion, key) for key in keys)


def _signed_by(assertion: Assertion, key: RSAPublicKey) -> bool:
    try:
        key.verify(assertion.signature, assertion.signed, PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _seconds(exp: Any) -> float:
    try:
        seconds = float(exp)
    except (TypeError, ValueError):
        raise OAuthError("invalid_grant", "invalid assertion") from None
    return seconds / 1000 if seconds > _MILLISECONDS_FROM else seconds


def _json(piece: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(_decoded(piece), type=dict[str, Any])
    except msgspec.MsgspecError:
        raise OAuthError("invalid_grant", "invalid assertion") from None


def _decoded(piece: str) -> bytes:
    bare = piece.rstrip("=")
    try:
        return urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except (binascii.Error, ValueError):
        raise OAuthError("invalid_grant", "invalid assertion") from None
