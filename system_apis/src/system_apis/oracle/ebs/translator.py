"""Orders of OE_ORDER_PUB as canonical ones, and back; pure functions."""

from datetime import date
from decimal import Decimal
from typing import Any

from shared.binding.problems import BackendFault
from shared.contracts.canonical.order import ConfirmedLine, ErpOrder, NewErpOrder, NewOrderLine, OrderState
from system_apis.oracle.ebs.gateway import NAME
from system_apis.oracle.ebs.records import LineRow, OrderOutput
from system_apis.oracle.ebs.settings import EbsSettings
from system_apis.oracle.money import money, plain

_CANCELLED, _CLOSED = "CANCELLED", "CLOSED"
_BILLED = frozenset({_CLOSED, "INVOICED"})
_SHIPPED = _BILLED | {"SHIPPED", "FULFILLED"}
_UNDER_WAY = _SHIPPED | {"PICKED", "PICKED_PARTIAL"}
"""FLOW_STATUS_CODE of lines; whatever else one says, it is still to be picked."""


def new_order(order: NewErpOrder, settings: EbsSettings) -> dict[str, Any]:
    """The parameters of PROCESS_ORDER that make an order and book it."""
    header: dict[str, Any] = {
        "OPERATION": "CREATE",
        "ORDER_SOURCE_ID": settings.order_source_id,
        "ORIG_SYS_DOCUMENT_REF": order.reference,
        "TRANSACTIONAL_CURR_CODE": order.currency,
        "CUST_PO_NUMBER": order.purchase_order or None,
        "REQUEST_DATE": order.requested_date.isoformat() if order.requested_date else None,
        "ORDER_TYPE_ID": settings.order_type_id,
        "PRICE_LIST_ID": settings.price_list_id,
    }
    values = {"CUSTOMER_NUMBER": order.erp_number, "SHIP_TO_LOCATION": _place(order)}
    return {
        "P_ACTION_COMMIT": "T",
        "P_HEADER_REC": _filled(header),
        "P_HEADER_VAL_REC": _filled(values),
        "P_LINE_TBL": {"P_LINE_TBL_ITEM": [_line(place, one) for place, one in enumerate(order.lines, 1)]},
        "P_ACTION_REQUEST_TBL": {
            "P_ACTION_REQUEST_TBL_ITEM": [{"REQUEST_TYPE": "BOOK_ORDER", "ENTITY_CODE": "HEADER"}]
        },
    }


def cancellation(header_id: int, reason: str, settings: EbsSettings) -> dict[str, Any]:
    """The parameters of PROCESS_ORDER that cancel an order with every line."""
    change = {
        "OPERATION": "UPDATE",
        "HEADER_ID": header_id,
        "CANCELLED_FLAG": "Y",
        "CHANGE_REASON": settings.cancel_reason,
        "CHANGE_COMMENTS": reason,
    }
    return {"P_ACTION_COMMIT": "T", "P_HEADER_REC": change}


def order(found: OrderOutput) -> ErpOrder:
    """An order with its lines.

    Raises:
        BackendFault: There is none in the answer, or a date in it is none.
    """
    header, lines = found.X_HEADER_REC, found.X_LINE_TBL.X_LINE_TBL_ITEM
    if header.HEADER_ID is None:
        raise BackendFault(f"{NAME} says that it succeeded and shows no order.")
    currency = header.TRANSACTIONAL_CURR_CODE or ""
    net = sum((one.UNIT_SELLING_PRICE * one.ORDERED_QUANTITY for one in lines), Decimal(0))
    return ErpOrder(
        erp_order_id=str(header.HEADER_ID),
        reference=header.ORIG_SYS_DOCUMENT_REF or "",
        erp_number=found.X_HEADER_VAL_REC.CUSTOMER_NUMBER or "",
        state=state_of(found),
        net=money(net, currency),
        created=_day(header.ORDERED_DATE),
        requested_date=_day(header.REQUEST_DATE),
        lines=[_confirmed(one, currency) for one in lines],
    )


def state_of(found: OrderOutput) -> OrderState:
    """How far an order has come."""
    header = found.X_HEADER_REC.FLOW_STATUS_CODE or ""
    lines = found.X_LINE_TBL.X_LINE_TBL_ITEM
    live = {one.FLOW_STATUS_CODE or "" for one in lines if not _is_cancelled(one)}
    if header == _CANCELLED or (lines and not live):
        return "cancelled"
    if header == _CLOSED or (live and _BILLED.issuperset(live)):
        return "invoiced"
    if live and _SHIPPED.issuperset(live):
        return "delivered"
    return "in-delivery" if _UNDER_WAY.intersection(live) else "open"


def has_gone_out(found: OrderOutput) -> bool:
    """Whether something of an order was shipped or billed, so that it cannot be cancelled any more."""
    header = found.X_HEADER_REC.FLOW_STATUS_CODE or ""
    lines = found.X_LINE_TBL.X_LINE_TBL_ITEM
    return header == _CLOSED or any(one.FLOW_STATUS_CODE in _SHIPPED for one in lines)


def _place(order: NewErpOrder) -> str | None:
    """The delivery place, as the location of a ship-to site; the customer's own number means its usual place."""
    return order.ship_to_erp_number if order.ship_to_erp_number != order.erp_number else None


def _line(place: int, line: NewOrderLine) -> dict[str, Any]:
    row: dict[str, Any] = {
        "OPERATION": "CREATE",
        "LINE_NUMBER": place,
        "ORDERED_ITEM": line.sku,
        "ITEM_IDENTIFIER_TYPE": "INT",
        "ORDERED_QUANTITY": line.quantity,
    }
    if line.unit_price is None:
        return row
    price = line.unit_price.amount
    return {**row, "UNIT_LIST_PRICE": price, "UNIT_SELLING_PRICE": price, "CALCULATE_PRICE_FLAG": "N"}


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _confirmed(row: LineRow, currency: str) -> ConfirmedLine:
    return ConfirmedLine(
        item=str(row.LINE_NUMBER),
        sku=row.ORDERED_ITEM,
        quantity=plain(row.ORDERED_QUANTITY + (row.CANCELLED_QUANTITY or Decimal(0))),
        net=money(row.UNIT_SELLING_PRICE * row.ORDERED_QUANTITY, currency),
        confirmed_date=_day(row.SCHEDULE_SHIP_DATE),
    )


def _is_cancelled(row: LineRow) -> bool:
    return row.CANCELLED_FLAG == "Y" or row.FLOW_STATUS_CODE == _CANCELLED


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text[:10]) if text else None
    except ValueError:
        raise BackendFault(f"{NAME} answered a date that is none.") from None
