"""What may come back, what it was worth, and when somebody is asked."""

from decimal import Decimal
from typing import Any, get_args

import msgspec
import pytest

from process_apis.customer_returns.flow import cheapest, rate_request
from process_apis.customer_returns.policy import (
    APPROVED_UP_TO,
    OUR_FAULT,
    lines_to_return,
    needs_approval,
    require_delivered,
    value_of,
)
from shared.contracts.canonical.order import ConfirmedLine, ErpOrder, OrderState
from shared.contracts.canonical.party import Customer
from shared.contracts.canonical.product import Product
from shared.contracts.canonical.returns import ErpReturn, ErpReturnLine, ReturnReason
from shared.contracts.canonical.shipment import Rates
from shared.contracts.canonical.values import Address, Money
from shared.contracts.process.customer_returns import (
    OrderNotDelivered,
    QuantityTooHigh,
    ReturnLine,
    ReturnRequest,
    SkuNotOrdered,
    UnusableQuantity,
)
from shared.contracts.process.quote_to_order import NoCarrier


def euros(amount: str) -> Money:
    return Money(Decimal(amount), "EUR")


def sold(item: str, sku: str, quantity: str, net: str) -> ConfirmedLine:
    return ConfirmedLine(item, sku, Decimal(quantity), euros(net))


PLACED = ErpOrder(
    "4711", "order-q1", "10100001", "invoiced", euros("130"),
    lines=[sold("10", "A", "3", "100"), sold("20", "B", "1", "10"), sold("30", "A", "2", "20")],
)  # fmt: skip


def wanted(sku: str = "A", quantity: str = "1", reason: Any = "damaged") -> ReturnLine:
    return ReturnLine(sku, Decimal(quantity), reason)


def came_back(item: str, quantity: str, *, cancelled: bool = False) -> ErpReturn:
    line = ErpReturnLine("10", item, "A", Decimal(quantity), euros("0"), cancelled)
    return ErpReturn("6", "return-0", "4711", "cancelled" if cancelled else "open", euros("0"), [line])


@pytest.mark.parametrize("state", get_args(OrderState))
def test_only_what_the_customer_has_comes_back(state: Any) -> None:
    placed = msgspec.structs.replace(PLACED, state=state)
    if state in ("delivered", "invoiced"):
        require_delivered("order-q1", placed)
    else:
        with pytest.raises(OrderNotDelivered, match=f"is {state} in the ERP"):
            require_delivered("order-q1", placed)


def test_a_line_is_divided_among_the_items_of_its_product() -> None:
    lines = lines_to_return([wanted("A", "4"), wanted("B")], PLACED, [])
    assert [(one.order_item, one.sku, one.quantity) for one in lines] == [
        ("10", "A", 3),
        ("30", "A", 1),
        ("20", "B", 1),
    ]


def test_what_came_back_before_is_not_there_any_more_unless_it_was_cancelled() -> None:
    before = [came_back("10", "2"), came_back("10", "3", cancelled=True), came_back("99", "1")]
    lines = lines_to_return([wanted("A", "2")], PLACED, before)
    assert [(one.order_item, one.quantity) for one in lines] == [("10", 1), ("30", 1)]
    with pytest.raises(QuantityTooHigh) as refused:
        lines_to_return([wanted("B"), wanted("A", "2"), wanted("A", "2")], PLACED, before)
    assert [(error.pointer, error.detail) for error in refused.value.errors] == [
        ("/lines/2", "A: 1 more than can come back.")
    ]


def test_what_was_not_ordered_is_named() -> None:
    with pytest.raises(SkuNotOrdered) as refused:
        lines_to_return([wanted("A"), wanted("Z", "9")], PLACED, [])
    assert [error.pointer for error in refused.value.errors] == ["/lines/1/sku"]


@pytest.mark.parametrize("quantity", ["0", "-1", "0.5", "NaN", "sNaN", "Infinity", "1E+99999"])
def test_only_whole_units_come_back(quantity: str) -> None:
    with pytest.raises(UnusableQuantity) as refused:
        lines_to_return([wanted(), wanted("A", quantity)], PLACED, [])
    assert [error.pointer for error in refused.value.errors] == ["/lines/1/quantity"]


def test_the_value_is_the_share_of_what_was_paid_exactly() -> None:
    lines = lines_to_return([wanted("A", "4")], PLACED, [])
    assert value_of(lines, PLACED) == euros("110")
    third = value_of(lines_to_return([wanted("A", "1")], PLACED, []), PLACED).amount
    assert third.quantize(Decimal("0.0001")) == Decimal("33.3333")


def test_nobody_is_asked_about_our_own_fault_up_to_the_limit_of_a_known_currency() -> None:
    for currency, limit in APPROVED_UP_TO.items():
        assert not needs_approval([wanted()], Money(limit, currency))
        assert needs_approval([wanted()], Money(limit + Decimal("0.001"), currency))
    assert needs_approval([wanted()], Money(Decimal(1), "XAF"))


@pytest.mark.parametrize("reason", get_args(ReturnReason))
def test_a_change_of_mind_is_approved_by_somebody(reason: Any) -> None:
    assert needs_approval([wanted(), wanted("B", reason=reason)], euros("1")) == (reason not in OUR_FAULT)


def test_the_parcel_weighs_what_comes_back_and_starts_at_the_customer() -> None:
    home = Address("Hauptstrasse", "7", "Hamburg", "", "20095", "DE")
    customer = Customer("001", "Alster", shipping_address=home)
    request = ReturnRequest("1", "order-q1", [wanted("A", "3"), wanted("B")])
    products = (Product("A", "a", gross_weight_grams=Decimal("250.5")), Product("B", "b"))
    asked = rate_request("return-1", request, customer, products)
    assert (asked.parcel.weight_grams, asked.ship_to, asked.ship_to_name, asked.is_return) == (
        1752,
        home,
        "Alster",
        True,
    )
    elsewhere = Address("Quai", "1", "Lyon", "", "69001", "FR")
    moved = msgspec.structs.replace(request, ship_from=elsewhere, ship_from_name="Depot")
    asked = rate_request("return-1", moved, customer, products)
    assert (asked.ship_to, asked.ship_to_name) == (elsewhere, "Depot")


def test_a_parcel_that_nobody_takes_is_refused() -> None:
    with pytest.raises(NoCarrier):
        cheapest(Rates("shp_1", []))
