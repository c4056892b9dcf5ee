"""The SOAP services, called by zeep from the WSDLs they publish."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
import requests
import zeep
from zeep.exceptions import Fault
from zeep.transports import Transport

AUTH = ("TRIPTYCH", "sandbox-only")
ACCOUNTS, PROFILES, CREDIT = (
    "/crmService/CustomerAccountService",
    "/fscmService/ReceivablesCustomerProfileService",
    "/fscmService/CreditCheckingService",
)
CRM = "/crmRestApi/resources/11.13.18.05"


Call = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="module")
async def call(base_url: str) -> AsyncIterator[Call]:
    """Calls an operation of a service through zeep, off the loop."""
    session = requests.Session()
    session.auth = AUTH
    clients: dict[str, Any] = {}

    def called(path: str, name: str, **arguments: Any) -> Any:
        if path not in clients:
            clients[path] = zeep.Client(f"{base_url}{path}?WSDL", transport=Transport(session=session))
        return getattr(clients[path].service, name)(**arguments)

    async def off_the_loop(path: str, name: str, **arguments: Any) -> Any:
        return await asyncio.to_thread(called, path, name, **arguments)

    yield off_the_loop
    session.close()


def by(attribute: str, value: str, operator: str = "=") -> dict[str, Any]:
    item = {"conjunction": "And", "attribute": attribute, "operator": operator, "value": [value]}
    return {"fetchStart": 0, "fetchSize": 5, "filter": {"group": [{"item": [item]}]}}


async def organization(url: str, reference: str) -> dict[str, Any]:
    body = {
        "OrganizationName": f"Company {reference}",
        "SourceSystemReference": [{"SourceSystem": "TRIPTYCH", "SourceSystemReferenceValue": reference}],
        "Address": [{"Address1": "Main St", "City": "Reno", "PostalCode": "89501", "Country": "US"}],
    }
    async with httpx.AsyncClient(base_url=url, auth=AUTH) as http:
        made = await http.post(f"{CRM}/hubOrganizations", json=body)
    assert made.status_code == 201, made.text
    return made.json()


async def test_an_account_is_found_with_its_sites_and_what_they_are_used_for(call: Call) -> None:
    found = await call(ACCOUNTS, "findCustomerAccount", findCriteria=by("AccountNumber", "10100001"))
    assert [one.AccountNumber for one in found] == ["10100001"]
    uses = [use.SiteUseCode for site in found[0].CustomerAccountSite for use in site.CustomerAccountSiteUse]
    assert uses[0] == "BILL_TO"
    assert set(uses[1:]) == {"SHIP_TO"}
    same = await call(ACCOUNTS, "getCustomerAccount", customerAccountId=found[0].CustomerAccountId)
    assert same[0].AccountNumber == "10100001"


async def test_criteria_limit_and_may_find_nothing(call: Call) -> None:
    many = await call(ACCOUNTS, "findCustomerAccount", findCriteria=by("AccountNumber", "1010000", "STARTSWITH"))
    assert len(many) == 5
    assert await call(ACCOUNTS, "findCustomerAccount", findCriteria=by("AccountNumber", "none")) in (None, [])


async def test_an_account_of_a_new_party_is_made_merged_and_taken_out_of_use(call: Call, fresh: str) -> None:
    party = await organization(fresh, "soap-1")
    site = {"PartySiteId": party["Address"][0]["AddressId"], "CustomerAccountSiteUse": [{"SiteUseCode": "BILL_TO"}]}
    new = {"PartyId": party["PartyId"], "OrigSystem": "TRIPTYCH", "OrigSystemReference": "soap-1"}
    made = (await call(ACCOUNTS, "createCustomerAccount", customerAccount=new | {"CustomerAccountSite": [site]}))[0]
    assert made.Status == "A"
    assert made.CustomerAccountSite[0].CustomerAccountSiteUse[0].PrimaryFlag == "Y"
    with pytest.raises(Fault, match="HZ_API_DUPLICATE_ORIG_SYS_REF"):
        await call(ACCOUNTS, "createCustomerAccount", customerAccount=new)
    ended = {"CustomerAccountId": made.CustomerAccountId, "Status": "I", "AccountTerminationDate": "2026-02-01"}
    merged = (await call(ACCOUNTS, "mergeCustomerAccount", customerAccount=ended))[0]
    assert (merged.Status, merged.CustomerAccountId) == ("I", made.CustomerAccountId)


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ({"PartyId": 1}, "HZ_API_INVALID_PARTY"),
        ({"PartyId": 300000001000001, "AccountNumber": "10100001"}, "HZ_API_DUPLICATE_ACCOUNT_NUMBER"),
        ({"PartyId": 300000001000001, "OrigSystem": "NO", "OrigSystemReference": "x"}, "HZ_API_INVALID_ORIG_SYSTEM"),
        ({"PartyId": 300000001000001, "CustomerAccountSite": [{"PartySiteId": 5}]}, "HZ_API_INVALID_PARTY_SITE"),
        ({"CustomerAccountId": 5}, "HZ_API_NO_RECORD"),
    ],
)
async def test_what_the_trading_community_refuses_leaves_nothing_behind(
    call: Call, fresh: str, sent: dict[str, Any], code: str
) -> None:
    with pytest.raises(Fault, match=code):
        await call(ACCOUNTS, "mergeCustomerAccount", customerAccount=sent)
    async with httpx.AsyncClient(base_url=fresh) as http:
        assert (await http.get("/__sandbox__/ledger")).json()["accounts"] == []


async def test_an_account_has_one_active_profile(call: Call, fresh: str) -> None:
    del fresh
    held = (await call(PROFILES, "getActiveCustomerProfile", customerProfile={"AccountNumber": "10100001"}))[0]
    assert (held.CreditHold, held.CreditCurrencyCode) == ("N", "EUR")
    with pytest.raises(Fault, match="AR_CUST_PROF_EXISTS"):
        await call(
            PROFILES,
            "createCustomerProfile",
            customerProfile={"AccountNumber": "10100001", "ProfileClassName": "DEFAULT"},
        )
    changed = {"AccountNumber": "10100001", "CreditHold": "Y", "CreditLimit": "5"}
    after = (await call(PROFILES, "updateCustomerProfile", customerProfile=changed))[0]
    assert (after.CreditHold, str(after.CreditLimit)) == ("Y", "5")
    with pytest.raises(Fault, match="AR_CUST_PROF_INVALID_TERMS"):
        await call(
            PROFILES, "updateCustomerProfile", customerProfile={"AccountNumber": "10100001", "PaymentTerms": "never"}
        )


async def test_credit_that_was_granted_is_held_back_and_asking_for_nothing_only_tells(call: Call, fresh: str) -> None:
    del fresh
    asked = {"CustomerAccountNumber": "10100001", "RequestAuthorizationCurrency": "EUR"}

    async def ask(amount: str) -> Any:
        return await call(CREDIT, "creditChecking", request=asked | {"RequestAuthorizationAmount": amount})

    before = (await ask("0")).AvailableCredit
    granted = await ask("1000")
    assert (granted.AuthorizationAmount, granted.AuthorizationNumber is not None) == (1000, True)
    assert (await ask("0")).AvailableCredit == before - 1000
    refused = await ask(str(before))
    assert (refused.AuthorizationAmount, refused.AuthorizationNumber) == (0, None)
    assert refused.ResponseMessage == "The amount exceeds the available credit."


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"no xml", b"not well-formed"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b"DOCTYPE"),
        (b"<a>" * 60, b"nested too deeply"),
        (b"<a/>", b"names no operation"),
    ],
)
async def test_envelopes_that_are_none_are_faults(base_url: str, body: bytes, text: bytes) -> None:
    async with httpx.AsyncClient(base_url=base_url, auth=AUTH) as http:
        answer = await http.post(CREDIT, content=body)
    assert answer.status_code == 500
    assert text in answer.content
    assert b"Fault>" in answer.content


async def test_an_element_of_another_namespace_is_unknown(base_url: str) -> None:
    types = "http://xmlns.oracle.com/apps/cdm/foundation/parties/customerAccountService/applicationModule/types/"
    envelope = (
        '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body>'
        f'<o:mergeCustomerAccount xmlns:o="{types}"><o:customerAccount><o:PartyId>1</o:PartyId></o:customerAccount>'
        "</o:mergeCustomerAccount></e:Body></e:Envelope>"
    )
    async with httpx.AsyncClient(base_url=base_url, auth=AUTH) as http:
        answer = await http.post(ACCOUNTS, content=envelope)
        assert (await http.post(ACCOUNTS, content=envelope, auth=("TRIPTYCH", "wrong"))).status_code == 401
    assert "no element PartyId" in answer.text
