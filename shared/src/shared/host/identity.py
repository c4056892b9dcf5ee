"""Who an API is when it calls another: narrowed in-process, exchanged over HTTP, with the same outcome."""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path

from shared.binding.call_context import CallContext, Principal
from shared.binding.declare import Contract
from shared.binding.operation import Operation
from shared.binding.problems import Unauthenticated
from shared.host.api import Api
from shared.host.call_graph import calls
from shared.host.runtime import api_secret_file, ensure_secret
from shared.host.topology import AppClient, Topology, TopologyRefused
from shared.security.authorisation import require_scope
from shared.security.clients import CLIENT_CREDENTIALS, TOKEN_EXCHANGE, Client, digest_secret
from shared.security.narrowing import delegable_scopes, narrow
from shared.security.secrets import Secret, UnreadableSecretError
from shared.security.token_endpoint import ClientSecretBasic, TokenEndpoint
from shared.security.token_exchange import ClientCredentials, TokenExchange, WireTokens

OWN_LIFETIME_SECONDS = 600.0


def api_client(api: Api, state: Path) -> Client:
    """An API as the issuer knows it: it may exchange its callers' tokens, and act under its own name.

    Its own scopes are exactly those of the APIs it calls, computed from its constructors.
    """
    callees = calls(api)
    audience = api.contract.audience
    return Client(
        id=audience,
        secret_digest=_digest_in(api_secret_file(state, api.contract)),
        grants=frozenset({CLIENT_CREDENTIALS, TOKEN_EXCHANGE}),
        scopes=frozenset[str]().union(*(callee.scopes() for callee in callees)),
        audiences=frozenset({audience, *(callee.audience for callee in callees)}),
        may_act_for=frozenset({audience}),
        tier="internal",
    )


def _digest_in(file: Path) -> str:
    try:
        return digest_secret(ensure_secret(file).read_text())
    except ValueError as weak:
        raise UnreadableSecretError(f"{file}: {weak} Remove the file to have a new one made.") from None


def app_clients(topology: Topology, contracts: Mapping[str, type[Contract]], state: Path) -> list[Client]:
    """The applications of a topology, each with a secret in `<state>/clients/<name>.secret`.

    Raises:
        TopologyRefused: One addresses an API, or may use a scope, that nothing declares.
    """
    for name, app in topology.clients.items():
        _check_app(f"{topology.name}: clients.{name}", app, contracts)
    return [_app_client(name, app, contracts, state) for name, app in topology.clients.items()]


def _check_app(where: str, app: AppClient, contracts: Mapping[str, type[Contract]]) -> None:
    if app.audience not in contracts:
        raise TopologyRefused(f"{where}.audience = {app.audience!r} is no API; there are {', '.join(contracts)}.")
    known = frozenset[str]().union(*(contract.scopes() for contract in contracts.values()))
    if unknown := sorted(set(app.scopes) - known):
        raise TopologyRefused(
            f"{where}.scopes: no operation asks for {', '.join(unknown)}; there are {', '.join(sorted(known))}."
        )


def _app_client(name: str, app: AppClient, contracts: Mapping[str, type[Contract]], state: Path) -> Client:
    return Client(
        id=name,
        secret_digest=_digest_in(state / "clients" / f"{name}.secret"),
        scopes=frozenset(app.scopes),
        audiences=frozenset({contracts[app.audience].audience}),
        tier=app.tier,
    )


def own_principal(api: Api, issuer: str, clock: Callable[[], float] = time.time) -> Principal:
    """An API under its own name, as its flows work: what `client_credentials` would give it."""
    return Principal(
        subject=api.contract.audience,
        client_id=api.contract.audience,
        audience=api.contract.audience,
        scopes=frozenset[str]().union(*(callee.scopes() for callee in calls(api))),
        expires_at=clock() + OWN_LIFETIME_SECONDS,
        issuer=issuer,
        tier="internal",
    )


def delegable(apis: Iterable[Api]) -> dict[str, frozenset[str]]:
    """For each audience, the scopes a token for it may carry, from the call graph."""
    known = list(apis)
    owned = {api.contract.audience: api.contract.scopes() for api in known}
    return delegable_scopes(owned, {api.contract.audience: [c.audience for c in calls(api)] for api in known})


def narrowed_to(
    callee: type[Contract], caller: Api, scopes: Mapping[str, frozenset[str]]
) -> Callable[[CallContext], Principal]:
    """The identity of `caller`'s callers at `callee`, for calls within this process.

    `scopes` are those that `delegable` gives.
    """
    audience, allowed, actor = callee.audience, scopes[callee.audience], caller.contract.audience

    def identity(context: CallContext) -> Principal:
        return narrow(_authenticated(context), audience, allowed, actor)

    return identity


def exchanged_for(
    callee: type[Contract], identity: Callable[[CallContext], Principal], tokens: WireTokens
) -> Callable[[CallContext, Operation], Awaitable[str]]:
    """The token for the callers behind `identity` at `callee`, for calls over HTTP."""

    async def token(context: CallContext, operation: Operation) -> str:
        require_scope(identity(context), operation.scope)  # what the callee would refuse is not sent
        return await tokens.token_for(_authenticated(context), callee.audience)

    return token


def _authenticated(context: CallContext) -> Principal:
    if context.principal is None:
        raise Unauthenticated("This call has no caller; calls between APIs happen on someone's behalf.")
    return context.principal


class ApiTokens:
    """Exchanges and own identities of the APIs in this process, against the issuer of the topology.

    Args:
        issuer: Its `iss`, and where it is served.
        state: Where the APIs' secrets are.
        apis: The APIs of this process.

    Attributes:
        exchanges: By audience.
        credentials: By client id, which is the audience.
    """

    def __init__(self, issuer: str, state: Path, apis: Iterable[Api]) -> None:
        self._endpoints = {api.contract.audience: _endpoint(api, issuer, state) for api in apis}
        self.exchanges = {audience: TokenExchange(endpoint) for audience, endpoint in self._endpoints.items()}
        self.credentials = {audience: ClientCredentials(endpoint) for audience, endpoint in self._endpoints.items()}

    async def aclose(self) -> None:
        """Close the connections to the issuer."""
        for endpoint in self._endpoints.values():
            await endpoint.aclose()


def _endpoint(api: Api, issuer: str, state: Path) -> TokenEndpoint:
    secret = Secret(f"file:{ensure_secret(api_secret_file(state, api.contract)).resolve()}")
    return TokenEndpoint(issuer, ClientSecretBasic(api.contract.audience, secret))
