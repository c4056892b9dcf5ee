"""Customers are entered once, found by what they have in common, given delivery places and taken out of use."""

import asyncio
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from sandboxes.company import Company, Customer
from shared.binding.problems import BackendFault, Transient
from shared.contracts.canonical.likeness import comparable_name
from shared.contracts.canonical.order import NewErpOrder
from shared.contracts.canonical.party import CustomerDescription, NewDeliveryPlace, NewErpCustomer, SalesAreaKey
from shared.contracts.canonical.values import Address
from shared.contracts.system.erp import CustomerBlocked, ErpBlock, ErpCustomerNotFound, ErpCustomerRejected
from system_apis.sap.service import SapErp

PARTNERS = "*A_BusinessPartner"


def address_of(one: Customer) -> Address:
    billing = one.billing
    street = f"{billing.street} {billing.house_number}".strip()
    return Address(street, "", billing.city, billing.region, billing.postal_code, billing.country or None)


def new(one: Customer, **changed: Any) -> NewErpCustomer:
    made = NewErpCustomer(
        one.salesforce_id, one.legal_name, one.currency, address_of(one), one.tax_number, "a@b.example", one.phone
    )
    return replace(made, **changed)


@pytest.fixture
def prospect(firm: Company) -> Customer:
    return firm.prospects_for("plain")[0]


@pytest.mark.parametrize("kind", ["plain", "new-parent", "longest-name", "japanese", "arabic"])
async def test_a_customer_is_entered_as_it_is_in_any_script(
    erp: SapErp, firm: Company, control: Any, kind: str
) -> None:
    one = firm.prospects_for(kind)[0]
    made = await erp.create_customer(new(one, parent_erp_number="10100001"))
    assert (made.name, made.address, made.tax_number) == (one.legal_name, address_of(one), one.tax_number)
    assert made.parent_erp_number == "10100001"
    [area] = made.sales_areas
    assert (area.organization, area.channel, area.division, area.currency) == ("1010", "10", "00", one.currency)
    assert {(each.function, each.erp_number) for each in area.partners} == {
        (function, made.erp_number) for function in ("sold-to", "ship-to", "bill-to", "payer")
    }
    assert [each.company_code for each in made.company_codes] == ["1010"]
    assert [each["BusinessPartnerIDByExtSystem"] for each in await control.partners()] == [one.salesforce_id]


async def test_sales_areas_company_code_and_terms_are_as_asked(erp: SapErp, prospect: Customer, control: Any) -> None:
    areas = [SalesAreaKey(organization, "10", "00") for organization in ("1710", "1010")]
    made = await erp.create_customer(new(prospect, sales_areas=areas, company_code="1710", payment_terms="NT60"))
    assert [one.organization for one in made.sales_areas] == ["1010", "1710"]
    assert [(one.company_code, one.payment_terms) for one in made.company_codes] == [("1710", "NT60")]
    assert {one.payment_terms for one in made.sales_areas} == {"NT60"}


async def test_the_same_reference_is_the_same_customer(erp: SapErp, prospect: Customer, control: Any) -> None:
    answers = await asyncio.gather(*(erp.create_customer(new(prospect)) for _ in range(4)))
    again = await erp.create_customer(new(prospect, name="Another name"))
    assert {one.erp_number for one in (*answers, again)} == {answers[0].erp_number}
    assert len(await control.partners()) == 1


@pytest.mark.parametrize("fault", ["lost-reply", "truncate"])
async def test_an_answer_that_is_lost_makes_no_second_customer(
    erp: SapErp, prospect: Customer, control: Any, fault: str
) -> None:
    await control.do("faults", fault=fault, method="POST", path=PARTNERS, times=1)
    made = await erp.create_customer(new(prospect))
    [kept] = await control.partners()
    assert kept["Customer"] == made.erp_number


async def test_two_processes_at_once_leave_one_customer_in_use(
    connect: Any, sandbox_url: str, prospect: Customer, control: Any
) -> None:
    await control.do("faults", fault="latency", seconds=0.3, method="GET", path=PARTNERS, times=2)
    answers = await asyncio.gather(*(connect(sandbox_url).create_customer(new(prospect)) for _ in range(2)))
    assert len({one.erp_number for one in answers}) == 1
    in_use = [one for one in await control.partners() if not one["IsMarkedForArchiving"]]
    assert [one["Customer"] for one in in_use] == [answers[0].erp_number]


async def test_what_sap_cannot_hold_is_refused_all_at_once_and_unsent(
    erp: SapErp, prospect: Customer, control: Any
) -> None:
    bad = new(
        prospect, name="x" * 161, phone="1" * 31, email=f"{'m' * 240}@x", payment_terms="TOOLONG",
        address=Address("s" * 141, "n" * 11, "c" * 41, "Bavaria", "p" * 11),
    )  # fmt: skip
    with pytest.raises(ErpCustomerRejected) as rejected:
        await erp.create_customer(bad)
    assert {one.pointer for one in rejected.value.errors} == {
        "/name", "/phone", "/email", "/paymentTerms", "/address/street", "/address/houseNumber", "/address/city",
        "/address/region", "/address/postalCode", "/address/country",
    }  # fmt: skip
    assert not [one for one in await control.requests() if one[0] == "POST" and "A_BusinessPartner" in one[1]]


async def test_what_sap_refuses_is_told_all_at_once_with_where(erp: SapErp, prospect: Customer, control: Any) -> None:
    bad = new(
        prospect, currency="QQQ", company_code="9999", payment_terms="ZZZZ",
        address=Address(city="X", region="QQ", country="DE"),
    )  # fmt: skip
    with pytest.raises(ErpCustomerRejected) as rejected:
        await erp.create_customer(bad)
    assert {one.pointer for one in rejected.value.errors} == {
        "/address/region", "/companyCode", "/paymentTerms", "/currency",
    }  # fmt: skip
    assert rejected.value.detail == "SAP refused the customer; see `errors`."
    assert await control.partners() == []


async def test_delivery_places_are_customers_that_goods_may_go_to_once(
    erp: SapErp, prospect: Customer, control: Any, new_order: Any
) -> None:
    areas = [SalesAreaKey(organization, "10", "00") for organization in ("1010", "1710")]
    made = await erp.create_customer(new(prospect, sales_areas=areas))
    place = NewDeliveryPlace(f"{prospect.salesforce_id}-1", "Lager Süd", address_of(prospect))
    await control.do("faults", fault="lost-reply", method="POST", path="*A_CustSalesPartnerFunc", times=1)
    with pytest.raises(Transient):
        await erp.add_delivery_place(made.erp_number, place)
    added = [await erp.add_delivery_place(made.erp_number, place) for _ in range(2)]
    assert len({one.erp_number for one in added}) == 1
    assert len(await control.partners()) == 2
    for area in (await erp.get_customer(made.erp_number)).sales_areas:
        assert (added[0].erp_number, False) in {(one.erp_number, one.is_default) for one in area.partners}
    order: NewErpOrder = new_order()
    placed = await erp.create_order(
        replace(order, erp_number=made.erp_number, ship_to_erp_number=added[0].erp_number, currency="EUR")
    )
    assert placed.erp_number == made.erp_number


async def test_those_who_add_one_delivery_place_at_once_are_all_given_it(
    sandbox_url: str, prospect: Customer, connect: Any
) -> None:
    areas = [SalesAreaKey(organization, "10", "00") for organization in ("1010", "1710")]
    made = await connect(sandbox_url).create_customer(new(prospect, sales_areas=areas))
    place = NewDeliveryPlace(f"{prospect.salesforce_id}-1", "Lager Süd", address_of(prospect))
    added = await asyncio.gather(
        *(connect(sandbox_url).add_delivery_place(made.erp_number, place) for _ in range(2)),
    )
    assert added[0] == added[1]
    for area in (await connect(sandbox_url).get_customer(made.erp_number)).sales_areas:
        assert [one.erp_number for one in area.partners].count(added[0].erp_number) == 1


async def test_out_of_use_takes_no_orders_and_frees_its_reference(
    erp: SapErp, prospect: Customer, control: Any, new_order: Any
) -> None:
    made = await erp.create_customer(new(prospect))
    place = await erp.add_delivery_place(
        made.erp_number, NewDeliveryPlace(f"{prospect.salesforce_id}-1", "Lager", address_of(prospect))
    )
    await control.do("faults", fault="lost-reply", method="POST", path="*$batch", times=1)
    for _ in range(2):
        blocked = await erp.block_customer(made.erp_number, ErpBlock("test"))
        assert (blocked.order_blocked, blocked.marked_for_deletion) == (True, True)
    assert (await erp.get_customer(place.erp_number)).order_blocked
    assert [one["BusinessPartnerIDByExtSystem"] for one in await control.partners()] == ["", ""]
    order: NewErpOrder = new_order()
    with pytest.raises(CustomerBlocked):
        await erp.create_order(replace(order, erp_number=made.erp_number, currency="EUR"))
    assert (await erp.create_customer(new(prospect))).erp_number not in (made.erp_number, place.erp_number)


async def test_a_block_that_sap_does_not_know_is_our_fault_and_changes_nothing(
    connect: Any, sandbox_url: str, prospect: Customer, control: Any
) -> None:
    erp = connect(sandbox_url, order_block="ZZ")
    made = await erp.create_customer(new(prospect))
    with pytest.raises(BackendFault, match="order_block"):
        await erp.block_customer(made.erp_number, ErpBlock("test"))
    [kept] = await control.partners()
    assert (kept["BusinessPartnerIDByExtSystem"], kept["IsMarkedForArchiving"]) == (prospect.salesforce_id, False)


async def test_one_that_somebody_else_archives_is_named_and_not_used(
    erp: SapErp, prospect: Customer, control: Any, sandbox_url: str
) -> None:
    made = await erp.create_customer(new(prospect))
    path = f"{sandbox_url}/sap/opu/odata/sap/API_BUSINESS_PARTNER/A_BusinessPartner('{made.business_partner}')"
    async with httpx.AsyncClient(auth=("TRIPTYCH", "sandbox-only")) as person:
        fetched = await person.get(path, headers={"x-csrf-token": "Fetch"})
        headers = {"x-csrf-token": fetched.headers["x-csrf-token"], "if-match": "*"}
        assert (await person.patch(path, json={"IsMarkedForArchiving": True}, headers=headers)).status_code == 204
    with pytest.raises(ErpCustomerRejected, match=made.business_partner):
        await erp.create_customer(new(prospect))


async def test_nobody_is_blocked_or_given_places_who_does_not_exist(erp: SapErp, prospect: Customer) -> None:
    with pytest.raises(ErpCustomerNotFound):
        await erp.block_customer("99999999", ErpBlock("test"))
    with pytest.raises(ErpCustomerNotFound):
        await erp.add_delivery_place("99999999", NewDeliveryPlace("x-1", "Lager", address_of(prospect)))


async def test_similar_is_who_has_the_same_tax_number_or_name_and_postal_code(erp: SapErp, firm: Company) -> None:
    twin, of = firm.prospects_for("twin")[0], firm.customers[0]

    async def found(**changed: Any) -> list[tuple[str, list[str]]]:
        described = CustomerDescription(twin.salesforce_id, twin.legal_name, address_of(twin), twin.tax_number)
        return [
            (one.erp_number, list(one.alike)) for one in await erp.find_similar_customers(replace(described, **changed))
        ]

    assert await found() == [(of.sap_customer, ["tax-number", "name-and-postal-code"])]
    assert await found(tax_number="") == [(of.sap_customer, ["name-and-postal-code"])]
    assert await found(name="Somebody else") == [(of.sap_customer, ["tax-number"])]
    elsewhere = replace(address_of(twin), postal_code="00000")
    assert await found(tax_number="DE'000", address=elsewhere) == []
    assert await found(tax_number="", name="  ") == []


async def test_neither_the_customer_itself_nor_what_is_out_of_use_is_similar(erp: SapErp, prospect: Customer) -> None:
    described = CustomerDescription(
        prospect.salesforce_id, prospect.legal_name, address_of(prospect), prospect.tax_number
    )
    made = await erp.create_customer(new(prospect))
    assert await erp.find_similar_customers(described) == []
    [other] = await erp.find_similar_customers(replace(described, reference="other"))
    assert other.erp_number == made.erp_number
    await erp.block_customer(made.erp_number, ErpBlock("test"))
    assert await erp.find_similar_customers(replace(described, reference="other")) == []


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Alster Kältetechnik GmbH", "ALSTER  KÄLTETECHNIK, GmbH.", True),
        ("Tarn Gauge Works Ltd", "Tarn-Gauge Works Limited", True),
        ("株式会社富士見", "富士見", True),
        ("ＡＢＣ株式会社", "ABC", True),
        ("شركة النخيل", "شركة الصقر", False),
        ("Nordlicht 1", "Nordlicht 2", False),
        ("GmbH", "Ltd", False),
    ],
)  # fmt: skip
def test_names_compare_without_case_width_punctuation_and_legal_form(one: str, other: str, same: bool) -> None:
    assert (comparable_name(one) == comparable_name(other)) is same
