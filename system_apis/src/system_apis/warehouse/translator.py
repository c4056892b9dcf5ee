"""Rows ↔ canonical model, which warehouse gives what, and what a database's fault means. Pure functions."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from shared.binding.problems import FieldError, Refused
from shared.contracts.canonical.inventory import (
    Availability,
    Reservation,
    ReservationState,
    StockLevel,
    WantedLine,
)
from shared.contracts.canonical.returns import ReturnReceipt
from shared.contracts.canonical.shipment import WarehouseShipment
from shared.contracts.system.warehouse import ShortStock, UnknownSku, ZeroQuantity
from system_apis.warehouse.records import Hold, HoldStatus, LevelRecord, LineRecord, Receipt, ShipmentRecord

_STATES: Mapping[HoldStatus, ReservationState] = {
    "active": "held",
    "fulfilled": "confirmed",
    "released": "released",
    "expired": "expired",
}
_MORE_THAN_ANY_WAREHOUSE = Decimal(10**15)
_MORE_THAN_ANY_COUNT = Decimal(10**9)

Stock = dict[str, list[LevelRecord]]
"""Levels by SKU, one for each warehouse."""


def check_quantities(lines: Sequence[WantedLine]) -> None:
    """Refuse lines that ask for nothing.

    Raises:
        ZeroQuantity: With a pointer to each such line.
    """
    wrong = [
        FieldError("Ask for more than zero.", pointer=f"/lines/{index}/quantity")
        for index, line in enumerate(lines)
        if not line.quantity.is_finite() or line.quantity <= 0
    ]
    if wrong:
        raise ZeroQuantity("A quantity must be above zero; correct the lines named, or leave them out.", errors=wrong)


def check_whole(lines: Sequence[WantedLine]) -> None:
    """Refuse fractions, because the warehouse counts base units.

    Raises:
        Refused: With a pointer to each such line.
    """
    wrong = [
        FieldError("Ask for a whole number.", pointer=f"/lines/{index}/quantity")
        for index, line in enumerate(lines)
        if line.quantity != line.quantity.to_integral_value()
    ]
    if wrong:
        raise Refused("The warehouse holds whole base units only; round the lines named.", errors=wrong)


def check_bookable(lines: Sequence[WantedLine]) -> None:
    """Refuse more than any count of base units can be.

    Raises:
        Refused: With a pointer to each such line.
    """
    wrong = [
        FieldError("No warehouse counts that many.", pointer=f"/lines/{index}/quantity")
        for index, line in enumerate(lines)
        if line.quantity > _MORE_THAN_ANY_COUNT
    ]
    if wrong:
        raise Refused("The warehouse cannot book so much at once; correct the lines named.", errors=wrong)


def stock_of(lines: Sequence[WantedLine], levels: Iterable[LevelRecord]) -> Stock:
    """The levels of the SKUs asked for; rows for the same SKU and warehouse add up.

    Raises:
        UnknownSku: With a pointer to each line whose SKU is not stocked, or no longer sold.
    """
    added: dict[tuple[str, str], LevelRecord] = {}
    for level in levels:
        key = (level.warehouse, level.sku)
        known = added.get(key)
        added[key] = level if known is None else _sum(known, level)
    stock: Stock = {}
    for level in added.values():
        if level.active:
            stock.setdefault(level.sku, []).append(level)
    unknown = [
        FieldError(f"{line.sku} is not stocked.", pointer=f"/lines/{index}/sku")
        for index, line in enumerate(lines)
        if line.sku not in stock
    ]
    if unknown:
        raise UnknownSku("The warehouse does not stock every SKU asked for; correct the lines named.", errors=unknown)
    return stock


def _sum(one: LevelRecord, other: LevelRecord) -> LevelRecord:
    return LevelRecord(
        one.warehouse,
        one.sku,
        one.on_hand + other.on_hand,
        one.allocated + other.allocated,
        one.safety_stock + other.safety_stock,
        min(one.active, other.active),
        one.weight_grams or other.weight_grams,
    )


def to_availability(lines: Sequence[WantedLine], levels: Iterable[LevelRecord], as_of: datetime) -> Availability:
    """What is free of each line; lines for the same SKU are served in their order.

    Raises:
        UnknownSku: See `stock_of`.
    """
    stock = stock_of(lines, levels)
    told = [_stock_level(line, stock[line.sku], left) for line, left in _in_turn(lines, stock)]
    return Availability(told, as_of, all(level.enough for level in told))


def _stock_level(line: WantedLine, levels: list[LevelRecord], left: Decimal) -> StockLevel:
    return StockLevel(
        sku=line.sku,
        on_hand=Decimal(sum(level.on_hand for level in levels)),
        allocated=Decimal(sum(level.allocated for level in levels)),
        available=Decimal(sum(level.free for level in levels)),
        wanted=line.quantity,
        enough=left >= 0,
        unit_weight_grams=next((Decimal(level.weight_grams) for level in levels if level.weight_grams), None),
    )


def _in_turn(lines: Sequence[WantedLine], stock: Stock) -> Iterable[tuple[WantedLine, Decimal]]:
    """Each line with what it leaves of its SKU; below zero where stock does not reach."""
    left = {sku: Decimal(sum(level.free for level in levels)) for sku, levels in stock.items()}
    for line in lines:
        left[line.sku] -= min(line.quantity, _MORE_THAN_ANY_WAREHOUSE)
        yield line, left[line.sku]


def allocate(lines: Sequence[WantedLine], levels: Iterable[LevelRecord]) -> list[LineRecord]:
    """Which warehouse gives what: one that has everything if there is one, else the fullest first.

    Raises:
        UnknownSku: See `stock_of`.
        ShortStock: With a pointer to each line that stock does not reach.
    """
    stock = stock_of(lines, levels)
    short = [
        FieldError(f"{line.sku}: {-left:f} too few are free.", pointer=f"/lines/{index}")
        for index, (line, left) in enumerate(_in_turn(lines, stock))
        if left < 0
    ]
    if short:
        raise ShortStock("There is not enough stock for the lines named; nothing is held.", errors=short)
    wanted: dict[str, int] = {}
    for line in lines:
        wanted[line.sku] = wanted.get(line.sku, 0) + int(line.quantity)
    house = _one_house(wanted, stock)
    if house is not None:
        return [LineRecord(house, sku, quantity) for sku, quantity in sorted(wanted.items())]
    return [line for sku, quantity in sorted(wanted.items()) for line in _drain(quantity, stock[sku])]


def _one_house(wanted: Mapping[str, int], stock: Stock) -> str | None:
    able = [{level.warehouse for level in stock[sku] if level.free >= quantity} for sku, quantity in wanted.items()]
    return min(set[str].intersection(*able), default=None)


def _drain(quantity: int, levels: list[LevelRecord]) -> Iterable[LineRecord]:
    for level in sorted(levels, key=lambda level: (-level.free, level.warehouse)):
        taken = min(quantity, level.free)
        if taken:
            yield LineRecord(level.warehouse, level.sku, taken)
        quantity -= taken


def ships_from(lines: Sequence[LineRecord]) -> str:
    """The warehouse a split hold leaves from: the one that gives most."""
    given: dict[str, int] = {}
    for line in lines:
        given[line.warehouse] = given.get(line.warehouse, 0) + line.quantity
    return min(given, key=lambda code: (-given[code], code))


def to_reservation(hold: Hold) -> Reservation:
    """A hold as the contract shows it: one line a SKU, wherever it lies."""
    record = hold.record
    quantities: dict[str, int] = {}
    for line in hold.lines:
        quantities[line.sku] = quantities.get(line.sku, 0) + line.quantity
    state = _STATES[record.standing]
    return Reservation(
        reservation_id=record.id,
        reference=record.reference,
        state=state,
        lines=[WantedLine(sku, Decimal(quantity)) for sku, quantity in sorted(quantities.items())],
        created=record.created_at,
        expires=None if state == "confirmed" else record.expires_at,
    )


def to_shipment(record: ShipmentRecord) -> WarehouseShipment:
    """A shipment as the contract shows it."""
    return WarehouseShipment(
        shipment_id=record.id,
        reference=record.reference,
        status=record.status,
        updated=record.updated_at,
        tracking_code=record.tracking_number or "",
    )


def to_receipt(receipt: Receipt) -> ReturnReceipt:
    """Goods that came back as the contract shows them."""
    record = receipt.record
    return ReturnReceipt(
        receipt_id=record.id,
        reference=record.reference,
        warehouse=record.warehouse,
        received=record.received_at,
        lines=[WantedLine(line.sku, Decimal(line.quantity)) for line in receipt.lines],
    )
