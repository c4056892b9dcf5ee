"""Who may ask the embedded issuer for tokens, as plain records."""

import hashlib
import hmac
import time
from collections.abc import Callable, Collection
from typing import Any

import msgspec

from shared.binding.call_context import Principal
from shared.security.oauth_error import OAuthError

CLIENT_CREDENTIALS = "client_credentials"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - a grant type
LIFETIME_SECONDS = 600.0
_MIN_SECRET = 32


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A registered client.

    Attributes:
        id: `client_id`. An API of this suite uses its own audience URN, so that an `act` chain names APIs.
        secret_digest: `digest_secret(...)` of its secret, empty if it has none.
        jwks: Its public keys, for private_key_jwt and jwt-bearer.
        grants: The grant types it may use.
        scopes: What it may be given under its own identity or for a subject it asserts.
        audiences: The APIs it may ask tokens for.
        tier: SLA tier put into its tokens.
        tenant: Organisation put into its tokens, if it belongs to one.
        may_act_for: Token exchange: the audiences whose tokens it may exchange; an API names its own.
        subjects: jwt-bearer: whom it may assert; `*` is anyone.
    """

    id: str
    secret_digest: str = ""
    jwks: tuple[dict[str, Any], ...] = ()
    grants: frozenset[str] = frozenset({CLIENT_CREDENTIALS})
    scopes: frozenset[str] = frozenset()
    audiences: frozenset[str] = frozenset()
    tier: str = "standard"
    tenant: str | None = None
    may_act_for: frozenset[str] = frozenset()
    subjects: frozenset[str] = frozenset()


def digest_secret(secret: str) -> str:
    """What a Client keeps of its secret. Raises ValueError for one short enough to be guessed offline."""
    if len(secret) < _MIN_SECRET:
        raise ValueError(f"A client secret needs at least {_MIN_SECRET} random characters; generate one.")
    return hashlib.sha256(secret.encode()).hexdigest()


def secret_matches(client: Client | None, secret: str) -> bool:
    """Whether `secret` is the client's, in the same time for every wrong answer."""
    known = client.secret_digest if client is not None else ""
    return hmac.compare_digest(hashlib.sha256(secret.encode()).hexdigest(), known or "-" * 64)


def principal_for(
    client: Client,
    audience: str,
    scopes: Collection[str] | None = None,
    *,
    issuer: str,
    subject: str | None = None,
    lifetime: float = LIFETIME_SECONDS,
    clock: Callable[[], float] = time.time,
) -> Principal:
    """The principal of `client` under its own identity (or asserting `subject`) at `audience`.

    The in-process twin of ClientCredentials.token_for: the issuer puts exactly these facts into the token.
    `scopes` None means all the client has.

    Raises:
        OAuthError: `invalid_target` or `invalid_scope` if the client is not registered for them.
    """
    if audience not in client.audiences:
        raise OAuthError("invalid_target", f"Client {client.id} is not registered for this audience.")
    asked = client.scopes if scopes is None else frozenset(scopes)
    if not asked <= client.scopes:
        raise OAuthError("invalid_scope", f"Client {client.id} is not registered for every scope it asked for.")
    return Principal(
        subject=subject or client.id,
        client_id=client.id,
        audience=audience,
        scopes=asked,
        expires_at=float(int(clock() + lifetime)),
        issuer=issuer,
        tier=client.tier,
        tenant=client.tenant,
    )
