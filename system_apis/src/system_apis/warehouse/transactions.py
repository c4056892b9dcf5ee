"""What happens in the warehouse's database (`shared.sql`).

Rows are locked in one order everywhere: due holds by id, then the own hold, then levels by SKU and warehouse.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import msgspec

from shared.contracts.canonical.inventory import NewReservation
from shared.sql.transaction import Rows, Statement, Transaction
from system_apis.warehouse.records import Hold, HoldRecord, HoldStatus, LevelRecord, LineRecord, ShipmentRecord
from system_apis.warehouse.translator import allocate, ships_from

_HOLD = """SELECT id, reference, status, created_at, expires_at,
    CASE WHEN status = 'active' AND expires_at <= now() THEN 'expired' ELSE status END AS standing
    FROM reservation"""
_LEVEL = """SELECT level.warehouse, level.sku, level.on_hand, level.allocated, level.safety_stock, item.active,
    item.weight_grams
    FROM inventory_level AS level JOIN item ON item.sku = level.sku"""
_UNKNOWN_COUNTRY = "ZZ"  # CLDR's "unknown": a hold does not say where the goods go; the order's label does
_SWEPT_AT_ONCE = 100


def levels_now(skus: Collection[str]) -> Transaction[list[LevelRecord]]:
    """Levels of these SKUs, with a negative allocation for what expired holds still take. Reads only."""
    places = _places(len(skus))
    lapsed = f"""SELECT line.warehouse, line.sku, 0, -SUM(line.quantity), 0, 1, NULL
        FROM reservation AS hold JOIN reservation_line AS line ON line.reservation_id = hold.id
        WHERE hold.status = 'active' AND hold.expires_at <= now() AND line.sku IN ({places})
        GROUP BY line.warehouse, line.sku"""  # noqa: S608 - places are $1, $2, …
    rows = yield Statement(f"{_LEVEL} WHERE level.sku IN ({places}) UNION ALL {lapsed}", tuple(skus))
    return msgspec.convert(rows, list[LevelRecord])


def hold_by_id(reservation_id: str, *, lock: bool = False) -> Transaction[Hold | None]:
    """A hold, or None. Reads only; `lock` keeps others from changing it until the end."""
    rows = yield Statement(f"{_HOLD} WHERE id = $1{' FOR UPDATE' if lock else ''}", (reservation_id,))
    return (yield from _with_lines(rows)) if rows else None


def shipment_by_reference(reference: str) -> Transaction[ShipmentRecord | None]:
    """A shipment, or None. Reads only."""
    rows = yield Statement(
        "SELECT id, reference, status, updated_at, tracking_number FROM shipment WHERE reference = $1", (reference,)
    )
    return msgspec.convert(rows[0], ShipmentRecord) if rows else None


def hold(wanted: NewReservation) -> Transaction[Hold]:
    """Hold goods for a reference, or find the hold it has.

    Raises:
        UnknownSku: Nothing is held.
        ShortStock: Nothing is held.
    """
    skus = {line.sku for line in wanted.lines}
    due = yield from _due(
        f"AND (reference = $1 OR EXISTS (SELECT 1 FROM reservation_line AS line"  # noqa: S608 - places are $2, $3, …
        f" WHERE line.reservation_id = reservation.id AND line.sku IN ({_places(len(skus), 2)})))",
        (wanted.reference, *skus),
    )
    now: datetime = msgspec.convert((yield Statement("SELECT now()"))[0][0], datetime)
    record = HoldRecord(
        f"rsv-{uuid4().hex}", wanted.reference, "active", now, now + timedelta(seconds=wanted.hold_seconds), "active"
    )
    inserted = yield Statement(
        "INSERT INTO reservation (id, reference, status, created_at, expires_at, updated_at)"
        " VALUES ($1, $2, 'active', $3, $4, $3) ON CONFLICT (reference) DO NOTHING RETURNING id",
        (record.id, record.reference, record.created_at, record.expires_at),
    )
    if not inserted:
        rows = yield Statement(f"{_HOLD} WHERE reference = $1 FOR UPDATE", (wanted.reference,))
        known = msgspec.convert(rows[0], HoldRecord)
        if known.standing in ("active", "fulfilled"):
            return (yield from _with_lines(rows))
        record = msgspec.structs.replace(record, id=known.id)
    levels = yield from _give_back(due, skus)
    lines = allocate(wanted.lines, levels)
    if not inserted:
        yield from _renew(record)
    yield from _take(record.id, lines)
    return Hold(record, lines)


def confirm(reservation_id: str) -> Transaction[Hold | None]:
    """Keep a live hold for good and plan its shipment; None if there is none. An ended one stays as it is."""
    found = yield from _settled(reservation_id)
    if found is None or found.record.standing != "active":
        return found
    yield _status(reservation_id, "fulfilled")
    yield from _plan_shipment(found)
    return _standing(found, "fulfilled")


def release(reservation_id: str) -> Transaction[Hold | ShipmentRecord | None]:
    """Give a hold back; None if there is none, the shipment if the goods have left already."""
    found = yield from _settled(reservation_id)
    if found is None or found.record.standing in ("released", "expired"):
        return found
    if found.record.standing == "fulfilled":
        rows = yield Statement(
            "SELECT id, reference, status, updated_at, tracking_number FROM shipment"
            " WHERE reservation_id = $1 FOR UPDATE",
            (reservation_id,),
        )
        for shipment in msgspec.convert(rows, list[ShipmentRecord]):
            if shipment.status in ("shipped", "delivered"):
                return shipment
            yield from _move_shipment(shipment.id, "cancelled")
    yield from _give_back([reservation_id])
    yield _status(reservation_id, "released")
    return _standing(found, "released")


def sweep() -> Transaction[int]:
    """Give back what some expired holds take; returns how many, the most at once if there may be more."""
    due = yield from _due()
    if due:
        yield from _give_back(due)
    return len(due)


def swept_all(count: int) -> bool:
    """Whether a `sweep` that returned this left nothing."""
    return count < _SWEPT_AT_ONCE


def _due(condition: str = "", values: tuple[Any, ...] = ()) -> Transaction[list[str]]:
    """Mark holds whose time is over as expired: those of `condition`, or some; their stock is still taken."""
    chosen = f"{condition} ORDER BY id" if condition else f"ORDER BY id LIMIT {_SWEPT_AT_ONCE}"
    rows = yield Statement(
        f"SELECT id FROM reservation WHERE status = 'active' AND expires_at <= now() {chosen} FOR UPDATE",  # noqa: S608
        values,
    )
    ids = [row[0] for row in rows]
    if ids:
        yield Statement(
            "UPDATE reservation SET status = 'expired', updated_at = now()"  # noqa: S608 - places
            f" WHERE id IN ({_places(len(ids))})",
            tuple(ids),
        )
    return ids


def _give_back(holds: Sequence[str], skus: Iterable[str] = ()) -> Transaction[list[LevelRecord]]:
    """Subtract what these holds take; returns the levels of their SKUs and `skus`, locked, after that."""
    touched = set(skus)
    of_holds = f"FROM reservation_line WHERE reservation_id IN ({_places(len(holds))})"
    if holds:
        rows = yield Statement(f"SELECT DISTINCT sku {of_holds}", tuple(holds))
        touched |= {row[0] for row in rows}
    levels = yield from _lock(touched)
    if holds:
        yield Statement(
            "UPDATE inventory_level SET allocated = inventory_level.allocated - back.quantity,"  # noqa: S608 - places
            " version = inventory_level.version + 1, updated_at = now()"
            f" FROM (SELECT warehouse, sku, SUM(quantity) AS quantity {of_holds} GROUP BY warehouse, sku) AS back"
            " WHERE inventory_level.warehouse = back.warehouse AND inventory_level.sku = back.sku",
            tuple(holds),
        )
        levels = yield from _lock(touched)
    return levels


def _lock(skus: Collection[str]) -> Transaction[list[LevelRecord]]:
    rows = yield Statement(
        f"{_LEVEL} WHERE level.sku IN ({_places(len(skus))}) ORDER BY level.sku, level.warehouse FOR UPDATE OF level",
        tuple(skus),
    )
    return msgspec.convert(rows, list[LevelRecord])


def _renew(record: HoldRecord) -> Transaction[None]:
    yield Statement("DELETE FROM reservation_line WHERE reservation_id = $1", (record.id,))
    yield Statement(
        "UPDATE reservation SET status = 'active', created_at = $2, expires_at = $3, updated_at = $2 WHERE id = $1",
        (record.id, record.created_at, record.expires_at),
    )


def _take(reservation_id: str, lines: Sequence[LineRecord]) -> Transaction[None]:
    rows = ", ".join(f"(${n}, ${n + 1}, CAST(${n + 2} AS integer))" for n in range(2, 3 * len(lines) + 2, 3))
    values = (reservation_id, *(value for line in lines for value in msgspec.structs.astuple(line)))
    yield Statement(
        "INSERT INTO reservation_line (reservation_id, warehouse, sku, quantity)"  # noqa: S608 - places
        f" SELECT CAST($1 AS text), taken.column1, taken.column2, taken.column3 FROM (VALUES {rows}) AS taken",
        values,
    )
    yield Statement(
        "UPDATE inventory_level SET allocated = inventory_level.allocated + line.quantity,"
        " version = inventory_level.version + 1, updated_at = now() FROM reservation_line AS line"
        " WHERE line.reservation_id = $1"
        " AND inventory_level.warehouse = line.warehouse AND inventory_level.sku = line.sku",
        (reservation_id,),
    )


def _settled(reservation_id: str) -> Transaction[Hold | None]:
    """The hold, locked; one whose time is over has given its stock back."""
    found = yield from hold_by_id(reservation_id, lock=True)
    if found is not None and found.record.status == "active" and found.record.standing == "expired":
        yield from _give_back([reservation_id])
        yield _status(reservation_id, "expired")
    return found


def _with_lines(rows: Rows) -> Transaction[Hold]:
    record = msgspec.convert(rows[0], HoldRecord)
    lines = yield Statement(
        "SELECT warehouse, sku, quantity FROM reservation_line WHERE reservation_id = $1 ORDER BY sku, warehouse",
        (record.id,),
    )
    return Hold(record, msgspec.convert(lines, list[LineRecord]))


def _status(reservation_id: str, status: HoldStatus) -> Statement:
    return Statement("UPDATE reservation SET status = $2, updated_at = now() WHERE id = $1", (reservation_id, status))


def _standing(found: Hold, status: HoldStatus) -> Hold:
    return Hold(msgspec.structs.replace(found.record, status=status, standing=status), found.lines)


def _plan_shipment(found: Hold) -> Transaction[None]:
    rows = yield Statement(
        "INSERT INTO shipment (id, reference, reservation_id, warehouse, status, ship_to_name, ship_to_country,"
        " created_at, updated_at) VALUES ($1, $2, $3, $4, 'planned', '', $5, now(), now())"
        " ON CONFLICT (reference) DO UPDATE SET reservation_id = excluded.reservation_id,"
        " warehouse = excluded.warehouse WHERE shipment.status = 'cancelled' RETURNING id",
        (
            f"shp-{uuid4().hex}",
            found.record.reference,
            found.record.id,
            ships_from(found.lines),
            _UNKNOWN_COUNTRY,
        ),
    )
    if rows:  # otherwise the warehouse is at work on a shipment of this reference already
        yield from _move_shipment(rows[0][0], "planned")


def _move_shipment(shipment_id: str, status: str) -> Transaction[None]:
    yield Statement("UPDATE shipment SET status = $2, updated_at = now() WHERE id = $1", (shipment_id, status))
    yield Statement(
        "INSERT INTO shipment_event (shipment_id, sequence, status, occurred_at)"
        " SELECT CAST($1 AS text), COALESCE(MAX(sequence), 0) + 1, CAST($2 AS text), now()"
        " FROM shipment_event WHERE shipment_id = $1",
        (shipment_id, status),
    )


def _places(count: int, first: int = 1) -> str:
    return ", ".join(f"${number}" for number in range(first, first + count))
