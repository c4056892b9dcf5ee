"""Sales orders between NetSuite's records and the canonical model; pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from shared.contracts.canonical.order import (
    ConfirmedLine,
    CreditDecision,
    ErpOrder,
    NewErpOrder,
    NewOrderLine,
    OrderSimulation,
    OrderState,
)
from shared.contracts.canonical.values import Money
from shared.contracts.system.erp import OrderRejected
from system_apis.netsuite.money import money, rounded
from system_apis.netsuite.records import BuyerRow, OrderLine, OrderRecord, OrderRow, PriceRow
from system_apis.netsuite.settings import NetSuiteSettings
from system_apis.netsuite.translator import plain, sku_of

PENDING_APPROVAL, CANCELLED, CLOSED = "A", "C", "H"
_STATES: Mapping[str, OrderState] = {
    PENDING_APPROVAL: "blocked",
    "B": "open",
    CANCELLED: "cancelled",
    "D": "in-delivery",
    "E": "in-delivery",
    "F": "delivered",
    "G": "invoiced",
}
_DIGITS = 15
"""Digits that NetSuite keeps of a quantity or price before and after the point together."""


def order(record: OrderRecord, number: str, currency: str) -> ErpOrder:
    """An order of the customer of a number."""
    lines = record.item.items
    fulfilled = sum((one.quantity_fulfilled for one in lines), Decimal(0))
    billed = sum((one.quantity_billed for one in lines), Decimal(0))
    return ErpOrder(
        erp_order_id=record.id,
        reference=record.external_id,
        erp_number=number,
        state=state(record.status.id, fulfilled, billed),
        net=money(sum((one.amount for one in lines), Decimal(0)), currency),
        created=day_of(record.tran_date),
        requested_date=day_of(record.ship_date),
        lines=[_line(one, currency) for one in lines],
    )


def listed_order(row: OrderRow, number: str, currency: str) -> ErpOrder:
    """An order without lines."""
    return ErpOrder(
        erp_order_id=str(row.id),
        reference=row.externalid,
        erp_number=number,
        state=state(row.status, abs(row.fulfilled), abs(row.billed)),
        net=money(abs(row.net), currency),
        created=row.trandate,
        requested_date=row.shipdate,
    )


def state(status: str, fulfilled: Decimal, billed: Decimal) -> OrderState:
    """NetSuite's status. A closed order of which nothing left was cancelled; else it ends where it was cut."""
    if status == CLOSED:
        return "cancelled" if not fulfilled else "invoiced" if billed >= fulfilled else "delivered"
    return _STATES.get(status, "open")


def has_gone_out(record: OrderRecord) -> bool:
    """Whether something of an order was fulfilled or billed, so that it cannot be cancelled any more."""
    return any(one.quantity_fulfilled > 0 or one.quantity_billed > 0 for one in record.item.items)


def check(new: NewErpOrder) -> None:
    """Refuse what no order could hold.

    Raises:
        OrderRejected: It has no lines, or one that cannot be ordered.
    """
    if not new.lines:
        raise OrderRejected("The order has no lines; add what is to be ordered.")
    for number, line in enumerate(new.lines, 1):
        if not line.quantity.is_finite() or line.quantity <= 0 or len(line.quantity.as_tuple().digits) > _DIGITS:
            raise OrderRejected(f"Line {number} ({line.sku}) has no quantity above zero; correct or drop it.")
        if line.unit_price is None:
            continue
        if line.unit_price.currency != new.currency:
            raise OrderRejected(f"Line {number} ({line.sku}) is priced in another currency than the order.")
        amount = line.unit_price.amount
        if not amount.is_finite() or amount < 0 or len(amount.as_tuple().digits) > _DIGITS:
            raise OrderRejected(f"The price of line {number} ({line.sku}) is none that NetSuite can hold.")


def order_body(
    new: NewErpOrder, settings: NetSuiteSettings, *, external_id: str, customer: int, currency: int,
    items: Mapping[str, int], address: str | None,
) -> dict[str, Any]:  # fmt: skip
    """The body that creates an order."""
    references = {
        "entity": customer,
        "currency": currency,
        "location": settings.location,
        "customForm": settings.order_form,
        "shipMethod": settings.ship_method,
        "orderStatus": settings.order_status or None,
        "shipAddressList": address,
    }
    return {
        "externalId": external_id,
        "otherRefNum": new.purchase_order or new.reference,
        **({"shipDate": new.requested_date.isoformat()} if new.requested_date else {}),
        **{name: {"id": str(key)} for name, key in references.items() if key is not None},
        "item": {"items": [_body_line(line, items[line.sku], settings) for line in new.lines]},
    }


def simulation(
    new: NewErpOrder,
    buyer: BuyerRow,
    items: Mapping[str, int],
    prices: Mapping[int, Sequence[PriceRow]],
    available: Mapping[int, Decimal],
    today: date,
) -> OrderSimulation:
    """What the order comes to; credit is decided by `credit_decision`.

    Raises:
        OrderRejected: A line has no price of its own and none in the list.
    """
    left, lines = dict(available), list[ConfirmedLine]()
    for place, line in enumerate(new.lines):
        item = items[line.sku]
        net = rounded(_unit_price(line, prices.get(item, ()), place) * line.quantity, new.currency)
        confirmed = max(min(line.quantity, left.get(item, Decimal(0))), Decimal(0))
        left[item] = left.get(item, Decimal(0)) - confirmed
        day = (new.requested_date or today) if confirmed else None
        lines.append(ConfirmedLine(str(place + 1), line.sku, line.quantity, Money(net, new.currency), confirmed, day))
    net = sum((one.net.amount for one in lines), Decimal(0))
    rate = percent(buyer.taxrate)
    tax = sum((rounded(one.net.amount * rate / 100, new.currency) for one in lines), Decimal(0))
    remarks = [] if buyer.taxrate else ["NetSuite computes the tax of this customer when the order is saved."]
    return OrderSimulation(
        net=money(net, new.currency),
        tax=money(tax, new.currency),
        credit="not-checked",
        lines=lines,
        remarks=remarks,
    )


def credit_decision(buyer: BuyerRow, amount: Decimal) -> CreditDecision:
    """Whether the customer may owe so much more, in its own currency; without a limit it may."""
    if buyer.creditholdoverride.upper() == "OFF" or buyer.creditlimit is None:
        return "approved"
    return "approved" if buyer.balance + buyer.unbilledorders + amount <= buyer.creditlimit else "refused"


def percent(rate: str) -> Decimal:
    """A tax rate as NetSuite writes it, `19.0%` or `19`; 0 for none."""
    digits = rate.strip().removesuffix("%").strip()
    try:
        return Decimal(digits) if digits else Decimal(0)
    except ArithmeticError:
        return Decimal(0)


def day_of(text: str) -> date | None:
    """The day of a date or time stamp; None for none."""
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _unit_price(line: NewOrderLine, prices: Iterable[PriceRow], place: int) -> Decimal:
    if line.unit_price is not None:
        return line.unit_price.amount
    fitting = [row.unitprice for row in prices if row.quantity <= line.quantity]
    if not fitting:
        raise OrderRejected(f"NetSuite has no price for line {place + 1} ({line.sku}) in this currency; give one.")
    return fitting[-1]


def _body_line(line: NewOrderLine, item: int, settings: NetSuiteSettings) -> dict[str, Any]:
    plain: dict[str, Any] = {"item": {"id": str(item)}, "quantity": line.quantity}
    if line.unit_price is None:
        return plain
    return {**plain, "price": {"id": str(settings.custom_price_level)}, "rate": line.unit_price.amount}


def _line(line: OrderLine, currency: str) -> ConfirmedLine:
    confirmed = line.quantity_committed + line.quantity_fulfilled
    return ConfirmedLine(
        item=str(line.line),
        sku=sku_of(line.item.ref_name),
        quantity=plain(line.quantity),
        net=money(line.amount, currency),
        confirmed_quantity=plain(confirmed),
        confirmed_date=day_of(line.expected_ship_date) if confirmed else None,
    )
