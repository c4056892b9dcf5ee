"""Access tokens at the door: JWTs by RFC 9068 under the rules of RFC 8725, verified once and remembered."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Annotated

import msgspec

from shared.binding.call_context import Actor, Principal
from shared.binding.problems import Unauthenticated
from shared.security.jwks import KeySource
from shared.security.jws import Jws, TokenRefusedError, VerificationKey, parse_compact

TOKEN_TYPE = "at+jwt"  # noqa: S105 - a media type
SKEW_SECONDS = 60.0
MAX_ACTORS = 3
_TOKEN_TYPES = frozenset({TOKEN_TYPE, f"application/{TOKEN_TYPE}"})
_Name = Annotated[str, msgspec.Meta(min_length=1)]


class TrustedIssuer(msgspec.Struct, frozen=True):
    """An issuer whose tokens are accepted.

    Attributes:
        issuer: The exact `iss`.
        keys: Where its keys come from; only they verify its tokens.
        subject_prefix: Put before `sub`, so that two issuers' subjects never meet (`sub` is unique per
            issuer only); set it for every issuer but the principal one.
    """

    issuer: str
    keys: KeySource
    subject_prefix: str = ""


class _ActClaim(msgspec.Struct):
    sub: _Name
    act: "_ActClaim | None" = None


class _Claims(msgspec.Struct):
    iss: str
    sub: _Name
    aud: str | list[str]
    exp: float
    iat: float
    jti: _Name
    client_id: _Name
    nbf: float | None = None
    scope: str = ""
    act: _ActClaim | None = None
    tier: _Name = "standard"
    tenant: str | None = None


class _IssuerClaim(msgspec.Struct):
    iss: str


class _Verified(msgspec.Struct):
    token: str
    principals: dict[str, Principal]
    until: float
    key: VerificationKey
    keys: KeySource


class TokenVerifier:
    """Turns access tokens into principals.

    Args:
        issuers: Whose tokens are accepted.
        clock: Unix seconds.
        max_cached: How many verified tokens are remembered at most; the least recently verified goes first.
    """

    def __init__(
        self,
        issuers: Sequence[TrustedIssuer],
        *,
        clock: Callable[[], float] = time.time,
        max_cached: int = 10_000,
    ) -> None:
        self._issuers = {issuer.issuer: issuer for issuer in issuers}
        self._clock = clock
        self._max_cached = max_cached
        self._verified: OrderedDict[str, _Verified] = OrderedDict()

    def cached(self, token: str, audience: str) -> Principal | None:
        """The principal of a token verified before and still good, else None: then `await verify(...)`."""
        entry = self._verified.get(_digest(token))
        if entry is None or entry.until < self._clock() or entry.keys.current(entry.key.kid) is not entry.key:
            return None
        return entry.principals.get(audience)

    async def verify(self, token: str, audience: str) -> Principal:
        """The principal of `token`, which must be meant for `audience`.

        Raises:
            Unauthenticated: With `extensions["reason"]`, one of `malformed`, `algorithm`, `header`, `type`,
                `issuer`, `key`, `signature`, `claims`, `audience`, `expired`, `not-yet-valid`, `actor`.
            BackendUnavailable: If the issuer's keys were never fetched and cannot be now.
        """
        principal = self.cached(token, audience)
        if principal is not None:
            return principal
        try:
            return await self._verify(token, audience)
        except TokenRefusedError as refusal:
            raise Unauthenticated(refusal.detail, extensions={"reason": refusal.reason}) from None

    def token_of(self, principal: Principal) -> str | None:
        """The token this very principal came from, while it is cached; None for one narrowed in-process."""
        entry = self._verified.get(principal.token_digest)
        return None if entry is None or principal.audience not in entry.principals else entry.token

    def origin_of(self, principal: Principal) -> Principal | None:
        """The verified principal that this one was narrowed from in-process, while its token is cached."""
        entry = self._verified.get(principal.token_digest)
        return None if entry is None else next(iter(entry.principals.values()), None)

    async def _verify(self, token: str, audience: str) -> Principal:
        jws = parse_compact(token)
        if jws.header.typ not in _TOKEN_TYPES:
            raise TokenRefusedError("type", "The token is not an access token (`typ` must be `at+jwt`, RFC 9068).")
        issuer = self._issuer_of(jws)
        key = await issuer.keys.find(jws.header.kid) if jws.header.kid else None
        if key is None:
            raise TokenRefusedError("key", "The token's `kid` names no key of its issuer; get a new token.")
        key.verify(jws)
        claims = _read_claims(jws)
        principal = self._principal(claims, issuer, audience, _digest(token))
        self._remember(token, principal, key, issuer.keys)
        return principal

    def _issuer_of(self, jws: Jws) -> TrustedIssuer:
        try:
            issuer = self._issuers.get(_issuer_decoder.decode(jws.payload).iss)
        except (ValueError, RecursionError):
            issuer = None
        if issuer is None:
            raise TokenRefusedError("issuer", "The token comes from an issuer not trusted here; use another.")
        return issuer

    def _principal(self, claims: _Claims, issuer: TrustedIssuer, audience: str, digest: str) -> Principal:
        if audience not in ((claims.aud,) if isinstance(claims.aud, str) else claims.aud):
            raise TokenRefusedError("audience", f"The token is not meant for this API; get one for {audience}.")
        now = self._clock()
        if claims.exp + SKEW_SECONDS < now:
            raise TokenRefusedError("expired", "The token has expired; get a new one.")
        if max(claims.iat, claims.nbf or claims.iat) - SKEW_SECONDS > now:
            raise TokenRefusedError("not-yet-valid", "The token is not valid yet; check the clock of its issuer.")
        return Principal(
            subject=issuer.subject_prefix + claims.sub,
            client_id=claims.client_id,
            audience=audience,
            scopes=frozenset(claims.scope.split()),
            expires_at=claims.exp,
            issuer=claims.iss,
            token_digest=digest,
            tier=claims.tier,
            actor=_actor(claims.act),
            tenant=claims.tenant,
        )

    def _remember(self, token: str, principal: Principal, key: VerificationKey, keys: KeySource) -> None:
        entry = self._verified.pop(principal.token_digest, None)
        principals = {} if entry is None or entry.key is not key else entry.principals
        principals[principal.audience] = principal
        until = principal.expires_at + SKEW_SECONDS
        self._verified[principal.token_digest] = _Verified(token, principals, until, key, keys)
        while len(self._verified) > self._max_cached:
            self._verified.popitem(last=False)


_issuer_decoder = msgspec.json.Decoder(_IssuerClaim)
_claims_decoder = msgspec.json.Decoder(_Claims)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _read_claims(jws: Jws) -> _Claims:
    try:
        return _claims_decoder.decode(jws.payload)
    except (ValueError, RecursionError) as error:
        detail = str(error) if isinstance(error, msgspec.ValidationError) else "not readable JSON"
        raise TokenRefusedError("claims", f"The token's claims do not follow RFC 9068: {detail}.") from None


def _actor(claim: _ActClaim | None) -> Actor | None:
    chain: list[str] = []
    while claim is not None:
        chain.append(claim.sub)
        claim = claim.act
    if len(chain) > MAX_ACTORS:
        raise TokenRefusedError("actor", f"More than {MAX_ACTORS} APIs acted on the way here; call more directly.")
    actor: Actor | None = None
    for subject in reversed(chain):
        actor = Actor(subject, actor)
    return actor
