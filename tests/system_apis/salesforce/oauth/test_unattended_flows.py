"""The flows that need no person, against the stand-in org; what they refuse, and what they never show."""

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sandboxes.company import company
from shared.binding.problems import BackendFault
from shared.host.settings import read_settings
from shared.host.topology import TopologyRefused
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire
from shared.security.secrets import Secret
from system_apis.salesforce.connector import SalesforceConnector, SalesforceSettings
from system_apis.salesforce.oauth.settings import LoginSettings
from system_apis.salesforce.orgs import SalesforceOrgs
from system_apis.salesforce.service import SalesforceCrm

USERNAME = "integration@tarn-gauge.example"
TOKEN = "/services/oauth2/token"
BUYER = company().customers[0].salesforce_id
Connect = Callable[[SalesforceSettings], SalesforceConnector]


def kept(folder: Path, name: str, value: str) -> Secret:
    (folder / name).write_text(value)
    return Secret(f"file:{folder / name}")


@pytest.fixture
def secret(tmp_path: Path) -> Secret:
    return kept(tmp_path, "client_secret", "triptych-local-secret")


async def ask(connector: SalesforceConnector) -> str:
    return (await SalesforceCrm(connector).get_customer(BUYER)).customer_id


async def refresh_token(org: Any, client_id: str) -> str:
    form = {"grant_type": "password", "username": USERNAME, "password": "sandbox-password", "client_id": client_id}
    reply = await org._client.post(f"{org.url}{TOKEN}", data=form | {"client_secret": "s3cret"})
    return reply.json()["refresh_token"]


async def test_client_credentials_act_for_the_run_as_user(connect: Connect, org: Any, secret: Secret) -> None:
    settings = SalesforceSettings(url=org.url, auth="client-credentials", client_secret=secret)
    connector = connect(settings)
    assert await ask(connector) == BUYER
    told = await connector.session.introspect()
    assert (told.active, told.username, told.client_id) == (True, USERNAME, "triptych-local")
    assert told.exp > told.iat > 0


async def test_without_a_run_as_user_the_refusal_says_what_to_set(connect: Connect, org: Any, tmp_path: Path) -> None:
    await org.control("connected-apps", client_id="no-user", client_secret="s3cret")
    settings = SalesforceSettings(
        url=org.url, auth="client-credentials", client_id="no-user", client_secret=kept(tmp_path, "s", "s3cret")
    )
    with pytest.raises(BackendFault, match="name a run-as user") as refused:
        await ask(connect(settings))
    assert "s3cret" not in str(refused.value.details())


async def test_a_user_logs_in_with_password_and_security_token(
    connect: Connect, org: Any, secret: Secret, tmp_path: Path
) -> None:
    settings = SalesforceSettings(
        url=org.url,
        auth="username-password",
        client_secret=secret,
        username=USERNAME,
        password=kept(tmp_path, "password", "sandbox-password"),
        security_token=kept(tmp_path, "token", "sandbox-token"),
    )
    assert await ask(connect(settings)) == BUYER
    wrong = msgspec.structs.replace(settings, password=kept(tmp_path, "wrong", "hunter2"))
    with pytest.raises(BackendFault, match="invalid_grant") as refused:
        await ask(connect(wrong))
    assert "hunter2" not in str(refused.value.details())


async def test_five_hundred_calls_at_once_make_one_token_request(
    connect: Connect, settings: SalesforceSettings, org: Any
) -> None:
    roomy = msgspec.structs.replace(settings, max_waiting=1_000, max_wait=60.0, timeout=60.0)
    connector = connect(roomy)
    path = f"{connector.root}/limits"
    await asyncio.gather(*(connector.backend.send("GET", path, operation="limits") for _ in range(500)))
    assert len(await org.requests(TOKEN)) == 1


async def test_a_refresh_token_serves_for_as_long_as_it_stands(connect: Connect, org: Any, tmp_path: Path) -> None:
    await org.control("connected-apps", client_id="standing", client_secret="s3cret")
    place = kept(tmp_path, "refresh", await refresh_token(org, "standing"))
    before = place.reveal()
    connector = connect(
        SalesforceSettings(url=org.url, auth="refresh-token", client_id="standing", refresh_token=place)
    )
    assert await ask(connector) == BUYER
    await org.control("expire-tokens")
    assert await ask(connector) == BUYER
    assert place.reveal() == before
    await connector.session.endpoint.revoke(before)
    with pytest.raises(BackendFault, match="log in again with python -m") as refused:
        await ask(connector)
    assert before not in str(refused.value.details())


async def test_a_rotated_refresh_token_is_on_the_disk_and_serves_the_next_process(
    connect: Connect, org: Any, tmp_path: Path
) -> None:
    await org.control("connected-apps", client_id="rotating", client_secret="s3cret", rotates=True)
    place = kept(tmp_path, "refresh", await refresh_token(org, "rotating"))
    first = place.reveal()
    settings = SalesforceSettings(url=org.url, auth="refresh-token", client_id="rotating", refresh_token=place)
    assert await ask(connect(settings)) == BUYER
    second = place.reveal()
    assert second != first
    assert (tmp_path / "refresh").stat().st_mode & 0o077 == 0
    # Several processes at once: each takes its turn, none sends a used one.
    assert await asyncio.gather(*(ask(connect(settings)) for _ in range(4))) == [BUYER] * 4
    assert place.reveal() not in (first, second)


async def test_a_used_refresh_token_ends_the_grant_and_says_so(connect: Connect, org: Any, tmp_path: Path) -> None:
    await org.control("connected-apps", client_id="stolen", client_secret="s3cret", rotates=True)
    place = kept(tmp_path, "refresh", await refresh_token(org, "stolen"))
    copied = kept(tmp_path, "copy", place.reveal())
    settings = SalesforceSettings(url=org.url, auth="refresh-token", client_id="stolen", refresh_token=place)
    ours = connect(settings)
    assert await ask(ours) == BUYER
    with pytest.raises(BackendFault, match="an old one was used again"):
        await ask(connect(msgspec.structs.replace(settings, refresh_token=copied)))
    with pytest.raises(BackendFault, match="log in again"):
        await ask(ours)


@pytest.mark.parametrize("rotates", [False, True])
async def test_a_refresh_whose_answer_was_lost_is_repeated_and_the_loss_of_a_rotated_one_is_said(
    connect: Connect, org: Any, tmp_path: Path, *, rotates: bool
) -> None:
    await org.control("connected-apps", client_id=f"lossy-{rotates}", client_secret="s3cret", rotates=rotates)
    place = kept(tmp_path, "refresh", await refresh_token(org, f"lossy-{rotates}"))
    settings = SalesforceSettings(
        url=org.url,
        auth="refresh-token",
        client_id=f"lossy-{rotates}",
        refresh_token=place,
        retry_delays=(0.01, 0.02),
    )
    await org.fault(TOKEN, fault="lost-reply")
    if not rotates:
        assert await ask(connect(settings)) == BUYER
        return
    with pytest.raises(BackendFault, match="log in again with python -m"):
        await ask(connect(settings))


async def test_a_successor_that_cannot_be_kept_is_said_and_its_token_not_used(
    connect: Connect, org: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await org.control("connected-apps", client_id="homeless", client_secret="s3cret", rotates=True)
    monkeypatch.setenv("REFRESH", await refresh_token(org, "homeless"))
    settings = SalesforceSettings(
        url=org.url, auth="refresh-token", client_id="homeless", refresh_token=Secret("env:REFRESH")
    )
    with pytest.raises(BackendFault, match="name a file that this process may write"):
        await ask(connect(settings))


async def test_a_session_that_was_ended_begins_anew_with_the_next_call(
    salesforce: SalesforceConnector, org: Any
) -> None:
    assert await ask(salesforce) == BUYER
    await salesforce.session.end()
    assert await ask(salesforce) == BUYER
    assert len(await org.requests(TOKEN)) == 2
    assert (await salesforce.userinfo()).preferred_username == USERNAME
    await org.control("expire-tokens")  # this door says 403 Bad_OAuth_Token where others say 401
    assert (await salesforce.userinfo()).organization_id == company().salesforce_organization_id


async def test_nothing_secret_is_in_an_address_or_a_log(
    connect: Connect, org: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await org.control("connected-apps", client_id="quiet", client_secret="s3cret", rotates=True)
    place = kept(tmp_path, "refresh", await refresh_token(org, "quiet"))
    secrets = [place.reveal(), "s3cret"]
    settings = SalesforceSettings(
        url=org.url,
        auth="refresh-token",
        client_id="quiet",
        client_secret=kept(tmp_path, "secret", "s3cret"),
        refresh_token=place,
    )
    with caplog.at_level(logging.DEBUG):
        connector = connect(settings)
        await ask(connector)
        secrets += [place.reveal(), (await connector.session.credentials.headers())["authorization"][7:]]
        await connector.session.introspect()
        await connector.session.end()
    told = caplog.text + repr(settings) + str([each["path"] for each in await org.requests()])
    assert [each for each in secrets if each in told] == []


@pytest.mark.parametrize(
    ("auth", "missing"),
    [
        ("jwt-bearer", "username and private_key"),
        ("client-credentials", "client_secret"),
        ("refresh-token", "refresh_token"),
        ("username-password", "username and password and client_secret"),
    ],
)
def test_a_flow_without_what_it_needs_is_refused_at_the_start(auth: str, missing: str, tmp_path: Path) -> None:
    section = {"salesforce": {"url": "https://acme.my.salesforce.com", "auth": auth}}
    with pytest.raises(TopologyRefused, match=f'auth = "{auth}" needs {missing}: set it'):
        read_settings(SalesforceSettings, section, {}, tmp_path)


def test_client_credentials_at_a_host_of_all_orgs_are_refused_at_the_start(secret: Secret) -> None:
    with pytest.raises(ValueError, match="My Domains only"):
        LoginSettings(
            url="https://acme.my.salesforce.com",
            login_url="https://login.salesforce.com",
            auth="client-credentials",
            client_secret=secret,
        )


@pytest.mark.parametrize(
    ("url", "login_url", "audience"),
    [
        ("https://acme.my.salesforce.com", "", "https://login.salesforce.com"),
        ("https://acme.my.salesforce.com", "https://login.salesforce.com", "https://login.salesforce.com"),
        ("https://acme--uat.sandbox.my.salesforce.com", "", "https://test.salesforce.com"),
        ("https://x.my.salesforce.com", "https://test.salesforce.com", "https://test.salesforce.com"),
    ],
)
def test_assertions_are_meant_for_the_login_host_of_the_kind_of_org(
    url: str, login_url: str, audience: str, secret: Secret
) -> None:
    settings = LoginSettings(url=url, login_url=login_url, username="u", private_key=secret)
    assert settings.assertion_audience == audience
    assert msgspec.structs.replace(settings, audience="https://own.example").assertion_audience == "https://own.example"


async def test_further_orgs_have_sessions_of_their_own(org: Any, private_key: tuple[Path, str], tmp_path: Path) -> None:
    own = {"url": "sandbox:salesforce", "username": USERNAME, "private_key": f"file:{private_key[0]}"}
    section = {"salesforce": {**own, "orgs": {"emea": {**own, "api_version": "60.0"}}}}
    settings = read_settings(SalesforceSettings, section, {"salesforce": org.url}, tmp_path)
    wire = open_wire()
    default = SalesforceConnector(settings, Outbound(wire))
    orgs = SalesforceOrgs(default, Outbound(wire))
    assert orgs.names == ("emea",)
    assert orgs.named() is default
    emea = orgs.named("emea")
    assert (emea.root, emea.backend.name) == ("/services/data/v60.0", "salesforce-emea")
    assert await ask(emea) == await ask(default) == BUYER
    await wire.aclose()
    assert len(await org.requests(TOKEN)) == 2
    with pytest.raises(BackendFault, match=r"'apac'; .* are emea"):
        orgs.named("apac")
