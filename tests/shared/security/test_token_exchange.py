"""Tokens for the next hop: both placements tell the same story, and rights only shrink."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest
from httpx import ASGITransport, AsyncClient
from hypothesis import given
from hypothesis import strategies as st

from shared.binding.call_context import Actor, Principal
from shared.binding.problems import BackendFault, BackendUnavailable, Forbidden, InternalFault, Unauthenticated
from shared.security.access_token import TokenVerifier
from shared.security.clients import principal_for
from shared.security.issuer import Issuer
from shared.security.issuer_app import issuer_app
from shared.security.jws import SigningKey
from shared.security.narrowing import delegable_scopes, narrow
from shared.security.oauth_error import OAuthError
from shared.security.secrets import Secret
from shared.security.token_endpoint import ClientSecretBasic, PrivateKeyJwt, TokenEndpoint
from shared.security.token_exchange import ClientCredentials, TokenExchange, WireTokens


class CountingHttp:
    """The issuer's application without a socket, counted, and down on demand."""

    def __init__(self, issuer: Issuer) -> None:
        self._app = issuer_app(issuer)
        self.posts = 0
        self.down = False
        self.answer: tuple[int, bytes] | None = None

    async def get(self, url: str) -> tuple[int, bytes]:
        raise AssertionError(f"nothing to get at {url}")

    async def aclose(self) -> None:
        self.down = True

    async def post(self, url: str, form: Any, headers: Any) -> tuple[int, bytes]:
        self.posts += 1
        if self.down:
            raise BackendUnavailable("The issuer is down.")
        if self.answer is not None:
            return self.answer
        async with AsyncClient(transport=ASGITransport(self._app)) as client:
            response = await client.post(url, data=form, headers=headers)
            return response.status_code, response.content


class Apis:
    """The three APIs as clients of one issuer."""

    def __init__(self, issuer: Issuer, suite: Any, http: Any) -> None:
        self.issuer, self.suite, self.http = issuer, suite, http
        self.verifier = TokenVerifier([issuer.as_trusted()], clock=issuer.clock)
        self.exchanges = {
            api: TokenExchange(self.endpoint(api), clock=issuer.clock)
            for api in (suite.experience, suite.process, suite.system)
        }
        self.credentials = ClientCredentials(self.endpoint(suite.process), clock=issuer.clock)

    def endpoint(self, client_id: str) -> TokenEndpoint:
        key: SigningKey = self.suite.key
        authentication = PrivateKeyJwt(client_id, key, self.issuer.clock)
        return TokenEndpoint(self.issuer.url, authentication, http=self.http, clock=self.issuer.clock)

    async def caller(self, **changes: Any) -> tuple[str, Principal]:
        """A user's token at the experience API, and whom it stands for."""
        scopes = ["field-sales:read", "quote-to-order:write", "crm:read", "crm:write"]
        facts: dict[str, Any] = {
            "subject": "ada",
            "client_id": "mobile",
            "audience": self.suite.experience,
            "scopes": scopes,
            "tier": "gold",
            "tenant": "acme",
            **changes,
        }
        token = self.issuer.issue(**facts)
        return token, await self.verifier.verify(token, facts["audience"])

    def narrow(self, principal: Principal, audience: str) -> Principal:
        return narrow(principal, audience, self.suite.audiences[audience], principal.audience)


@pytest.fixture
def http(issuer: Issuer) -> CountingHttp:
    return CountingHttp(issuer)


@pytest.fixture
def apis(issuer: Issuer, suite: Any, http: CountingHttp) -> Apis:
    return Apis(issuer, suite, http)


def _but_for_the_token(principal: Principal) -> Principal:
    return msgspec.structs.replace(principal, token_digest="")


async def test_both_placements_give_equal_principals_over_two_hops(apis: Apis, suite: Any) -> None:
    token, principal = await apis.caller()

    at_process = apis.narrow(principal, suite.process)
    at_system = apis.narrow(at_process, suite.system)
    process_token = await apis.exchanges[suite.experience].token_for(token, principal, suite.process)
    wire_process = await apis.verifier.verify(process_token, suite.process)
    system_token = await apis.exchanges[suite.process].token_for(process_token, wire_process, suite.system)
    wire_system = await apis.verifier.verify(system_token, suite.system)

    assert _but_for_the_token(wire_process) == _but_for_the_token(at_process)
    assert _but_for_the_token(wire_system) == _but_for_the_token(at_system)
    assert at_system.actor == Actor(suite.process, Actor(suite.experience))
    assert at_system.scopes == {"crm:read", "crm:write"}
    assert (at_system.subject, at_system.tier, at_system.tenant) == ("ada", "gold", "acme")


def test_a_token_may_carry_what_its_api_and_those_it_leads_to_own() -> None:
    owned = {"a": {"a:x"}, "b": {"b:x"}, "c": {"c:x", "c:y"}, "d": {"d:x"}}
    assert delegable_scopes(owned, {"a": ["b"], "b": ["c"]}) == {
        "a": {"a:x", "b:x", "c:x", "c:y"},
        "b": {"b:x", "c:x", "c:y"},
        "c": {"c:x", "c:y"},
        "d": {"d:x"},
    }


async def test_a_callers_token_is_refused_one_tier_down(apis: Apis, suite: Any) -> None:
    token, _ = await apis.caller()
    with pytest.raises(Unauthenticated) as refused:
        await apis.verifier.verify(token, suite.system)
    assert refused.value.extensions == {"reason": "audience"}


_SCOPES = st.frozensets(st.sampled_from(["crm:read", "crm:write", "erp:write", "x:y"]))


@given(subject=_SCOPES, hops=st.lists(_SCOPES, min_size=1, max_size=3))
def test_narrowing_never_gains_a_scope_or_a_second(subject: frozenset[str], hops: list[frozenset[str]]) -> None:
    before = Principal("ada", "mobile", "api-0", subject, 1000.0, "issuer")
    for number, owned in enumerate(hops):
        after = narrow(before, f"api-{number + 1}", owned, before.audience)
        assert after.scopes == before.scopes & owned
        assert after.expires_at <= before.expires_at
        assert after.actor == Actor(before.audience, before.actor)
        before = after
    assert before.scopes <= subject


async def test_an_exchange_at_the_issuer_never_gains_a_scope(apis: Apis, suite: Any) -> None:
    everything = ["crm:read", "crm:write", "erp:write", "crm:admin"]
    for size in range(len(everything) + 1):
        for scopes in itertools.combinations(everything, size):
            token, principal = await apis.caller(audience=suite.process, scopes=scopes)
            exchanged = await apis.exchanges[suite.process].token_for(token, principal, suite.system)
            granted = (await apis.verifier.verify(exchanged, suite.system)).scopes
            assert granted == set(scopes) & suite.audiences[suite.system]


async def test_a_fourth_api_may_not_act_in_either_placement(apis: Apis, suite: Any, http: CountingHttp) -> None:
    three = Actor("c", Actor("b", Actor("a")))
    token, principal = await apis.caller(actor=three)
    with pytest.raises(Forbidden) as inline:
        apis.narrow(principal, suite.process)
    with pytest.raises(Forbidden) as wired:
        await apis.exchanges[suite.experience].token_for(token, principal, suite.process)
    assert inline.value.details() == wired.value.details()
    assert http.posts == 0
    unchained = msgspec.structs.replace(principal, actor=None)
    with pytest.raises(Forbidden, match="invalid_target"):
        await apis.exchanges[suite.experience].token_for(token, unchained, suite.process)


async def test_an_exchanged_token_is_asked_for_once_and_kept_until_half_a_minute_before_its_end(
    apis: Apis, suite: Any, http: CountingHttp, clock: Any
) -> None:
    token, principal = await apis.caller()
    exchange = apis.exchanges[suite.experience]
    tokens = await asyncio.gather(*(exchange.token_for(token, principal, suite.process) for _ in range(100)))
    assert (len(set(tokens)), http.posts) == (1, 1)
    clock.pass_seconds(569)
    await exchange.token_for(token, principal, suite.process)
    assert http.posts == 1
    clock.pass_seconds(1)
    await exchange.token_for(token, principal, suite.process)
    assert http.posts == 2


async def test_a_waiter_that_gives_up_does_not_spoil_it_for_the_others(
    apis: Apis, suite: Any, http: CountingHttp
) -> None:
    token, principal = await apis.caller()
    exchange = apis.exchanges[suite.experience]
    first = asyncio.create_task(exchange.token_for(token, principal, suite.process))
    second = asyncio.create_task(exchange.token_for(token, principal, suite.process))
    await asyncio.sleep(0)
    first.cancel()
    assert await second
    assert first.cancelled()
    assert http.posts == 1


async def test_an_issuers_outage_is_survived_while_tokens_last(
    apis: Apis, suite: Any, http: CountingHttp, clock: Any
) -> None:
    token, principal = await apis.caller()
    exchange = apis.exchanges[suite.experience]
    exchanged = await exchange.token_for(token, principal, suite.process)
    own = await apis.credentials.token_for(suite.system)
    http.down = True
    clock.pass_seconds(590)
    assert await exchange.token_for(token, principal, suite.process) == exchanged
    assert await apis.credentials.token_for(suite.system) == own
    clock.pass_seconds(10)
    for lost in (exchange.token_for(token, principal, suite.process), apis.credentials.token_for(suite.system)):
        with pytest.raises(BackendUnavailable):
            await lost


async def test_the_memory_of_exchanged_tokens_is_bounded(apis: Apis, suite: Any, http: CountingHttp) -> None:
    exchange = TokenExchange(apis.endpoint(suite.experience), max_cached=2, clock=apis.issuer.clock)
    callers = [await apis.caller() for _ in range(3)]
    for token, principal in [*callers, callers[-1], callers[0]]:
        await exchange.token_for(token, principal, suite.process)
    assert http.posts == 4


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (503, b"", BackendUnavailable),
        (429, b"", BackendUnavailable),
        (400, b'{"error":"invalid_request"}', Unauthenticated),
        (400, b'{"error":"invalid_grant"}', Unauthenticated),
        (400, b'{"error":"invalid_target"}', Forbidden),
        (401, b'{"error":"invalid_client"}', InternalFault),
        (400, b'{"error":"unheard_of"}', BackendFault),
        (400, b"<html>", BackendFault),
        (302, b"", BackendFault),
        (200, b"<html>", BackendFault),
        (200, b'{"access_token":"x"}', BackendFault),
        (200, b'{"access_token":"x","expires_in":60,"token_type":"mac"}', BackendFault),
    ],
)
async def test_what_the_issuer_answers_becomes_a_problem_of_its_kind(
    status: int, body: bytes, kind: type[Exception], apis: Apis, suite: Any, http: CountingHttp
) -> None:
    token, principal = await apis.caller()
    http.answer = (status, body)
    with pytest.raises(kind) as problem:
        await apis.exchanges[suite.experience].token_for(token, principal, suite.process)
    assert type(problem.value) is kind
    assert token not in str(problem.value)


async def test_own_identity_is_the_same_in_both_placements(apis: Apis, suite: Any, issuer: Issuer) -> None:
    client = issuer.clients[suite.process]
    token = await apis.credentials.token_for(suite.system, ["crm:read"])
    wired = await apis.verifier.verify(token, suite.system)
    inline = principal_for(client, suite.system, ["crm:read"], issuer=issuer.url, clock=issuer.clock)
    assert _but_for_the_token(wired) == inline
    for audience, scopes in ((suite.experience, ["crm:read"]), (suite.system, ["crm:admin"])):
        with pytest.raises(OAuthError):
            principal_for(client, audience, scopes, issuer=issuer.url)
        with pytest.raises(Forbidden):
            await apis.credentials.token_for(audience, scopes)


@pytest.fixture
def wire_tokens(apis: Apis, suite: Any) -> WireTokens:
    return WireTokens(apis.verifier, apis.exchanges, {suite.process: apis.credentials})


async def test_hops_made_in_process_are_repeated_when_the_call_leaves_it(
    apis: Apis, suite: Any, wire_tokens: WireTokens
) -> None:
    _, principal = await apis.caller()
    at_process = apis.narrow(principal, suite.process)
    token = await wire_tokens.token_for(at_process, suite.system)
    arrived = await apis.verifier.verify(token, suite.system)
    assert _but_for_the_token(arrived) == _but_for_the_token(apis.narrow(at_process, suite.system))
    straight = await wire_tokens.token_for(principal, suite.system)
    direct = await apis.verifier.verify(straight, suite.system)
    assert _but_for_the_token(direct) == _but_for_the_token(apis.narrow(principal, suite.system))


async def test_own_identity_narrowed_in_process_leaves_it_as_itself(
    apis: Apis, suite: Any, wire_tokens: WireTokens, issuer: Issuer
) -> None:
    client = issuer.clients[suite.process]
    own = principal_for(client, suite.system, issuer=issuer.url, clock=issuer.clock)
    token = await wire_tokens.token_for(own, suite.other)
    arrived = await apis.verifier.verify(token, suite.other)
    assert (arrived.subject, arrived.actor) == (suite.process, Actor(suite.system))


async def test_a_call_whose_token_is_forgotten_cannot_leave_the_process(
    apis: Apis, suite: Any, wire_tokens: WireTokens
) -> None:
    _, principal = await apis.caller()
    forgotten = msgspec.structs.replace(principal, token_digest="0" * 64)
    with pytest.raises(Unauthenticated, match="repeat the call"):
        await wire_tokens.token_for(forgotten, suite.system)


async def test_an_api_without_an_exchange_says_so(apis: Apis, suite: Any) -> None:
    _, principal = await apis.caller()
    with pytest.raises(InternalFault, match="no token exchange"):
        await WireTokens(apis.verifier, {}).token_for(principal, suite.system)


@pytest.fixture
async def served(make_issuer: Callable[..., Issuer], serving: Any, free_port: int) -> AsyncIterator[Issuer]:
    issuer = make_issuer(f"http://127.0.0.1:{free_port}")
    async with serving(issuer_app(issuer), free_port):
        yield issuer


async def test_a_client_secret_works_over_a_real_socket(
    served: Issuer, suite: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROCESS_SECRET", suite.secret)
    authentication = ClientSecretBasic(suite.process, Secret("env:PROCESS_SECRET"))
    endpoint = TokenEndpoint(served.url, authentication)
    token = await ClientCredentials(endpoint).token_for(suite.system)
    await endpoint.aclose()
    assert (await served.verifier.verify(token, suite.system)).subject == suite.process
