"""Business partners are created whole or not at all, extended, changed under their entity tag, and never deleted."""

from copy import deepcopy
from typing import Any

import httpx
import pyodata
import pytest
import requests
from pyodata.exceptions import HttpError

ROOT = "/sap/opu/odata/sap/API_BUSINESS_PARTNER"
SETS = f"{ROOT}/A_BusinessPartner"
ADDRESS, COMPANY = ("to_BusinessPartnerAddress",), ("to_Customer", "to_CustomerCompany")
SALES = ("to_Customer", "to_CustomerSalesArea")
FUNCTION = (*SALES, "to_PartnerFunction")
AREA = {"SalesOrganization": "1010", "DistributionChannel": "10", "Division": "00"}


@pytest.fixture
def partner() -> dict[str, Any]:
    """A body that makes a valid customer."""
    return {
        "BusinessPartnerCategory": "2",
        "BusinessPartnerGrouping": "BP02",
        "OrganizationBPName1": "Tarnwerk Süd",
        "BusinessPartnerIDByExtSystem": "001aj00000000EXAAY",
        "to_BusinessPartnerAddress": [
            {
                "Country": "DE",
                "CityName": "Hamburg",
                "Region": "HH",
                "to_EmailAddress": [{"EmailAddress": "office@tarnwerk.example"}],
            }
        ],
        "to_BusinessPartnerRole": [{"BusinessPartnerRole": "FLCU00"}, {"BusinessPartnerRole": "FLCU01"}],
        "to_BusinessPartnerTax": [{"BPTaxType": "DE0", "BPTaxNumber": "DE123456789"}],
        "to_Customer": {
            "to_CustomerCompany": [
                {"CompanyCode": "1010", "ReconciliationAccount": "12100000", "PaymentTerms": "NT30"}
            ],
            "to_CustomerSalesArea": [
                {
                    **AREA,
                    "Currency": "EUR",
                    "to_PartnerFunction": [{"PartnerFunction": "1A", "BPCustomerNumber": "10100001"}],
                }
            ],
        },
    }


async def made(writer: httpx.AsyncClient, body: dict[str, Any]) -> dict[str, Any]:
    answered = await writer.post(SETS, json=body)
    assert answered.status_code == 201, answered.text
    return answered.json()["d"]


async def rows(writer: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    answered = await writer.get(f"{ROOT}/{path}")
    assert answered.status_code == 200, answered.text
    return answered.json()["d"]["results"]


def test_pyodata_creates_a_customer_with_everything_below_it(
    fresh: str, session: requests.Session, partner: dict[str, Any]
) -> None:
    client = pyodata.Client(f"{fresh}{ROOT}/", session)
    created = client.entity_sets.A_BusinessPartner.create_entity().set(**partner).execute()
    assert (created.BusinessPartner, created.Customer) == ("30000001", "30000001")
    sets = client.entity_sets.A_BusinessPartner
    found = sets.get_entity("30000001").expand("to_Customer/to_CustomerSalesArea/to_PartnerFunction").execute()
    [area] = found.to_Customer.to_CustomerSalesArea
    functions = {one.PartnerFunction: one.BPCustomerNumber for one in area.to_PartnerFunction}
    assert functions == {**dict.fromkeys(("SP", "SH", "BP", "PY"), "30000001"), "1A": "10100001"}
    assert found.to_Customer.VATRegistration == "DE123456789"
    with pytest.raises(HttpError) as refused:
        sets.update_entity("30000001").set(IsMarkedForArchiving=True).execute()
    assert refused.value.response.status_code == 428
    change = sets.update_entity("30000001").set(IsMarkedForArchiving=True)
    change.add_headers({"If-Match": found.etag})
    change.execute()
    assert sets.get_entity("30000001").execute().IsMarkedForArchiving is True


async def test_the_same_request_twice_makes_two_partners(writer: httpx.AsyncClient, partner: dict[str, Any]) -> None:
    numbers = [(await made(writer, partner))["BusinessPartner"] for _ in range(2)]
    assert numbers == ["30000001", "30000002"]
    query = "A_BusinessPartner?$filter=BusinessPartnerIDByExtSystem eq '001aj00000000EXAAY'&$select=BusinessPartner"
    assert [one["BusinessPartner"] for one in await rows(writer, query)] == numbers
    ledger = (await writer.get("/__sandbox__/ledger")).json()["partners"]
    assert [one["BusinessPartner"] for one in ledger] == numbers


@pytest.mark.parametrize(
    ("at", "changed", "code", "target"),
    [
        ((), {"BusinessPartnerCategory": "9"}, "R11/124", "BusinessPartnerCategory"),
        ((), {"BusinessPartnerGrouping": "ZZZZ"}, "R11/404", "BusinessPartnerGrouping"),
        ((), {"BusinessPartner": "4711"}, "R11/402", "BusinessPartner"),
        ((), {"OrganizationBPName1": ""}, "R11/117", "OrganizationBPName1"),
        ((), {"to_BusinessPartnerRole": []}, "CVI_EI/041", "to_BusinessPartnerRole"),
        ((), {"to_BusinessPartnerRole": [{"BusinessPartnerRole": "FLCU01"}]}, "CVI_EI/042", "to_BusinessPartnerRole"),
        ((), {"to_BusinessPartnerRole": [{"BusinessPartnerRole": "FLCU00"}] * 2}, "R11/658", "BusinessPartnerRole"),
        ((), {"to_BusinessPartnerTax": [{"BPTaxType": "QQ9", "BPTaxNumber": "1"}]}, "R1/430", "BPTaxType"),
        (ADDRESS, {"Country": "QQ"}, "AM/216", "Country"),
        (ADDRESS, {"Region": "QQQ"}, "AM/217", "Region"),
        (ADDRESS, {"Country": "US", "Region": ""}, "AM/218", "Region"),
        (ADDRESS, {"CityName": ""}, "AM/235", "CityName"),
        (ADDRESS, {"to_EmailAddress": [{"EmailAddress": "no"}]}, "AM/305", "EmailAddress"),
        (COMPANY, {"CompanyCode": "9999"}, "F2/153", "CompanyCode"),
        (COMPANY, {"ReconciliationAccount": ""}, "F2/210", "ReconciliationAccount"),
        (COMPANY, {"PaymentTerms": "ZZZZ"}, "F2/311", "PaymentTerms"),
        (SALES, {"SalesOrganization": "9999"}, "F2/154", "SalesOrganization"),
        (SALES, {"Currency": "QQQ"}, "SV/731", "Currency"),
        (SALES, {"IncotermsClassification": "QQQ"}, "VP/221", "IncotermsClassification"),
        (FUNCTION, {"PartnerFunction": "ZZ"}, "VP/201", "PartnerFunction"),
        (FUNCTION, {"BPCustomerNumber": "1"}, "VP/199", "BPCustomerNumber"),
    ],
)  # fmt: skip
async def test_a_broken_rule_is_refused_with_its_target_and_nothing_is_kept(
    writer: httpx.AsyncClient,
    partner: dict[str, Any],
    at: tuple[str, ...],
    changed: dict[str, Any],
    code: str,
    target: str,
) -> None:
    below: Any = partner
    for step in at:
        below = below[step]
        below = below[0] if isinstance(below, list) else below
    below.update(changed)
    refused = await writer.post(SETS, json=partner)
    assert refused.status_code == 400, refused.text
    details = refused.json()["error"]["innererror"]["errordetails"]
    assert (code, target) in {(one["code"], one["target"]) for one in details}
    assert (await writer.get("/__sandbox__/ledger")).json()["partners"] == []


async def test_every_broken_rule_is_told_at_once(writer: httpx.AsyncClient, partner: dict[str, Any]) -> None:
    body = deepcopy(partner)
    body["to_BusinessPartnerAddress"][0] |= {"Country": "QQ", "CityName": ""}
    body["to_Customer"]["to_CustomerCompany"][0]["CompanyCode"] = "9999"
    refused = (await writer.post(SETS, json=body)).json()["error"]
    assert [one["target"] for one in refused["innererror"]["errordetails"]] == ["Country", "CityName", "CompanyCode"]
    assert refused["code"] == "AM/216"


async def test_lengths_are_counted_in_utf16_code_units_as_abap_does(
    writer: httpx.AsyncClient, partner: dict[str, Any]
) -> None:
    assert (await writer.post(SETS, json=partner | {"OrganizationBPName1": "𠮷" * 21})).status_code == 400
    assert (await made(writer, partner | {"OrganizationBPName1": "𠮷" * 20}))["OrganizationBPName1"] == "𠮷" * 20


async def test_partner_functions_are_added_counted_and_unique(
    writer: httpx.AsyncClient, partner: dict[str, Any]
) -> None:
    first, second = [(await made(writer, partner))["Customer"] for _ in range(2)]
    sets, body = f"{ROOT}/A_CustSalesPartnerFunc", {**AREA, "Customer": first, "BPCustomerNumber": second}
    added = await writer.post(sets, json=body | {"PartnerFunction": "WE"})  # German for SH
    assert (added.status_code, added.json()["d"]["PartnerFunction"], added.json()["d"]["PartnerCounter"]) == (
        201,
        "SH",
        "1",
    )
    twice = await writer.post(sets, json=body | {"PartnerFunction": "SH"})
    payer = await writer.post(sets, json=body | {"PartnerFunction": "PY"})
    nobody = await writer.post(sets, json=body | {"PartnerFunction": "SH", "Customer": "99"})
    elsewhere = await writer.post(sets, json=body | {"PartnerFunction": "SH", "SalesOrganization": "1710"})
    codes = [one.json()["error"]["code"] for one in (twice, payer, nobody, elsewhere)]
    assert codes == ["VP/203", "VP/203", "F2/155", "F2/155"]
    key = f"Customer='{first}',SalesOrganization='1010',DistributionChannel='10',Division='00'"
    own, other = (f"{sets}({key},PartnerCounter='{count}',PartnerFunction='SH')" for count in (0, 1))
    assert (await writer.delete(own)).json()["error"]["code"] == "VP/202"
    assert (await writer.delete(other)).status_code == 204


async def test_a_first_customer_role_makes_a_partner_a_customer(
    writer: httpx.AsyncClient, partner: dict[str, Any]
) -> None:
    bare = {name: value for name, value in partner.items() if name not in ("to_Customer", "to_BusinessPartnerRole")}
    number = (await made(writer, bare))["BusinessPartner"]
    roles = f"{ROOT}/A_BusinessPartnerRole"
    body = {"BusinessPartner": number, "BusinessPartnerRole": "FLCU01"}
    assert (await writer.post(roles, json=body)).status_code == 201
    assert (await writer.post(roles, json=body)).json()["error"]["code"] == "R11/658"
    assert (await writer.post(roles, json=body | {"BusinessPartner": "9"})).json()["error"]["code"] == "R11/401"
    assert [one["Customer"] for one in await rows(writer, f"A_Customer?$filter=Customer eq '{number}'")] == [number]


async def test_a_partner_cannot_be_deleted_only_blocked_with_a_reason_that_exists(
    writer: httpx.AsyncClient, partner: dict[str, Any], order: dict[str, Any]
) -> None:
    number = (await made(writer, partner))["BusinessPartner"]
    sales = "/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder"
    assert (await writer.post(sales, json=order | {"SoldToParty": number})).status_code == 201
    gone = await writer.delete(f"{SETS}('{number}')", headers={"if-match": "*"})
    assert gone.status_code == 405
    customer = f"{ROOT}/A_Customer('{number}')"
    assert (await writer.patch(customer, json={"OrderIsBlockedForCustomer": "ZZ"})).json()["error"]["code"] == "F2/330"
    assert (await writer.patch(customer, json={"OrderIsBlockedForCustomer": "01"})).status_code == 204
    refused = await writer.post(sales, json=order | {"SoldToParty": number})
    assert refused.json()["error"]["code"] == "V1/302"
