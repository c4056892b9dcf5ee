"""Tokens for the next hop over HTTP: RFC 8693 exchange, and an API's own identity.

In-process hops use `narrow` and `principal_for`, which yield the same principals without a token.
"""

import time
from collections.abc import Callable, Collection, Mapping

from shared.binding.call_context import Actor, Principal
from shared.binding.problems import InternalFault, Unauthenticated
from shared.security.access_token import TokenVerifier
from shared.security.clients import CLIENT_CREDENTIALS, TOKEN_EXCHANGE
from shared.security.grants import ACCESS_TOKEN
from shared.security.issued_tokens import IssuedTokens
from shared.security.narrowing import require_room
from shared.security.token_endpoint import TokenEndpoint


class TokenExchange:
    """One API's way to act for its callers at other APIs.

    Args:
        endpoint: The issuer, as this API's client sees it.
        max_cached: Tokens kept at most.
        clock: Unix seconds.
    """

    def __init__(
        self, endpoint: TokenEndpoint, *, max_cached: int = 10_000, clock: Callable[[], float] = time.time
    ) -> None:
        self._endpoint = endpoint
        self._tokens = IssuedTokens(max_cached, clock)

    async def token_for(self, subject_token: str, principal: Principal, audience: str) -> str:
        """A token for `audience` that carries what is left of `subject_token`'s rights there.

        `principal` is whom the subject token stands for. Raises what TokenEndpoint.request raises, and
        Forbidden without asking if no further API may act for the principal.
        """
        require_room(principal)
        form = {
            "grant_type": TOKEN_EXCHANGE,
            "subject_token": subject_token,
            "subject_token_type": ACCESS_TOKEN,
            "audience": audience,
        }
        return await self._tokens.get((subject_token, audience), lambda: self._endpoint.request(form))


class ClientCredentials:
    """One API's own identity, for work nobody waits for (RFC 6749 §4.4)."""

    def __init__(
        self, endpoint: TokenEndpoint, *, max_cached: int = 100, clock: Callable[[], float] = time.time
    ) -> None:
        self._endpoint = endpoint
        self._tokens = IssuedTokens(max_cached, clock)

    async def token_for(self, audience: str, scopes: Collection[str] | None = None) -> str:
        """A token for `audience` with `scopes`; None asks for all this API is registered for there."""
        form = {"grant_type": CLIENT_CREDENTIALS, "audience": audience}
        if scopes is not None:
            form["scope"] = " ".join(sorted(scopes))
        return await self._tokens.get((audience, form.get("scope")), lambda: self._endpoint.request(form))


class WireTokens:
    """The token to send for a principal that in-process hops may have narrowed.

    The hops made in this process are repeated at the issuer, each by the API that made it, so the token
    tells the same story as in three processes. Relies on APIs whose client id is their audience.

    Args:
        verifier: Holds the token the call came in with.
        exchanges: By audience, for the APIs in this process.
        credentials: By client id, for APIs here that work under their own identity.
    """

    def __init__(
        self,
        verifier: TokenVerifier,
        exchanges: Mapping[str, TokenExchange],
        credentials: Mapping[str, ClientCredentials] | None = None,
    ) -> None:
        self._verifier = verifier
        self._exchanges = exchanges
        self._credentials = credentials or {}

    async def token_for(self, principal: Principal, audience: str) -> str:
        """A token with which the API `principal.audience` acts for `principal` at `audience`.

        Raises:
            Unauthenticated: If the token the call came in with is no longer held.
            InternalFault: If an API on the way has no exchange configured here.
        """
        origin = self._verifier.origin_of(principal)
        acted_here = _chain(principal.actor)[len(_chain(origin.actor if origin else None)) :]
        visited = [*acted_here, principal.audience]
        token = await self._root_token(principal, origin, visited[0])
        for acting, target in zip(visited, [*visited[1:], audience], strict=True):
            exchange = self._exchanges.get(acting)
            if exchange is None:
                raise InternalFault(f"{acting} has no token exchange configured, so it cannot call {target}.")
            token = await exchange.token_for(token, origin or principal, target)
        return token

    async def _root_token(self, principal: Principal, origin: Principal | None, audience: str) -> str:
        token = None if origin is None else self._verifier.token_of(origin)
        if token is None and not principal.token_digest and principal.subject in self._credentials:
            token = await self._credentials[principal.subject].token_for(audience)
        if token is None:
            raise Unauthenticated(
                "The token this call came in with is no longer held; repeat the call with a fresh one.",
                extensions={"reason": "expired"},
            )
        return token


def _chain(actor: Actor | None) -> list[str]:
    """The acting APIs, oldest first."""
    links: list[str] = []
    while actor is not None:
        links.insert(0, actor.subject)
        actor = actor.actor
    return links
