"""Who may log on: one user by Basic, by the tokens Fusion relays, and by those of OCI IAM (identity domain).

Source: RFC 7523 (assertions as grants). The public half of the client's key comes from the file that
SANDBOX_ORACLE_PUBLIC_KEY_FILE names, read when the first assertion comes; without it there is `development_key`.
"""

import base64
import binascii
import hmac
import json
import os
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import cache
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from sandboxes.kit import Clock, Request, Response

USER = "TRIPTYCH"
CLIENT_ID, KEY_ID = "triptych-client", "triptych"
SCOPE = "urn:opc:resource:fusion:sandbox:fscm"
AUDIENCES = frozenset({"oauth.idm.oracle.com", "https://identity.oraclecloud.com/"})
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
CLIENT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_SECONDS = 3600
_RELAYED_SECONDS = 14_400
_PASSWORD_VARIABLE = "SANDBOX_ORACLE_PASSWORD"  # noqa: S105 - the name of a variable
_SECRET_VARIABLE = "SANDBOX_ORACLE_CLIENT_SECRET"  # noqa: S105 - the name of a variable
_KEY_VARIABLE = "SANDBOX_ORACLE_PUBLIC_KEY_FILE"


@cache
def development_key() -> RSAPrivateKey:
    """The client's key where no file names one: made once per process."""
    return generate_private_key(65_537, 2_048)


class Identity:
    """Logs on, and hands out tokens.

    Args:
        clock: For the lifetime of tokens.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._password = os.environ.get(_PASSWORD_VARIABLE, "sandbox-only")
        self._client_secret = os.environ.get(_SECRET_VARIABLE, "sandbox-only")
        self._key = secrets.token_bytes(32)

    def user_of(self, request: Request) -> str | None:
        """Who a request is from, or None."""
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        match scheme.lower():
            case "basic":
                return USER if self._right(_basic(credentials)) else None
            case "bearer":
                return self._bearer(credentials.strip())
            case _:
                return None

    def relay(self, user: str) -> Response:
        """`GET /fscmRestApi/tokenrelay`: a token for whoever is logged on."""
        token = self._token(user, _RELAYED_SECONDS)
        relayed = {"principal": user, "expires_in": _RELAYED_SECONDS, "token_type": "JWT", "access_token": token}
        return Response(relayed)

    def grant(self, request: Request) -> Response:
        """`POST /oauth2/v1/token`: a token for an assertion of the client's."""
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        if not self._is_client(request, form):
            return _refused("invalid_client", "Client authentication failed.", 401)
        if form.get("grant_type") != JWT_BEARER:
            return _refused("unsupported_grant_type", "The grant type is not supported.")
        if form.get("scope") != SCOPE:
            return _refused("invalid_scope", "The scope is not one of the resource's.")
        claims = _verified(form.get("assertion", ""))
        if claims is None or claims.get("iss") != CLIENT_ID:
            return _refused("invalid_grant", "The assertion is not signed by a known client.")
        if not AUDIENCES & _audiences(claims) or not self._timely(claims) or not claims.get("jti"):
            return _refused("invalid_grant", "The assertion is not for this server, is over, or has no jti.")
        if str(claims.get("sub", "")).upper() != USER or str(claims.get("prn", USER)).upper() != USER:
            return _refused("invalid_grant", "The user is unknown.")
        token = self._token(USER, TOKEN_SECONDS)
        return Response({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_SECONDS})

    def expire(self) -> float:
        """End every token handed out; returns the moment."""
        self._key = secrets.token_bytes(32)
        return self._clock.timestamp()

    def _is_client(self, request: Request, form: dict[str, str]) -> bool:
        """The client's secret, or an assertion about itself."""
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            client, secret = _basic(credentials)
            right = hmac.compare_digest(secret.encode(), self._client_secret.encode())
            return client == CLIENT_ID and right
        claims = _verified(form.get("client_assertion", ""))
        if claims is None or form.get("client_assertion_type") != CLIENT_ASSERTION:
            return False
        return claims.get("iss") == claims.get("sub") == CLIENT_ID and self._timely(claims)

    def _timely(self, claims: dict[str, Any]) -> bool:
        now, issued, ends = self._clock.timestamp(), claims.get("iat"), claims.get("exp")
        return isinstance(issued, int) and isinstance(ends, int) and issued <= now + 60 and ends > now

    def _right(self, sent: tuple[str, str]) -> bool:
        user, password = sent
        return user.upper() == USER and hmac.compare_digest(password.encode(), self._password.encode())

    def _token(self, user: str, seconds: int) -> str:
        claims: dict[str, object] = {
            "sub": user,
            "exp": int(self._clock.timestamp()) + seconds,
            "jti": secrets.token_hex(8),
        }
        signed = f"{_encoded({'alg': 'HS256', 'typ': 'JWT'})}.{_encoded(claims)}"
        return f"{signed}.{self._signature(signed)}"

    def _signature(self, signed: str) -> str:
        return urlsafe_b64encode(hmac.digest(self._key, signed.encode(), "sha256")).decode().rstrip("=")

    def _bearer(self, token: str) -> str | None:
        signed, _, signature = token.rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(signed).encode()):
            return None
        claims = _decoded(signed.partition(".")[2])
        return str(claims["sub"]) if claims["exp"] > self._clock.timestamp() else None


def _verified(assertion: str) -> dict[str, Any] | None:
    """The claims of an assertion that our client signed (RS256)."""
    head, _, rest = assertion.partition(".")
    body, _, signature = rest.partition(".")
    try:
        header, claims = _decoded(head), _decoded(body)
        if header.get("alg") != "RS256" or not (header.get("kid") or header.get("x5t")):
            return None
        _public_key().verify(_bytes(signature), f"{head}.{body}".encode(), PKCS1v15(), SHA256())
    except (ValueError, InvalidSignature):
        return None
    return claims


def _public_key() -> RSAPublicKey:
    file = os.environ.get(_KEY_VARIABLE)
    if not file:
        return development_key().public_key()
    return cast("RSAPublicKey", load_pem_public_key(Path(file).read_bytes()))


def _audiences(claims: dict[str, Any]) -> set[str]:
    audience = claims.get("aud")
    return {audience} if isinstance(audience, str) else set(cast("list[str]", audience or []))


def _basic(encoded: str) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


def _encoded(piece: dict[str, object]) -> str:
    return urlsafe_b64encode(json.dumps(piece).encode()).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _decoded(text: str) -> dict[str, Any]:
    found: object = json.loads(_bytes(text))
    if not isinstance(found, dict):
        raise ValueError(text)  # noqa: TRY004 - what cannot be decoded is one kind of wrong
    return cast("dict[str, Any]", found)


def _refused(error: str, description: str, status: int = 400) -> Response:
    return Response({"error": error, "error_description": description}, status)
