"""Orders, alike in every ERP and by every interface: simulated, placed once, read, cancelled, refused."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from sandboxes.company import Company, Customer
from shared.binding.problems import BackendFault, BackendUnavailable
from shared.contracts.canonical.order import NewErpOrder, NewOrderLine
from shared.contracts.canonical.values import Money
from shared.contracts.system.erp import (
    CustomerBlocked,
    ErpCancellation,
    ErpCustomerNotFound,
    ErpOrderNotFound,
    OrderNotCancellable,
    OrderRejected,
)

New = Callable[..., NewErpOrder]
Standing = Callable[[NewErpOrder], Awaitable[list[str]]]
REASON = ErpCancellation("changed their mind")
CENT = Decimal("0.01")


def total(order: NewErpOrder) -> Decimal:
    return sum((one.unit_price.amount * one.quantity for one in order.lines if one.unit_price), Decimal(0))


async def test_simulation_prices_checks_schedules_and_saves_nothing(
    erp: Any, new_order: New, standing: Standing
) -> None:
    order = new_order()
    simulated = await erp.simulate_order(order)
    assert simulated.net == Money(total(order).quantize(CENT), order.currency)
    assert simulated.credit == "approved"
    assert [(one.sku, one.quantity) for one in simulated.lines] == [(one.sku, one.quantity) for one in order.lines]
    assert all(one.confirmed_quantity == one.quantity and one.confirmed_date for one in simulated.lines)
    assert await standing(order) == []


async def test_without_a_price_the_erp_prices(erp: Any, new_order: New, firm: Company, buyer: Customer) -> None:
    product = next(one for one in firm.products if one.active and min(one.stock.values()) > 10)
    lines = [NewOrderLine(product.sku, Decimal(2))]
    order = new_order(erp_number=buyer.sap_customer, currency="EUR", lines=lines)
    assert (await erp.simulate_order(order)).net == Money(product.list_price * 2, "EUR")
    assert (await erp.create_order(order)).net == Money(product.list_price * 2, "EUR")


async def test_a_refused_credit_is_an_answer(erp: Any, new_order: New) -> None:
    assert (await erp.simulate_order(new_order("credit-refused"))).credit == "refused"


async def test_short_stock_shows_in_what_is_confirmed(erp: Any, new_order: New) -> None:
    simulated = await erp.simulate_order(new_order("short-stock"))
    assert any((one.confirmed_quantity or Decimal(0)) < one.quantity for one in simulated.lines)


async def test_a_blocked_customer_gets_no_order(erp: Any, new_order: New, standing: Standing) -> None:
    order = new_order("blocked-customer")
    for refused in (erp.simulate_order, erp.create_order):
        with pytest.raises(CustomerBlocked):
            await refused(order)
    assert await standing(order) == []


async def test_what_no_erp_takes_is_refused_and_nothing_stands(
    erp: Any, new_order: New, buyer: Customer, standing: Standing
) -> None:
    good = new_order().lines[0]
    wrong: list[list[NewOrderLine]] = [
        [], [NewOrderLine(good.sku, Decimal(0))], [NewOrderLine(good.sku, Decimal(-1))],
        [good, NewOrderLine("NO-SUCH-PRODUCT", Decimal(1))],
    ]  # fmt: skip
    for lines in wrong:
        order = new_order(erp_number=buyer.sap_customer, currency="EUR", lines=lines)
        for refused in (erp.simulate_order, erp.create_order):
            with pytest.raises(OrderRejected):
                await refused(order)
        assert await standing(order) == []
    for changed in ({"currency": "ZZZ"}, {"ship_to_erp_number": "99999998"}):
        with pytest.raises(OrderRejected):
            await erp.create_order(new_order(**changed))


async def test_a_customer_that_is_nobody_gets_no_order(erp: Any, new_order: New) -> None:
    for refused in (erp.simulate_order, erp.create_order):
        with pytest.raises(ErpCustomerNotFound):
            await refused(new_order(erp_number="99999991"))


async def test_an_order_is_placed_as_asked_and_read_as_placed(erp: Any, new_order: New) -> None:
    day = datetime.now(UTC).date() + timedelta(days=30)
    order = new_order(purchase_order="PO 'Ж' 東京", requested_date=day)
    placed = await erp.create_order(order)
    assert (placed.reference, placed.erp_number, placed.state) == (order.reference, order.erp_number, "open")
    assert placed.net == Money(total(order).quantize(CENT), order.currency)
    assert placed.requested_date == day
    assert placed.created is not None
    assert [(one.sku, one.quantity) for one in placed.lines] == [(one.sku, one.quantity) for one in order.lines]
    read = await erp.get_order(placed.erp_order_id)
    assert (read.reference, read.net, read.lines) == (placed.reference, placed.net, placed.lines)


async def test_the_same_reference_is_the_same_order_also_at_once(erp: Any, new_order: New, standing: Standing) -> None:
    order = new_order()
    placed = await asyncio.gather(*(erp.create_order(order) for _ in range(4)))
    assert len({one.erp_order_id for one in placed}) == 1
    assert (await erp.create_order(order)).erp_order_id == placed[0].erp_order_id
    assert await standing(order) == [placed[0].erp_order_id]


@pytest.mark.parametrize("scenario", ["no-minor-units", "many-lines", "japanese", "arabic", "cyrillic", "emoji"])
async def test_orders_of_every_kind_come_out_exact(erp: Any, new_order: New, scenario: str) -> None:
    order = new_order(scenario)
    placed = await erp.create_order(order)
    assert placed.net.currency == order.currency
    assert placed.net.amount == total(order)
    assert sum((one.net.amount for one in placed.lines), Decimal(0)) == placed.net.amount
    assert [(one.sku, one.quantity) for one in placed.lines] == [(one.sku, one.quantity) for one in order.lines]


async def test_orders_are_listed_newest_first_page_by_page(erp: Any, new_order: New) -> None:
    placed = [await erp.create_order(new_order(place=5)) for _ in range(3)]
    number = placed[0].erp_number
    first = await erp.list_orders(number, None, None, 2)
    assert [one.erp_order_id for one in first.items] == [placed[2].erp_order_id, placed[1].erp_order_id]
    assert all(one.lines == [] for one in first.items)
    second = await erp.list_orders(number, None, first.next_cursor, 2)
    assert second.items[0].erp_order_id == placed[0].erp_order_id
    tomorrow = datetime.now(UTC).date() + timedelta(days=2)
    assert (await erp.list_orders(number, tomorrow)).items == []


async def test_no_order_is_not_found(erp: Any) -> None:
    for number in ("987654321", "NoSuchOrder", "A-number-that-is-much-too-long-for-any-erp"):
        for asked in (erp.get_order, erp.list_returns, lambda one: erp.cancel_order(one, REASON)):
            with pytest.raises(ErpOrderNotFound):
                await asked(number)


async def test_a_cancelled_order_stays_so_and_keeps_its_reference(erp: Any, new_order: New, standing: Standing) -> None:
    order = new_order()
    placed = await erp.create_order(order)
    for _ in range(2):
        cancelled = await erp.cancel_order(placed.erp_order_id, REASON)
        assert (cancelled.erp_order_id, cancelled.state) == (placed.erp_order_id, "cancelled")
    assert (await erp.get_order(placed.erp_order_id)).state == "cancelled"
    assert await standing(order) == [placed.erp_order_id]


async def test_what_went_out_cannot_be_cancelled(erps: Any, erp: Any, new_order: New) -> None:
    placed = await erp.create_order(new_order())
    await erps.control("fulfil", order=placed.erp_order_id)
    assert (await erp.get_order(placed.erp_order_id)).state == "invoiced"
    with pytest.raises(OrderNotCancellable):
        await erp.cancel_order(placed.erp_order_id, REASON)


async def until_it_is_there(erp: Any, order: NewErpOrder) -> str:
    """Ask again as a flow would, as long as the backend is in doubt."""
    async with asyncio.timeout(90):
        while True:
            try:
                return (await erp.create_order(order)).erp_order_id
            except (BackendUnavailable, BackendFault) as problem:
                told = problem.detail
            assert "<" not in told
            await asyncio.sleep(0.1)


@pytest.mark.usefixtures("unharmed")
@pytest.mark.parametrize("fault", ["lost-reply", "close", "nonsense", "truncate", "html", "status"])
async def test_whatever_the_erp_answers_no_repeat_makes_a_second_order(
    erps: Any, erp: Any, new_order: New, fault: str, standing: Standing
) -> None:
    order = new_order()
    await erps.fault(fault, **({"status": 503} if fault == "status" else {}))
    placed = await until_it_is_there(erp, order)
    assert await standing(order) == [placed]
