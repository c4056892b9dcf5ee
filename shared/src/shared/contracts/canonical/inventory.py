"""What is on the shelf and who holds it."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from shared.contracts.canonical.values import Id, Quantity, Sku

ReservationState = Literal["held", "confirmed", "released", "expired"]
WantedQuantity = Annotated[Decimal, msgspec.Meta(description="More than zero, in the base unit")]


class WantedLine(msgspec.Struct, frozen=True, rename="camel"):
    """A product and how much of it."""

    sku: Sku
    quantity: WantedQuantity


class AvailabilityRequest(msgspec.Struct, frozen=True, rename="camel"):
    """Which products, and how much of each."""

    lines: Annotated[list[WantedLine], msgspec.Meta(min_length=1, max_length=200)]


class StockLevel(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Stock of one product over all warehouses.

    `available` is what may still be promised: on hand less allocated and safety stock, never below zero.
    `unit_weight_grams` is the weight of one base unit, absent where the warehouse does not know it.
    """

    sku: Sku
    on_hand: Quantity
    allocated: Quantity
    available: Quantity
    wanted: Quantity = Decimal(0)
    enough: bool = True
    unit_weight_grams: Decimal | None = None


class Availability(msgspec.Struct, frozen=True, rename="camel"):
    """Stock for each line asked, in the order asked."""

    lines: list[StockLevel]
    as_of: datetime
    enough: bool


class NewReservation(msgspec.Struct, frozen=True, rename="camel"):
    """Goods to hold back. `reference` makes a repeat find the first hold."""

    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    lines: Annotated[list[WantedLine], msgspec.Meta(min_length=1, max_length=200)]
    hold_seconds: Annotated[int, msgspec.Meta(ge=1, le=604_800)] = 900


class Reservation(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Goods held back for someone until `expires`, or for good once confirmed."""

    reservation_id: Id
    reference: str
    state: ReservationState
    lines: list[WantedLine]
    created: datetime
    expires: datetime | None = None
