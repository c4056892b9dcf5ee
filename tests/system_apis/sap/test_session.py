"""Logging on: one CSRF handshake for any number of writers, expiry, rotated and wrong passwords."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from shared.binding.problems import BackendFault, BackendUnavailable
from shared.contracts.canonical.order import NewErpOrder
from system_apis.sap.service import SapErp

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
