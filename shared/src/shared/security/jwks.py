"""An issuer's public keys, found by discovery, kept fresh, and served while the issuer is down.

Fetched at most once per `REFETCH_SECONDS` whatever tokens ask for, so a flood of made-up `kid`s costs one
fetch. A key the issuer withdrew is refused within `TRUST_SECONDS` while the issuer answers.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import msgspec

from shared.binding.problems import BackendUnavailable, Problem
from shared.security.jws import UnusableKeyError, VerificationKey
from shared.security.oauth_http import HttpxOAuth, OAuthHttp, require_trustworthy

REFETCH_SECONDS = 30.0
TRUST_SECONDS = 60.0
_FIRST_RETRY_SECONDS = 1.0
_FETCH_SECONDS = 10.0
_MAX_KEYS = 64


class KeySource(Protocol):
    """Where a verifier gets an issuer's keys."""

    def current(self, kid: str) -> VerificationKey | None:
        """The key if it may be trusted without asking; None says: ask `find`. Never blocks."""
        ...

    async def find(self, kid: str) -> VerificationKey | None:
        """The key, asking the issuer if need be; None if the issuer has none. Raises BackendUnavailable."""
        ...


class _JwkSet(msgspec.Struct):
    keys: list[dict[str, Any]]


class _Metadata(msgspec.Struct):
    issuer: str
    jwks_uri: str


class Jwks:
    """KeySource over HTTP (RFC 7517 §5, RFC 8414, OpenID Connect Discovery).

    Args:
        issuer: The exact `iss`; its metadata is discovered unless `jwks_uri` says where the keys are.
        jwks_uri: The key set's address (https, or loopback).
        http: How to reach it; closed with this object.
        monotonic: Seconds that never step back.
    """

    def __init__(
        self,
        issuer: str,
        *,
        jwks_uri: str | None = None,
        http: OAuthHttp | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._issuer = require_trustworthy(issuer)
        self._jwks_uri = None if jwks_uri is None else require_trustworthy(jwks_uri)
        self._http: OAuthHttp = http or HttpxOAuth()
        self._monotonic = monotonic
        self._keys: Mapping[str, VerificationKey] = {}
        self._attempted_at = float("-inf")
        self._refreshing: asyncio.Task[None] | None = None

    def current(self, kid: str) -> VerificationKey | None:
        """See KeySource; past `REFETCH_SECONDS` it also starts a refresh in the background."""
        age = self._monotonic() - self._attempted_at
        if age >= REFETCH_SECONDS:
            self._refresh()
            if age >= TRUST_SECONDS:
                return None
        return self._keys.get(kid)

    async def find(self, kid: str) -> VerificationKey | None:
        """See KeySource."""
        age = self._monotonic() - self._attempted_at
        known = kid in self._keys
        if not self._keys:
            if self._refreshing is not None or age >= _FIRST_RETRY_SECONDS:
                await asyncio.shield(self._refresh())
        elif age >= (TRUST_SECONDS if known else REFETCH_SECONDS) or (self._refreshing is not None and not known):
            await asyncio.shield(self._refresh())
        if not self._keys:
            raise BackendUnavailable(
                f"The keys of issuer {self._issuer} cannot be fetched, so no token can be checked; try again.",
                retry_after=_FIRST_RETRY_SECONDS,
            )
        return self._keys.get(kid)

    async def aclose(self) -> None:
        """Stop a refresh under way and close the connections."""
        if self._refreshing is not None:
            self._refreshing.cancel()
            await asyncio.gather(self._refreshing, return_exceptions=True)
        await self._http.aclose()

    def _refresh(self) -> "asyncio.Task[None]":
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._fetch())
            self._refreshing.add_done_callback(self._refreshed)
        return self._refreshing

    def _refreshed(self, task: "asyncio.Task[None]") -> None:
        self._refreshing = None
        self._attempted_at = self._monotonic()
        if not task.cancelled():
            task.result()

    async def _fetch(self) -> None:
        # A failed attempt keeps the keys we have: an issuer's outage must not become ours.
        try:
            async with asyncio.timeout(_FETCH_SECONDS):
                if self._jwks_uri is None:
                    self._jwks_uri = await self._discover()
                status, body = await self._http.get(self._jwks_uri)
            fetched = read_jwks(body) if status == 200 else {}  # noqa: PLR2004 - HTTP OK
        except (Problem, ValueError, TimeoutError, RecursionError):
            return
        if fetched:
            self._keys = keep_known(self._keys, fetched)

    async def _discover(self) -> str:
        for url in discovery_urls(self._issuer):
            status, body = await self._http.get(url)
            if status != 200:  # noqa: PLR2004 - HTTP OK
                continue
            metadata = msgspec.json.decode(body, type=_Metadata)
            if metadata.issuer != self._issuer:
                raise ValueError(f"The metadata of {self._issuer} names another issuer (RFC 8414 §3.3).")
            return require_trustworthy(metadata.jwks_uri)
        raise BackendUnavailable(f"Issuer {self._issuer} publishes no metadata; configure its `jwks_uri`.")


def discovery_urls(issuer: str) -> tuple[str, str]:
    """Where an issuer publishes metadata: RFC 8414 §3.1 first, then OpenID Connect Discovery §4."""
    parts = urlsplit(issuer.rstrip("/"))
    rfc8414 = parts._replace(path="/.well-known/oauth-authorization-server" + parts.path)
    openid = parts._replace(path=parts.path + "/.well-known/openid-configuration")
    return urlunsplit(rfc8414), urlunsplit(openid)


def read_jwks(body: bytes) -> dict[str, VerificationKey]:
    """The keys of a JWK set that may verify tokens, by `kid`; others (encryption, HMAC) are left out."""
    keys: dict[str, VerificationKey] = {}
    for jwk in msgspec.json.decode(body, type=_JwkSet).keys[:_MAX_KEYS]:
        try:
            key = VerificationKey.from_jwk(jwk)
        except UnusableKeyError:
            continue
        keys[key.kid] = key
    return keys


def keep_known(
    known: Mapping[str, VerificationKey], fetched: Mapping[str, VerificationKey]
) -> dict[str, VerificationKey]:
    """`fetched`, with the known object where a key did not change: tokens verified with it stay cached."""
    return {kid: known[kid] if kid in known and known[kid].same_as(key) else key for kid, key in fetched.items()}
