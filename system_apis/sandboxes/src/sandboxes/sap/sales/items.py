"""Items of a saved order: added, changed, rejected, deleted."""

from collections.abc import Mapping
from decimal import Decimal

from sandboxes.sap.odata_v2.behaviour import Node, Payload, Work
from sandboxes.sap.odata_v2.edm import EntitySet, Row, Value
from sandboxes.sap.sales import messages
from sandboxes.sap.sales.draft import manual_conditions, order_terms
from sandboxes.sap.sales.draft_item import DraftItem, draft_item
from sandboxes.sap.sales.fields import text
from sandboxes.sap.sales.order_store import add_items, drop_item, open_order, recalculate
from sandboxes.sap.sales.pricing import ManualCondition, manual_of
from sandboxes.sap.sales.tables import ITEM_CONDITIONS, ITEM_PARTNERS, ITEM_TEXTS, ITEMS

REJECTION_REASONS = frozenset({"00", "01", "02", "03", "04", "05", "10", "11", "50", "51", "52", "55"})
_PRICE_OR_SUPPLY = frozenset({"RequestedQuantity", "Material", "ProductionPlant", "SalesDocumentRjcnReason"})


def create_item(work: Work, entity_set: EntitySet, payload: Payload) -> Node:
    """Add an item to an order; without a number it gets the next multiple of ten."""
    header = open_order(work, payload.values.get("SalesOrder"))
    existing = work.records.find(ITEMS, SalesOrder=header["SalesOrder"])
    taken = {text(one, "SalesOrderItem") for one in existing}
    item = text(payload.values, "SalesOrderItem") or str(max((int(one) for one in taken), default=0) // 10 * 10 + 10)
    if item in taken:
        raise messages.refused(messages.item_exists(item))
    sent: Row = {**payload.values, "SalesOrderItem": item}
    drafted = _drafted(work, header, sent, manual_conditions(payload.below("to_PricingElement")))
    add_items(work.records, text(header, "SalesOrder"), [drafted])
    recalculate(work, header)
    found = work.records.get(ITEMS, SalesOrder=header["SalesOrder"], SalesOrderItem=item)
    return Node(entity_set, found or drafted.row)


def change_item(work: Work, _: EntitySet, old: Row, changes: Row) -> None:
    """Change an item; price, promise and statuses follow. A rejection reason cancels it, an empty one revives it."""
    header = open_order(work, old["SalesOrder"])
    if text(old, "DeliveryStatus") in {"B", "C"} and any(
        changes.get(name, old[name]) != old[name] for name in _PRICE_OR_SUPPLY
    ):
        raise messages.refused(messages.item_delivered(text(old, "SalesOrderItem")))
    reason = text({**old, **changes}, "SalesDocumentRjcnReason")
    if reason and reason not in REJECTION_REASONS:
        raise messages.refused(messages.rejection_reason(reason))
    redraft(work, header, old, changes)
    recalculate(work, header)


def delete_item(work: Work, _: EntitySet, row: Row) -> None:
    """Delete an item that nothing was delivered of."""
    header = open_order(work, row["SalesOrder"])
    if text(row, "DeliveryStatus") in {"B", "C"}:
        raise messages.refused(messages.item_delivered(text(row, "SalesOrderItem")))
    drop_item(work.records, row)
    for table in (ITEM_PARTNERS, ITEM_TEXTS):
        work.records.remove(table, SalesOrder=row["SalesOrder"], SalesOrderItem=row["SalesOrderItem"])
    recalculate(work, header)


def redraft(work: Work, header: Row, old: Row, changes: Mapping[str, Value]) -> None:
    """Store an item anew under changed conditions."""
    if text(old, "DeliveryStatus") in {"B", "C"}:
        work.records.change(ITEMS, ITEMS.key_of(old), changes)
        return
    stored = work.records.find(ITEM_CONDITIONS, SalesOrder=old["SalesOrder"], SalesOrderItem=old["SalesOrderItem"])
    drop_item(work.records, old)
    drafted = _drafted(work, header, {**old, **changes}, manual_of(stored))
    if text(drafted.row, "SalesDocumentRjcnReason"):
        _cancel(drafted)
    add_items(work.records, text(old, "SalesOrder"), [drafted])


def _cancel(drafted: DraftItem) -> None:
    drafted.confirmed = Decimal(0)
    drafted.row |= {"ConfdDelivQtyInOrderQtyUnit": Decimal(0), "SDProcessStatus": "C", "DeliveryStatus": ""}
    drafted.schedule |= {
        "ConfdOrderQtyByMatlAvailCheck": Decimal(0),
        "OpenConfdDelivQtyInOrdQtyUnit": Decimal(0),
        "ConfirmedDeliveryDate": None,
    }


def _drafted(work: Work, header: Row, sent: Row, manual: list[ManualCondition]) -> DraftItem:
    drafted = draft_item(work.records, sent, manual, order_terms(work, header), {})
    if not isinstance(drafted, DraftItem):
        raise messages.refused(drafted)
    return drafted
