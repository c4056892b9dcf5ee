"""The embedded issuer: access tokens for development and between tiers (RFC 6749, 7523, 8693, 9068)."""

import secrets
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from shared.binding.call_context import Actor, Principal
from shared.security.access_token import TOKEN_TYPE, TokenVerifier, TrustedIssuer
from shared.security.clients import LIFETIME_SECONDS, Client
from shared.security.jws import ALGORITHMS
from shared.security.replay import MemoryReplayGuard, ReplayGuard
from shared.security.signing_keys import SigningKeys

MAX_LIFETIME_SECONDS = 3600.0


class Issuer:
    """Signs access tokens, and knows its clients and what a token for each API may carry.

    Args:
        url: Its `iss` and the address it is served at, without a trailing slash.
        keys: What it signs with.
        clients: Who may ask.
        audiences: The APIs tokens may be meant for, with the scopes those may carry (`delegable_scopes`).
        trusted: Further issuers whose tokens our APIs may exchange.
        lifetime: Seconds a token lives, at most an hour.
        clock: Unix seconds.
        replay: Where used assertions are remembered; share it if several processes serve one issuer.
    """

    def __init__(
        self,
        url: str,
        keys: SigningKeys,
        clients: Iterable[Client] = (),
        audiences: Mapping[str, frozenset[str]] | None = None,
        *,
        trusted: Sequence[TrustedIssuer] = (),
        lifetime: float = LIFETIME_SECONDS,
        clock: Callable[[], float] = time.time,
        replay: ReplayGuard | None = None,
    ) -> None:
        self.url = url
        self.keys = keys
        self.clients = {client.id: client for client in clients}
        self.audiences = dict(audiences or {})
        self.lifetime = _accepted_lifetime(lifetime)
        self.clock = clock
        self.replay: ReplayGuard = replay or MemoryReplayGuard(clock=clock)
        self.verifier = TokenVerifier([self.as_trusted(), *trusted], clock=clock)

    def as_trusted(self) -> TrustedIssuer:
        """This issuer for a verifier in the same process: no HTTP, the same keys."""
        return TrustedIssuer(self.url, self.keys)

    def issue(
        self,
        subject: str,
        client_id: str,
        audience: str,
        scopes: Collection[str],
        lifetime: float | None = None,
        tier: str = "standard",
        actor: Actor | None = None,
        tenant: str | None = None,
    ) -> str:
        """An access token with exactly these facts, for the command line and tests; no policy is asked.

        `lifetime` is in seconds, at most an hour; None is the issuer's own.
        """
        seconds = self.lifetime if lifetime is None else _accepted_lifetime(lifetime)
        return self.issue_for(
            Principal(
                subject=subject,
                client_id=client_id,
                audience=audience,
                scopes=frozenset(scopes),
                expires_at=self.clock() + seconds,
                issuer=self.url,
                tier=tier,
                actor=actor,
                tenant=tenant,
            )
        )

    def issue_for(self, principal: Principal) -> str:
        """The access token that a verifier turns back into `principal` (but for `token_digest`)."""
        claims: dict[str, Any] = {
            "iss": self.url,
            "sub": principal.subject,
            "aud": principal.audience,
            "exp": int(principal.expires_at),
            "iat": int(self.clock()),
            "jti": secrets.token_urlsafe(16),
            "client_id": principal.client_id,
            "scope": " ".join(sorted(principal.scopes)),
            "tier": principal.tier,
        }
        if principal.actor is not None:
            claims["act"] = _act_claim(principal.actor)
        if principal.tenant is not None:
            claims["tenant"] = principal.tenant
        return self.keys.signing_key().sign(claims, typ=TOKEN_TYPE)

    def metadata(self) -> dict[str, Any]:
        """Authorization server metadata (RFC 8414 §2), which OpenID Connect Discovery clients read too."""
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}/oauth2/jwks",
            "token_endpoint": f"{self.url}/oauth2/token",
            "introspection_endpoint": f"{self.url}/oauth2/introspect",
            "grant_types_supported": sorted({grant for client in self.clients.values() for grant in client.grants}),
            "response_types_supported": [],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "token_endpoint_auth_methods_supported": [
                "private_key_jwt",
                "client_secret_basic",
                "client_secret_post",
            ],
            "token_endpoint_auth_signing_alg_values_supported": sorted(ALGORITHMS),
            "scopes_supported": sorted({scope for owned in self.audiences.values() for scope in owned}),
        }


def _accepted_lifetime(seconds: float) -> float:
    if not 0 < seconds <= MAX_LIFETIME_SECONDS:
        raise ValueError(f"A token lives more than 0 and at most {MAX_LIFETIME_SECONDS:.0f} seconds, not {seconds}.")
    return seconds


def _act_claim(actor: Actor) -> dict[str, Any]:
    inner = {} if actor.actor is None else {"act": _act_claim(actor.actor)}
    return {"sub": actor.subject, **inner}
