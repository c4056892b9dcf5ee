"""EasyPost's objects, field by field as its API sends them (docs.easypost.com)."""

from base64 import urlsafe_b64encode
from typing import Any
from uuid import uuid4

from sandboxes.easypost.rating import Offer
from sandboxes.easypost.refusals import Refusal, missing
from sandboxes.easypost.tracking import moment

_ADDRESS = (
    *("name", "company", "street1", "street2", "city", "state", "zip", "country", "phone", "email"),
    *("carrier_facility", "residential", "federal_tax_id", "state_tax_id"),
)
_CUSTOMS = (
    *("contents_explanation", "contents_type", "customs_certify", "customs_signer", "eel_pfc"),
    *("non_delivery_option", "restriction_comments", "restriction_type", "declaration"),
)


def begun(prefix: str, name: str, now: float) -> dict[str, Any]:
    """The fields every object starts with."""
    at = moment(now)
    return {
        "id": f"{prefix}_{uuid4().hex}",
        "object": name,
        "created_at": at,
        "updated_at": at,
        "mode": "test",
    }


def address(given: dict[str, Any], now: float) -> dict[str, Any]:
    """An address; the country is the United States unless given, as at EasyPost."""
    fields = {field: given.get(field) for field in _ADDRESS}
    return begun("adr", "Address", now) | fields | {"country": given.get("country") or "US", "verifications": {}}


def verified(known: dict[str, Any]) -> dict[str, Any]:
    """The address in capitals with its verification; raises ADDRESS.VERIFY.FAILURE when no mail could find it."""
    wrong: list[dict[str, str | None]] = []
    if not (known["street1"] and known["city"] and known["zip"]):
        wrong.append(_wrong("E.ADDRESS.NOT_FOUND", "address", "Address not found"))
    if not any(char.isdigit() for char in f"{known['street1'] or ''}{known['street2'] or ''}"):
        wrong.append(_wrong("E.HOUSE_NUMBER.MISSING", "street1", "House number is missing"))
    if wrong:
        raise Refusal(422, "ADDRESS.VERIFY.FAILURE", "Unable to verify address.", wrong)
    capitals = {
        field: known[field] and known[field].upper()
        for field in ("name", "company", "street1", "street2", "city", "state", "zip")
    }
    return known | capitals | {"verifications": {"delivery": {"success": True, "errors": [], "details": None}}}


def _wrong(code: str, field: str, message: str) -> dict[str, str | None]:
    return {"code": code, "field": field, "message": message, "suggestion": None}


def parcel(given: dict[str, Any], now: float) -> dict[str, Any]:
    """A parcel, in inches and ounces."""
    if given.get("weight") is None:
        raise missing("weight")
    sizes = {side: _size(given, side) for side in ("length", "width", "height", "weight")}
    return begun("prcl", "Parcel", now) | sizes | {"predefined_package": given.get("predefined_package")}


def _size(given: dict[str, Any], side: str) -> float | None:
    if given.get(side) is None:
        return None
    try:
        size = float(given[side])
    except (TypeError, ValueError):
        size = -1.0
    if size <= 0:
        wrong: list[dict[str, str | None]] = [{"field": side, "message": "must be greater than 0"}]
        raise Refusal(422, "PARAMETER.INVALID", "Invalid parameter.", wrong)
    return size


def customs_info(given: dict[str, Any], now: float) -> dict[str, Any]:
    """A customs declaration, kept as given."""
    items: list[dict[str, Any]] = given.get("customs_items") or []
    return (
        begun("cstinfo", "CustomsInfo", now)
        | {field: given.get(field) for field in _CUSTOMS}
        | {"customs_items": [begun("cstitem", "CustomsItem", now) | item for item in items]}
    )


def shipment(given: dict[str, Any], places: dict[str, Any], boxed: dict[str, Any] | None, now: float) -> dict[str, Any]:
    """A shipment without rates; `places` has its to_address and from_address, `boxed` is its parcel."""
    options: dict[str, Any] = given.get("options") or {}
    nothing_yet: tuple[str, ...] = (
        *("tracking_code", "batch_id", "batch_status", "batch_message", "insurance", "order_id"),
        *("postage_label", "refund_status", "scan_form", "selected_rate", "tracker", "usps_zone"),
    )
    return (
        begun("shp", "Shipment", now)
        | dict.fromkeys(nothing_yet)
        | {
            "reference": given.get("reference"),
            "status": "unknown",
            "is_return": bool(given.get("is_return")),
            "to_address": places["to_address"],
            "from_address": places["from_address"],
            "return_address": places["from_address"],
            "buyer_address": places["from_address" if given.get("is_return") else "to_address"],
            "parcel": boxed,
            "customs_info": given.get("customs_info") and customs_info(given["customs_info"], now),
            "options": {"currency": "USD", "payment": {"type": "SENDER"}, "date_advance": 0} | options,
            "messages": [],
            "rates": [],
            "forms": [],
            "fees": [],
        }
    )


def rate(offer: Offer, shipment_id: str, now: float) -> dict[str, Any]:
    """A carrier's offer for a shipment."""
    price = str(offer.price)
    return begun("rate", "Rate", now) | {
        "service": offer.service,
        "carrier": offer.carrier,
        "rate": price,
        "currency": "USD",
        "retail_rate": price,
        "retail_currency": "USD",
        "list_rate": price,
        "list_currency": "USD",
        "billing_type": "easypost",
        "delivery_days": offer.days,
        "delivery_date": None,
        "delivery_date_guaranteed": False,
        "est_delivery_days": offer.days,
        "shipment_id": shipment_id,
        "carrier_account_id": f"ca_{offer.carrier.encode().hex():0<32.32}",
    }


def postage_label(shipment_id: str, origin: str, now: float) -> dict[str, Any]:
    """A label whose picture this sandbox serves; `origin` is scheme and host as the caller sees them."""
    return begun("pl", "PostageLabel", now) | {
        "date_advance": 0,
        "integrated_form": "none",
        "label_date": moment(now),
        "label_resolution": 300,
        "label_size": "4x6",
        "label_type": "default",
        "label_file_type": "image/png",
        "label_url": f"{origin}/files/postage_label/{shipment_id}.png",
        "label_pdf_url": None,
        "label_zpl_url": None,
        "label_epl2_url": None,
        "label_file": None,
    }


def tracker(code: str, carrier: str, shipment_id: str | None, now: float) -> dict[str, Any]:
    """A tracker without the parts that move; see `tracking`."""
    start = begun("trk", "Tracker", now)
    public = urlsafe_b64encode(f"v1:{start['id']}".encode()).decode().rstrip("=")
    return start | {
        "tracking_code": code,
        "weight": None,
        "shipment_id": shipment_id,
        "carrier": carrier,
        "carrier_detail": None,
        "finalized": True,
        "is_return": False,
        "public_url": f"https://track.easypost.com/{public}",
        "fees": [],
    }


def tracking_code(carrier: str) -> str:
    """A code of the carrier's form."""
    digits = str(uuid4().int)
    return {"USPS": f"94001{digits[:17]}", "UPS": f"1Z{digits[:16]}"}.get(carrier, digits[:12])


def fees(price: str) -> list[dict[str, Any]]:
    """What EasyPost charges for a label."""
    paid = {"object": "Fee", "charged": True, "refunded": False}
    return [
        paid | {"type": "LabelFee", "amount": "0.00000"},
        paid | {"type": "PostageFee", "amount": f"{price}000"},
    ]
