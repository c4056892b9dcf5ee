"""Is the client who it says it is: private_key_jwt, client_secret_basic, client_secret_post (RFC 6749 §2.3, 7523)."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import unquote_plus

import msgspec

from shared.security.access_token import SKEW_SECONDS, TOKEN_TYPE
from shared.security.clients import Client, secret_matches
from shared.security.issuer import Issuer
from shared.security.jws import TokenRefusedError, UnusableKeyError, VerificationKey, parse_compact
from shared.security.oauth_error import ErrorCode, OAuthError

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_ASSERTION_SECONDS = 300.0
_Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class Assertion(msgspec.Struct, frozen=True):
    """The claims of a client's signed statement (RFC 7523 §3)."""

    iss: _Name
    sub: _Name
    aud: str | list[str]
    exp: float
    jti: _Name
    nbf: float | None = None
    iat: float | None = None


async def authenticate_client(issuer: Issuer, authorization: str, form: Mapping[str, str]) -> Client:
    """The client a token request comes from.

    Args:
        issuer: Knows the clients.
        authorization: The `Authorization` header, empty if none.
        form: The request's parameters.

    Raises:
        OAuthError: `invalid_client`, or `invalid_request` for more than one way to authenticate.
    """
    ways = [bool(authorization), "client_secret" in form, "client_assertion" in form]
    if sum(ways) > 1:
        raise OAuthError("invalid_request", "Authenticate in one way only (RFC 6749 §2.3).")
    if "client_assertion" in form:
        return await _by_assertion(issuer, form)
    client_id, secret = (
        _basic(authorization) if authorization else (form.get("client_id", ""), form.get("client_secret", ""))
    )
    client = issuer.clients.get(client_id)
    if not secret_matches(client, secret) or client is None or form.get("client_id", client_id) != client_id:
        raise OAuthError("invalid_client", "The client is unknown or its credentials are wrong.")
    return client


async def read_assertion(issuer: Issuer, token: str, refusal: ErrorCode) -> tuple[Client, Assertion]:
    """A client's assertion and the client whose key signed it; each is accepted once.

    Raises:
        OAuthError: With code `refusal`.
    """
    try:
        jws = parse_compact(token)
        claims = _decoder.decode(jws.payload)
        client = issuer.clients.get(claims.iss)
        keys = {} if client is None else _keys_of(client)
        key = keys.get(jws.header.kid or next(iter(keys), ""))
        if client is None or key is None or jws.header.typ in (TOKEN_TYPE, f"application/{TOKEN_TYPE}"):
            raise TokenRefusedError("key", "The assertion is not signed by a registered key of its issuer.")
        key.verify(jws)
        _check_claims(issuer, claims)
    except TokenRefusedError as error:
        raise OAuthError(refusal, error.detail.replace("token", "assertion")) from None
    except (ValueError, RecursionError):
        raise OAuthError(refusal, "The assertion needs iss, sub, aud, exp and jti (RFC 7523 §3).") from None
    if not await issuer.replay.first_use(f"{client.id} {claims.jti}", claims.exp + SKEW_SECONDS):
        raise OAuthError(refusal, "The assertion was used before; sign a new one with another jti.")
    return client, claims


async def _by_assertion(issuer: Issuer, form: Mapping[str, str]) -> Client:
    if form.get("client_assertion_type") != ASSERTION_TYPE:
        raise OAuthError("invalid_client", f"client_assertion_type must be {ASSERTION_TYPE}.")
    client, claims = await read_assertion(issuer, form["client_assertion"], "invalid_client")
    if claims.sub != client.id or form.get("client_id", client.id) != client.id:
        raise OAuthError("invalid_client", "iss, sub and client_id of a client's assertion must be its client id.")
    return client


def _check_claims(issuer: Issuer, claims: Assertion) -> None:
    meant_for = {claims.aud} if isinstance(claims.aud, str) else set(claims.aud)
    if not meant_for & {issuer.url, f"{issuer.url}/oauth2/token"}:
        raise TokenRefusedError("audience", "The assertion's aud must be this issuer or its token endpoint.")
    now = issuer.clock()
    if claims.exp + SKEW_SECONDS < now:
        raise TokenRefusedError("expired", "The assertion has expired; sign a new one.")
    if claims.exp > now + MAX_ASSERTION_SECONDS + SKEW_SECONDS:
        raise TokenRefusedError("expired", "The assertion must expire within five minutes.")
    if max(claims.nbf or 0, claims.iat or 0) - SKEW_SECONDS > now:
        raise TokenRefusedError("not-yet-valid", "The assertion is not valid yet; check your clock.")


def _keys_of(client: Client) -> dict[str, VerificationKey]:
    keys: dict[str, VerificationKey] = {}
    for jwk in client.jwks:
        try:
            key = VerificationKey.from_jwk(jwk)
        except UnusableKeyError:
            continue
        keys[key.kid] = key
    return keys


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    try:
        client_id, _, secret = b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        scheme, client_id, secret = "", "", ""
    if scheme.lower() != "basic":
        raise OAuthError("invalid_client", "Authorization must be Basic with the client id and secret.")
    return unquote_plus(client_id), unquote_plus(secret)


_decoder = msgspec.json.Decoder(Assertion)
