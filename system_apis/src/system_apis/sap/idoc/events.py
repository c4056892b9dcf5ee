"""What an IDoc tells, as an event that flows understand without knowing its segments; pure functions."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import TypeVar

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
    ProductRecordChanged,
)
from shared.messaging.event_source import event_type
from system_apis.sap.idoc.document import Idoc, Segment
from system_apis.sap.idoc.kept import KeptIdoc
from system_apis.sap.idoc.refusals import IdocRefused
from system_apis.sap.idoc.types.customers import E1KNA1M
from system_apis.sap.idoc.types.deliveries import E1EDL20, E1EDL24, E1EDL37, E1EDT13
from system_apis.sap.idoc.types.materials import E1MAKTM, E1MARAM
from system_apis.sap.idoc.types.orders import E1EDK01, E1EDK02, E1EDK03, E1EDP01, E1EDP02, E1EDS01
from system_apis.sap.idoc.xml_format import read_xml
from system_apis.sap.money import money
from system_apis.sap.odata import document_number

_T = TypeVar("_T", bound=msgspec.Struct)
_DELETED = "003"


def event_record(kept: KeptIdoc) -> EventRecord:
    """The event of a document that was received."""
    told = _told(kept)
    kind = event_type(type(told))
    return EventRecord(
        idoc_id(kept), kind.name, kind.version, datetime.fromtimestamp(kept.kept_at, UTC),
        msgspec.json.encode(told).decode(), kept.partner,
    )  # fmt: skip


def idoc_id(kept: KeptIdoc) -> str:
    """Under which id a document is known outside."""
    return f"{kept.direction}-{kept.position}"


def _told(kept: KeptIdoc) -> msgspec.Struct:
    (idoc,) = read_xml(kept.document)
    teller = _TELLERS.get(kept.message_type)
    try:
        told = teller(idoc_id(kept), idoc) if teller else None
    except (IdocRefused, msgspec.ValidationError):  # a field that is none of its kind: told as it came
        told = None
    return told or IdocReceived(
        idoc_id(kept), kept.docnum, kept.partner, kept.basic_type, kept.message_type, _segments(idoc.segments)
    )


def _segments(found: tuple[Segment, ...]) -> list[IdocSegment]:
    return [IdocSegment(one.name, one.fields, _segments(one.below)) for one in found]


def _delivery(identity: str, idoc: Idoc) -> DeliveryConfirmed | None:
    header = _only(idoc, E1EDL20)
    if header is None:
        return None
    delivery, tree = header
    issued = next((one.ISDD for one, _ in tree.every(E1EDT13) if one.QUALF == "006"), "")
    parcels = [one.TRAID for one, _ in tree.every(E1EDL37) if one.TRAID]
    return DeliveryConfirmed(
        identity,
        document_number(delivery.VBELN),
        [_line(one) for one, _ in tree.every(E1EDL24)],
        _day(issued),
        next(iter(parcels), delivery.TRAID or delivery.BOLNR),
    )


def _line(item: E1EDL24) -> DeliveredLine:
    sku = item.MATNR_LONG or item.MATNR
    return DeliveredLine(document_number(item.VGBEL), document_number(item.VGPOS), sku, _number(item.LFIMG))


def _invoice(identity: str, idoc: Idoc) -> InvoicePosted | None:
    header = _only(idoc, E1EDK01)
    if header is None:
        return None
    currency = header[0].CURCY
    references = {one.QUALF: one.BELNR for one, _ in idoc.every(E1EDK02)}
    sums = {one.SUMID: one.SUMME for one, _ in idoc.every(E1EDS01)}
    items = [one for _, item in idoc.every(E1EDP01) for one, _ in item.every(E1EDP02) if one.QUALF == "002"]
    orders = [references.get("002", ""), *(one.BELNR for one in items)]
    return InvoicePosted(
        identity,
        document_number(references.get("009") or header[0].BELNR),
        list(dict.fromkeys(document_number(one) for one in orders if one)),
        _amount(sums.get("011"), currency),
        _amount(sums.get("010"), currency),
        _day(next((one.DATUM for one, _ in idoc.every(E1EDK03) if one.IDDAT == "026"), "")),
        references.get("001", ""),
    )


def _customer(identity: str, idoc: Idoc) -> CustomerRecordChanged | None:
    found = _only(idoc, E1KNA1M)
    if found is None:
        return None
    record = found[0]
    name = " ".join(part for part in (record.NAME1, record.NAME2) if part)
    gone = bool(record.LOEVM) or record.MSGFN == _DELETED
    return CustomerRecordChanged(identity, document_number(record.KUNNR), name, bool(record.AUFSD), gone)


def _product(identity: str, idoc: Idoc) -> ProductRecordChanged | None:
    found = _only(idoc, E1MARAM)
    if found is None:
        return None
    record, tree = found
    texts = {one.SPRAS_ISO or one.SPRAS: one.MAKTX for one, _ in tree.every(E1MAKTM)}
    gone = bool(record.LVORM) or record.MSGFN == _DELETED
    return ProductRecordChanged(identity, record.MATNR_LONG or record.MATNR, texts, gone)


_TELLERS: Mapping[str, Callable[[str, Idoc], msgspec.Struct | None]] = MappingProxyType(
    {"SHPCON": _delivery, "INVOIC": _invoice, "DEBMAS": _customer, "MATMAS": _product}
)
"""Of each message what tells it; one that holds several objects is told whole."""


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
