"""What can be promised: pieces on hand less those that orders have reserved."""

import sqlite3
from decimal import Decimal

from sandboxes.oracle.areas.master import ORGANIZATIONS


def available(connection: sqlite3.Connection, item: str, organization: str) -> Decimal:
    """Pieces that can still be promised in an organization; never negative."""
    sql = "SELECT quantity, reserved FROM inv_onhand WHERE item_number = ? AND organization_code = ?"
    found = connection.execute(sql, (item, organization)).fetchone()
    return max(Decimal(found[0]) - max(Decimal(found[1]), Decimal(0)), Decimal(0)) if found else Decimal(0)


def source_of(connection: sqlite3.Connection, item: str, quantity: Decimal) -> tuple[str, Decimal]:
    """Where an item is fulfilled from, and how much of it can be: the first organization that has all, or most."""
    there = {place: available(connection, item, place) for place in ORGANIZATIONS}
    best = ORGANIZATIONS[0]
    if there[best] < quantity:
        best = max(ORGANIZATIONS, key=lambda place: (there[place], place == ORGANIZATIONS[0]))
    return best, min(quantity, there[best])


def reserve(connection: sqlite3.Connection, item: str, organization: str, quantity: Decimal) -> None:
    """Promise more pieces, or fewer when negative."""
    _add(connection, "reserved", item, organization, quantity)


def ship(connection: sqlite3.Connection, item: str, organization: str, quantity: Decimal) -> None:
    """Pieces leave, and their reservation with them."""
    _add(connection, "reserved", item, organization, -quantity)
    _add(connection, "quantity", item, organization, -quantity)


def _add(connection: sqlite3.Connection, column: str, item: str, organization: str, quantity: Decimal) -> None:
    where = "WHERE item_number = ? AND organization_code = ?"
    key = (item, organization)
    found = connection.execute(f"SELECT {column} FROM inv_onhand {where}", key).fetchone()  # noqa: S608 - two columns
    if found:
        now = format(max(Decimal(found[0]) + quantity, Decimal(0)), "f")
        connection.execute(f"UPDATE inv_onhand SET {column} = ? {where}", (now, *key))  # noqa: S608 - as above
