"""Tokens for the service account (RFC 7523; developers.google.com/identity/protocols/oauth2/service-account)."""

import json
import os
import secrets
from base64 import urlsafe_b64decode
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from sandboxes.google_sheets.refusals import Refusal
from sandboxes.google_sheets.seed import CLIENT_EMAIL
from sandboxes.kit import Clock, Request, Response

AUDIENCE = "https://oauth2.googleapis.com/token"
SCOPES = frozenset({"https://www.googleapis.com/auth/spreadsheets", "https://www.googleapis.com/auth/drive"})
_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_KEY_VARIABLE = "SANDBOX_GOOGLE_SHEETS_PUBLIC_KEY_FILE"
_SECONDS, _SKEW = 3599, 300


@cache
def development_key() -> RSAPrivateKey:
    """The account's key where no file names one: made once per process."""
    return generate_private_key(65_537, 2_048)


class SignIn:
    """Hands out tokens and knows them again."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tokens: dict[str, float] = {}

    def grant(self, request: Request) -> Response:
        """`POST /token`."""
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        if form.get("grant_type") != _GRANT:
            return _refused("unsupported_grant_type", "Invalid grant_type")
        claims = _verified(form.get("assertion", ""))
        if claims is None:
            return _refused("invalid_grant", "Invalid JWT Signature.")
        if claims.get("iss") != CLIENT_EMAIL:
            return _refused("invalid_grant", "Invalid grant: account not found")
        now, issued, ends = self._clock.timestamp(), claims.get("iat"), claims.get("exp")
        timely = isinstance(issued, int) and isinstance(ends, int) and issued - _SKEW <= now < ends <= issued + 3600
        if claims.get("aud") != AUDIENCE or not timely:
            return _refused("invalid_grant", "Invalid JWT: Token must be a short-lived token (60 minutes)")
        if not SCOPES & set(str(claims.get("scope", "")).split()):
            return _refused("invalid_scope", "Invalid OAuth scope or ID token audience provided.")
        token = f"ya29.c.{secrets.token_urlsafe(32)}"
        self._tokens[token] = now + _SECONDS
        return Response({"access_token": token, "expires_in": _SECONDS, "token_type": "Bearer"})

    def check(self, request: Request) -> None:
        """Refuse a request without a token that is good."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or self._tokens.get(token, 0.0) <= self._clock.timestamp():
            raise Refusal(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")

    def expire(self, _: dict[str, Any]) -> dict[str, int]:
        """The control `expire-tokens`."""
        ended = len(self._tokens)
        self._tokens.clear()
        return {"ended": ended}


def _verified(assertion: str) -> dict[str, Any] | None:
    """The claims of a JWT that the account's key signed with RS256."""
    signed, _, signature = assertion.rpartition(".")
    try:
        header, claims = (json.loads(_decoded(part)) for part in signed.split("."))
        if header["alg"] != "RS256":
            return None
        _public_key().verify(_decoded(signature), signed.encode(), PKCS1v15(), SHA256())
    except (ValueError, KeyError, TypeError, InvalidSignature):
        return None
    return cast(dict[str, Any], claims) if isinstance(claims, dict) else None


def _decoded(part: str) -> bytes:
    return urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _public_key() -> RSAPublicKey:
    file = os.environ.get(_KEY_VARIABLE)
    if file is None:
        return development_key().public_key()
    return cast(RSAPublicKey, load_pem_public_key(Path(file).read_bytes()))


def _refused(error: str, description: str) -> Response:
    return Response({"error": error, "error_description": description}, 400)
