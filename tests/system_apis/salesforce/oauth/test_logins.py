"""Logins that need a person, who here is a script with a browser's patience."""

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from shared.binding.problems import BackendFault
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.salesforce.connector import SalesforceConnector, SalesforceSettings
from system_apis.salesforce.oauth.__main__ import arguments, log_in
from system_apis.salesforce.oauth.device import await_approval, begin_device_login
from system_apis.salesforce.oauth.sessions import endpoint_of
from system_apis.salesforce.oauth.settings import LoginSettings
from system_apis.salesforce.oauth.token_endpoint import Token, TokenEndpoint
from system_apis.salesforce.oauth.user_agent import UserAgentLogin
from system_apis.salesforce.oauth.web_server import WebServerLogin

USERNAME = "integration@tarn-gauge.example"
APP = "desk"
CALLBACK = "http://localhost:1717/OauthRedirect"


@pytest.fixture
async def desk(org: Any) -> str:
    """A public app: it has no secret, so PKCE protects its codes."""
    await org.control("connected-apps", client_id=APP, client_secret="never told", callbacks=[CALLBACK], public=True)
    return APP


@pytest.fixture
async def endpoint(org: Any, desk: str, tmp_path: Path) -> AsyncGenerator[TokenEndpoint]:
    (tmp_path / "none").write_text("none")
    settings = LoginSettings(
        url=org.url, client_id=desk, auth="refresh-token", refresh_token=Secret(f"file:{tmp_path / 'none'}")
    )
    wire = open_wire()
    yield endpoint_of("salesforce", settings, Outbound(wire))
    await wire.aclose()


async def agree(url: str, decision: str = "approve", password: str = "sandbox-password") -> httpx.Response:
    """Fill the form that the page shows."""
    async with httpx.AsyncClient() as browser:
        page = (await browser.get(url)).text
        hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page))
        form = hidden | {"username": USERNAME, "password": password, "decision": decision}
        return await browser.post(f"{url.partition('?')[0]}", data=form)


async def test_a_person_logs_in_with_a_browser(org: Any, endpoint: TokenEndpoint, desk: str) -> None:
    login = WebServerLogin(client_id=desk, redirect_uri=CALLBACK, scope="api refresh_token openid")
    url = login.authorize_url(org.url, login_hint=USERNAME, prompt="login")
    assert login.verifier not in url
    assert 43 <= len(login.verifier) <= 128
    answered = (await agree(url)).headers["location"]
    token = await login.redeem(endpoint, answered)
    assert (token.instance_url, bool(token.refresh_token), token.id_token.count(".")) == (org.url, True, 2)
    assert token.access_token not in repr(token)
    assert login.verifier not in repr(login)
    with pytest.raises(BackendFault, match="begin the login again"):  # a code is good once
        await login.redeem(endpoint, answered)


async def test_the_answer_to_another_login_is_not_used(org: Any, endpoint: TokenEndpoint, desk: str) -> None:
    login = WebServerLogin(client_id=desk, redirect_uri=CALLBACK)
    answered = (await agree(login.authorize_url(org.url))).headers["location"]
    other = WebServerLogin(client_id=desk, redirect_uri=CALLBACK)
    with pytest.raises(BackendFault, match="state differs"):
        await other.redeem(endpoint, answered)
    thief = WebServerLogin(client_id=desk, redirect_uri=CALLBACK, state=login.state)
    with pytest.raises(BackendFault, match="invalid_grant"):  # has the code, not the verifier
        await thief.redeem(endpoint, answered)


async def test_a_person_who_says_no_is_understood(org: Any, endpoint: TokenEndpoint, desk: str) -> None:
    login = WebServerLogin(client_id=desk, redirect_uri=CALLBACK)
    denied = await agree(login.authorize_url(org.url), decision="deny")
    with pytest.raises(BackendFault, match="Access was denied"):
        await login.redeem(endpoint, denied.headers["location"])
    wrong = await agree(login.authorize_url(org.url), password="hunter2")
    assert (wrong.status_code, "check your username" in wrong.text) == (200, True)


async def test_the_user_agent_flow_reads_the_fragment(org: Any, endpoint: TokenEndpoint, desk: str) -> None:
    login = UserAgentLogin(client_id=desk, redirect_uri=CALLBACK)
    answered = (await agree(login.authorize_url(org.url))).headers["location"]
    assert "access_token" not in urlsplit(answered).query
    assert login.token(endpoint, answered).instance_url == org.url
    elsewhere = f"{CALLBACK}#access_token=x&instance_url=https%3A%2F%2Fevil.example&state={login.state}"
    for address, words in (
        (f"{CALLBACK}#access_token=x&state=other", "state differs"),
        (f"{CALLBACK}#access_token=x&state={login.state}", "without an instance_url"),
        (f"{CALLBACK}#error=server_error&state={login.state}", "did not grant access"),
        (elsewhere, "another host"),
    ):
        with pytest.raises(BackendFault, match=words):
            login.token(endpoint, address)


async def test_a_device_waits_for_its_person(org: Any, endpoint: TokenEndpoint, desk: str) -> None:
    codes = await begin_device_login(endpoint, desk)
    assert codes.device_code not in repr(codes)
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 4:
            await org.control("approvals", user_code=codes.user_code, username=USERNAME)

    token = await await_approval(endpoint, desk, codes, pause)
    assert (token.instance_url, bool(token.refresh_token)) == (org.url, True)
    assert pauses == [5, 5, 10, 15]  # it was told twice to slow down: the org's clock stood still


async def test_a_device_hears_no_and_too_late(org: Any, endpoint: TokenEndpoint, desk: str) -> None:
    async def at_once(seconds: float) -> None:
        assert seconds > 0

    codes = await begin_device_login(endpoint, desk)
    await org.control("approvals", user_code=codes.user_code, username=USERNAME, decision="deny")
    with pytest.raises(BackendFault, match="access was denied"):
        await await_approval(endpoint, desk, codes, at_once)
    codes = await begin_device_login(endpoint, desk)
    await org.control("clock", offset_seconds=601)
    with pytest.raises(BackendFault, match="invalid_grant"):
        await await_approval(endpoint, desk, codes, at_once)


async def test_an_app_that_nobody_let_in_is_said(endpoint: TokenEndpoint) -> None:
    with pytest.raises(BackendFault, match="consumer key of the connected app"):
        await begin_device_login(endpoint, "nobody")


async def test_an_operator_logs_in_and_the_connector_lives_on_it(
    org: Any,
    desk: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    unused_tcp_port: int,
    connect: Callable[[SalesforceSettings], SalesforceConnector],
) -> None:
    callback = f"http://127.0.0.1:{unused_tcp_port}/back"
    await org.control("connected-apps", client_id=desk, callbacks=[callback])
    place = tmp_path / "login" / "refresh_token"
    given = ["--url", org.url, "--client-id", desk, "--redirect-uri", callback, "--into", str(place)]
    login = asyncio.create_task(log_in(arguments(given)))
    url = ""
    while not url:
        await asyncio.sleep(0.02)
        url = capsys.readouterr().out.removeprefix("Open ").strip()
    assert parse_qs(urlsplit(url).query)["code_challenge_method"] == ["S256"]
    answered = (await agree(url)).headers["location"]
    async with httpx.AsyncClient() as browser:
        assert (await browser.get(f"{callback.rpartition('/')[0]}/favicon.ico")).status_code == 404
        assert "close this page" in (await browser.get(answered)).text
    await login
    assert place.stat().st_mode & 0o077 == 0
    kept = Secret(f"file:{place}")
    connector = connect(SalesforceSettings(url=org.url, auth="refresh-token", client_id=desk, refresh_token=kept))
    assert (await connector.backend.send("GET", f"{connector.root}/limits", operation="limits")).status == 200


def test_a_token_shows_where_it_leads_and_not_what_it_is() -> None:
    assert repr(Token("00D!x", "https://a", refresh_token="r")) == "Token(instance_url='https://a', scope='')"
