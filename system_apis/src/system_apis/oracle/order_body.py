"""A canonical order as the body that creates it; what Oracle could not hold is refused here."""

import re
from collections.abc import Iterator
from decimal import Decimal

from shared.binding.problems import FieldError
from shared.contracts.canonical.order import NewErpOrder, NewOrderLine
from shared.contracts.system.erp import OrderRejected
from system_apis.oracle.accounts import BILL_TO, Account
from system_apis.oracle.order_records import NewAdjustment, NewBillTo, NewLine, NewOrder, NewShipTo
from system_apis.oracle.settings import OracleSettings

_CURRENCY = re.compile(r"[A-Z]{3}")
_MAGNITUDE = 15
"""Digits before the point, and after it, that a quantity or price may have."""


def order_body(order: NewErpOrder, account: Account, site: int | None, settings: OracleSettings) -> NewOrder:
    """The body that creates an order and submits it.

    Args:
        order: What is ordered; checked by `check_order`.
        account: Whose order it is.
        site: Party site that goods go to; None leaves it to Oracle.
        settings: `[backends.oracle]`.
    """
    requested = f"{order.requested_date.isoformat()}T00:00:00+00:00" if order.requested_date else ""
    return NewOrder(
        SourceTransactionNumber=order.reference,
        SourceTransactionSystem=settings.order_system,
        SourceTransactionId=order.reference,
        RequestingBusinessUnitName=settings.business_unit,
        BusinessUnitName=settings.business_unit,
        BuyingPartyId=account.party_id,
        TransactionalCurrencyCode=order.currency,
        SubmittedFlag=True,
        billToCustomer=[bill_to(account)],
        shipToCustomer=[NewShipTo(account.party_id, site)] if site is not None else [],
        CustomerPONumber=order.purchase_order or order.reference,
        RequestedShipDate=requested,
        lines=[_line(place, line, settings) for place, line in enumerate(order.lines, 1)],
    )


def bill_to(account: Account) -> NewBillTo:
    """The account with its first site that bills go to."""
    sites = account.sites_for(BILL_TO)
    return NewBillTo(account.id, account.number, sites[0][1].id if sites else None)


def check_order(order: NewErpOrder) -> None:
    """Refuse what no order of Oracle's can be, before Oracle is asked; says everything that is wrong.

    Raises:
        OrderRejected: It has no lines, or one that cannot be ordered.
    """
    errors = [error for place, line in enumerate(order.lines) for error in _wrong(order, line, f"/lines/{place}")]
    if not order.lines:
        errors.append(FieldError("An order needs lines.", "/lines"))
    if not _CURRENCY.fullmatch(order.currency):
        errors.append(FieldError("This is no currency (ISO 4217).", "/currency"))
    if errors:
        raise OrderRejected("The order cannot be placed as it is; see `errors`.", errors=errors)


def fits(number: Decimal) -> bool:
    """Whether a number is finite, and short enough for Oracle."""
    if not number.is_finite():
        return False
    exponent = number.as_tuple().exponent
    return number.adjusted() < _MAGNITUDE and isinstance(exponent, int) and exponent >= -_MAGNITUDE


def _wrong(order: NewErpOrder, line: NewOrderLine, pointer: str) -> Iterator[FieldError]:
    if line.quantity.is_nan() or line.quantity <= 0:
        yield FieldError("A quantity must be above zero.", f"{pointer}/quantity")
    elif not fits(line.quantity):
        yield FieldError("A quantity with so many digits cannot be ordered.", f"{pointer}/quantity")
    if line.unit_price is None:
        return
    if line.unit_price.currency != order.currency:
        yield FieldError(f"The order is in {order.currency}; give the price in it.", f"{pointer}/unitPrice/currency")
    if not fits(line.unit_price.amount):
        yield FieldError("A price with so many digits cannot be used.", f"{pointer}/unitPrice/amount")


def _line(place: int, line: NewOrderLine, settings: OracleSettings) -> NewLine:
    number = str(place)
    priced = [] if line.unit_price is None else [NewAdjustment(line.unit_price.amount, settings.price_reason)]
    return NewLine(
        SourceTransactionLineId=number,
        SourceTransactionLineNumber=number,
        SourceTransactionScheduleId=number,
        SourceScheduleNumber="1",
        ProductNumber=line.sku,
        OrderedQuantity=line.quantity,
        OrderedUOMCode=settings.quantity_unit,
        manualPriceAdjustments=priced,
    )
