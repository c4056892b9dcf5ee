"""Lines of OE_ORDER_PUB: what may be ordered, at which price, and when it is scheduled."""

from collections.abc import Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from sandboxes.company import company, minor_units

Values = Mapping[str, Any]


class ProcedureError(Exception):
    """The procedure ends with status E; the text becomes X_MSG_DATA."""


def rows(parameters: Values, table: str) -> list[Values]:
    """The rows of a table type, which is an object with an array in it."""
    sent: Values = parameters.get(table) or {}
    return sent.get(f"{table}_ITEM") or []


def new_line(sent: Values, currency: str, today: date) -> Values:
    """A line as it is kept, booked and scheduled.

    Raises:
        ProcedureError: The item or the quantity cannot be ordered.
    """
    item = str(sent.get("ORDERED_ITEM") or "")
    product = company().product_by_sku.get(item)
    if product is None or not product.active:
        raise ProcedureError(f"OE_INVALID_ITEM: Item {item} is not orderable in this operating unit.")
    try:
        quantity = Decimal(str(sent.get("ORDERED_QUANTITY")))
    except InvalidOperation:
        quantity = Decimal(0)
    if quantity <= 0:
        raise ProcedureError("OE_INVALID_QUANTITY: Ordered quantity must be greater than zero.")
    price = sent.get("UNIT_SELLING_PRICE") if sent.get("CALCULATE_PRICE_FLAG") == "N" else None
    listed = product.list_price * company().exchange_rates[currency]
    step = Decimal(1).scaleb(-minor_units(currency))
    kept = {name: value for name, value in sent.items() if name != "OPERATION"}
    return {
        **kept,
        "ORDERED_QUANTITY": str(quantity),
        "UNIT_SELLING_PRICE": str(listed.quantize(step, ROUND_HALF_UP) if price is None else price),
        "CANCELLED_FLAG": "N",
        "FLOW_STATUS_CODE": "AWAITING_SHIPPING",
        "SCHEDULE_SHIP_DATE": today.isoformat(),
    }


def cancelled(line: Values) -> Values:
    """A line that is cancelled: nothing of it is ordered any more."""
    gone = line["ORDERED_QUANTITY"] if line["CANCELLED_FLAG"] == "N" else line["CANCELLED_QUANTITY"]
    return {
        **line,
        "ORDERED_QUANTITY": "0",
        "CANCELLED_QUANTITY": gone,
        "CANCELLED_FLAG": "Y",
        "FLOW_STATUS_CODE": "CANCELLED",
    }
