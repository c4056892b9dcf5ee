"""Products, simulations and sales orders of a NetSuite account behind the Erp contract."""

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from sandboxes.company import Company
from shared.binding.problems import BackendUnavailable, Invalid
from shared.contracts.canonical.order import NewErpOrder, NewOrderLine
from shared.contracts.canonical.values import Money
from shared.contracts.system.erp import (
    CustomerBlocked,
    ErpCancellation,
    ErpCustomerNotFound,
    ErpOrderNotFound,
    OrderNotCancellable,
    OrderRejected,
    ProductNotFound,
)
from system_apis.netsuite.order_translator import percent, state
from system_apis.netsuite.service import NetSuiteErp

WHY = ErpCancellation("changed their mind")
ORDERS = "/services/rest/record/v1/salesOrder"
New = Callable[..., NewErpOrder]


async def test_products_are_listed_by_sku_page_by_page(reading: NetSuiteErp, firm: Company) -> None:
    found: list[str] = []
    cursor = None
    while True:
        page = await reading.list_products(cursor, 200)
        found += [one.sku for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert found == sorted(one.sku for one in firm.products)


async def test_product_has_weight_group_and_list_price(reading: NetSuiteErp, firm: Company) -> None:
    known = next(one for one in firm.products if one.active)
    found = await reading.get_product(known.sku)
    assert (found.name, found.product_group, found.sellable) == (known.name, known.family, True)
    assert found.gross_weight_grams == known.weight_grams
    assert found.list_price == Money(known.list_price, "EUR")
    sleeping = next(one for one in firm.products if not one.active)
    assert not (await reading.get_product(sleeping.sku)).sellable


@pytest.mark.parametrize("sku", ["NO-SUCH", "'||'", "TG-00001'--"])
async def test_sku_that_nobody_sells_is_not_found(reading: NetSuiteErp, sku: str) -> None:
    with pytest.raises(ProductNotFound):
        await reading.get_product(sku)


async def test_simulation_tells_price_tax_credit_and_dates_and_saves_nothing(
    erp: NetSuiteErp, new_order: New, control: Any
) -> None:
    new = new_order(requested_date=date(2030, 1, 31))
    simulated = await erp.simulate_order(new)
    assert simulated.credit == "approved"
    assert [one.confirmed_date for one in simulated.lines] == [date(2030, 1, 31)] * len(new.lines)
    assert await control.orders() == []
    placed = await erp.create_order(new)
    assert placed.net == simulated.net
    assert [(one.sku, one.net, one.confirmed_quantity) for one in placed.lines] == [
        (one.sku, one.net, one.confirmed_quantity) for one in simulated.lines
    ]
    (row,) = await control.orders()
    assert Decimal(str(row["total"])) - Decimal(str(row["subtotal"])) == simulated.tax.amount


async def test_lines_without_a_price_take_the_customers_price_level(
    reading: NetSuiteErp, new_order: New, firm: Company
) -> None:
    new = new_order()
    new = replace(new, lines=[replace(line, unit_price=None) for line in new.lines])
    simulated = await reading.simulate_order(new)
    listed = [firm.product_by_sku[line.sku].list_price * line.quantity for line in new.lines]
    assert new.currency == "EUR"
    assert [one.net.amount for one in simulated.lines] == listed


async def test_same_product_on_two_lines_is_promised_once(reading: NetSuiteErp, firm: Company) -> None:
    product = next(one for one in firm.products if one.active and max(one.stock.values()) > 1)
    most = Decimal(max(product.stock.values()))
    lines = [NewOrderLine(product.sku, most - 1), NewOrderLine(product.sku, most)]
    customer = firm.customer_by_number[firm.quotes_for("plain")[0].customer]
    simulated = await reading.simulate_order(NewErpOrder("s", customer.sap_customer, "EUR", lines))
    assert [one.confirmed_quantity for one in simulated.lines] == [most - 1, Decimal(1)]


async def test_short_stock_and_exhausted_credit_show_in_the_simulation(reading: NetSuiteErp, new_order: New) -> None:
    short = await reading.simulate_order(new_order(scenario="short-stock"))
    assert any((one.confirmed_quantity or 0) < one.quantity for one in short.lines)
    assert (await reading.simulate_order(new_order(scenario="credit-refused"))).credit == "refused"


async def test_credit_is_counted_in_the_customers_own_currency(
    reading: NetSuiteErp, new_order: New, firm: Company
) -> None:
    """What is plenty in yen is little in euro."""
    new = new_order()
    limit = firm.customer_by_sap[new.erp_number].credit_limit
    for currency, decision in (("EUR", "refused"), ("JPY", "approved")):
        line = replace(new.lines[0], unit_price=Money(limit, currency), quantity=Decimal(1))
        simulated = await reading.simulate_order(replace(new, currency=currency, lines=[line]))
        assert simulated.credit == decision


async def test_account_without_tax_codes_or_classes_names_neither(
    connect: Callable[..., NetSuiteErp], sandbox_url: str, new_order: New
) -> None:
    plain = connect(sandbox_url, has_tax_codes=False, product_group_field="", enforces_credit=False)
    simulated = await plain.simulate_order(new_order())
    assert (simulated.tax.amount, simulated.credit, len(simulated.remarks)) == (0, "not-checked", 1)
    assert (await plain.get_product("TG-00001")).product_group == ""


async def test_blocked_customer_orders_nothing(erp: NetSuiteErp, new_order: New, control: Any) -> None:
    for ask in (erp.simulate_order, erp.create_order):
        with pytest.raises(CustomerBlocked):
            await ask(new_order(scenario="blocked-customer"))
    assert await control.orders() == []


@pytest.mark.parametrize(
    ("wrong", "pointer"),
    [
        ({"lines": []}, None),
        ({"lines": [NewOrderLine("TG-00001", Decimal(0))]}, None),
        ({"lines": [NewOrderLine("TG-00001", Decimal("NaN"))]}, None),
        ({"lines": [NewOrderLine("TG-00001", Decimal(1), Money(Decimal(1), "USD"))]}, None),
        ({"lines": [NewOrderLine("TG-00001", Decimal(1), Money(Decimal(-1), "EUR"))]}, None),
        ({"lines": [NewOrderLine("TG-00001", Decimal(1)), NewOrderLine("NO-SUCH", Decimal(1))]}, "/lines/1/sku"),
        ({"currency": "XXX", "lines": [NewOrderLine("TG-00001", Decimal(1))]}, "/currency"),
    ],
)
async def test_order_that_cannot_be_is_rejected_before_anything_is_saved(
    erp: NetSuiteErp, new_order: New, control: Any, wrong: dict[str, Any], pointer: str | None
) -> None:
    new = replace(new_order(currency="EUR"), **wrong)
    for ask in (erp.simulate_order, erp.create_order):
        with pytest.raises(OrderRejected) as refused:
            await ask(new)
        assert [one.pointer for one in refused.value.errors] == ([pointer] if pointer else [])
    assert await control.orders() == []


async def test_order_to_a_place_or_for_a_customer_that_is_not_there(erp: NetSuiteErp, new_order: New) -> None:
    with pytest.raises(OrderRejected) as refused:
        await erp.create_order(new_order(ship_to_erp_number="999999"))
    assert refused.value.errors[0].pointer == "/shipToErpNumber"
    with pytest.raises(ErpCustomerNotFound):
        await erp.create_order(new_order(erp_number="99999999"))


async def test_netsuites_own_refusal_comes_with_field_and_words(erp: NetSuiteErp, new_order: New, control: Any) -> None:
    await control.do(
        "faults", fault="status", method="POST", path=ORDERS, status=400,
        body={"type": "about:blank", "title": "Bad Request", "status": 400, "o:errorDetails": [
            {"detail": "This item is\nout of season.", "o:errorPath": "item.items[0].item", "o:errorCode": "USER_ERROR"}
        ]},
    )  # fmt: skip
    with pytest.raises(OrderRejected) as refused:
        await erp.create_order(new_order())
    assert refused.value.extensions == {"code": "USER_ERROR", "remark": "This item is out of season."}
    assert refused.value.errors[0].pointer == "/lines/0/sku"


async def test_same_reference_is_the_same_order_also_when_asked_at_once(
    erp: NetSuiteErp, new_order: New, control: Any
) -> None:
    placed = await asyncio.gather(*(erp.create_order(new_order("once")) for _ in range(8)))
    assert len({one.erp_order_id for one in placed}) == 1
    assert len(await control.orders()) == 1
    assert await erp.get_order(placed[0].erp_order_id) == placed[0]


async def test_lost_replies_place_no_second_order(erp: NetSuiteErp, new_order: New, control: Any) -> None:
    """NetSuite takes an external id once: repeats find what the first did."""
    await control.do("faults", fault="lost-reply", method="POST", path=ORDERS, times=6)
    placed = await asyncio.gather(*(erp.create_order(new_order(f"lost-{number % 3}")) for number in range(9)))
    orders = await control.orders()
    assert sorted(row["externalId"] for row in orders) == ["lost-0", "lost-1", "lost-2"]
    assert {one.erp_order_id for one in placed} == {row["id"] for row in orders}


async def test_order_that_was_changed_since_is_not_put_back_by_a_repeat(
    erp: NetSuiteErp, new_order: New, control: Any
) -> None:
    placed = await erp.create_order(new_order("kept"))
    await erp.cancel_order(placed.erp_order_id, WHY)
    assert (await erp.create_order(new_order("kept"))).state == "cancelled"


async def test_orders_are_listed_newest_first_with_a_cursor(erp: NetSuiteErp, new_order: New) -> None:
    placed = [await erp.create_order(new_order(f"listed-{number}")) for number in range(3)]
    number = placed[0].erp_number
    today = date.today()  # noqa: DTZ011 - the stand-in's
    first = await erp.list_orders(number, since=today - timedelta(days=1), limit=2)
    assert [one.erp_order_id for one in first.items] == [one.erp_order_id for one in reversed(placed[1:])]
    second = await erp.list_orders(number, today - timedelta(days=1), first.next_cursor, 2)
    assert [one.erp_order_id for one in second.items] == [placed[0].erp_order_id]
    assert second.next_cursor is None
    assert second.items[0] == replace(placed[0], lines=[])
    assert (await erp.list_orders(number, since=today + timedelta(days=2))).items == []


async def test_cursor_of_something_else_is_refused(reading: NetSuiteErp) -> None:
    page = await reading.list_products(None, 1)
    with pytest.raises(Invalid):
        await reading.list_orders("10100001", cursor=page.next_cursor)


async def test_cancelled_order_has_closed_lines_gives_stock_back_and_stays_cancelled(
    erp: NetSuiteErp, new_order: New, control: Any
) -> None:
    placed = await erp.create_order(new_order("cancel"))
    await control.do("faults", fault="lost-reply", method="PATCH", path=f"{ORDERS}/*")
    cancelled = await erp.cancel_order(placed.erp_order_id, WHY)
    assert cancelled.state == "cancelled"
    assert [one.confirmed_quantity for one in cancelled.lines] == [0] * len(placed.lines)
    assert await erp.cancel_order(placed.erp_order_id, WHY) == cancelled
    assert [row["cancelled"] for row in await control.orders()] == [True]
    (listed,) = (await erp.list_orders(placed.erp_number, since=placed.created)).items
    assert listed.state == "cancelled"


@pytest.mark.parametrize(
    ("until", "shown"), [("delivery", "delivered"), ("goods-issue", "delivered"), ("invoice", "invoiced")]
)
async def test_order_that_has_gone_out_is_not_cancelled(
    erp: NetSuiteErp, new_order: New, control: Any, until: str, shown: str
) -> None:
    placed = await erp.create_order(new_order("gone"))
    await control.do("fulfil", order=placed.erp_order_id, until=until)
    assert (await erp.get_order(placed.erp_order_id)).state == shown
    with pytest.raises(OrderNotCancellable):
        await erp.cancel_order(placed.erp_order_id, WHY)


async def test_order_beyond_the_limit_waits_for_approval(erp: NetSuiteErp, new_order: New) -> None:
    assert (await erp.create_order(new_order("beyond", scenario="credit-refused"))).state == "blocked"


@pytest.mark.parametrize("key", ["999999", "eid:once", "abc", "1?expandSubResources=true", "9" * 40])
async def test_order_that_is_not_there_is_not_found(reading: NetSuiteErp, key: str) -> None:
    with pytest.raises(ErpOrderNotFound):
        await reading.get_order(key)
    with pytest.raises(ErpOrderNotFound):
        await reading.cancel_order(key, WHY)


async def test_outage_is_passing_and_places_nothing(erp: NetSuiteErp, new_order: New, control: Any) -> None:
    await control.do("faults", fault="status", method="POST", path=ORDERS, status=503, times=9)
    with pytest.raises(BackendUnavailable):
        await erp.create_order(new_order("down"))
    assert await control.orders() == []


@pytest.mark.parametrize(
    ("status", "fulfilled", "billed", "expected"),
    [
        ("A", 0, 0, "blocked"), ("B", 0, 0, "open"), ("C", 0, 0, "cancelled"), ("D", 1, 0, "in-delivery"),
        ("E", 1, 1, "in-delivery"), ("F", 2, 0, "delivered"), ("G", 2, 2, "invoiced"), ("H", 0, 0, "cancelled"),
        ("H", 1, 0, "delivered"), ("H", 1, 1, "invoiced"),
    ],
)  # fmt: skip
def test_every_status_has_its_state(status: str, fulfilled: int, billed: int, expected: str) -> None:
    assert state(status, Decimal(fulfilled), Decimal(billed)) == expected


@pytest.mark.parametrize(("rate", "expected"), [("19.0%", 19), ("8.25", "8.25"), ("", 0), ("none", 0)])
def test_tax_rates_are_read_however_they_are_written(rate: str, expected: Any) -> None:
    assert percent(rate) == Decimal(expected)
