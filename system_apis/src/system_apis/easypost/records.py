"""EasyPost's objects as its API sends and takes them (docs.easypost.com), as far as we use them."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from shared.contracts.canonical.values import CurrencyCode

_Key = Annotated[str, msgspec.Meta(max_length=128)]


class AddressRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """An Address; `id` is EasyPost's. Without a country EasyPost takes it to be in the United States."""

    id: str | None = None
    name: str | None = None
    company: str | None = None
    street1: str | None = None
    city: str | None = None
    state: str | None = None
    zip: str | None = None
    country: str | None = None
    phone: str | None = None


class ParcelRecord(msgspec.Struct, frozen=True):
    """A Parcel: inches and ounces."""

    length: Decimal | None
    width: Decimal | None
    height: Decimal | None
    weight: Decimal


class NewShipmentRecord(msgspec.Struct, frozen=True):
    """A Shipment to be made; `to_address` may be just an id. With `is_return` EasyPost swaps the addresses."""

    reference: str
    to_address: AddressRecord
    from_address: AddressRecord
    parcel: ParcelRecord
    is_return: bool = False


class RateRecord(msgspec.Struct, frozen=True):
    """A Rate; `rate` is the price."""

    id: str
    carrier: str
    service: str
    rate: Decimal
    currency: CurrencyCode
    delivery_days: int | None = None
    est_delivery_days: int | None = None


class PostageLabelRecord(msgspec.Struct, frozen=True):
    """A PostageLabel."""

    label_url: str | None = None


class TrackingLocationRecord(msgspec.Struct, frozen=True):
    """A TrackingLocation."""

    city: str | None = None
    state: str | None = None
    country: str | None = None


class TrackingDetailRecord(msgspec.Struct, frozen=True):
    """A TrackingDetail: one scan. `datetime` lacks a zone where the carrier gives none."""

    status: str
    datetime: datetime
    message: str | None = None
    tracking_location: TrackingLocationRecord | None = None


class TrackerRecord(msgspec.Struct, frozen=True):
    """A Tracker."""

    status: str
    est_delivery_date: datetime | None = None
    tracking_details: list[TrackingDetailRecord] = []


class TrackedRecord(msgspec.Struct, frozen=True):
    """The Tracker that a `tracker.*` event is about; `shipment_id` is absent where no label was bought here."""

    status: str
    tracking_code: _Key
    shipment_id: _Key | None = None


class ToldRecord(msgspec.Struct, frozen=True):
    """An Event; `result` is decoded once its kind is known."""

    id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_\-]{1,128}$")]
    description: str
    result: msgspec.Raw = msgspec.Raw(b"null")


class ShipmentRecord(msgspec.Struct, frozen=True):
    """A Shipment; it has a `postage_label` once a rate is bought."""

    id: str
    reference: str | None = None
    tracking_code: str | None = None
    refund_status: str | None = None
    to_address: AddressRecord | None = None
    from_address: AddressRecord | None = None
    is_return: bool = False
    parcel: ParcelRecord | None = None
    rates: list[RateRecord] = []
    selected_rate: RateRecord | None = None
    postage_label: PostageLabelRecord | None = None
    tracker: TrackerRecord | None = None


class FieldFaultRecord(msgspec.Struct, frozen=True):
    """One refused field."""

    field: str | None = None


class FaultRecord(msgspec.Struct, frozen=True):
    """An Error. Its messages are left unread: only code and fields are acted upon."""

    code: str
    errors: list[FieldFaultRecord | str] = []


class FaultEnvelope(msgspec.Struct, frozen=True):
    """How an Error arrives."""

    error: FaultRecord
