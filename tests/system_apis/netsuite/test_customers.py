"""Customers of a NetSuite account behind the Erp contract."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from sandboxes.company import Company
from shared.binding.problems import BackendFault
from shared.contracts.canonical.party import CustomerDescription, NewDeliveryPlace, NewErpCustomer
from shared.contracts.canonical.values import Address
from shared.contracts.system.erp import ErpBlock, ErpCustomerNotFound, ErpCustomerRejected
from system_apis.netsuite.service import NetSuiteErp

CITY = Address("Domkloster", "4", "Köln", "NW", "50667", "DE")
NEW = NewErpCustomer(
    reference="001Hs00000NEWONE",
    name="Rhein Messtechnik GmbH",
    currency="EUR",
    address=CITY,
    tax_number="DE811111111",
    email="office@rhein.example",
)
PLACE = NewDeliveryPlace("001Hs00000NEWONE-2", "Rhein Lager Süd", Address("Am Hafen", "1", "Bonn", "", "53111", "DE"))


async def test_customer_comes_with_addresses_hierarchy_and_subsidiary(reading: NetSuiteErp, firm: Company) -> None:
    child = next(one for one in firm.customers if one.parent and not one.order_blocked)
    found = await reading.get_customer(child.sap_customer)
    assert found.erp_number == child.sap_customer
    assert found.business_partner != found.erp_number
    assert found.name == child.legal_name[:83]
    assert found.parent_erp_number == firm.customer_by_number[child.parent or 0].sap_customer
    assert found.address is not None
    assert found.address.postal_code == child.billing.postal_code
    (area,) = found.sales_areas
    assert (area.organization, area.currency, area.payment_terms) == ("1010", child.currency, child.payment_terms)
    assert len(area.partners) == len(child.ship_to) + 1
    assert [one.is_default for one in area.partners].count(True) == 1
    assert not found.order_blocked


async def test_customer_of_several_subsidiaries_is_sold_to_from_each(
    connect: Callable[..., NetSuiteErp], sandbox_url: str, reading: NetSuiteErp, peer: Callable[..., Any]
) -> None:
    number = "10100001"
    assert await connect(sandbox_url, shared_customers=True).get_customer(number) == await reading.get_customer(number)
    lists = b'{"items":[{"id":"1","symbol":"EUR"},{"id":"2","symbol":"USD"}],"hasMore":false}'
    served = await peer(
        (200, b'{"items":[{"id":"7","entityid":"C7"}],"hasMore":false}'),
        (200, b'{"id":"7","entityId":"C7","companyName":"Seven","currency":{"id":"1"},"subsidiary":{"id":"1"}}'),
        (200, lists),
    )
    found = await connect(served.url, shared_customers=True).get_customer("C7")
    assert [one.organization for one in found.sales_areas] == ["1", "2"]


async def test_blocked_customer_says_so(reading: NetSuiteErp, firm: Company) -> None:
    blocked = next(one for one in firm.customers if one.order_blocked)
    found = await reading.get_customer(blocked.sap_customer)
    assert (found.order_blocked, found.marked_for_deletion) == (True, False)


@pytest.mark.parametrize("number", ["99999999", "x' OR '1'='1", "10100001'--"])
async def test_number_that_nobody_has_is_not_found(reading: NetSuiteErp, number: str) -> None:
    for ask in (reading.get_customer, reading.get_credit, reading.list_orders):
        with pytest.raises(ErpCustomerNotFound):
            await ask(number)


async def test_credit_is_limit_less_balance_and_unbilled_orders(
    erp: NetSuiteErp, firm: Company, new_order: Callable[..., Any]
) -> None:
    customer = firm.customer_by_number[firm.quotes_for("plain")[0].customer]
    before = await erp.get_credit(customer.sap_customer)
    assert before.limit.amount == customer.credit_limit
    assert before.exposure is not None
    assert before.available is not None
    assert before.exposure.amount == customer.credit_exposure
    placed = await erp.create_order(new_order("credit-1"))
    after = await erp.get_credit(customer.sap_customer)
    assert after.available is not None
    assert before.available.amount - after.available.amount == placed.net.amount


async def test_customer_without_a_limit_has_no_standing_and_may_order_anything(
    erp: NetSuiteErp, control: Any, new_order: Callable[..., Any]
) -> None:
    new = new_order(scenario="credit-refused")
    await control.do("customer", entityId=new.erp_number, creditLimit=None)
    with pytest.raises(ErpCustomerNotFound, match="no credit limit"):
        await erp.get_credit(new.erp_number)
    assert (await erp.simulate_order(new)).credit == "approved"


async def test_alike_is_who_has_the_tax_number_or_the_name_at_the_postal_code(
    reading: NetSuiteErp, firm: Company
) -> None:
    known = next(one for one in firm.customers if one.country == "DE" and one.tax_number)
    billing = Address(postal_code=f" {known.billing.postal_code}", country="DE")
    loud = known.legal_name.upper().replace(" GMBH", ", Inc.")
    for name, tax_number, alike in (
        (known.legal_name, known.tax_number.lower(), ["tax-number", "name-and-postal-code"]),
        ("Other", f"{known.tax_number[:4]} {known.tax_number[4:]}", ["tax-number"]),
        (loud, "", ["name-and-postal-code"]),
    ):
        found = await reading.find_similar_customers(CustomerDescription("001X", name, billing, tax_number))
        assert [(one.erp_number, one.alike) for one in found] == [(known.sap_customer, alike)]


@pytest.mark.parametrize("hostile", ["' OR 1=1 --", "x' UNION SELECT id, email FROM employee --", "%", ""])
async def test_hostile_descriptions_find_nobody(reading: NetSuiteErp, hostile: str) -> None:
    address = Address(postal_code=hostile, country="DE")
    assert await reading.find_similar_customers(CustomerDescription("001X", hostile, address, hostile)) == []


async def test_same_reference_is_the_same_customer_also_when_asked_at_once(erp: NetSuiteErp, control: Any) -> None:
    made = await asyncio.gather(*(erp.create_customer(NEW) for _ in range(6)))
    assert len({one.erp_number for one in made}) == 1
    (entered,) = (await control.ledger())["customers"]
    assert entered["externalId"] == NEW.reference
    assert made[0].address is not None
    assert made[0].address.street == "Domkloster 4"
    assert made[0].tax_number == NEW.tax_number


async def test_customer_is_not_listed_as_like_itself(erp: NetSuiteErp) -> None:
    made = await erp.create_customer(NEW)
    alike = CustomerDescription("another", NEW.name, CITY, NEW.tax_number)
    assert [one.erp_number for one in await erp.find_similar_customers(alike)] == [made.erp_number]
    assert await erp.find_similar_customers(replace(alike, reference=NEW.reference)) == []


async def test_new_customer_names_its_parent_subsidiary_and_terms(erp: NetSuiteErp, firm: Company) -> None:
    parent = firm.customers[0].sap_customer
    made = await erp.create_customer(
        replace(NEW, parent_erp_number=parent, company_code="1010", payment_terms="NT30", phone="+49 221 1")
    )
    assert (made.parent_erp_number, made.company_codes[0].company_code) == (parent, "1010")
    assert made.sales_areas[0].payment_terms == "NT30"


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"currency": "XXX"}, "/currency"),
        ({"parent_erp_number": "99999999"}, "/parentErpNumber"),
        ({"company_code": "9999"}, "/companyCode"),
        ({"payment_terms": "NEVER"}, "/paymentTerms"),
        ({"name": "x" * 84}, "/name"),
        ({"tax_number": "1" * 21}, "/taxNumber"),
        ({"address": Address("Street", city="City")}, "/address/country"),
    ],
)
async def test_customer_that_netsuite_cannot_hold_is_rejected_with_the_field(
    erp: NetSuiteErp, control: Any, wrong: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(ErpCustomerRejected) as refused:
        await erp.create_customer(replace(NEW, **wrong))
    assert pointer in {one.pointer for one in refused.value.errors}
    assert (await control.ledger())["customers"] == []


async def test_lost_reply_enters_no_second_customer(erp: NetSuiteErp, control: Any) -> None:
    await control.do("faults", fault="lost-reply", method="POST", path="/services/rest/record/v1/customer")
    made = await erp.create_customer(NEW)
    (entered,) = (await control.ledger())["customers"]
    assert entered["entityId"] == made.erp_number


async def test_delivery_place_is_added_once_even_when_the_reply_is_lost(erp: NetSuiteErp, control: Any) -> None:
    customer = await erp.create_customer(NEW)
    await control.do("faults", fault="lost-reply", method="PATCH", path="/services/rest/record/v1/customer/*")
    place = await erp.add_delivery_place(customer.erp_number, PLACE)
    assert place == await erp.add_delivery_place(customer.erp_number, PLACE)
    assert (place.function, place.name) == ("ship-to", PLACE.name)
    partners = (await erp.get_customer(customer.erp_number)).sales_areas[0].partners
    assert [one.erp_number for one in partners].count(place.erp_number) == 1
    assert len(partners) == 2


async def test_order_goes_to_a_delivery_place_by_number_or_label(
    erp: NetSuiteErp, firm: Company, new_order: Callable[..., Any]
) -> None:
    customer = await erp.create_customer(NEW)
    place = await erp.add_delivery_place(customer.erp_number, PLACE)
    ordered = {"erp_number": customer.erp_number}
    for wanted in (place.erp_number, PLACE.reference):
        order = await erp.create_order(new_order(f"to-{wanted}", ship_to_erp_number=wanted, **ordered))
        assert order.state == "open"


async def test_place_without_country_is_rejected(erp: NetSuiteErp, firm: Company) -> None:
    with pytest.raises(ErpCustomerRejected) as refused:
        await erp.add_delivery_place(firm.customers[0].sap_customer, replace(PLACE, address=Address("Street")))
    assert refused.value.errors[0].pointer == "/address/country"


async def test_place_for_nobody_is_not_found(reading: NetSuiteErp) -> None:
    with pytest.raises(ErpCustomerNotFound):
        await reading.add_delivery_place("99999999", PLACE)


async def test_blocked_customer_gives_up_its_reference_and_repeating_changes_nothing(
    erp: NetSuiteErp, control: Any
) -> None:
    first = await erp.create_customer(NEW)
    blocked = await erp.block_customer(first.erp_number, ErpBlock("entered by mistake"))
    assert blocked.order_blocked
    assert blocked.marked_for_deletion
    writes = [row for row in await control.requests() if row[0] == "PATCH"]
    assert await erp.block_customer(first.erp_number, ErpBlock("again")) == blocked
    assert [row for row in await control.requests() if row[0] == "PATCH"] == writes
    second = await erp.create_customer(NEW)
    assert second.erp_number != first.erp_number


async def test_account_without_the_currency_of_a_customer_is_a_fault(
    connect: Callable[..., NetSuiteErp], peer: Callable[..., Any]
) -> None:
    served = await peer(
        (200, b'{"items":[{"id":"7","entityid":"C7"}],"hasMore":false}'),
        (200, b'{"id":"7","entityId":"C7","companyName":"Seven","currency":{"id":"99"},"creditLimit":1}'),
        (200, b'{"items":[{"id":"1","symbol":"EUR"}],"hasMore":false}'),
    )
    with pytest.raises(BackendFault, match="currency 99"):
        await connect(served.url).get_credit("C7")


async def test_prefix_keeps_references_of_different_systems_apart(
    erp: NetSuiteErp, connect: Callable[..., NetSuiteErp], sandbox_url: str, control: Any,
    new_order: Callable[..., Any],
) -> None:  # fmt: skip
    prefixed = connect(sandbox_url, external_id_prefix="SF-")
    order = await prefixed.create_order(new_order("same"))
    assert order.reference == "same"
    other = await erp.create_order(new_order("same"))
    assert other.erp_order_id != order.erp_order_id
    assert [row["externalId"] for row in await control.orders()] == ["SF-same", "same"]
    assert order.net.amount > Decimal(0)
