"""A canonical order as the IDoc that asks for it (ORDERS05, message ORDERS)."""

import hashlib
from datetime import datetime
from decimal import Decimal

from shared.contracts.canonical.order import NewErpOrder, NewOrderLine
from shared.contracts.system.erp import OrderRejected
from system_apis.sap.idoc.control import ControlRecord
from system_apis.sap.idoc.document import Idoc, Segment, segment
from system_apis.sap.idoc.door import MESSAGE_ID
from system_apis.sap.idoc.refusals import IdocRefused
from system_apis.sap.idoc.types.orders import (
    E1EDK01,
    E1EDK02,
    E1EDK03,
    E1EDK14,
    E1EDKA1,
    E1EDP01,
    E1EDP05,
    E1EDP19,
    E1EDP20,
)
from system_apis.sap.order_body import customer_number, order_body
from system_apis.sap.settings import SapSettings

_NUMBER, _ITEM = 10, 6


def order_document(order: NewErpOrder, settings: SapSettings, now: datetime) -> Idoc:
    """The document that orders this, under a number and message id that follow from the order's reference.

    Raises:
        OrderRejected: SAP could not hold it.
        ErpCustomerNotFound: Its customer's number is none of SAP's.
    """
    order_body(order, settings)  # the same bounds, whichever interface
    try:
        return _written(order, settings, now)
    except IdocRefused as refused:
        raise OrderRejected(f"An IDoc cannot hold the order: {refused}") from None


def _written(order: NewErpOrder, settings: SapSettings, now: datetime) -> Idoc:
    number, key = order_identity(order.reference, settings)
    areas = (
        ("012", settings.order_type),
        ("008", settings.sales_organization),
        ("007", settings.distribution_channel),
        ("006", settings.division),
    )
    references = (
        ("001", order.purchase_order or order.reference),
        (settings.idoc.reference_qualifier, order.reference),
    )
    wanted = f"{order.requested_date:%Y%m%d}" if order.requested_date else ""
    dates = (("012", f"{now:%Y%m%d}"), ("002", wanted))
    return Idoc(
        control_of_ours(settings, "ORDERS05", "ORDERS", number, key, now),
        (
            segment(E1EDK01(CURCY=order.currency)),
            *(segment(E1EDK14(QUALF=code, ORGID=value)) for code, value in areas),
            *(segment(E1EDK03(IDDAT=code, DATUM=day)) for code, day in dates if day),
            *_partners(order),
            *(segment(E1EDK02(QUALF=code, BELNR=value, DATUM=f"{now:%Y%m%d}")) for code, value in references),
            *(_item(place, line, wanted, settings) for place, line in enumerate(order.lines, 1)),
        ),
    )


def order_identity(reference: str, settings: SapSettings) -> tuple[str, str]:
    """The number (16 digits) and the message id under which an order of this reference is always sent."""
    digest = hashlib.sha256(f"{settings.client}/{settings.idoc.partner}/{reference}".encode()).hexdigest()
    return f"{int(digest[:14], 16) % 10**16:016d}", f"{MESSAGE_ID}{digest[:32]}"


def control_of_ours(
    settings: SapSettings, kind: str, message: str, number: str, key: str, now: datetime
) -> ControlRecord:
    """The control record of a document from us to SAP."""
    chosen = settings.idoc
    return ControlRecord(
        MANDT=settings.client,
        DOCNUM=number,
        DIRECT="2",
        IDOCTYP=kind,
        MESTYP=message,
        SNDPOR=chosen.port,
        SNDPRT="LS",
        SNDPRN=chosen.partner,
        RCVPOR=chosen.sap_port,
        RCVPRT="LS",
        RCVPRN=chosen.sap_partner,
        CREDAT=f"{now:%Y%m%d}",
        CRETIM=f"{now:%H%M%S}",
        ARCKEY=key,
    )


def padded(number: str, width: int) -> str:
    """A number as IDocs hold it: filled up with zeros if it is all digits (ALPHA)."""
    return number.zfill(width) if number.isascii() and number.isdigit() else number


def _partners(order: NewErpOrder) -> list[Segment]:
    sold_to = padded(customer_number(order.erp_number), _NUMBER)
    found = [segment(E1EDKA1(PARVW="AG", PARTN=sold_to))]
    if order.ship_to_erp_number is not None:
        ship_to = padded(customer_number(order.ship_to_erp_number), _NUMBER)
        found.append(segment(E1EDKA1(PARVW="WE", PARTN=ship_to)))
    return found


def _item(place: int, line: NewOrderLine, wanted: str, settings: SapSettings) -> Segment:
    quantity, unit = _plain(line.quantity), settings.idoc.unit or settings.quantity_unit
    below = [
        segment(E1EDP20(WMENG=quantity, EDATU=wanted)),
        segment(E1EDP19(QUALF="002", IDTNR=line.sku)),
    ]
    price = _plain(line.unit_price.amount) if line.unit_price else ""
    if line.unit_price:
        rate = E1EDP05(
            KSCHL=settings.price_condition, KRATE=price, UPRBS="1", MEAUN=unit, KOEIN=line.unit_price.currency
        )
        below.insert(0, segment(rate))
    item = E1EDP01(POSEX=f"{place * 10:0{_ITEM}d}", MENGE=quantity, MENEE=unit, VPREI=price, PEINH="1" if price else "")
    return segment(item, *below)


def _plain(number: Decimal) -> str:
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
