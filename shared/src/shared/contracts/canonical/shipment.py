"""Goods on their way."""

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

from shared.contracts.canonical.values import Address, Id, Money, Name

ShipmentState = Literal[
    "quoted",
    "booked",
    "pre-transit",
    "in-transit",
    "out-for-delivery",
    "delivered",
    "returned",
    "failed",
    "refunded",
]


class Parcel(msgspec.Struct, frozen=True, rename="camel"):
    """What is shipped. Weight in grams, edges in millimetres."""

    weight_grams: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
    length_mm: Annotated[int, msgspec.Meta(ge=1)] = 300
    width_mm: Annotated[int, msgspec.Meta(ge=1)] = 200
    height_mm: Annotated[int, msgspec.Meta(ge=1)] = 100


class RateRequest(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """From where to where, and what. `reference` ties rates, label and order together.

    With `is_return` the parcel travels back to us from the address that it was shipped to.
    """

    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    ship_to_name: Name
    ship_to: Address
    parcel: Parcel
    is_return: bool = False


class Rate(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What one carrier asks for one service."""

    rate_id: Id
    carrier: str
    service: str
    price: Money
    days: int | None = None


class Rates(msgspec.Struct, frozen=True, rename="camel"):
    """Every offer for a shipment, cheapest first."""

    shipment_id: Id
    rates: list[Rate]


class LabelPurchase(msgspec.Struct, frozen=True, rename="camel"):
    """Which offer to take. Buying twice for the same shipment finds the first label."""

    shipment_id: Id
    rate_id: Id
    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]


class TrackingEvent(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One scan."""

    state: ShipmentState
    at: datetime
    message: str = ""
    place: str = ""


class Shipment(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A parcel on its way, or booked to go."""

    shipment_id: Id
    state: ShipmentState
    reference: str = ""
    carrier: str = ""
    service: str = ""
    price: Money | None = None
    tracking_code: str = ""
    label_url: str = ""
    delivery: date | None = None
    events: list[TrackingEvent] = []


class WarehouseShipment(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What the warehouse did with an order: picked, packed, handed over."""

    shipment_id: Id
    reference: str
    status: Literal["planned", "picking", "packed", "shipped", "delivered", "cancelled"]
    updated: datetime
    tracking_code: str = ""


class ParcelMoved(msgspec.Struct, frozen=True, rename="camel"):
    """An event: a carrier said where a parcel is; read the shipment to know how it stands by now."""

    shipment_id: str
    tracking_code: str
    state: ShipmentState
