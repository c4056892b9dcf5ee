"""Where a parcel is, worked out from how long ago it was posted."""

from datetime import UTC, datetime
from typing import Any

_DAY = 86_400
_HOURS_TO_PICKUP = 4
_HOURS_ON_THE_VAN = 6
_MESSAGES = {
    "pre_transit": "Pre-Shipment Info Sent to Carrier",
    "in_transit": "Arrived at Origin Facility",
    "out_for_delivery": "Out for Delivery",
    "delivered": "Delivered",
    "return_to_sender": "Returned to Sender",
    "failure": "Undeliverable",
    "unknown": "Unknown",
}
# Codes with a fixed fate (docs.easypost.com/docs/trackers, "Testing specific tracking states")
_FIXED = {
    "EZ1000000001": "pre_transit",
    "EZ2000000002": "in_transit",
    "EZ3000000003": "out_for_delivery",
    "EZ4000000004": "delivered",
    "EZ5000000005": "return_to_sender",
    "EZ6000000006": "failure",
    "EZ7000000007": "unknown",
}


def moment(timestamp: float) -> str:
    """A moment as EasyPost writes it."""
    return datetime.fromtimestamp(int(timestamp), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def journey(code: str, posted: float, days: int, now: float) -> list[tuple[str, float]]:
    """The states reached so far with the moment of each, oldest first."""
    if fixed := _FIXED.get(code):
        return [(fixed, posted)]
    arrival = posted + days * _DAY
    plan = (
        ("pre_transit", posted),
        ("in_transit", posted + _HOURS_TO_PICKUP * 3600),
        ("out_for_delivery", arrival - _HOURS_ON_THE_VAN * 3600),
        ("delivered", arrival),
    )
    return [(status, at) for status, at in plan if at <= now]


def tracker(document: dict[str, Any], posted: float, days: int, now: float) -> dict[str, Any]:
    """The tracker as it stands now."""
    reached = journey(document["tracking_code"], posted, days, now)
    status, updated = reached[-1]
    return document | {
        "status": status,
        "status_detail": "status_update",
        "updated_at": moment(updated),
        "est_delivery_date": moment(posted + days * _DAY),
        "signed_by": "RECEPTION" if status == "delivered" else None,
        "tracking_details": [_detail(document["carrier"], *step) for step in reached],
    }


def _detail(carrier: str, status: str, at: float) -> dict[str, Any]:
    nowhere = {"object": "TrackingLocation", "city": None, "state": None, "country": None, "zip": None}
    return {
        "object": "TrackingDetail",
        "message": _MESSAGES[status],
        "description": None,
        "status": status,
        "status_detail": "status_update",
        "datetime": moment(at),
        "source": carrier,
        "carrier_code": None,
        "tracking_location": nowhere,
    }
