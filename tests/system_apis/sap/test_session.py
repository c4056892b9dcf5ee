"""Logging on: one CSRF handshake for any number of writers, expiry, rotated and wrong passwords."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from eventually import eventually

from shared.binding.problems import BackendFault, BackendUnavailable
from shared.contracts.canonical.order import NewErpOrder
from shared.contracts.system.erp import ErpCancellation
from shared.resilience.outbound import Outbound
from shared.security.secrets import Secret
from system_apis.sap.logon import TokenLogon, problem_of_token_reply
from system_apis.sap.service import SapErp
from system_apis.sap.settings import SapSettings

New = Callable[..., NewErpOrder]
Connect = Callable[..., SapErp]
StartPeer = Callable[..., Awaitable[Any]]
FORBIDDEN = (403, b"CSRF token validation failed", "x-csrf-token: Required", "content-type: text/plain")
TOKEN = (
    200,
    b"{}",
    "x-csrf-token: t0ken",
    "set-cookie: SAP_SESSIONID_X_100=abc; path=/",
    "set-cookie: sap-usercontext=c",
)


async def test_reading_needs_no_handshake(erp: SapErp, control: Any) -> None:
    await erp.get_order("4000001")
    assert await control.handshakes() == 0


async def test_fifty_first_writers_share_one_handshake(erp: SapErp, new_order: New, control: Any) -> None:
    await asyncio.gather(*(erp.simulate_order(new_order()) for _ in range(50)))
    assert await control.handshakes() == 1


async def test_fifty_writers_with_an_expired_token_share_one_handshake(
    erp: SapErp, new_order: New, control: Any
) -> None:
    await erp.simulate_order(new_order())
    await control.do("expire-tokens")
    orders = await asyncio.gather(*(erp.create_order(new_order(f"flow-{at}")) for at in range(50)))
    assert await control.handshakes() == 2
    assert len({order.erp_order_id for order in orders}) == len(await control.orders()) == 50


async def test_cookies_and_token_go_along(connect: Connect, peer: StartPeer, new_order: New) -> None:
    server = await peer(TOKEN, (500, b"{}"))
    with pytest.raises(BackendUnavailable):
        await connect(server.url, retry_delays=()).simulate_order(new_order())
    fetch, write = (request.decode().lower() for request in server.requests)
    assert "x-csrf-token: fetch" in fetch
    assert "sap-client=100&sap-language=en" in fetch.partition("\r\n")[0]
    assert "x-csrf-token: t0ken" in write
    assert "cookie: sap_sessionid_x_100=abc; sap-usercontext=c\r\n" in write
    assert "accept: application/json" in write


async def test_token_refused_again_is_fetched_once_and_replayed_once(
    connect: Connect, peer: StartPeer, new_order: New
) -> None:
    server = await peer(TOKEN, FORBIDDEN, TOKEN, FORBIDDEN)
    with pytest.raises(BackendUnavailable, match="CSRF"):
        await connect(server.url, retry_delays=()).simulate_order(new_order())
    assert [request[:4] for request in server.requests] == [b"GET ", b"POST", b"GET ", b"POST"]


async def test_missing_token_is_a_fault_that_says_so(connect: Connect, peer: StartPeer, new_order: New) -> None:
    server = await peer((200, b"{}"))
    with pytest.raises(BackendFault, match="no CSRF token"):
        await connect(server.url, retry_delays=()).simulate_order(new_order())


async def test_refused_credentials_are_ours_and_not_tried_again(
    control: Any, connect: Connect, sandbox_url: str, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("wrong")
    erp = connect(sandbox_url, tmp_path / "password")
    with pytest.raises(BackendFault, match="refuses our credentials") as caught:
        await erp.get_order("4000001")
    assert "wrong" not in caught.value.detail
    assert [status for _, path, status in await control.requests() if "4000001" in path] == [401]


async def test_rotated_password_needs_no_restart(
    control: Any, connect: Connect, sandbox_url: str, tmp_path: Path, new_order: New
) -> None:
    secret = tmp_path / "password"
    secret.write_text("old")
    erp = connect(sandbox_url, secret)
    secret.write_text("sandbox-only")
    assert (await erp.get_order("4000001")).erp_order_id == "4000001"
    await erp.create_order(new_order())
    assert len(await control.orders()) == 1


async def test_sap_being_down_is_found_at_the_first_call_not_before(connect: Connect, new_order: New) -> None:
    erp = connect("http://127.0.0.1:9", retry_delays=())
    with pytest.raises(BackendUnavailable, match="cannot be reached"):
        await erp.get_order("4000001")
    with pytest.raises(BackendUnavailable, match="cannot be reached"):
        await erp.create_order(new_order())


TOKENS = "/sap/bc/sec/oauth2/token"
BY_TOKEN: dict[str, Any] = {"auth": "oauth2", "client_id": "TRIPTYCH_OAUTH", "username": ""}


@pytest.fixture
def by_token(control: Any, connect: Connect, sandbox_url: str, password: Path) -> SapErp:
    """The service logged on by OAuth 2.0, its writes by OData and by BAPI."""
    del control
    by_bapi = {"cancel_order": "bapi"}
    return connect(sandbox_url, client_secret=Secret(f"file:{password}"), interfaces=by_bapi, **BY_TOKEN)


async def issued(control: Any) -> list[int]:
    return [status for _, path, status in await control.requests() if path == TOKENS]


async def test_client_credentials_log_on_by_every_interface(by_token: SapErp, new_order: New, control: Any) -> None:
    order = await by_token.create_order(new_order("token-1"))
    assert (await by_token.cancel_order(order.erp_order_id, ErpCancellation("x"))).state == "cancelled"
    assert await issued(control) == [200]
    assert await control.handshakes() == 1


async def test_token_that_ended_is_fetched_anew_by_readers_and_writers(
    by_token: SapErp, new_order: New, control: Any
) -> None:
    await by_token.create_order(new_order("token-1"))
    await control.do("expire-tokens")
    orders = await asyncio.gather(*(by_token.create_order(new_order(f"token-{at}")) for at in range(2, 8)))
    assert len({order.erp_order_id for order in orders}) == 6
    await control.do("expire-tokens")
    assert (await by_token.get_order("4000001")).erp_order_id == "4000001"
    assert await issued(control) == [200] * 3


async def test_token_is_replaced_before_it_ends(control: Any, wire: Any, sandbox_url: str, password: Path) -> None:
    now = 0.0
    settings = SapSettings(url=sandbox_url, client_secret=Secret(f"file:{password}"), **BY_TOKEN)
    endpoint = Outbound(wire).backend("tokens", settings, credentials=None, classify=lambda _: None)
    logon = TokenLogon(endpoint, TOKENS, "TRIPTYCH_OAUTH", Secret(f"file:{password}"), ("API_1", "API_2"), lambda: now)
    first = await logon.headers()
    now = 3500.0
    assert await logon.headers() is first
    now = 3541.0
    assert await logon.headers() is first  # good for a minute yet; nobody waits for the next one

    async def replaced() -> bool:
        return (await logon.headers())["authorization"] != first["authorization"]

    assert await eventually(replaced)
    assert await issued(control) == [200, 200]


async def test_token_serves_to_its_end_while_none_is_issued(wire: Any, peer: StartPeer, password: Path) -> None:
    now = 0.0
    server = await peer((200, b'{"access_token":"held","expires_in":"100"}'), *[(503, b"")] * 3)
    settings = SapSettings(url=server.url, client_secret=Secret(f"file:{password}"), retry_delays=(), **BY_TOKEN)
    endpoint = Outbound(wire).backend("tokens", settings, credentials=None, classify=problem_of_token_reply)
    logon = TokenLogon(endpoint, "/token", "C", Secret(f"file:{password}"), clock=lambda: now)
    held = await logon.headers()
    now = 90.0
    assert await logon.headers() is held
    await eventually(lambda: len(server.requests) == 2)
    now = 99.0
    assert await logon.headers() is held
    now = 100.0
    with pytest.raises(BackendUnavailable):
        await logon.headers()


async def test_client_that_gets_no_token_is_told_without_its_secret(
    control: Any, connect: Connect, sandbox_url: str, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("not-the-secret")
    erp = connect(sandbox_url, client_secret=Secret(f"file:{tmp_path / 'secret'}"), **BY_TOKEN)
    with pytest.raises(BackendFault, match="client_secret") as refused:
        await erp.get_order("4000001")
    assert "not-the-secret" not in str(refused.value)
    assert set(await issued(control)) == {401}


async def test_tokens_may_be_issued_elsewhere(
    connect: Connect, peer: StartPeer, sandbox_url: str, password: Path
) -> None:
    server = await peer((200, b'{"access_token":"elsewhere","expires_in":60}'), (500, b""))
    erp = connect(
        sandbox_url,
        client_secret=Secret(f"file:{password}"),
        token_url=f"{server.url}/oauth/token?tenant=t",
        retry_delays=(),
        **BY_TOKEN,
    )
    with pytest.raises(BackendUnavailable):
        await erp.get_order("4000001")
    asked = server.requests[0].decode()
    assert asked.startswith("POST /oauth/token?tenant=t ")
    assert asked.endswith("grant_type=client_credentials")
