"""OAuth 2.0 client credentials with a certificate ("machine to machine"): assertions in, bearer tokens out."""

import binascii
import hashlib
import secrets
import sqlite3
from base64 import urlsafe_b64decode
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512, HashAlgorithm

from sandboxes.kit import Clock, Request, Response
from sandboxes.netsuite.auth.credentials import CLIENT_ID, Credentials, PublicKey

TOKEN_PATH = "/services/rest/auth/oauth2/v1/token"  # noqa: S105 - a path
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SCOPES = frozenset({"rest_webservices", "restlets", "suite_analytics"})
LIFETIME_SECONDS = 3600
_LONGEST_SECONDS = 3600
_HASHES: dict[str, HashAlgorithm] = {"256": SHA256(), "384": SHA384(), "512": SHA512()}

SCHEMA = """
CREATE TABLE access_token (digest TEXT PRIMARY KEY, scopes TEXT NOT NULL, expires REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE assertion (id TEXT PRIMARY KEY, expires REAL NOT NULL) WITHOUT ROWID;
"""


class _UnauthorizedError(Exception):
    """The token endpoint refuses; the reason is for the audit trail, the client reads the error only."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class TokenEndpoint:
    """Issues bearer tokens and knows those that count."""

    def __init__(self, connection: sqlite3.Connection, credentials: Credentials, clock: Clock) -> None:
        self._connection, self._credentials, self._clock = connection, credentials, clock

    def answer(self, request: Request) -> Response:
        """`POST` with grant_type, client_assertion_type and client_assertion."""
        form = dict(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
        try:
            scopes = self._scopes(form, f"{_origin(request)}{TOKEN_PATH}")
        except _UnauthorizedError as refused:
            return Response({"error": refused.error}, 401 if refused.error == "invalid_client" else 400)
        token = secrets.token_urlsafe(48)
        expires = self._clock.timestamp() + LIFETIME_SECONDS
        self._connection.execute(
            "INSERT INTO access_token VALUES (?, ?, ?)", (_digest(token), " ".join(scopes), expires)
        )
        issued = {"access_token": token, "expires_in": str(LIFETIME_SECONDS), "token_type": "bearer"}
        return Response(issued, headers={"cache-control": "no-store"})

    def scopes_of(self, token: str) -> frozenset[str]:
        """What a bearer token is good for; nothing when it is unknown or expired."""
        found = self._connection.execute(
            "SELECT scopes FROM access_token WHERE digest = ? AND expires > ?",
            (_digest(token), self._clock.timestamp()),
        ).fetchone()
        return frozenset(found[0].split()) if found else frozenset()

    def expire(self) -> int:
        """End every token; returns how many there were."""
        return self._connection.execute("DELETE FROM access_token").rowcount

    def _scopes(self, form: dict[str, str], audience: str) -> list[str]:
        if form.get("grant_type") != "client_credentials":
            raise _UnauthorizedError("unsupported_grant_type")
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            raise _UnauthorizedError("invalid_request")
        header, claims = _verified(form.get("client_assertion", ""), self._credentials)
        now = self._clock.timestamp()
        issued, expires = claims.get("iat"), claims.get("exp")
        if (
            not isinstance(issued, int)
            or not isinstance(expires, int)
            or not now < expires <= issued + _LONGEST_SECONDS
        ):
            raise _UnauthorizedError("invalid_client")
        audiences: Any = claims.get("aud")
        if claims.get("iss") != CLIENT_ID or audience not in (
            audiences if isinstance(audiences, list) else [audiences]
        ):
            raise _UnauthorizedError("invalid_client")
        wanted: Any = claims.get("scope")
        scopes = wanted.split(",") if isinstance(wanted, str) else wanted
        if not isinstance(scopes, list) or not scopes or not SCOPES.issuperset(scopes):  # pyright: ignore[reportUnknownArgumentType]
            raise _UnauthorizedError("invalid_scope")
        if key := claims.get("jti"):
            self._once(f"{header['kid']}/{key}", expires)
        return [str(one) for one in scopes]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]

    def _once(self, key: str, expires: float) -> None:
        added = self._connection.execute("INSERT OR IGNORE INTO assertion VALUES (?, ?)", (key, expires))
        if added.rowcount != 1:
            raise _UnauthorizedError("invalid_client")


def _verified(assertion: str, credentials: Credentials) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of an assertion that one of the certificates signed."""
    pieces = assertion.split(".")
    if len(pieces) != 3:  # noqa: PLR2004 - header, claims, signature
        raise _UnauthorizedError("invalid_client")
    try:
        header, claims = (msgspec.json.decode(_decoded(piece), type=dict[str, Any]) for piece in pieces[:2])
        signature = _decoded(pieces[2])
    except (ValueError, msgspec.MsgspecError, binascii.Error):
        raise _UnauthorizedError("invalid_client") from None
    key = credentials.certificate(str(header.get("kid", "")))
    signed = f"{pieces[0]}.{pieces[1]}".encode()
    if key is None or not _signed(key, str(header.get("alg", "")), signed, signature):
        raise _UnauthorizedError("invalid_client")
    return header, claims


def _signed(key: PublicKey, algorithm: str, signed: bytes, signature: bytes) -> bool:
    """PS256, PS384, PS512 and ES256, ES384, ES512 count; RS256 does not any more."""
    family, size = algorithm[:2], _HASHES.get(algorithm[2:])
    if size is None:
        return False
    try:
        if family == "PS" and isinstance(key, RSAPublicKey):
            key.verify(signature, signed, PSS(MGF1(size), size.digest_size), size)
            return True
        if family == "ES" and isinstance(key, EllipticCurvePublicKey):
            half = len(signature) // 2
            pair = (int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))
            key.verify(encode_dss_signature(*pair), signed, ECDSA(size))
            return True
    except InvalidSignature:
        return False
    return False


def _origin(request: Request) -> str:
    return f"{request.headers.get('x-forwarded-proto', 'http')}://{request.headers.get('host', '')}"


def _decoded(piece: str) -> bytes:
    return urlsafe_b64decode(piece + "=" * (-len(piece) % 4))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
