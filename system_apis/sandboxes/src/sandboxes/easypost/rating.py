"""What carriers ask for a parcel: invented tariffs, the same for the same parcel and route."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from msgspec import Struct

_CUBIC_INCHES_PER_POUND = 139  # the divisor most carriers bill volume by
_OUNCES_PER_POUND = 16
_POUNDS_PER_PARCEL = 150
_USPS_POUNDS = 70
_CENT = Decimal("0.01")


class _Service(Struct, frozen=True):
    carrier: str
    name: str
    start: Decimal  # US dollars
    per_pound: Decimal  # US dollars for each zone and pound
    days: int
    abroad: bool
    limit: int = _POUNDS_PER_PARCEL


_SERVICES = (
    _Service("USPS", "GroundAdvantage", Decimal("4.10"), Decimal("0.17"), 4, abroad=False, limit=_USPS_POUNDS),
    _Service("USPS", "Priority", Decimal("6.25"), Decimal("0.24"), 2, abroad=False, limit=_USPS_POUNDS),
    _Service("USPS", "Express", Decimal("23.75"), Decimal("0.61"), 1, abroad=False, limit=_USPS_POUNDS),
    _Service("UPS", "Ground", Decimal("7.35"), Decimal("0.15"), 3, abroad=False),
    _Service("UPS", "UPSSaver", Decimal("31.40"), Decimal("0.66"), 3, abroad=True),
    _Service("FedEx", "FEDEX_GROUND", Decimal("7.10"), Decimal("0.16"), 3, abroad=False),
    _Service("FedEx", "INTERNATIONAL_ECONOMY", Decimal("28.90"), Decimal("0.55"), 5, abroad=True),
    _Service("FedEx", "INTERNATIONAL_PRIORITY", Decimal("39.20"), Decimal("0.78"), 2, abroad=True),
    _Service("DHLExpress", "ExpressWorldwide", Decimal("36.50"), Decimal("0.71"), 2, abroad=True),
)


class Offer(Struct, frozen=True):
    """A price in US dollars for one service, and the days it takes."""

    carrier: str
    service: str
    price: Decimal
    days: int


def offers(sender: dict[str, Any], receiver: dict[str, Any], parcel: dict[str, Any]) -> list[Offer]:
    """What the carriers on this route ask, in the order EasyPost would list them; none when too heavy."""
    abroad = sender["country"] != receiver["country"]
    pounds = _billed_pounds(parcel)
    zone = _zone(sender, receiver)
    return [
        Offer(
            service.carrier,
            service.name,
            (service.start + service.per_pound * zone * pounds).quantize(_CENT, ROUND_HALF_UP),
            service.days,
        )
        for service in _SERVICES
        if service.abroad == abroad
        and pounds <= service.limit
        and (service.carrier != "USPS" or sender["country"] == "US")
    ]


def _billed_pounds(parcel: dict[str, Any]) -> Decimal:
    """Weight or volume, whichever is dearer; parcels come in ounces and inches."""
    sides = [Decimal(str(parcel[side] or 0)) for side in ("length", "width", "height")]
    volume = sides[0] * sides[1] * sides[2] / _CUBIC_INCHES_PER_POUND
    return max(Decimal(str(parcel["weight"])) / _OUNCES_PER_POUND, volume)


def _zone(sender: dict[str, Any], receiver: dict[str, Any]) -> int:
    if sender["country"] != receiver["country"]:
        return 9
    return 2 if sender["state"] == receiver["state"] else 5
