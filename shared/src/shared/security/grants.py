"""The three ways to a token: own identity, an asserted subject, and exchange for the next API."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

from shared.binding.call_context import Principal
from shared.binding.problems import Forbidden, Unauthenticated
from shared.security.client_verification import authenticate_client, read_assertion
from shared.security.clients import CLIENT_CREDENTIALS, JWT_BEARER, TOKEN_EXCHANGE, Client, principal_for
from shared.security.issuer import Issuer
from shared.security.narrowing import narrow
from shared.security.oauth_error import OAuthError

ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - a token type
Form = Mapping[str, str]


async def answer_token_request(issuer: Issuer, authorization: str, form: Form) -> dict[str, Any]:
    """The body of a successful token response (RFC 6749 §5.1, RFC 8693 §2.2.1).

    Raises:
        OAuthError: What is wrong with the request.
    """
    grant_type = form.get("grant_type", "")
    grant = _GRANTS.get(grant_type)
    if grant is None:
        raise OAuthError("unsupported_grant_type", "grant_type must be one the issuer's metadata lists.")
    principal = await grant(issuer, authorization, form)
    body: dict[str, Any] = {
        "access_token": issuer.issue_for(principal),
        "token_type": "Bearer",
        "expires_in": max(0, int(principal.expires_at) - int(issuer.clock())),
        "scope": " ".join(sorted(principal.scopes)),
    }
    return {**body, "issued_token_type": ACCESS_TOKEN} if grant_type == TOKEN_EXCHANGE else body


async def _client_credentials(issuer: Issuer, authorization: str, form: Form) -> Principal:
    client = await authenticate_client(issuer, authorization, form)
    _require_grant(client, CLIENT_CREDENTIALS)
    return _own(issuer, client, form, None)


async def _jwt_bearer(issuer: Issuer, authorization: str, form: Form) -> Principal:
    client, claims = await read_assertion(issuer, form.get("assertion", ""), "invalid_grant")
    if authorization or "client_assertion" in form or form.get("client_id", client.id) != client.id:
        raise OAuthError("invalid_request", "The assertion alone identifies the client; send no other credentials.")
    _require_grant(client, JWT_BEARER)
    if not {claims.sub, "*"} & client.subjects:
        raise OAuthError("invalid_grant", "The client is not registered to act for this subject.")
    return _own(issuer, client, form, claims.sub)


async def _token_exchange(issuer: Issuer, authorization: str, form: Form) -> Principal:
    client = await authenticate_client(issuer, authorization, form)
    _require_grant(client, TOKEN_EXCHANGE)
    if form.get("subject_token_type") != ACCESS_TOKEN or "actor_token" in form:
        raise OAuthError("invalid_request", f"subject_token_type must be {ACCESS_TOKEN}, without an actor_token.")
    if form.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise OAuthError("invalid_request", "Only access tokens are issued.")
    audience = _audience(issuer, form)
    if audience not in client.audiences:
        raise OAuthError("invalid_target", "The client is not registered for this audience.")
    subject = await _subject(issuer, client, form.get("subject_token", ""))
    try:
        narrowed = narrow(subject, audience, issuer.audiences[audience], client.id)
    except Forbidden as refusal:
        raise OAuthError("invalid_target", refusal.detail) from None
    scopes = narrowed.scopes if "scope" not in form else narrowed.scopes & frozenset(form["scope"].split())
    expires_at = min(subject.expires_at, issuer.clock() + issuer.lifetime)
    return msgspec.structs.replace(narrowed, scopes=scopes, expires_at=expires_at)


async def _subject(issuer: Issuer, client: Client, token: str) -> Principal:
    refusal = "The subject_token is not meant for an API this client acts as."
    for audience in sorted(client.may_act_for):
        try:
            return await issuer.verifier.verify(token, audience)
        except Unauthenticated as problem:
            refusal = problem.detail
            if problem.extensions["reason"] != "audience":
                break
    raise OAuthError("invalid_request", refusal)


def _own(issuer: Issuer, client: Client, form: Form, subject: str | None) -> Principal:
    audience = _audience(issuer, form)
    owned = issuer.audiences[audience]
    scopes = form["scope"].split() if form.get("scope") else client.scopes & owned
    if not owned.issuperset(scopes):
        raise OAuthError("invalid_scope", "A token for this audience may not carry every scope asked for.")
    return principal_for(
        client,
        audience,
        scopes,
        issuer=issuer.url,
        subject=subject,
        lifetime=issuer.lifetime,
        clock=issuer.clock,
    )


def _audience(issuer: Issuer, form: Form) -> str:
    # RFC 8693 calls it `audience`, RFC 8707 `resource`.
    audience = form.get("audience") or form.get("resource") or ""
    if audience not in issuer.audiences:
        raise OAuthError("invalid_target", "Name one API of this suite as `audience`.")
    return audience


def _require_grant(client: Client, grant: str) -> None:
    if grant not in client.grants:
        raise OAuthError("unauthorized_client", f"Client {client.id} is not registered for this grant type.")


_GRANTS: dict[str, Callable[[Issuer, str, Form], Awaitable[Principal]]] = {
    CLIENT_CREDENTIALS: _client_credentials,
    JWT_BEARER: _jwt_bearer,
    TOKEN_EXCHANGE: _token_exchange,
}
