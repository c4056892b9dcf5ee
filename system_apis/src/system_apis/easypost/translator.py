"""EasyPost's objects ↔ canonical model, and what its faults mean. Pure functions."""

from collections.abc import Mapping
from datetime import UTC
from decimal import ROUND_CEILING, Decimal

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, FieldError, Problem, QuotaExceeded, Refused
from shared.binding.signed_message import SignedMessage
from shared.contracts.canonical.event_feed import MessageUnreadable
from shared.contracts.canonical.shipment import (
    Parcel,
    ParcelMoved,
    Rate,
    Rates,
    Shipment,
    ShipmentState,
    TrackingEvent,
)
from shared.contracts.canonical.values import Address, Money
from shared.contracts.system.logistics import AddressRefused, LabelNotRefundable, RateGone, ShipmentNotFound
from shared.resilience.outbound_faults import problem_of_status, retry_after_of
from shared.resilience.wire import WireReply
from system_apis.easypost.records import (
    AddressRecord,
    FaultRecord,
    FieldFaultRecord,
    NewShipmentRecord,
    ParcelRecord,
    RateRecord,
    ShipmentRecord,
    ToldRecord,
    TrackedRecord,
    TrackerRecord,
    TrackingDetailRecord,
)

GRAMS_PER_OUNCE = Decimal("28.349523125")  # international avoirdupois ounce
MM_PER_INCH = Decimal("25.4")
ONE_DECIMAL = Decimal("0.1")

# docs.easypost.com/docs/trackers, "status"; a parcel waiting to be fetched is as good as at the door.
_STATES: Mapping[str, ShipmentState] = {
    "pre_transit": "pre-transit",
    "in_transit": "in-transit",
    "out_for_delivery": "out-for-delivery",
    "available_for_pickup": "out-for-delivery",
    "delivered": "delivered",
    "return_to_sender": "returned",
    "failure": "failed",
    "cancelled": "failed",
    "error": "failed",
}
_REFUNDED = frozenset({"submitted", "refunded"})
_NUMBER_FIRST = frozenset({"AU", "CA", "FR", "GB", "IE", "IN", "LU", "NZ", "SG", "US", "ZA"})
_POINTERS: Mapping[str, str] = {
    "address": "/shipTo",
    "name": "/shipToName",
    "street1": "/shipTo/street",
    "city": "/shipTo/city",
    "state": "/shipTo/region",
    "zip": "/shipTo/postalCode",
    "country": "/shipTo/country",
    "weight": "/parcel/weightGrams",
    "length": "/parcel/lengthMm",
    "width": "/parcel/widthMm",
    "height": "/parcel/heightMm",
}
_NEEDED: Mapping[str, str] = {
    "street": "/shipTo/street",
    "city": "/shipTo/city",
    "country": "/shipTo/country",
}
_ANSWERS_UNTIL = 300
_NOT_FOUND = "NOT_FOUND"
_POSTAGE_EXISTS = "SHIPMENT.POSTAGE.EXISTS"
_POSTAGE_REQUIRED = "SHIPMENT.POSTAGE.REQUIRED"


def to_parcel(parcel: Parcel) -> ParcelRecord:
    """Grams as ounces, millimetres as inches, rounded up: a carrier bills what was declared too small again."""
    return ParcelRecord(
        length=inches(parcel.length_mm),
        width=inches(parcel.width_mm),
        height=inches(parcel.height_mm),
        weight=ounces(parcel.weight_grams),
    )


def ounces(grams: int) -> Decimal:
    """Grams in ounces, rounded up to a tenth."""
    return (grams / GRAMS_PER_OUNCE).quantize(ONE_DECIMAL, ROUND_CEILING)


def inches(millimetres: int) -> Decimal:
    """Millimetres in inches, rounded up to a tenth."""
    return (millimetres / MM_PER_INCH).quantize(ONE_DECIMAL, ROUND_CEILING)


def to_address(name: str, address: Address) -> AddressRecord:
    """An address as EasyPost takes it.

    Raises:
        AddressRefused: It has no street, town or country. EasyPost would take the last to be the United States.
    """
    missing = [
        FieldError("A carrier needs this.", pointer=pointer)
        for field, pointer in _NEEDED.items()
        if not getattr(address, field)
    ]
    if missing:
        raise AddressRefused("No carrier delivers to an address without the fields named; add them.", errors=missing)
    number_first = address.country in _NUMBER_FIRST
    parts = (address.house_number, address.street) if number_first else (address.street, address.house_number)
    return AddressRecord(
        name=name or None,
        street1=" ".join(part for part in parts if part),
        city=address.city,
        state=address.region or None,
        zip=address.postal_code or None,
        country=address.country,
    )


def is_same(found: ShipmentRecord, wanted: NewShipmentRecord) -> bool:
    """Whether a shipment found by its reference is the one that was asked for, and not one of an earlier day."""
    there, asked = found.from_address if found.is_return else found.to_address, wanted.to_address
    if found.postage_label is not None or there is None or found.parcel != wanted.parcel:
        return False
    if found.is_return != wanted.is_return:
        return False
    if asked.id is not None:
        return there.id == asked.id
    return (there.name, there.street1, there.zip) == (asked.name, asked.street1, asked.zip)


def to_rates(record: ShipmentRecord) -> Rates:
    """The offers, cheapest first; where there are several currencies, cheapest first in each."""
    rates = [_rate(rate) for rate in record.rates]
    return Rates(record.id, sorted(rates, key=lambda rate: (rate.price.currency, rate.price.amount, rate.rate_id)))


def _rate(record: RateRecord) -> Rate:
    days = record.delivery_days if record.delivery_days is not None else record.est_delivery_days
    return Rate(record.id, record.carrier, record.service, _price(record), days)


def _price(record: RateRecord) -> Money:
    if not record.rate.is_finite():
        raise BackendFault("easypost answered with a price that is no number.")
    return Money(record.rate, record.currency)


def is_bought(record: ShipmentRecord) -> bool:
    """Whether the shipment has a label."""
    return record.postage_label is not None


def is_refunded(record: ShipmentRecord) -> bool:
    """Whether the label was given back; the carrier may take weeks to agree."""
    return record.refund_status in _REFUNDED


def to_shipment(record: ShipmentRecord) -> Shipment:
    """A shipment with its tracking, oldest event first."""
    rate, tracker, label = record.selected_rate, record.tracker, record.postage_label
    return Shipment(
        shipment_id=record.id,
        state=_state(record),
        reference=record.reference or "",
        carrier=rate.carrier if rate else "",
        service=rate.service if rate else "",
        price=_price(rate) if rate else None,
        tracking_code=record.tracking_code or "",
        label_url=(label.label_url or "") if label else "",
        delivery=tracker.est_delivery_date.date() if tracker and tracker.est_delivery_date else None,
        events=_events(tracker) if tracker else [],
    )


def _state(record: ShipmentRecord) -> ShipmentState:
    if not is_bought(record):
        return "quoted"
    if is_refunded(record):
        return "refunded"
    return _STATES.get(record.tracker.status, "booked") if record.tracker else "booked"


def _events(tracker: TrackerRecord) -> list[TrackingEvent]:
    events = [_event(detail) for detail in tracker.tracking_details]
    return sorted(events, key=lambda event: event.at)


def _event(detail: TrackingDetailRecord) -> TrackingEvent:
    place = detail.tracking_location
    parts = (place.city, place.state, place.country) if place else ()
    at = detail.datetime
    return TrackingEvent(
        state=_STATES.get(detail.status, "booked"),
        at=at if at.tzinfo else at.replace(tzinfo=UTC),
        message=detail.message or "",
        place=", ".join(part for part in parts if part),
    )


def told_move(message: SignedMessage) -> tuple[str, ParcelMoved | None]:
    """The id of an Event, and what it tells of a shipment of ours; None where it tells of something else.

    Raises:
        MessageUnreadable: It is no Event.
    """
    try:
        told = msgspec.json.decode(message.content, type=ToldRecord)
        if not told.description.startswith("tracker."):
            return told.id, None
        tracked = msgspec.json.decode(told.result, type=TrackedRecord)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise MessageUnreadable("The message is no Event of EasyPost's.") from None
    if not tracked.shipment_id:
        return told.id, None
    state = _STATES.get(tracked.status, "booked")
    return told.id, ParcelMoved(tracked.shipment_id, tracked.tracking_code, state)


def is_answer(reply: WireReply) -> bool:
    """Whether the reply is what was asked for; otherwise it is an Error that `problem_of_reply` let through."""
    return reply.status < _ANSWERS_UNTIL


def problem_of_reply(reply: WireReply) -> Problem | None:
    """What a status means whatever was asked. A 404 and a 422 depend on that, and pass as answers."""
    status = reply.status
    if is_answer(reply) or status in (404, 422):
        return None
    if status >= 500 or status in (408, 425):  # noqa: PLR2004 - the HTTP status classes (RFC 9110 §15)
        return BackendUnavailable(f"easypost answered {status}.", retry_after=retry_after_of(reply))
    if status in (402, 403):
        return BackendFault("easypost refuses this to our account; check its billing and its rights.")
    problem = problem_of_status(reply, "easypost")
    if isinstance(problem, QuotaExceeded | BackendFault):
        return problem
    return BackendFault(f"easypost answered {status} to a request of ours.")


def problem_of_rating(fault: FaultRecord) -> Problem:
    """Why there are no rates, or no verified address."""
    fields = [one.field for one in fault.errors if isinstance(one, FieldFaultRecord) and one.field]
    errors = [
        FieldError("EasyPost cannot work with this; correct it.", pointer=_POINTERS[field])
        for field in fields
        if field in _POINTERS
    ]
    if fault.code.startswith("ADDRESS."):
        errors = errors or [FieldError("No such address was found; correct it.", pointer="/shipTo")]
        return AddressRefused(
            "No carrier finds this address as it is written; correct the fields named.", errors=errors
        )
    if not errors:
        return _unknown(fault)
    if all(error.pointer and error.pointer.startswith("/parcel") for error in errors):
        return Refused("No carrier takes this parcel; correct the fields named.", errors=errors)
    return AddressRefused("No carrier delivers to this address; correct the fields named.", errors=errors)


def problem_of_look(fault: FaultRecord, shipment_id: str) -> Problem:
    """Why there is no shipment."""
    if fault.code != _NOT_FOUND:
        return _unknown(fault)
    return ShipmentNotFound(f"There is no shipment {shipment_id}; check the id, or ask for rates first.")


def problem_of_purchase(fault: FaultRecord, rate_id: str) -> Problem:
    """Why a shipment that exists and has no label cannot have this one."""
    if fault.code == _POSTAGE_EXISTS:
        return BackendUnavailable("easypost has sold this label and does not show it yet; look again.", retry_after=1.0)
    reason = "is not an offer for this shipment" if fault.code == _NOT_FOUND else "is no longer sold by its carrier"
    return RateGone(f"The rate {rate_id} {reason}; ask for rates again.")


def problem_of_refund(fault: FaultRecord, shipment_id: str) -> Problem:
    """Why a label cannot be given back."""
    if fault.code == _POSTAGE_REQUIRED:
        return LabelNotRefundable(f"No label was bought for {shipment_id}; there is nothing to give back.")
    return LabelNotRefundable(f"The carrier no longer takes the label of {shipment_id} back.")


def _unknown(fault: FaultRecord) -> Problem:
    code = fault.code if fault.code.replace(".", "").replace("_", "").isalnum() else "an unreadable code"
    return BackendFault(f"easypost refused a request of ours with {code[:64]}.")
