import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sandboxes.company import company
from shared.binding.problems import BackendFault, BackendUnavailable, Problem, QuotaExceeded
from shared.contracts.canonical.order import NewCrmOrder
from shared.host.settings import read_settings
from shared.security.secrets import Secret
from shared.telemetry.metrics import exposition
from system_apis.salesforce.connector import SalesforceConnector, SalesforceSettings
from system_apis.salesforce.service import SalesforceCrm

TOKEN = "/services/oauth2/token"
QUERY = "/services/data/v66.0/query"
BUYER = company().customers[0].salesforce_id
Connect = Callable[[SalesforceSettings], SalesforceConnector]


async def test_fifty_callers_at_once_log_in_once(crm: SalesforceCrm, org: Any) -> None:
    await asyncio.gather(*(crm.get_customer(BUYER) for _ in range(50)))
    assert len(await org.requests(TOKEN)) == 1


async def test_a_session_that_ends_is_renewed_once_for_fifty_callers(crm: SalesforceCrm, org: Any) -> None:
    await crm.get_customer(BUYER)
    await org.control("expire-tokens")
    found = await asyncio.gather(*(crm.get_customer(BUYER) for _ in range(50)))
    assert {each.customer_id for each in found} == {BUYER}
    assert len(await org.requests(TOKEN)) == 2


async def test_a_refusal_after_renewal_says_that_our_credentials_are_not_accepted(crm: SalesforceCrm, org: Any) -> None:
    body = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
    await org.fault(QUERY, fault="status", status=401, times=None, body=body)
    with pytest.raises(BackendFault, match="does not accept our credentials"):
        await crm.get_customer(BUYER)
    assert len(await org.requests(TOKEN)) == 2


async def test_a_key_that_the_org_does_not_know_is_our_configuration(
    connect: Connect, settings: SalesforceSettings, tmp_path: Path
) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    (tmp_path / "other.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    other = msgspec.structs.replace(settings, private_key=Secret(f"file:{tmp_path / 'other.pem'}"))
    with pytest.raises(BackendFault, match="invalid_grant"):
        await SalesforceCrm(connect(other)).get_customer(BUYER)


async def test_a_key_that_is_none_is_named_and_not_shown(
    connect: Connect, settings: SalesforceSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOT_A_KEY", "swordfish")
    broken = msgspec.structs.replace(settings, private_key=Secret("env:NOT_A_KEY"))
    with pytest.raises(BackendFault, match="env:NOT_A_KEY") as refused:
        await SalesforceCrm(connect(broken)).get_customer(BUYER)
    assert "swordfish" not in refused.value.detail


async def test_a_token_for_an_org_elsewhere_is_not_used(crm: SalesforceCrm, org: Any) -> None:
    body = {"access_token": "00D!x", "instance_url": "https://evil.example"}
    await org.fault(TOKEN, fault="nonsense", body=body)
    with pytest.raises(BackendFault, match="another host") as refused:
        await crm.get_customer(BUYER)
    assert "evil" not in refused.value.detail
    assert await org.requests(QUERY) == []


async def test_an_instance_that_the_settings_name_is_accepted(
    connect: Connect, settings: SalesforceSettings, org: Any
) -> None:
    told = msgspec.structs.replace(settings, instance_urls=("https://acme.my.salesforce.com",))
    body = {"access_token": "00D!x", "instance_url": "https://acme.my.salesforce.com/"}
    await org.fault(TOKEN, fault="nonsense", body=body, times=1)
    assert (await SalesforceCrm(connect(told)).get_customer(BUYER)).customer_id == BUYER


async def test_an_unreachable_org_is_transient_and_does_not_hinder_construction(
    connect: Connect, settings: SalesforceSettings
) -> None:
    crm = SalesforceCrm(connect(msgspec.structs.replace(settings, url="http://127.0.0.1:9")))
    with pytest.raises(BackendUnavailable):
        await crm.get_customer(BUYER)


@pytest.mark.parametrize("body", [[], {}, {"records": [{}]}, {"records": "x"}, {"records": [{"Id": 1}]}, None, 7])
async def test_json_of_another_shape_is_a_fault_of_the_backend(crm: SalesforceCrm, org: Any, body: object) -> None:
    await org.fault(QUERY, fault="nonsense", body=msgspec.json.encode(body).decode(), times=None)
    with pytest.raises(BackendFault):
        await crm.get_customer_overview(BUYER)


@pytest.mark.parametrize(
    "body",
    [
        {"compositeResponse": []},
        {"compositeResponse": [{"httpStatusCode": 200, "referenceId": "orders", "body": {"records": 7}}] * 3},
        {"compositeResponse": [{"httpStatusCode": 400, "referenceId": "orders", "body": "x"}] * 3},
        {"other": 1},
    ],
)
async def test_a_composite_of_another_shape_is_a_fault_of_the_backend(
    crm: SalesforceCrm, org: Any, new_order: Callable[..., NewCrmOrder], body: object
) -> None:
    order = new_order()
    await org.fault("*/composite", fault="nonsense", body=msgspec.json.encode(body).decode(), times=None)
    with pytest.raises(BackendFault):
        await crm.record_order(order)


async def test_an_exhausted_allowance_is_a_quota_and_no_more_calls_are_made(crm: SalesforceCrm, org: Any) -> None:
    await crm.get_customer(BUYER)
    await org.control("limits", used=100_000)
    with pytest.raises(QuotaExceeded) as refused:
        await crm.get_customer(BUYER)
    assert refused.value.retry_after == 60.0
    asked = len(await org.requests())
    with pytest.raises(QuotaExceeded):
        await crm.get_customer(BUYER)
    assert len(await org.requests()) == asked


async def test_the_allowance_is_measured(salesforce: SalesforceConnector, crm: SalesforceCrm) -> None:
    await crm.get_customer(BUYER)
    await salesforce.usage.treasurer.visit()
    metrics = exposition("text/plain")[0].decode()
    assert 'triptych_quota_limit{budget="salesforce"} 100000.0' in metrics


async def test_a_field_that_the_org_lacks_is_our_configuration(connect: Connect, settings: SalesforceSettings) -> None:
    crm = SalesforceCrm(connect(msgspec.structs.replace(settings, erp_customer_field="Nowhere__c")))
    with pytest.raises(BackendFault, match="INVALID_FIELD"):
        await crm.get_customer(BUYER)


async def test_no_problem_carries_text_of_the_org(crm: SalesforceCrm, org: Any) -> None:
    body = [{"message": "value Hunter2 of jane@acme.example", "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION"}]
    await org.fault(QUERY, fault="status", status=400, body=body)
    with pytest.raises(Problem) as refused:
        await crm.get_customer(BUYER)
    assert "Hunter2" not in str(refused.value.details())
    assert "jane" not in str(refused.value.details())


def test_settings_refuse_names_that_would_reach_into_a_query(private_key: tuple[Path, str]) -> None:
    section = {"url": "http://x", "username": "u", "private_key": f"file:{private_key[0]}"}
    for name in ("X__c FROM User", "", "1x", "a,b"):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(
                {**section, "erp_customer_field": name}, SalesforceSettings, dec_hook=lambda _, value: Secret(value)
            )


async def test_the_host_fills_the_settings_from_the_topology(
    connect: Connect, org: Any, private_key: tuple[Path, str], tmp_path: Path
) -> None:
    section = {
        "url": "sandbox:salesforce",
        "username": "integration@tarn-gauge.example",
        "private_key": "file:{state}/salesforce/private.pem",
        "instance_urls": ["https://acme.my.salesforce.com"],
    }
    (tmp_path / "salesforce").mkdir()
    (tmp_path / "salesforce" / "private.pem").write_bytes(private_key[0].read_bytes())
    settings = read_settings(SalesforceSettings, {"salesforce": section}, {"salesforce": org.url}, tmp_path)
    assert (await SalesforceCrm(connect(settings)).get_customer(BUYER)).customer_id == BUYER


def _page(record_id: str, following: str | None) -> str:
    row = {"Id": record_id, "Name": record_id, "CurrencyIsoCode": "EUR"}
    page = {"records": [row], "done": following is None, "nextRecordsUrl": following}
    return msgspec.json.encode(page).decode()


async def test_a_long_answer_is_read_to_its_last_page(crm: SalesforceCrm, org: Any) -> None:
    await org.fault(QUERY, fault="nonsense", body=_page("001A", f"{QUERY}/01gX-2000"))
    await org.fault(f"{QUERY}/01gX-2000", fault="nonsense", body=_page("001B", None))
    assert [each.customer_id for each in (await crm.list_customers()).items] == ["001A", "001B"]


async def test_a_next_page_on_another_server_is_not_followed(crm: SalesforceCrm, org: Any) -> None:
    await org.fault(QUERY, fault="nonsense", body=_page("001A", "https://evil.example/query/01gX-2000"))
    with pytest.raises(BackendFault, match="leads away"):
        await crm.list_customers()
