"""What may come back, and what somebody has to approve first; pure functions.

Flows in progress decide again by these rules when they are replayed: change them together with the flow's version.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from types import MappingProxyType
from typing import Final

from shared.binding.problems import FieldError
from shared.contracts.canonical.order import ErpOrder
from shared.contracts.canonical.returns import ErpReturn, NewErpReturnLine, ReturnReason
from shared.contracts.canonical.values import Money
from shared.contracts.process.customer_returns import (
    OrderNotDelivered,
    QuantityTooHigh,
    ReturnLine,
    SkuNotOrdered,
    UnusableQuantity,
)

DELIVERED: Final = frozenset({"delivered", "invoiced"})
OUR_FAULT: Final[frozenset[ReturnReason]] = frozenset({"damaged", "defective", "wrong-item", "wrong-quantity"})
"""Reasons that need no approval by themselves."""

APPROVED_UP_TO: Final[Mapping[str, Decimal]] = MappingProxyType(
    {
        "EUR": Decimal(500),
        "USD": Decimal(500),
        "GBP": Decimal(400),
        "CHF": Decimal(500),
        "JPY": Decimal(80_000),
        "KWD": Decimal(150),
    }
)
"""The net value up to which nobody is asked; in any other currency somebody always is."""


MOST_UNITS: Final = Decimal(10**9)


def require_delivered(order_id: str, placed: ErpOrder) -> None:
    """Raises OrderNotDelivered unless the customer has the goods, all of them."""
    if placed.state not in DELIVERED:
        raise OrderNotDelivered(f"Order {order_id} is {placed.state} in the ERP; only what was delivered comes back.")


def lines_to_return(
    wanted: Sequence[ReturnLine], placed: ErpOrder, before: Sequence[ErpReturn]
) -> list[NewErpReturnLine]:
    """The items of the order that come back, a line that spans several items divided among them.

    Raises:
        UnusableQuantity, SkuNotOrdered, QuantityTooHigh: With a pointer to each such line.
    """
    _require_whole(wanted)
    _require_ordered(wanted, placed)
    left = _left(placed, before)
    lines: list[NewErpReturnLine] = []
    short: list[FieldError] = []
    for place, line in enumerate(wanted):
        missing = line.quantity
        for item in (one.item for one in placed.lines if one.sku == line.sku):
            taken = min(missing, left[item])
            if taken > 0:
                lines.append(NewErpReturnLine(item, line.sku, taken, line.reason))
                left[item] -= taken
                missing -= taken
        if missing > 0:
            short.append(FieldError(f"{line.sku}: {missing:f} more than can come back.", pointer=f"/lines/{place}"))
    if short:
        raise QuantityTooHigh("More is to come back than the customer has; correct the lines named.", errors=short)
    return lines


def value_of(lines: Sequence[NewErpReturnLine], placed: ErpOrder) -> Money:
    """What the lines were sold for, net, exactly: not rounded to what the currency can pay."""
    sold = {line.item: line for line in placed.lines}
    shares = (sold[one.order_item].net.amount * one.quantity / sold[one.order_item].quantity for one in lines)
    return Money(sum(shares, Decimal(0)), placed.net.currency)


def needs_approval(wanted: Sequence[ReturnLine], value: Money) -> bool:
    """Whether somebody has to approve: it is worth much, or we did nothing wrong."""
    limit = APPROVED_UP_TO.get(value.currency)
    return limit is None or value.amount > limit or any(line.reason not in OUR_FAULT for line in wanted)


def _require_whole(wanted: Sequence[ReturnLine]) -> None:
    wrong = [
        FieldError("Give a whole number above zero.", pointer=f"/lines/{place}/quantity")
        for place, line in enumerate(wanted)
        if not line.quantity.is_finite()
        or not 0 < line.quantity <= MOST_UNITS
        or line.quantity != line.quantity.to_integral_value()
    ]
    if wrong:
        raise UnusableQuantity("Whole units come back, at least one of each; correct the lines named.", errors=wrong)


def _require_ordered(wanted: Sequence[ReturnLine], placed: ErpOrder) -> None:
    ordered = {line.sku for line in placed.lines}
    unknown = [
        FieldError(f"{line.sku} was not ordered.", pointer=f"/lines/{place}/sku")
        for place, line in enumerate(wanted)
        if line.sku not in ordered
    ]
    if unknown:
        raise SkuNotOrdered("The order does not hold every product named; correct the lines.", errors=unknown)


def _left(placed: ErpOrder, before: Sequence[ErpReturn]) -> dict[str, Decimal]:
    """By item of the order, what has not come back yet; cancelled returns took nothing."""
    left = {line.item: line.quantity for line in placed.lines}
    for line in (line for one in before for line in one.lines if not line.cancelled):
        if line.order_item in left:
            left[line.order_item] -= line.quantity
    return left
