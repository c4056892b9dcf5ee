"""Products are listed and read; orders are tried out without a trace."""

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from sandboxes.company import Company
from shared.binding.problems import BackendFault
from shared.contracts.canonical.order import NewErpOrder, NewOrderLine
from shared.contracts.canonical.values import Money
from shared.contracts.system.erp import CustomerBlocked, ErpCustomerNotFound, OrderRejected, ProductNotFound
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.pricing import Pricing
from system_apis.oracle.service import OracleErp

NewOrder = Callable[..., NewErpOrder]


async def test_products_come_by_sku_page_after_page(erp: OracleErp, firm: Company) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        page = await erp.list_products(cursor, 200)
        seen += [one.sku for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == sorted(one.sku for one in firm.products)


async def test_a_product_is_what_the_company_says_of_it(erp: OracleErp, firm: Company) -> None:
    one, inactive = firm.products[0], next(each for each in firm.products if not each.active)
    found = await erp.get_product(one.sku)
    assert (found.name, found.gross_weight_grams, found.sellable) == (one.name, Decimal(one.weight_grams), True)
    assert not (await erp.get_product(inactive.sku)).sellable
    with pytest.raises(ProductNotFound):
        await erp.get_product("x' or 'a'='a")


async def test_an_order_is_priced_promised_and_checked(erp: OracleErp, new_order: NewOrder, control: Any) -> None:
    order = new_order()
    tried = await erp.simulate_order(order)
    wanted = sum((line.unit_price.amount * line.quantity for line in order.lines if line.unit_price), Decimal(0))
    assert tried.net.amount == wanted.quantize(Decimal("0.01"))
    assert tried.credit == "approved"
    assert [one.confirmed_quantity for one in tried.lines] == [line.quantity for line in order.lines]
    assert all(one.confirmed_date for one in tried.lines)
    assert sum(one.net.amount for one in tried.lines) == tried.net.amount
    assert await erp.simulate_order(order) == tried
    assert await control.ledger("accounts") == []


async def test_without_a_price_of_ours_the_price_is_the_list_price(erp: OracleErp, firm: Company) -> None:
    one = next(each for each in firm.products if each.active)
    german = next(each for each in firm.customers if each.country == "DE" and not each.order_blocked)
    line = NewOrderLine(one.sku, Decimal(2))
    tried = await erp.simulate_order(NewErpOrder("r", german.sap_customer, "EUR", [line]))
    assert tried.net == Money(one.list_price * 2, "EUR")
    assert tried.tax.amount == (tried.net.amount * Decimal("0.19")).quantize(Decimal("0.01"))


@pytest.mark.parametrize(
    ("scenario", "decision"), [("credit-refused", "refused"), ("plain", "approved"), ("no-minor-units", "approved")]
)
async def test_credit_is_decided_as_everywhere(
    erp: OracleErp, new_order: NewOrder, scenario: str, decision: str
) -> None:
    assert (await erp.simulate_order(new_order(scenario=scenario))).credit == decision


async def test_what_is_short_is_confirmed_in_part(erp: OracleErp, new_order: NewOrder) -> None:
    tried = await erp.simulate_order(new_order(scenario="short-stock"))
    assert any((one.confirmed_quantity or Decimal(0)) < one.quantity for one in tried.lines)


@pytest.mark.parametrize(
    ("scenario", "problem"),
    [("blocked-customer", CustomerBlocked), ("zero-quantity", OrderRejected)],
)
async def test_orders_that_cannot_be_are_refused(
    erp: OracleErp, new_order: NewOrder, scenario: str, problem: type[Exception]
) -> None:
    with pytest.raises(problem):
        await erp.simulate_order(new_order(scenario=scenario))


async def test_refusals_say_which_line(erp: OracleErp, new_order: NewOrder, firm: Company) -> None:
    order = new_order()
    gone = next(each for each in firm.products if not each.active)
    with pytest.raises(OrderRejected) as rejected:
        await erp.simulate_order(replace(order, lines=[order.lines[0], NewOrderLine(gone.sku, Decimal(1))]))
    assert [one.pointer for one in rejected.value.errors] == ["/lines/1"]
    bad = [NewOrderLine("x", Decimal(0)), NewOrderLine("y", Decimal(1), Money(Decimal(1), "USD"))]
    with pytest.raises(OrderRejected) as rejected:
        await erp.simulate_order(replace(order, lines=bad, currency="EUR"))
    assert {one.pointer for one in rejected.value.errors} == {"/lines/0/quantity", "/lines/1/unitPrice/currency"}
    for wrong in (replace(order, lines=[]), replace(order, currency="euro")):
        with pytest.raises(OrderRejected):
            await erp.simulate_order(wrong)
    with pytest.raises(ErpCustomerNotFound):
        await erp.simulate_order(replace(order, erp_number="99999999"))
    with pytest.raises(OrderRejected) as rejected:
        await erp.simulate_order(replace(order, ship_to_erp_number="10299999"))
    assert [one.pointer for one in rejected.value.errors] == ["/shipToErpNumber"]
    ours = firm.customer_by_sap[order.erp_number].ship_to[0].sap_customer
    assert (await erp.simulate_order(replace(order, ship_to_erp_number=ours))).credit == "approved"


@pytest.mark.parametrize("path", ["*priceSalesTransaction", "*checkAvailability", "*CreditCheckingService"])
@pytest.mark.parametrize("fault", ["nonsense", "html"])
async def test_nonsense_from_any_service_is_a_fault(
    erp: OracleErp, new_order: NewOrder, control: Any, path: str, fault: str
) -> None:
    await control.do("faults", fault=fault, method="POST", path=path, times=1)
    with pytest.raises(BackendFault):
        await erp.simulate_order(new_order())


async def test_a_price_that_is_left_out_is_a_fault(
    connect: Callable[..., OracleConnector], peer: Callable[..., Awaitable[Any]], new_order: NewOrder
) -> None:
    server = await peer((200, b'{"Charge":[{"ChargeId":1,"ParentEntityId":1}]}'))
    with pytest.raises(BackendFault, match="left out the price"):
        await Pricing(connect(server.url)).price(new_order(), 1)
