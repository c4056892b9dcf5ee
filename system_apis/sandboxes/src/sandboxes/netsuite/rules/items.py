"""Inventory items: named once, priced per currency and level, stocked at every location."""

from sandboxes.netsuite.records.store import Document
from sandboxes.netsuite.refusals import Refusal, required, user_error
from sandboxes.netsuite.rules.context import Context, Rule


def _create(context: Context, document: Document) -> Document:
    places = [
        {"location": one["id"], **dict.fromkeys(_QUANTITIES, 0)} for one in context.records.every("location")
    ]  # fmt: skip
    return _completed(context, {"isInactive": False, **document, "locations": places}, None)


def _change(context: Context, document: Document, old: Document) -> Document:
    return _completed(context, {**document, "locations": old.get("locations") or []}, old)


def _completed(context: Context, document: Document, old: Document | None) -> Document:
    name = document.get("itemId")
    if not name:
        raise required("Item Name/Number", "itemId")
    if (old is None or old["itemId"] != name) and context.records.named("inventoryItem", "itemId", str(name)):
        raise Refusal("DUP_ITEM", "An item with this name already exists.", path="itemId")
    return document


def _remove(context: Context, document: Document) -> None:
    for order in context.records.every("salesOrder"):
        if any(str(line["item"]) == str(document["id"]) for line in order["item"]):
            raise user_error("This record cannot be deleted because it has dependent records.")


_QUANTITIES = ("quantityOnHand", "quantityCommitted", "quantityAvailable", "quantityOnOrder", "quantityBackOrdered")
INVENTORY_ITEM = Rule(_create, _change, _remove)
