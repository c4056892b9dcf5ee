"""Rows of the warehouse's tables, in the order in which `transactions` selects their columns."""

from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

HoldStatus = Literal["active", "released", "expired", "fulfilled"]
ShipmentStatus = Literal["planned", "picking", "packed", "shipped", "delivered", "cancelled"]


class LevelRecord(msgspec.Struct, frozen=True, array_like=True):
    """`inventory_level` with its item: stock of one SKU in one warehouse, in base units.

    `active` is 0 for an item that is no longer sold; `weight_grams` is of one base unit.
    """

    warehouse: str
    sku: str
    on_hand: int
    allocated: int
    safety_stock: int
    active: int = 1
    weight_grams: int | None = None

    @property
    def free(self) -> int:
        """What may still be promised from here."""
        return max(0, self.on_hand - self.safety_stock - self.allocated)


class HoldRecord(msgspec.Struct, frozen=True, array_like=True):
    """`reservation`; `standing` is its status with the clock taken into account."""

    id: str
    reference: str
    status: HoldStatus
    created_at: datetime
    expires_at: datetime
    standing: HoldStatus


class LineRecord(msgspec.Struct, frozen=True, array_like=True):
    """`reservation_line`: what a hold takes from where."""

    warehouse: str
    sku: str
    quantity: int


class ShipmentRecord(msgspec.Struct, frozen=True, array_like=True):
    """`shipment`."""

    id: str
    reference: str
    status: ShipmentStatus
    updated_at: datetime
    tracking_number: str | None = None


class ReceiptRecord(msgspec.Struct, frozen=True, array_like=True):
    """`return_receipt`."""

    id: str
    reference: str
    warehouse: str
    received_at: datetime


class ReceiptLineRecord(msgspec.Struct, frozen=True, array_like=True):
    """`return_receipt_line`."""

    sku: str
    quantity: int


class Receipt(NamedTuple):
    """Goods that came back, with their lines."""

    record: ReceiptRecord
    lines: list[ReceiptLineRecord]


class Hold(NamedTuple):
    """A reservation with its lines."""

    record: HoldRecord
    lines: list[LineRecord]
