"""The account's deployed scripts: an order's whereabouts, and what of many items can be promised."""

from collections.abc import Callable, Mapping
from typing import Any

from sandboxes.netsuite.records.store import Document, Records, amount, lines_of
from sandboxes.netsuite.refusals import Refusal
from sandboxes.netsuite.schema import RECORD_TYPES

ORDER_STATUS, ITEM_AVAILABILITY = "101", "102"
_MOST_ITEMS = 1000

Script = Callable[[Records, Mapping[str, str], Any], Document]


def order_status(records: Records, query: Mapping[str, str], _: Any) -> Document:
    """`GET …&order=SO100001`: status of an order by number, external id or internal id, and what followed it."""
    name = query.get("order")
    if not name:
        raise _missing("order")
    order = (
        records.named("salesOrder", "tranId", name)
        or records.by_external_id("salesOrder", name)
        or records.get("salesOrder", name)
    )
    if order is None:
        raise Refusal("RCRD_DSNT_EXIST", "That record does not exist.", 404)
    return {
        "order": order["tranId"],
        "internalId": order["id"],
        "status": RECORD_TYPES["salesOrder"].by_name["status"].choices[order["status"]],
        "fulfillments": [one["tranId"] for one in records.following("itemFulfillment", str(order["id"]))],
        "invoices": [one["tranId"] for one in records.following("invoice", str(order["id"]))],
    }


def item_availability(records: Records, _: Mapping[str, str], body: Any) -> Document:
    """`POST {"items": ["TG-00001", …]}`: pieces available per location of up to 1,000 items."""
    wanted: Any = body.get("items") if isinstance(body, dict) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    if not isinstance(wanted, list) or not wanted:
        raise _missing("items")
    names = [str(one) for one in wanted]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if len(names) > _MOST_ITEMS:
        raise Refusal("SSS_INVALID_ARGUMENT", f"items: at most {_MOST_ITEMS}.")
    places = {str(one["id"]): str(one["externalId"]) for one in records.every("location")}
    found = {name: records.named("inventoryItem", "itemId", name) for name in names}
    return {
        "items": [
            {"sku": name, "available": _available(item, places), "inactive": bool(item.get("isInactive"))}
            for name, item in found.items()
            if item is not None
        ],
        "unknown": [name for name, item in found.items() if item is None],
    }


def _available(item: Document, places: Mapping[str, str]) -> dict[str, float]:
    return {
        places[str(one["location"])]: float(amount(one, "quantityAvailable")) for one in lines_of(item, "locations")
    }


def _missing(name: str) -> Refusal:
    return Refusal("SSS_MISSING_REQD_ARGUMENT", f"Missing a required argument: {name}")


DEPLOYED: Mapping[tuple[str, str], Mapping[str, Script]] = {
    (ORDER_STATUS, "1"): {"GET": order_status},
    (ITEM_AVAILABILITY, "1"): {"POST": item_availability},
}
