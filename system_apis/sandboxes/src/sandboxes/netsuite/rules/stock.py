"""Stock of an item by location: on hand, committed to orders, available."""

from collections.abc import Mapping
from decimal import Decimal

from sandboxes.netsuite.records.store import Document, Records, amount, lines_of

_NONE = Decimal(0)


def available(item: Document, location: str) -> Decimal:
    """Pieces of an item that can still be promised at a location."""
    place = _at(item, location)
    return max(amount(place, "quantityAvailable"), _NONE) if place else _NONE


def best_location(item: Document, wanted: Decimal, home: str, promised: Mapping[tuple[str, str], Decimal]) -> str:
    """Where a line ships from: home if it can send all of it, else the location that can send most."""

    def left(location: str) -> Decimal:
        return max(available(item, location) - promised.get((str(item["id"]), location), _NONE), _NONE)

    places = [str(one["location"]) for one in lines_of(item, "locations")]
    if not places or left(home) >= wanted:
        return home
    return max(places, key=lambda place: (left(place), place == home))


def commit(records: Records, item: str, location: str, quantity: Decimal, back_ordered: Decimal = _NONE) -> None:
    """Commit pieces to an order, or release them when negative."""
    _change(records, item, location, on_hand=_NONE, committed=quantity, back_ordered=back_ordered)


def ship(records: Records, item: str, location: str, quantity: Decimal, committed: Decimal) -> None:
    """Pieces leave the location; `committed` of them were committed."""
    _change(records, item, location, on_hand=-quantity, committed=-committed, back_ordered=_NONE)


def _change(
    records: Records, item: str, location: str, *, on_hand: Decimal, committed: Decimal, back_ordered: Decimal
) -> None:
    document = records.get("inventoryItem", item)
    place = _at(document, location) if document else None
    if document is None or place is None:
        return
    # Seeded orders committed nothing, so that what follows them must not go below zero.
    there = max(amount(place, "quantityOnHand") + on_hand, _NONE)
    taken = max(amount(place, "quantityCommitted") + committed, _NONE)
    place["quantityOnHand"], place["quantityCommitted"] = there, taken
    place["quantityAvailable"] = max(there - taken, _NONE)
    place["quantityBackOrdered"] = max(amount(place, "quantityBackOrdered") + back_ordered, _NONE)
    records.put("inventoryItem", document)


def _at(item: Document, location: str) -> Document | None:
    return next((one for one in lines_of(item, "locations") if str(one["location"]) == location), None)
