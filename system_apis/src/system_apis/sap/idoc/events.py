"""What an IDoc tells, as an event that flows understand without knowing its segments; pure functions."""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import NamedTuple, TypeVar

import msgspec

from shared.contracts.canonical.event_feed import EventRecord
from shared.contracts.canonical.values import Money
from shared.contracts.system.sap_idocs import (
    CustomerRecordChanged,
    DeliveredLine,
    DeliveryConfirmed,
    IdocReceived,
    IdocSegment,
    InvoicePosted,
    OrderConfirmed,
    OrderLineConfirmed,
    ProductRecordChanged,
)
from shared.messaging.event_source import event_type
from system_apis.sap.idoc.document import Idoc, Segment
from system_apis.sap.idoc.kept import KeptIdoc
from system_apis.sap.idoc.refusals import IdocRefused
from system_apis.sap.idoc.types.customers import E1KNA1M
from system_apis.sap.idoc.types.deliveries import E1EDL20, E1EDL24, E1EDL37, E1EDT13
from system_apis.sap.idoc.types.materials import E1MAKTM, E1MARAM
from system_apis.sap.idoc.types.orders import E1EDK01, E1EDK02, E1EDK03, E1EDP01, E1EDP02, E1EDP19, E1EDP20, E1EDS01
from system_apis.sap.idoc.xml_format import read_xml
from system_apis.sap.money import money
from system_apis.sap.odata import document_number

_T = TypeVar("_T", bound=msgspec.Struct)
_DELETED = "003"


class Told(NamedTuple):
    """Where what is told stands: our id of the document, and what a repeat has in common with it."""

    idoc_id: str
    reference: str


class _Known(NamedTuple):
    """A message that we know: its event, and what tells it of a document, None of one about several objects."""

    event: type[msgspec.Struct]
    teller: Callable[[Told, Idoc], msgspec.Struct | None]


def event_record(kept: KeptIdoc) -> EventRecord:
    """The event of a document that was received.

    One of a message that we know whose fields are none of their kind, or that is about several objects, has no payload:
    subscribers put it with their dead letters instead of passing it over.
    """
    known = _KNOWN.get(kept.message_type)
    told = _told(kept, known)
    kind = event_type(known.event if known else IdocReceived)
    payload = msgspec.json.encode(told).decode()
    moment = datetime.fromtimestamp(kept.kept_at, UTC)
    event_id = f"{idoc_id(kept)}-{_reference(kept)[:8]}"  # of this document for good, if the store is begun anew too
    return EventRecord(event_id, kind.name, kind.version, moment, payload, kept.partner)


def idoc_id(kept: KeptIdoc) -> str:
    """Under which id a document is known outside."""
    return f"{kept.direction}-{kept.position}"


def _told(kept: KeptIdoc, known: "_Known | None") -> msgspec.Struct | None:
    """What a document tells; None for one that should be of a kind we know and is not, so that it is no event."""
    (idoc,) = read_xml(kept.document)
    if known is None:
        kind = kept.basic_type, kept.message_type
        return IdocReceived(idoc_id(kept), kept.docnum, kept.partner, *kind, _segments(idoc.segments))
    try:
        return known.teller(Told(idoc_id(kept), _reference(kept)), idoc)
    except (IdocRefused, msgspec.ValidationError):
        return None


def _reference(kept: KeptIdoc) -> str:
    """What a repeat has in common with it, whatever its characters and however often the store is begun anew."""
    return hashlib.sha256((kept.message_id or kept.identity).encode()).hexdigest()[:24]


def _segments(found: tuple[Segment, ...]) -> list[IdocSegment]:
    return [IdocSegment(one.name, one.fields, _segments(one.below)) for one in found]


def _delivery(at: Told, idoc: Idoc) -> DeliveryConfirmed | None:
    header = _only(idoc, E1EDL20)
    if header is None:
        return None
    delivery, tree = header
    issued = next((one.ISDD for one, _ in tree.every(E1EDT13) if one.QUALF == "006"), "")
    parcels = [one.TRAID for one, _ in tree.every(E1EDL37) if one.TRAID]
    return DeliveryConfirmed(
        *at,
        document_number(delivery.VBELN),
        [_line(one) for one, _ in tree.every(E1EDL24)],
        _day(issued),
        next(iter(parcels), delivery.TRAID or delivery.BOLNR),
    )


def _line(item: E1EDL24) -> DeliveredLine:
    sku = item.MATNR_LONG or item.MATNR
    return DeliveredLine(document_number(item.VGBEL), document_number(item.VGPOS), sku, _number(item.LFIMG))


def _invoice(at: Told, idoc: Idoc) -> InvoicePosted | None:
    header = _only(idoc, E1EDK01)
    if header is None:
        return None
    currency = header[0].CURCY
    references = {one.QUALF: one.BELNR for one, _ in idoc.every(E1EDK02)}
    sums = {one.SUMID: one.SUMME for one, _ in idoc.every(E1EDS01)}
    items = [one for _, item in idoc.every(E1EDP01) for one, _ in item.every(E1EDP02) if one.QUALF == "002"]
    orders = [references.get("002", ""), *(one.BELNR for one in items)]
    return InvoicePosted(
        *at,
        document_number(references.get("009") or header[0].BELNR),
        list(dict.fromkeys(document_number(one) for one in orders if one)),
        _amount(sums.get("011"), currency),
        _amount(sums.get("010"), currency),
        _day(next((one.DATUM for one, _ in idoc.every(E1EDK03) if one.IDDAT == "026"), "")),
        references.get("001", ""),
    )


def _confirmation(at: Told, idoc: Idoc) -> OrderConfirmed | None:
    header = _only(idoc, E1EDK01)
    if header is None:
        return None
    references = {one.QUALF: one.BELNR for one, _ in idoc.every(E1EDK02)}
    sums = {one.SUMID: one.SUMME for one, _ in idoc.every(E1EDS01)}
    return OrderConfirmed(
        *at,
        document_number(references.get("002") or header[0].BELNR),
        [_confirmed(one, below) for one, below in idoc.every(E1EDP01)],
        _amount(sums.get("002"), header[0].CURCY),
        references.get("001", ""),
    )


def _confirmed(item: E1EDP01, below: Segment) -> OrderLineConfirmed:
    skus = {one.QUALF: one.IDTNR for one, _ in below.every(E1EDP19)}
    ours = next((one.ZEILE for one, _ in below.every(E1EDP02) if one.QUALF == "002"), "")
    scheduled = [one for one, _ in below.every(E1EDP20) if one.EDATU.strip("0 ")]
    return OrderLineConfirmed(
        document_number(ours or item.POSEX),
        skus.get("002") or item.MATNR,
        _number(item.MENGE),
        sum((_number(one.WMENG) for one in scheduled), Decimal(0)),
        min((day for one in scheduled if (day := _day(one.EDATU))), default=None),
        bool(item.ABGRU) or item.ACTION == _DELETED,
    )


def _customer(at: Told, idoc: Idoc) -> CustomerRecordChanged | None:
    found = _only(idoc, E1KNA1M)
    if found is None:
        return None
    record = found[0]
    name = " ".join(part for part in (record.NAME1, record.NAME2) if part)
    gone = bool(record.LOEVM) or record.MSGFN == _DELETED
    return CustomerRecordChanged(*at, document_number(record.KUNNR), name, bool(record.AUFSD), gone)


def _product(at: Told, idoc: Idoc) -> ProductRecordChanged | None:
    found = _only(idoc, E1MARAM)
    if found is None:
        return None
    record, tree = found
    texts = {one.SPRAS_ISO or one.SPRAS: one.MAKTX for one, _ in tree.every(E1MAKTM)}
    gone = bool(record.LVORM) or record.MSGFN == _DELETED
    return ProductRecordChanged(*at, record.MATNR_LONG or record.MATNR, texts, gone)


_KNOWN: Mapping[str, _Known] = MappingProxyType(
    {
        "ORDRSP": _Known(OrderConfirmed, _confirmation),
        "SHPCON": _Known(DeliveryConfirmed, _delivery),
        "INVOIC": _Known(InvoicePosted, _invoice),
        "DEBMAS": _Known(CustomerRecordChanged, _customer),
        "MATMAS": _Known(ProductRecordChanged, _product),
    }
)
"""By message."""


def _only(idoc: Idoc, kind: type[_T]) -> tuple[_T, Segment] | None:
    found = idoc.every(kind)
    return found[0] if len(found) == 1 else None


def _number(text: str) -> Decimal:
    """A number of a segment; a sign may stand behind it.

    Raises:
        IdocRefused: It is none.
    """
    text = text.strip()
    signed = f"-{text[:-1]}" if text.endswith("-") else text
    try:
        found = Decimal(signed)
    except InvalidOperation:
        raise IdocRefused(f"{text[:20]!r} is no number.") from None
    if not found.is_finite():
        raise IdocRefused(f"{text[:20]!r} is no number.")
    return found


def _amount(text: str | None, currency: str) -> Money | None:
    return money(_number(text), currency) if text and currency else None


def _day(text: str) -> date | None:
    """A day; None when it is not set.

    Raises:
        IdocRefused: It is none.
    """
    if not text.strip("0 "):
        return None
    try:
        return datetime.strptime(text, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise IdocRefused(f"{text[:20]!r} is no day.") from None
