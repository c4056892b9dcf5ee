"""Sales orders: created, changed, rejected, deleted.

Source: the published behaviour of API_SALES_ORDER_SRV. The service is not idempotent: the same request sent
twice makes two orders; `PurchaseOrderByCustomer` is only a field to search by.
"""

import sqlite3
from collections.abc import Mapping
from typing import NoReturn

from sandboxes.sap.odata_v2.behaviour import Behaviour, Node, Payload, Work
from sandboxes.sap.odata_v2.edm import EntitySet, Row, Value
from sandboxes.sap.sales import credit_block, messages
from sandboxes.sap.sales.credit_check import book
from sandboxes.sap.sales.draft import Draft, draft_order
from sandboxes.sap.sales.fields import number, text
from sandboxes.sap.sales.items import change_item, create_item, delete_item, redraft
from sandboxes.sap.sales.order_store import add_items, change_stamp, drop_item, has_followers, open_order, recalculate
from sandboxes.sap.sales.partners import check_partner, external_function, partner_row
from sandboxes.sap.sales.tables import (
    ITEM_PARTNERS,
    ITEM_TEXTS,
    ITEMS,
    LEDGER,
    ORDER_CONDITIONS,
    ORDER_PARTNERS,
    ORDER_TEXTS,
    ORDERS,
)

FIRST_ORDER = 4_000_001
_REDRAFTED_BY = ("RequestedDeliveryDate", "PricingDate")


def create_order(work: Work, entity_set: EntitySet, payload: Payload) -> Node:
    """Create an order with its items, partners and texts; it gets the next number."""
    draft = draft_order(work, payload)
    order = save(work, draft)
    texts = [{**one.values, "SalesOrder": order} for one in payload.below("to_Text")]
    work.records.add(ORDER_TEXTS, *texts)
    for item, sent in zip(draft.items, payload.below("to_Item"), strict=True):
        key: Row = {"SalesOrder": order, "SalesOrderItem": item.row["SalesOrderItem"]}
        work.records.add(ITEM_TEXTS, *({**one.values, **key} for one in sent.below("to_Text")))
        for one in sent.below("to_Partner"):
            function = external_function(text(one.values, "PartnerFunction"))
            work.records.add(ITEM_PARTNERS, _checked_partner(work, function, one.values) | key)
    work.remarks += draft.remarks
    return Node(entity_set, work.records.get(ORDERS, SalesOrder=order) or draft.header)


def save(work: Work, draft: Draft, promised: str = "") -> str:
    """Store a draft under the number promised to it, or a new one; returns the number."""
    order = promised or work.records.next_number("sales order", FIRST_ORDER)
    key: Row = {"SalesOrder": order}
    net, currency = number(draft.header, "TotalNetAmount"), text(draft.header, "TransactionCurrency")
    work.records.add(ORDERS, draft.header | key)
    work.records.add(ORDER_PARTNERS, *(one | key for one in draft.partners))
    work.records.add(ORDER_CONDITIONS, *(one | key for one in draft.conditions))
    add_items(work.records, order, draft.items)
    book(work.records, text(draft.header, "SoldToParty"), net, currency)
    shown = {name: draft.header.get(name, "") for name in ("PurchaseOrderByCustomer", "SoldToParty", "TotalNetAmount")}
    work.records.add(LEDGER, {**shown, **key, "TransactionCurrency": currency, "CreatedAt": work.now, "State": "open"})
    return order


def _change_order(work: Work, _: EntitySet, old: Row, changes: Row) -> None:
    header = open_order(work, old["SalesOrder"])
    changed = {**header, **changes}
    for item in work.records.find(ITEMS, SalesOrder=old["SalesOrder"]):
        follows = text(item, "PurchaseOrderByCustomer") == text(header, "PurchaseOrderByCustomer")
        reference: Row = {"PurchaseOrderByCustomer": changed["PurchaseOrderByCustomer"]} if follows else {}
        if any(changed[name] != header[name] for name in _REDRAFTED_BY):
            redraft(work, changed, item, reference)
        elif reference:
            work.records.change(ITEMS, ITEMS.key_of(item), reference)
    recalculate(work, header, changes)
    if "PurchaseOrderByCustomer" in changes:
        work.records.change(LEDGER, ORDERS.key_of(old), {"PurchaseOrderByCustomer": changes["PurchaseOrderByCustomer"]})


def _delete_order(work: Work, _: EntitySet, row: Row) -> None:
    header = open_order(work, row["SalesOrder"])
    if has_followers(work.records, row["SalesOrder"]):
        raise messages.has_followers(text(row, "SalesOrder"))
    for item in work.records.find(ITEMS, SalesOrder=row["SalesOrder"]):
        drop_item(work.records, item)
    book(
        work.records,
        text(header, "SoldToParty"),
        -number(header, "TotalNetAmount"),
        text(header, "TransactionCurrency"),
    )
    for table in (ORDER_PARTNERS, ORDER_CONDITIONS, ORDER_TEXTS, ITEM_TEXTS, ITEM_PARTNERS, ORDERS):
        work.records.remove(table, SalesOrder=row["SalesOrder"])
    work.records.change(LEDGER, ORDERS.key_of(row), {"State": "deleted"})


def _create_partner(work: Work, entity_set: EntitySet, payload: Payload) -> Node:
    header = open_order(work, payload.values.get("SalesOrder"))
    function = external_function(text(payload.values, "PartnerFunction"))
    row = _checked_partner(work, function, payload.values) | {"SalesOrder": header["SalesOrder"]}
    work.records.remove(ORDER_PARTNERS, SalesOrder=header["SalesOrder"], PartnerFunction=function)
    work.records.add(ORDER_PARTNERS, row)
    _touch(work, header)
    stored = work.records.get(ORDER_PARTNERS, SalesOrder=header["SalesOrder"], PartnerFunction=function)
    return Node(entity_set, stored or row)


def _change_partner(work: Work, _: EntitySet, old: Row, changes: Row) -> None:
    header = open_order(work, old["SalesOrder"])
    row = _checked_partner(work, text(old, "PartnerFunction"), {**old, **changes})
    work.records.remove(ORDER_PARTNERS, **ORDER_PARTNERS.key_of(old))
    work.records.add(ORDER_PARTNERS, row)
    _touch(work, header)


def _delete_partner(work: Work, _: EntitySet, row: Row) -> None:
    if text(row, "PartnerFunction") in {"SP", "SH", "BP", "PY"}:
        raise messages.refused(messages.partner_mandatory(text(row, "PartnerFunction")))
    _touch(work, open_order(work, row["SalesOrder"]))
    work.records.remove(ORDER_PARTNERS, **ORDER_PARTNERS.key_of(row))


def _checked_partner(work: Work, function: str, values: Mapping[str, Value]) -> Row:
    if fault := check_partner(work, function, values):
        raise messages.refused(fault)
    return partner_row(work, function, values)


def _create_text(work: Work, entity_set: EntitySet, payload: Payload) -> Node:
    header = open_order(work, payload.values.get("SalesOrder"))
    table = work.table(entity_set.name)
    row: Row = {name: payload.values.get(name, prop.initial) for name, prop in entity_set.properties.items()}
    try:
        work.records.add(table, row)
    except sqlite3.IntegrityError:
        raise messages.refused(messages.text_exists(text(row, "LongTextID"), text(row, "Language"))) from None
    _touch(work, header)
    return Node(entity_set, row)


def _change_text(work: Work, entity_set: EntitySet, old: Row, changes: Row) -> None:
    _touch(work, open_order(work, old["SalesOrder"]))
    table = work.table(entity_set.name)
    work.records.change(table, table.key_of(old), changes)


def _delete_text(work: Work, entity_set: EntitySet, row: Row) -> None:
    _touch(work, open_order(work, row["SalesOrder"]))
    table = work.table(entity_set.name)
    work.records.remove(table, **table.key_of(row))


def _touch(work: Work, header: Row) -> None:
    work.records.change(ORDERS, ORDERS.key_of(header), change_stamp(work, header))


def _approval(work: Work, arguments: Mapping[str, Value]) -> list[Row]:
    _no_approval(work, dict(arguments), {})


def _no_approval(work: Work, order: Row, _: Mapping[str, Value]) -> NoReturn:
    header = open_order(work, order["SalesOrder"])
    raise messages.no_approval(text(header, "SalesOrder"))


BEHAVIOUR = Behaviour(
    create={
        "A_SalesOrder": create_order,
        "A_SalesOrderItem": create_item,
        "A_SalesOrderHeaderPartner": _create_partner,
        "A_SalesOrderText": _create_text,
        "A_SalesOrderItemText": _create_text,
    },
    update={
        "A_SalesOrder": _change_order,
        "A_SalesOrderItem": change_item,
        "A_SalesOrderHeaderPartner": _change_partner,
        "A_SalesOrderText": _change_text,
        "A_SalesOrderItemText": _change_text,
    },
    delete={
        "A_SalesOrder": _delete_order,
        "A_SalesOrderItem": delete_item,
        "A_SalesOrderHeaderPartner": _delete_partner,
        "A_SalesOrderText": _delete_text,
        "A_SalesOrderItemText": _delete_text,
    },
    call={"releaseApprovalRequest": _approval, "rejectApprovalRequest": _approval},
    act={
        "ReleaseCreditBlock": credit_block.release,
        "RejectCreditBlock": credit_block.reject,
        "ReleaseApprovalRequest": _no_approval,
        "RejectApprovalRequest": _no_approval,
    },
)
