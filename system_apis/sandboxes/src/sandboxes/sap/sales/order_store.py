"""Keeping orders: rows, reservations, credit and totals stay in step."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from sandboxes.sap.odata_v2.behaviour import Work
from sandboxes.sap.odata_v2.edm import Row, Value
from sandboxes.sap.sales import messages
from sandboxes.sap.sales.availability import reserve
from sandboxes.sap.sales.credit_check import book, check_credit
from sandboxes.sap.sales.draft_item import DraftItem
from sandboxes.sap.sales.fields import number, text
from sandboxes.sap.sales.pricing import header_elements
from sandboxes.sap.sales.statuses import derive
from sandboxes.sap.sales.tables import (
    ITEM_CONDITIONS,
    ITEMS,
    LEDGER,
    LOCKS,
    ORDER_CONDITIONS,
    ORDER_FLOW,
    ORDERS,
    SCHEDULE_LINES,
)
from sandboxes.sap.storage import Records


def open_order(work: Work, order: Value) -> Row:
    """The header of an order that may be changed now.

    Raises:
        ODataError: 400, it does not exist or another user is in it.
    """
    lock = work.records.get(LOCKS, Document=order)
    if lock is not None:
        raise messages.locked(str(order), text(lock, "User"))
    header = work.records.get(ORDERS, SalesOrder=order)
    if header is None:
        raise messages.refused(messages.order_unknown(str(order or "")))
    return header


def add_items(records: Records, order: str, items: list[DraftItem]) -> None:
    """Store items and reserve what they confirm."""
    key: Row = {"SalesOrder": order}
    for one in items:
        item: Row = key | {"SalesOrderItem": one.row["SalesOrderItem"]}
        records.add(ITEMS, one.row | item)
        records.add(ITEM_CONDITIONS, *(condition | item for condition in one.conditions))
        records.add(SCHEDULE_LINES, one.schedule | item)
        _reserve(records, one.row, one.confirmed)


def drop_item(records: Records, row: Mapping[str, Value]) -> None:
    """Remove an item's own rows and give back what it reserved."""
    key = {"SalesOrder": row["SalesOrder"], "SalesOrderItem": row["SalesOrderItem"]}
    _reserve(records, row, -number(row, "ConfdDelivQtyInOrderQtyUnit"))
    for table in (ITEMS, ITEM_CONDITIONS, SCHEDULE_LINES):
        records.remove(table, **key)


def recalculate(work: Work, header: Row, changes: Mapping[str, Value] | None = None) -> None:
    """Bring a header in line with its items: totals, conditions, credit, statuses, change stamp, ledger."""
    records, order = work.records, header["SalesOrder"]
    customer, currency = text(header, "SoldToParty"), text(header, "TransactionCurrency")
    book(records, customer, -number(header, "TotalNetAmount"), currency)
    items = records.find(ITEMS, SalesOrder=order)
    live = [one for one in items if not text(one, "SalesDocumentRjcnReason")]
    net = sum((number(one, "NetAmount") for one in live), Decimal(0))
    status = check_credit(records, customer, net, currency)
    book(records, customer, net, currency)
    elements = [records.find(ITEM_CONDITIONS, SalesOrder=order, SalesOrderItem=one["SalesOrderItem"]) for one in live]
    records.remove(ORDER_CONDITIONS, SalesOrder=order)
    records.add(ORDER_CONDITIONS, *(one | {"SalesOrder": order} for one in header_elements(elements)))
    totals: Row = {
        "TotalNetAmount": net,
        "TotalCreditCheckStatus": status,
        "TotalBlockStatus": "C" if status == "B" else "",
    }
    records.change(
        ORDERS, {"SalesOrder": order}, {**derive(items), **totals, **(changes or {}), **change_stamp(work, header)}
    )
    records.change(LEDGER, {"SalesOrder": order}, {"TotalNetAmount": net, "State": "open" if live else "cancelled"})
    if status == "B":
        work.remarks.append(messages.credit_exceeded())


def change_stamp(work: Work, header: Mapping[str, Value]) -> Row:
    """The stamp of a change; two changes never share one, or their entity tags would be equal."""
    last = header["LastChangeDateTime"]
    after = last + timedelta(microseconds=1) if isinstance(last, datetime) else work.now
    today = work.now.replace(hour=0, minute=0, second=0, microsecond=0)
    return {"LastChangeDateTime": max(after, work.now), "LastChangeDate": today}


def has_followers(records: Records, order: Value) -> bool:
    """Whether deliveries or invoices refer to the order."""
    return bool(records.find(ORDER_FLOW, SalesOrder=order))


def _reserve(records: Records, row: Mapping[str, Value], quantity: Decimal) -> None:
    if quantity:
        reserve(records, text(row, "Material"), text(row, "ProductionPlant"), quantity)
