"""RFC 8693 narrowing, the one rule behind both placements: each hop can do less, and is written down."""

from collections.abc import Collection, Mapping
from functools import lru_cache

import msgspec

from shared.binding.call_context import Actor, Principal
from shared.binding.problems import Forbidden
from shared.security.access_token import MAX_ACTORS


def narrow(principal: Principal, audience: str, scopes_of_audience: frozenset[str], actor: str) -> Principal:
    """The principal as `actor` presents it to `audience`.

    Scopes are those the principal has and `scopes_of_audience` holds (see `delegable_scopes`); the actor
    is put before the chain so far; the expiry stays. `token_digest` stays too: it names the token at the
    root of the delegation. `actor` is the acting API's client id, which is its own audience URN.

    Raises:
        Forbidden: If the call already passed through three APIs.
    """
    return _narrowed(principal, audience, scopes_of_audience, actor)


@lru_cache(maxsize=8192)
def _narrowed(principal: Principal, audience: str, scopes_of_audience: frozenset[str], actor: str) -> Principal:
    require_room(principal)
    return msgspec.structs.replace(
        principal,
        audience=audience,
        client_id=actor,
        scopes=principal.scopes & scopes_of_audience,
        actor=Actor(actor, principal.actor),
    )


def delegable_scopes(
    owned: Mapping[str, Collection[str]], calls: Mapping[str, Collection[str]]
) -> dict[str, frozenset[str]]:
    """For each audience, the scopes a token for it may carry: its own, and those of all APIs it leads to.

    Without the latter a caller's right to `crm:read` would end at the first API on the way to the CRM.

    Args:
        owned: The scopes each audience owns.
        calls: The audiences each audience calls: the call graph, without cycles.
    """

    def reachable(audience: str) -> frozenset[str]:
        onward = (reachable(callee) for callee in calls.get(audience, ()))
        return frozenset(owned.get(audience, ())).union(*onward)

    return {audience: reachable(audience) for audience in owned}


def require_room(principal: Principal) -> None:
    """Raise Forbidden if no further API may act for this principal."""
    depth, link = 0, principal.actor
    while link is not None:
        depth, link = depth + 1, link.actor
    if depth >= MAX_ACTORS:
        raise Forbidden(
            f"The call already passed through {MAX_ACTORS} APIs, the longest chain allowed; call more directly.",
            extensions={"reason": "actor"},
        )
