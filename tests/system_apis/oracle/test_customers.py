"""Customers are read whole, entered once, found by what they have in common, and taken out of use."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from msgspec.structs import replace

from sandboxes.company import Company, Customer
from sandboxes.oracle import CLIENT_ID, KEY_ID, SCOPE, development_key
from shared.binding.problems import BackendFault, BackendUnavailable
from shared.contracts.canonical.party import CustomerDescription, NewDeliveryPlace, NewErpCustomer, SalesAreaKey
from shared.contracts.canonical.values import Address
from shared.contracts.system.erp import (
    CustomerBlocked,
    ErpBlock,
    ErpCustomerNotFound,
    ErpCustomerRejected,
)
from shared.resilience.outbound import Outbound
from shared.resilience.wire import Wire
from shared.security.secrets import Secret
from system_apis.oracle.accounts import Accounts
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.parties import PersonRow
from system_apis.oracle.service import OracleErp
from system_apis.oracle.settings import OracleSettings

ACCOUNTS = "*CustomerAccountService"
PARTIES = "*hubOrganizations"


def address_of(one: Customer) -> Address:
    billing = one.billing
    return Address(
        billing.street, billing.house_number, billing.city, billing.region, billing.postal_code, billing.country or None
    )


def new(one: Customer, **changed: Any) -> NewErpCustomer:
    made = NewErpCustomer(
        one.salesforce_id, one.legal_name[:240], one.currency, address_of(one), one.tax_number, "a@b.example", one.phone
    )
    return replace(made, **changed)


@pytest.fixture
def prospect(firm: Company) -> Customer:
    return firm.prospects_for("plain")[0]


async def test_a_customer_is_party_account_and_profile_as_one(erp: OracleErp, firm: Company) -> None:
    one = next(each for each in firm.customers if each.parent and not each.order_blocked)
    parent = firm.customer_by_number[one.parent or 0]
    found = await erp.get_customer(one.sap_customer)
    assert (found.erp_number, found.name, found.tax_number) == (one.sap_customer, one.legal_name, one.tax_number)
    assert found.address == address_of(one)
    assert found.parent_erp_number == parent.sap_customer
    assert (found.order_blocked, found.marked_for_deletion) == (False, False)
    [area] = found.sales_areas
    assert (area.organization, area.currency, area.payment_terms) == (
        "US1 Business Unit", one.currency, one.payment_terms,
    )  # fmt: skip
    assert [each.erp_number for each in area.partners if each.function == "ship-to"] == [
        each.sap_customer for each in one.ship_to
    ]
    assert {each.function for each in area.partners if each.erp_number == one.sap_customer} == {
        "sold-to", "bill-to", "payer",
    }  # fmt: skip


async def test_a_customer_on_hold_is_blocked(erp: OracleErp, firm: Company) -> None:
    held = next(each for each in firm.customers if each.order_blocked)
    found = await erp.get_customer(held.sap_customer)
    assert found.order_blocked
    assert not found.marked_for_deletion


@pytest.mark.parametrize("read", ["get_customer", "get_credit"])
async def test_nobody_has_a_number_that_is_none(erp: OracleErp, read: str) -> None:
    with pytest.raises(ErpCustomerNotFound):
        await getattr(erp, read)("99999999")


async def test_credit_is_limit_exposure_and_what_is_left(erp: OracleErp, firm: Company) -> None:
    one = firm.customers[0]
    for _ in range(2):  # asking holds nothing back
        standing = await erp.get_credit(one.sap_customer)
        assert standing.available is not None
        assert standing.exposure is not None
        assert (standing.limit.amount, standing.exposure.amount) == (one.credit_limit, one.credit_exposure)
        assert standing.available.amount == one.credit_limit - one.credit_exposure


@pytest.mark.parametrize("kind", ["plain", "japanese", "arabic"])
async def test_a_customer_is_entered_as_it_is_in_any_script(
    erp: OracleErp, firm: Company, control: Any, kind: str
) -> None:
    one = firm.prospects_for(kind)[0]
    made = await erp.create_customer(new(one, parent_erp_number="10100001"))
    assert (made.name, made.address, made.tax_number) == (one.legal_name, address_of(one), one.tax_number)
    assert made.parent_erp_number == "10100001"
    assert made.sales_areas[0].currency == one.currency
    assert {each.function for each in made.sales_areas[0].partners} == {"sold-to", "ship-to", "bill-to", "payer"}
    assert [each["OrigSystemReference"] for each in await control.ledger("accounts")] == [one.salesforce_id]


async def test_the_same_reference_is_the_same_customer_also_for_many_at_once(
    erp: OracleErp, prospect: Customer, control: Any
) -> None:
    answers = await asyncio.gather(*(erp.create_customer(new(prospect)) for _ in range(4)))
    again = await erp.create_customer(new(prospect, name="Another name"))
    assert {one.erp_number for one in (*answers, again)} == {answers[0].erp_number}
    assert len(await control.ledger("accounts")) == len(await control.ledger("parties")) == 1


@pytest.mark.parametrize("path", [PARTIES, ACCOUNTS, "*ReceivablesCustomerProfileService"])
@pytest.mark.parametrize("fault", ["lost-reply", "truncate"])
async def test_an_answer_that_is_lost_makes_no_second_customer(
    erp: OracleErp, prospect: Customer, control: Any, fault: str, path: str
) -> None:
    await control.do("faults", fault=fault, method="POST", path=path, times=1)
    made = await erp.create_customer(new(prospect))
    [kept] = await control.ledger("accounts")
    assert kept["AccountNumber"] == made.erp_number
    assert len(await control.ledger("parties")) == 1


async def test_a_try_that_broke_off_is_continued(erp: OracleErp, prospect: Customer, control: Any) -> None:
    await control.do("faults", fault="status", status=503, method="POST", path=ACCOUNTS, times=3)
    with pytest.raises(BackendUnavailable):
        await erp.create_customer(new(prospect))
    await erp.create_customer(new(prospect))
    assert len(await control.ledger("parties")) == len(await control.ledger("accounts")) == 1


async def test_a_new_customer_has_no_credit_limit_until_somebody_sets_one(
    erp: OracleErp, prospect: Customer, new_order: Callable[..., Any]
) -> None:
    made = await erp.create_customer(new(prospect))
    with pytest.raises(ErpCustomerNotFound, match="no limit"):
        await erp.get_credit(made.erp_number)
    assert (await erp.simulate_order(new_order(erp_number=made.erp_number))).credit == "not-checked"


async def test_what_oracle_cannot_hold_is_refused_all_at_once_and_unsent(
    erp: OracleErp, prospect: Customer, control: Any
) -> None:
    bad = new(
        prospect, name="x" * 241, phone="1" * 61, company_code="1010", sales_areas=[SalesAreaKey("1010", "10", "00")],
        address=Address("s" * 241, city="c" * 61, postal_code="p" * 61),
    )  # fmt: skip
    with pytest.raises(ErpCustomerRejected) as rejected:
        await erp.create_customer(bad)
    assert {one.pointer for one in rejected.value.errors} == {
        "/name", "/phone", "/companyCode", "/salesAreas/0", "/address/street", "/address/city", "/address/postalCode",
        "/address/country",
    }  # fmt: skip
    assert await control.ledger("parties") == []


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"parent_erp_number": "99999999"}, "/parentErpNumber"),
        ({"payment_terms": "NEVER"}, "/paymentTerms"),
        ({"currency": "QQQ"}, "/currency"),
    ],
)
async def test_what_oracle_refuses_is_told_with_where(
    erp: OracleErp, prospect: Customer, changed: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(ErpCustomerRejected) as rejected:
        await erp.create_customer(new(prospect, **changed))
    assert [one.pointer for one in rejected.value.errors] == [pointer]


async def test_delivery_places_are_added_once_and_delivered_to(
    erp: OracleErp, prospect: Customer, control: Any
) -> None:
    made = await erp.create_customer(new(prospect))
    place = NewDeliveryPlace(f"{prospect.salesforce_id}-1", "Lager Süd", address_of(prospect))
    await control.do("faults", fault="lost-reply", method="POST", path=ACCOUNTS, times=1)
    added = await asyncio.gather(*(erp.add_delivery_place(made.erp_number, place) for _ in range(3)))
    assert len({one.erp_number for one in added}) == 1
    assert (added[0].function, added[0].name) == ("ship-to", "Lager Süd")
    partners = (await erp.get_customer(made.erp_number)).sales_areas[0].partners
    assert [one.erp_number for one in partners if one.name == "Lager Süd"] == [added[0].erp_number]


async def test_a_place_that_oracle_cannot_hold_is_refused(erp: OracleErp) -> None:
    with pytest.raises(ErpCustomerRejected):
        await erp.add_delivery_place("10100001", NewDeliveryPlace("x-1", " ", Address(country="DE")))
    with pytest.raises(ErpCustomerNotFound):
        await erp.add_delivery_place("99999999", NewDeliveryPlace("x-1", "There", Address(country="DE")))


async def test_a_customer_taken_out_of_use_frees_its_reference_with_its_places(
    erp: OracleErp, prospect: Customer, new_order: Callable[..., Any]
) -> None:
    first = await erp.create_customer(new(prospect))
    place = NewDeliveryPlace(f"{prospect.salesforce_id}-1", "Lager", address_of(prospect))
    before = await erp.add_delivery_place(first.erp_number, place)
    for _ in range(2):
        ended = await erp.block_customer(first.erp_number, ErpBlock("gone"))
        assert ended.order_blocked
        assert ended.marked_for_deletion
    with pytest.raises(CustomerBlocked):
        await erp.simulate_order(new_order(erp_number=first.erp_number))
    second = await erp.create_customer(new(prospect))
    assert second.erp_number != first.erp_number
    assert not second.order_blocked
    assert (await erp.add_delivery_place(second.erp_number, place)).erp_number != before.erp_number
    with pytest.raises(ErpCustomerNotFound):
        await erp.block_customer("99999999", ErpBlock("gone"))


async def test_those_alike_are_found_by_tax_number_and_by_name_and_postal_code(erp: OracleErp, firm: Company) -> None:
    one = firm.customers[0]
    description = CustomerDescription("other", one.legal_name.upper(), address_of(one), one.tax_number)
    found = await erp.find_similar_customers(description)
    assert (found[0].erp_number, found[0].alike) == (one.sap_customer, ["tax-number", "name-and-postal-code"])
    elsewhere = replace(description, tax_number="", address=Address(postal_code="0", country="DE"))
    assert one.sap_customer not in {each.erp_number for each in await erp.find_similar_customers(elsewhere)}


async def test_letter_case_does_not_count_in_any_alphabet(erp: OracleErp, firm: Company) -> None:
    one = next(each for each in firm.customers if "ä" in each.legal_name)
    description = CustomerDescription("other", one.legal_name.upper(), address_of(one))
    found = {each.erp_number: each.alike for each in await erp.find_similar_customers(description)}
    assert found[one.sap_customer] == ["name-and-postal-code"]


async def test_a_person_who_buys_for_himself_is_a_customer_too(
    erp: OracleErp, sandbox_url: str, connect: Callable[..., OracleConnector]
) -> None:
    oracle = connect(sandbox_url)
    home = {"Address1": "Elm St", "City": "Reno", "PostalCode": "89501", "Country": "US"}
    body = {"FirstName": "Ada", "LastName": "Byron", "Address": [home]}
    person = await oracle.create(f"{oracle.settings.crm_path}/hubPersons", body, PersonRow, "create")
    account = await Accounts(oracle).merge({"PartyId": person.PartyId})
    found = await erp.get_customer(account.number)
    assert (found.name, found.business_partner) == ("Ada Byron", person.PartyNumber)
    assert found.address == Address("Elm St", city="Reno", postal_code="89501", country="US")


async def test_addresses_beyond_the_first_page_are_read_too(erp: OracleErp, prospect: Customer) -> None:
    made = await erp.create_customer(new(prospect))
    for place in range(27):
        one = NewDeliveryPlace(f"{prospect.salesforce_id}-{place}", f"Gate {place}", address_of(prospect))
        await erp.add_delivery_place(made.erp_number, one)
    partners = (await erp.get_customer(made.erp_number)).sales_areas[0].partners
    assert len([one for one in partners if one.name.startswith("Gate ")]) == 27


async def test_a_token_of_the_identity_domain_opens_every_service(
    wire: Wire, sandbox_url: str, tmp_path: Path, control: Any
) -> None:
    key = tmp_path / "private.pem"
    unencrypted = serialization.NoEncryption()
    key.write_bytes(
        development_key().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, unencrypted)
    )
    settings = OracleSettings(
        url=sandbox_url, username="TRIPTYCH", auth="jwt-bearer", iam_url=sandbox_url, client_id=CLIENT_ID,
        key_id=KEY_ID, scope=SCOPE, private_key=Secret(f"file:{key}"),
    )  # fmt: skip
    erp = OracleErp(OracleConnector(settings, Outbound(wire)))
    for _ in range(2):
        assert (await erp.get_customer("10100001")).erp_number == "10100001"
        await control.do("expire-tokens")


async def test_neither_the_customer_itself_nor_one_out_of_use_is_alike(erp: OracleErp, prospect: Customer) -> None:
    made = await erp.create_customer(new(prospect))
    itself = CustomerDescription(prospect.salesforce_id, made.name, address_of(prospect), prospect.tax_number)
    assert made.erp_number not in {one.erp_number for one in await erp.find_similar_customers(itself)}
    other = replace(itself, reference="other")
    assert made.erp_number in {one.erp_number for one in await erp.find_similar_customers(other)}
    await erp.block_customer(made.erp_number, ErpBlock("gone"))
    assert made.erp_number not in {one.erp_number for one in await erp.find_similar_customers(other)}


async def test_a_user_that_oracle_does_not_know_is_our_fault(
    connect: Callable[..., OracleConnector], sandbox_url: str
) -> None:
    with pytest.raises(BackendFault, match="credentials"):
        await OracleErp(connect(sandbox_url, username="SOMEBODY")).get_customer("10100001")


async def test_exposure_is_exact(erp: OracleErp, firm: Company) -> None:
    one = next(each for each in firm.customers if each.currency == "JPY")
    standing = await erp.get_credit(one.sap_customer)
    assert standing.limit.currency == "JPY"
    assert standing.limit.amount == standing.limit.amount.quantize(Decimal(1))
