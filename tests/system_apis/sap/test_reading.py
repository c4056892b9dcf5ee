"""Customers, credit, orders and products, read over HTTP from SAP's stand-in."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from sandboxes.company import Company
from shared.binding.problems import Invalid
from shared.contracts.canonical.order import NewErpOrder
from shared.contracts.canonical.party import ErpCustomer
from shared.contracts.canonical.product import Product
from shared.contracts.canonical.values import Money
from shared.contracts.system.erp import ErpCustomerNotFound, ErpOrderNotFound, ProductNotFound
from system_apis.sap.service import SapErp

ORDERS = "/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder"


async def test_every_customer_reads_as_the_firm_it_is(erp: SapErp, firm: Company) -> None:
    for one in firm.customers:
        found = await erp.get_customer(one.sap_customer)
        assert msgspec.json.decode(msgspec.json.encode(found), type=ErpCustomer) == found
        parent = firm.customer_by_number[one.parent].sap_customer if one.parent else None
        assert "".join(one.legal_name.split()).startswith("".join(found.name.split()))  # SAP has room for 160
        assert (found.erp_number, found.business_partner) == (one.sap_customer, one.sap_business_partner)
        assert found.parent_erp_number == parent
        assert found.order_blocked == one.order_blocked
        assert found.address is not None
        assert (found.address.city, found.address.country) == (one.billing.city[:40], one.country)
        assert found.sales_areas[0].organization == "1010"
        assert found.company_codes[0].payment_terms == one.payment_terms


async def test_customer_has_partners_by_function(erp: SapErp, firm: Company) -> None:
    one = next(customer for customer in firm.customers if len(customer.ship_to) > 1)
    area = (await erp.get_customer(one.sap_customer)).sales_areas[0]
    ship_to = {(partner.erp_number, partner.is_default) for partner in area.partners if partner.function == "ship-to"}
    assert ship_to == {(place.sap_customer, at == 0) for at, place in enumerate(one.ship_to)}
    assert {partner.function for partner in area.partners} == {"sold-to", "ship-to", "bill-to", "payer"}


async def test_customer_takes_one_call(erp: SapErp, firm: Company, control: Any) -> None:
    before = len(await control.requests())
    await erp.get_customer(firm.customers[0].sap_customer)
    assert len(await control.requests()) == before + 1


async def test_number_may_carry_leading_zeros(erp: SapErp, firm: Company) -> None:
    number = firm.customers[0].sap_customer
    assert await erp.get_customer(number.zfill(10)) == await erp.get_customer(number)
    assert await erp.get_credit(number.zfill(10)) == await erp.get_credit(number)
    assert await erp.get_order("0004000001") == await erp.get_order("4000001")


@pytest.mark.parametrize("number", ["99999999", "NOBODY", "1" * 11, "a" * 128])
async def test_unknown_customer_is_not_found_everywhere(erp: SapErp, number: str, new_order: Any) -> None:
    with pytest.raises(ErpCustomerNotFound):
        await erp.get_customer(number)
    with pytest.raises(ErpCustomerNotFound):
        await erp.get_credit(number)
    with pytest.raises(ErpCustomerNotFound):
        await erp.list_orders(number)
    with pytest.raises(ErpCustomerNotFound):
        await erp.simulate_order(new_order(erp_number=number))
    with pytest.raises(ErpCustomerNotFound):
        await erp.create_order(new_order(erp_number=number))


async def test_credit_is_the_limit_and_claims_no_exposure(erp: SapErp, firm: Company) -> None:
    for one in (firm.customers[0], firm.customers[4], firm.customers[14]):
        credit = await erp.get_credit(one.sap_customer)
        assert credit.limit == Money(one.credit_limit, one.currency)
        assert (credit.exposure, credit.available, credit.blocked, credit.risk_class) == (None, None, False, "B")


async def test_credit_takes_one_call_once_the_partner_is_known(erp: SapErp, firm: Company, control: Any) -> None:
    number = next(one.sap_customer for one in firm.customers if one.sap_business_partner != one.sap_customer)
    await erp.get_credit(number)
    before = len(await control.requests())
    await erp.get_credit(number)
    assert len(await control.requests()) == before + 1


async def test_ship_to_place_has_no_credit_account(erp: SapErp, firm: Company) -> None:
    with pytest.raises(ErpCustomerNotFound, match="credit account"):
        await erp.get_credit(firm.customers[0].ship_to[0].sap_customer)


async def test_orders_come_newest_first_and_page_without_gap_or_double(
    erp: SapErp, firm: Company, new_order: Callable[..., NewErpOrder], control: Any
) -> None:
    number = firm.customer_by_number[firm.quotes_for("plain")[0].customer].sap_customer
    placed = [(await erp.create_order(new_order(f"page-{at}"))).erp_order_id for at in range(6)]
    before = len(await control.requests())
    seen: list[str] = []
    cursor = None
    while True:
        page = await erp.list_orders(number, cursor=cursor, limit=2)
        seen += [order.erp_order_id for order in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen[:6] == placed[::-1]
    assert len(seen) == len(set(seen))
    assert len(await control.requests()) == before + (len(seen) + 1) // 2


async def test_an_order_placed_between_pages_moves_none(
    erp: SapErp, firm: Company, new_order: Callable[..., NewErpOrder]
) -> None:
    number = firm.customer_by_number[firm.quotes_for("plain")[0].customer].sap_customer
    first = [(await erp.create_order(new_order(f"move-{at}"))).erp_order_id for at in range(4)]
    page = await erp.list_orders(number, limit=2)
    await erp.create_order(new_order("move-late"))
    following = await erp.list_orders(number, cursor=page.next_cursor, limit=2)
    assert [one.erp_order_id for one in following.items] == [first[1], first[0]]


async def test_since_leaves_older_orders_out(erp: SapErp, firm: Company) -> None:
    number = firm.customers[0].sap_customer
    all_of_them = (await erp.list_orders(number)).items
    assert all_of_them[-1].created is not None
    day = all_of_them[-1].created
    assert (await erp.list_orders(number, since=day)).items == all_of_them
    assert (await erp.list_orders(number, since=date(2999, 1, 1))).items == []


async def test_customer_without_orders_has_an_empty_list(erp: SapErp, firm: Company) -> None:
    number = firm.customers[3].sap_customer
    page = await erp.list_orders(number)
    assert (page.items, page.next_cursor) == ([], None)


async def test_cursor_of_another_list_is_refused(erp: SapErp) -> None:
    products = await erp.list_products(limit=1)
    with pytest.raises(Invalid, match="cursor"):
        await erp.list_orders("10100001", cursor=products.next_cursor)


async def test_list_and_record_tell_the_same_state(erp: SapErp, firm: Company) -> None:
    states = set[str]()
    for customer in firm.customers[:30]:
        for listed in (await erp.list_orders(customer.sap_customer)).items:
            whole = await erp.get_order(listed.erp_order_id)
            assert whole.lines
            assert (whole.state, whole.net, whole.created) == (listed.state, listed.net, listed.created)
            states.add(listed.state)
    assert states == {"open", "delivered", "invoiced", "cancelled"}


async def test_order_has_lines_with_what_is_confirmed(erp: SapErp) -> None:
    order = await erp.get_order("4000001")
    (line, *_) = order.lines
    assert line.item == "10"
    assert line.confirmed_quantity == line.quantity
    assert line.confirmed_date == order.requested_date
    assert sum(one.net.amount for one in order.lines) == order.net.amount


@pytest.mark.parametrize("number", ["999", "4000001x", "1" * 40])
async def test_unknown_order_is_not_found(erp: SapErp, number: str) -> None:
    with pytest.raises(ErpOrderNotFound):
        await erp.get_order(number)


async def test_products_page_through_the_whole_catalogue_by_sku(erp: SapErp, firm: Company) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        page = await erp.list_products(cursor, 200)
        seen += [product.sku for product in page.items]
        assert msgspec.json.decode(msgspec.json.encode(page.items), type=list[Product]) == page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == sorted(product.sku for product in firm.products)


async def test_server_may_send_fewer_than_asked_for(erp: SapErp, firm: Company) -> None:
    page = await erp.list_products(limit=400)  # the stand-in sends at most 250 at once
    following = await erp.list_products(page.next_cursor, limit=400)
    assert len(page.items) == 250
    assert [one.sku for one in page.items + following.items][:500] == sorted(one.sku for one in firm.products)[:500]


async def test_product_is_what_the_firm_sells(erp: SapErp, firm: Company) -> None:
    for one in (*firm.products[:10], next(product for product in firm.products if not product.active)):
        product = await erp.get_product(one.sku)
        assert product.name == one.name[:40]
        assert product.gross_weight_grams == Decimal(one.weight_grams)
        assert (product.base_unit, product.sellable) == ("PC", one.active)


@pytest.mark.parametrize("sku", ["NO-SUCH", "x' or '1' eq '1", "a'b", "%27", "a/b", "TG-00001?$top=1", "x" * 40])
async def test_unknown_sku_is_not_found_whatever_is_in_it(erp: SapErp, sku: str) -> None:
    with pytest.raises(ProductNotFound):
        await erp.get_product(sku)
