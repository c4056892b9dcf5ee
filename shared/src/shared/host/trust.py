"""Whom a process believes, and as whom its APIs call others."""

from collections.abc import Awaitable, Callable
from pathlib import Path

from shared.binding.call_context import CallContext, Principal
from shared.binding.declare import Contract
from shared.binding.operation import Operation
from shared.host.api import Api
from shared.host.identity import ApiTokens, api_client, app_clients, delegable, exchanged_for, narrowed_to
from shared.host.placement import Placement
from shared.host.runtime import Runtime
from shared.security.access_token import TokenVerifier, TrustedIssuer
from shared.security.issuer import Issuer
from shared.security.jwks import Jwks
from shared.security.signing_keys import SigningKeys
from shared.security.token_exchange import WireTokens


class Trust:
    """The issuers a process trusts, the issuer it may serve itself, and its APIs' own identities.

    Args:
        runtime: Where the issuer is, and the state directory with keys and secrets.
        placement: Which APIs there are, and which are here.

    Attributes:
        issuer: The embedded issuer, if this process serves it.
        verifier: Verifies the tokens that come in.
    """

    def __init__(self, runtime: Runtime, placement: Placement) -> None:
        self._delegable = delegable(placement.chosen)
        foreign = placement.topology.trusted_issuers
        keys = {prefix: Jwks(known.issuer, jwks_uri=known.jwks_uri) for prefix, known in foreign.items()}
        trusted = [TrustedIssuer(foreign[prefix].issuer, found, f"{prefix}|") for prefix, found in keys.items()]
        ours = Jwks(runtime.issuer, jwks_uri=f"{runtime.issuer}/oauth2/jwks")
        self._key_sets = [ours, *keys.values()]
        self.issuer = self._issuer(runtime, placement, trusted) if placement.here_is.issuer else None
        remote = TokenVerifier([TrustedIssuer(runtime.issuer, ours), *trusted])
        self.verifier = self.issuer.verifier if self.issuer else remote
        self._tokens = ApiTokens(runtime.issuer, Path(runtime.state), placement.here)
        self._wire_tokens = WireTokens(self.verifier, self._tokens.exchanges, self._tokens.credentials)

    def identity_at(self, callee: type[Contract], caller: Api) -> Callable[[CallContext], Principal]:
        """Who `caller`'s callers are at `callee`."""
        return narrowed_to(callee, caller, self._delegable)

    def token_for(
        self, callee: type[Contract], identity: Callable[[CallContext], Principal]
    ) -> Callable[[CallContext, Operation], Awaitable[str]]:
        """The token that says so over HTTP."""
        return exchanged_for(callee, identity, self._wire_tokens)

    async def aclose(self) -> None:
        """Close the connections to issuers."""
        await self._tokens.aclose()
        for keys in self._key_sets:
            await keys.aclose()

    def _issuer(self, runtime: Runtime, placement: Placement, trusted: list[TrustedIssuer]) -> Issuer:
        state = Path(runtime.state)
        contracts = {api.contract.slug: api.contract for api in placement.chosen}
        clients = [api_client(api, state) for api in placement.chosen]
        clients += app_clients(placement.topology, contracts, state)
        return Issuer(runtime.issuer, SigningKeys(state / "issuer"), clients, self._delegable, trusted=trusted)
