"""Customers, alike in every ERP: read, entered once, given places, taken out of use, and their credit."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from sandboxes.company import Company, Customer
from shared.contracts.canonical.order import NewErpOrder
from shared.contracts.canonical.party import CustomerDescription, NewDeliveryPlace, NewErpCustomer
from shared.contracts.canonical.values import Address
from shared.contracts.system.erp import CustomerBlocked, ErpBlock, ErpCustomerNotFound, ErpCustomerRejected

ADDRESS = Address("Hauptstrasse", "7", "Hamburg", "", "20095", "DE")
BLOCK = ErpBlock("taken out of use by a test")
NOBODY = "99999991"


def newcomer(reference: str, **changed: Any) -> NewErpCustomer:
    values: dict[str, Any] = {"name": f"Newcomer {reference} GmbH", "currency": "EUR", "address": ADDRESS}
    return NewErpCustomer(reference, **{**values, **changed})


async def test_a_customer_is_the_company_of_that_number(erp: Any, buyer: Customer) -> None:
    found = await erp.get_customer(buyer.sap_customer)
    assert (found.erp_number, found.name) == (buyer.sap_customer, buyer.legal_name)
    assert found.address is not None
    assert (found.address.city, found.address.country) == (buyer.billing.city, buyer.billing.country)
    assert found.business_partner
    assert not found.order_blocked
    places = {one.erp_number for area in found.sales_areas for one in area.partners if one.function == "ship-to"}
    assert len(places) >= 1
    assert all(area.currency == buyer.currency for area in found.sales_areas)


def on_one_line(address: Address) -> Address:
    """The address as it is kept where house numbers have no field of their own."""
    street = f"{address.street} {address.house_number}".strip()
    return msgspec.structs.replace(address, street=street, house_number="")


async def test_a_customer_knows_the_company_above_it(erp: Any, firm: Company) -> None:
    below = next(one for one in firm.customers if one.parent is not None)
    assert below.parent is not None
    above = firm.customer_by_number[below.parent].sap_customer
    assert (await erp.get_customer(below.sap_customer)).parent_erp_number == above


async def test_a_blocked_customer_says_so(erp: Any, firm: Company) -> None:
    blocked = next(one for one in firm.customers if one.order_blocked)
    assert (await erp.get_customer(blocked.sap_customer)).order_blocked


async def test_nobody_is_not_found(erp: Any) -> None:
    place = NewDeliveryPlace("nobody-1", "Nowhere", ADDRESS)
    asked = (
        erp.get_customer(NOBODY), erp.get_credit(NOBODY), erp.list_orders(NOBODY), erp.block_customer(NOBODY, BLOCK),
        erp.add_delivery_place(NOBODY, place), erp.get_customer("no-such-customer"),
    )  # fmt: skip
    for each in asked:
        with pytest.raises(ErpCustomerNotFound):
            await each


async def test_who_is_entered_is_there_once_whoever_asks_again(erp: Any, reference: Callable[[], str]) -> None:
    new = newcomer(reference(), tax_number="DE811907980")
    entered = await erp.create_customer(new)
    assert (entered.name, on_one_line(entered.address)) == (new.name, on_one_line(ADDRESS))
    assert entered.tax_number == "DE811907980"
    assert not entered.order_blocked
    assert [area.currency for area in entered.sales_areas] == ["EUR"]
    assert await erp.create_customer(new) == entered == await erp.get_customer(entered.erp_number)


async def test_who_was_entered_can_be_sold_to(
    erp: Any, reference: Callable[[], str], new_order: Callable[..., NewErpOrder]
) -> None:
    entered = await erp.create_customer(newcomer(reference()))
    order = await erp.create_order(new_order(erp_number=entered.erp_number, currency="EUR"))
    assert order.erp_number == entered.erp_number
    assert [one.erp_order_id for one in (await erp.list_orders(entered.erp_number)).items] == [order.erp_order_id]


async def test_a_customer_can_stand_below_another(erp: Any, buyer: Customer, reference: Callable[[], str]) -> None:
    entered = await erp.create_customer(newcomer(reference(), parent_erp_number=buyer.sap_customer))
    assert entered.parent_erp_number == buyer.sap_customer
    with pytest.raises(ErpCustomerRejected):
        await erp.create_customer(newcomer(reference(), parent_erp_number=NOBODY))


async def test_what_no_erp_can_hold_is_refused(erp: Any, reference: Callable[[], str]) -> None:
    for changed in ({"name": ""}, {"name": "x" * 255, "currency": "ZZZ"}, {"currency": "ZZZ"}):
        with pytest.raises(ErpCustomerRejected):
            await erp.create_customer(newcomer(reference(), **changed))


async def test_a_place_is_added_once_and_orders_can_go_there(
    erp: Any, reference: Callable[[], str], new_order: Callable[..., NewErpOrder]
) -> None:
    name = reference()
    entered = await erp.create_customer(newcomer(name))
    place = NewDeliveryPlace(f"{name}-1", "Yard 1", ADDRESS)
    added = await erp.add_delivery_place(entered.erp_number, place)
    assert (added.function, added.name) == ("ship-to", "Yard 1")
    assert await erp.add_delivery_place(entered.erp_number, place) == added
    now = await erp.get_customer(entered.erp_number)
    assert added.erp_number in {one.erp_number for area in now.sales_areas for one in area.partners}
    order = new_order(erp_number=entered.erp_number, currency="EUR", ship_to_erp_number=added.erp_number)
    assert (await erp.create_order(order)).state == "open"


async def test_who_is_taken_out_of_use_takes_no_orders_and_gives_up_the_reference(
    erp: Any, reference: Callable[[], str], new_order: Callable[..., NewErpOrder]
) -> None:
    new = newcomer(reference())
    entered = await erp.create_customer(new)
    for _ in range(2):
        blocked = await erp.block_customer(entered.erp_number, BLOCK)
        assert (blocked.order_blocked, blocked.marked_for_deletion) == (True, True)
    with pytest.raises(CustomerBlocked):
        await erp.create_order(new_order(erp_number=entered.erp_number, currency="EUR"))
    assert (await erp.create_customer(new)).erp_number != entered.erp_number


async def test_who_is_alike_is_found_by_name_and_place_and_by_tax_number(erp: Any, buyer: Customer) -> None:
    address = Address(buyer.billing.street, "", buyer.billing.city, "", buyer.billing.postal_code, buyer.country)
    by_name = CustomerDescription("stranger", buyer.legal_name.upper(), address)
    found = {one.erp_number: one for one in await erp.find_similar_customers(by_name)}
    assert "name-and-postal-code" in found[buyer.sap_customer].alike
    stranger = CustomerDescription("stranger", "Somebody Else", ADDRESS, buyer.tax_number)
    found = {one.erp_number: one for one in await erp.find_similar_customers(stranger)}
    assert "tax-number" in found[buyer.sap_customer].alike
    assert await erp.find_similar_customers(CustomerDescription("stranger", "Nobody Of That Name", ADDRESS)) == []


async def test_who_was_taken_out_of_use_or_is_oneself_is_not_alike(erp: Any, reference: Callable[[], str]) -> None:
    new = newcomer(reference())
    entered = await erp.create_customer(new)
    other = CustomerDescription("stranger", new.name, ADDRESS)
    assert [one.erp_number for one in await erp.find_similar_customers(other)] == [entered.erp_number]
    assert await erp.find_similar_customers(CustomerDescription(new.reference, new.name, ADDRESS)) == []
    await erp.block_customer(entered.erp_number, BLOCK)
    assert await erp.find_similar_customers(other) == []


async def test_credit_is_the_companys(erp: Any, buyer: Customer) -> None:
    standing = await erp.get_credit(buyer.sap_customer)
    assert standing.erp_number == buyer.sap_customer
    assert standing.limit.amount == buyer.credit_limit
    assert standing.limit.currency == buyer.currency
    assert not standing.blocked
