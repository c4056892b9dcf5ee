"""Customer returns: created with reference to an order, their items rejected when nothing comes back after all.

A return takes price, plant and terms from the items it refers to. The service is not idempotent: the same request
sent twice makes two returns, as long as the order has quantity left.
"""

from collections.abc import Mapping
from decimal import Decimal

from sandboxes.sap.odata_v2.behaviour import Behaviour, Node, Payload, Work
from sandboxes.sap.odata_v2.edm import EntitySet, Row, Value
from sandboxes.sap.sales import messages
from sandboxes.sap.sales.fields import number, text
from sandboxes.sap.sales.following import following_header, midnight, not_above, share_of, stamp
from sandboxes.sap.sales.fulfilment import note_follower
from sandboxes.sap.sales.items import REJECTION_REASONS
from sandboxes.sap.sales.order_store import open_order
from sandboxes.sap.sales.tables import (
    CREDIT_ITEMS,
    ITEMS,
    LOCKS,
    ORDER_PARTNERS,
    RETURN_ITEMS,
    RETURN_PARTNERS,
    RETURNS,
)

FIRST_RETURN = 60_000_001
RETURN, _ORDER = "H", "C"
RETURN_TYPES = frozenset({"RE", "RE2", "CBRE"})
RETURN_REASONS = frozenset({"", *(f"{code:03}" for code in range(1, 13))})


def _create_return(work: Work, entity_set: EntitySet, payload: Payload) -> Node:
    sent = payload.values
    if text(sent, "CustomerReturnType") not in RETURN_TYPES:
        raise messages.refused(messages.order_type(text(sent, "CustomerReturnType"), "CustomerReturnType"))
    items = payload.below("to_Item")
    if not items:
        raise messages.refused(messages.no_items())
    order = open_order(work, sent.get("ReferenceSDDocument") or items[0].values.get("ReferenceSDDocument"))
    rows = [_item(work, order, one.values, place) for place, one in enumerate(items, 1)]
    for row in rows:
        _within_order(work, rows, row)
    document = work.records.next_number("customer return", FIRST_RETURN)
    net = sum((number(row, "NetAmount") for row in rows), Decimal(0))
    header = following_header(work, order, sent) | {
        "CustomerReturn": document,
        "CustomerReturnDate": midnight(work),
        "TotalNetAmount": net,
        "ReferenceSDDocument": order["SalesOrder"],
        "ReferenceSDDocumentCategory": _ORDER,
    }
    key: Row = {"CustomerReturn": document}
    work.records.add(RETURNS, header)
    work.records.add(RETURN_ITEMS, *(row | key for row in rows))
    partners = work.records.find(ORDER_PARTNERS, SalesOrder=order["SalesOrder"])
    work.records.add(RETURN_PARTNERS, *(partner | key for partner in partners))
    note_follower(work, order, document, RETURN)
    return Node(entity_set, work.records.get(RETURNS, **key) or header)


def _item(work: Work, order: Row, sent: Mapping[str, Value], place: int) -> Row:
    item, position = str(place * 10), sent.get("ReferenceSDDocumentItem")
    found = work.records.get(ITEMS, SalesOrder=order["SalesOrder"], SalesOrderItem=position) if position else None
    if found is None or text(sent, "ReferenceSDDocument") not in ("", text(order, "SalesOrder")):
        raise messages.refused(messages.no_reference(text(sent, "CustomerReturnItem") or item))
    if text(sent, "Material") not in ("", text(found, "Material")):
        raise messages.refused(messages.other_material(item, text(found, "Material")))
    if text(sent, "ReturnReason") not in RETURN_REASONS:
        raise messages.refused(messages.return_reason(text(sent, "ReturnReason")))
    quantity = number(sent, "RequestedQuantity")
    if quantity <= 0:
        raise messages.refused(messages.quantity(item))
    inherited = (
        "Material",
        "MaterialGroup",
        "ProductionPlant",
        "ShippingPoint",
        "TransactionCurrency",
        "ItemWeightUnit",
    )
    return {
        **{name: found[name] for name in inherited},
        **sent,
        "CustomerReturnItem": text(sent, "CustomerReturnItem") or item,
        "CustomerReturnItemCategory": "REN",
        "CustomerReturnItemText": text(sent, "CustomerReturnItemText") or found["SalesOrderItemText"],
        "Material": found["Material"],
        "RequestedQuantity": quantity,
        "RequestedQuantityUnit": "PC",
        "ItemGrossWeight": number(found, "ItemGrossWeight") / number(found, "RequestedQuantity") * quantity,
        "NetAmount": share_of(found, quantity),
        "ReferenceSDDocument": order["SalesOrder"],
        "ReferenceSDDocumentItem": found["SalesOrderItem"],
        "ReferenceSDDocumentCategory": _ORDER,
        "SDProcessStatus": "A",
        "SDDocumentRejectionStatus": "A",
    }


def _within_order(work: Work, wanted: list[Row], row: Row) -> None:
    """Refuse more than was ordered, counting what other returns of the same item take."""
    reference: Row = {name: row[name] for name in ("ReferenceSDDocument", "ReferenceSDDocumentItem")}
    before = work.records.find(RETURN_ITEMS, **reference)
    same = [one for one in wanted if one["ReferenceSDDocumentItem"] == row["ReferenceSDDocumentItem"]]
    ordered = work.records.get(
        ITEMS, SalesOrder=row["ReferenceSDDocument"], SalesOrderItem=row["ReferenceSDDocumentItem"]
    )
    not_above(number(ordered or {}, "RequestedQuantity"), [*before, *same], text(row, "CustomerReturnItem"))


def open_return(work: Work, document: Value) -> Row:
    """The header of a return that may be changed now.

    Raises:
        ODataError: 400, it does not exist or another user is in it.
    """
    lock = work.records.get(LOCKS, Document=document)
    if lock is not None:
        raise messages.locked(str(document), text(lock, "User"))
    header = work.records.get(RETURNS, CustomerReturn=document)
    if header is None:
        raise messages.refused(messages.order_unknown(str(document or "")))
    return header


def _change_return(work: Work, _: EntitySet, old: Row, changes: Row) -> None:
    header = open_return(work, old["CustomerReturn"])
    work.records.change(RETURNS, RETURNS.key_of(old), {**changes, **stamp(work, header)})


def _change_item(work: Work, _: EntitySet, old: Row, changes: Row) -> None:
    header = open_return(work, old["CustomerReturn"])
    reason = text({**old, **changes}, "SalesDocumentRjcnReason")
    if reason and reason not in REJECTION_REASONS:
        raise messages.refused(messages.rejection_reason(reason))
    credited = work.records.find(CREDIT_ITEMS, ReferenceSDDocument=old["CustomerReturn"])
    if any(not text(one, "SalesDocumentRjcnReason") for one in credited):
        raise messages.refused(messages.item_credited(text(old, "CustomerReturnItem")))
    if number({**old, **changes}, "RequestedQuantity") != number(old, "RequestedQuantity"):
        raise messages.refused(messages.quantity_fixed(text(old, "CustomerReturnItem")))
    status = "C" if reason else "A"
    own: Row = {"SDProcessStatus": status, "SDDocumentRejectionStatus": status}
    work.records.change(RETURN_ITEMS, RETURN_ITEMS.key_of(old), {**changes, **own})
    items = work.records.find(RETURN_ITEMS, CustomerReturn=old["CustomerReturn"])
    live = [one for one in items if not text(one, "SalesDocumentRjcnReason")]
    totals: Row = {
        "TotalNetAmount": sum((number(one, "NetAmount") for one in live), Decimal(0)),
        "OverallSDDocumentRejectionSts": "C" if not live else "B" if len(live) < len(items) else "A",
        "OverallSDProcessStatus": "A" if live else "C",
    }
    work.records.change(RETURNS, {"CustomerReturn": old["CustomerReturn"]}, {**totals, **stamp(work, header)})


BEHAVIOUR = Behaviour(
    create={"A_CustomerReturn": _create_return},
    update={"A_CustomerReturn": _change_return, "A_CustomerReturnItem": _change_item},
)
