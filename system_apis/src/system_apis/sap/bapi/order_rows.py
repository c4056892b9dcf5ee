"""What functions say of orders as the records that the OData services send, so that one translator serves both."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from system_apis.sap.bapi.answer import Answer, Fields
from system_apis.sap.odata import document_number
from system_apis.sap.order_records import FollowingDocument, ItemRow, OrderRow, ScheduleLine
from system_apis.sap.records import Results

_TABLES = {
    "HEADER": "ORDER_HEADERS_OUT",
    "ITEM": "ORDER_ITEMS_OUT",
    "SDSCHEDULE": "ORDER_SCHEDULES_OUT",
    "BUSINESS": "ORDER_BUSINESS_OUT",
    "STATUS_H": "ORDER_STATUSHEADERS_OUT",
    "FLOW": "ORDER_FLOWS_OUT",
}
VIEWS: Final = tuple(_TABLES)
"""The views of BAPISDORDER_GETDETAILEDLIST with all that `order_rows` reads."""

REFERENCE_VIEW: Final = ("HEADER", "BUSINESS")
"""Those that tell whose reference an order has, and not more."""


def tables_of(views: Sequence[str]) -> list[str]:
    """The tables that views fill; a table that is not asked for does not come."""
    return [_TABLES[one] for one in views]


def order_rows(answer: Answer) -> list[OrderRow]:
    """The orders of an answer of BAPISDORDER_GETDETAILEDLIST, in its order."""
    return [_order(header, answer) for header in answer.table("ORDER_HEADERS_OUT")]


def item_row(item: Fields, schedule: Sequence[Fields], net: str) -> ItemRow:
    """An item, saved or simulated; `net` is the field with its net value."""
    position = item.text("ITM_NUMBER")
    confirmed = [_schedule_line(one) for one in schedule if document_number(one.text("ITM_NUMBER")) == _plain(position)]
    return ItemRow(
        SalesOrderItem=document_number(position),
        Material=item.text("MATERIAL_LONG") or item.text("MATERIAL"),
        RequestedQuantity=item.number("REQ_QTY"),
        NetAmount=item.number(net),
        TaxAmount=item.number("TX_DOC_CUR" if item.has("TX_DOC_CUR") else "TAX_AMOUNT"),
        ConfdDelivQtyInOrderQtyUnit=item.number("CUM_CF_QTY") if item.has("CUM_CF_QTY") else None,
        SalesDocumentRjcnReason=item.text("REA_FOR_RE"),
        to_ScheduleLine=Results(confirmed),
    )


def _order(header: Fields, answer: Answer) -> OrderRow:
    number = document_number(header.text("DOC_NUMBER"))
    business = next(
        (one for one in _of(number, answer, "BUSINESS") if not one.text("ITM_NUMBER").strip("0")), Fields({})
    )
    status = next(iter(_of(number, answer, "STATUSHEADERS")), Fields({}))
    schedule = _of(number, answer, "SCHEDULES")
    return OrderRow(
        SalesOrder=number,
        SoldToParty=header.text("SOLD_TO"),
        TotalNetAmount=header.number("NET_VAL_HD"),
        TransactionCurrency=header.text("CURRENCY"),
        PurchaseOrderByCustomer=business.text("PURCH_NO_C") or header.text("PURCH_NO"),
        PurchaseOrderByShipToParty=business.text("PURCH_NO_S"),
        CreationDate=_written(header.day("REC_DATE")),
        RequestedDeliveryDate=_written(header.day("REQ_DATE_H")),
        OverallTotalDeliveryStatus=status.text("DLV_STAT_H"),
        OverallOrdReltdBillgStatus=status.text("BILLINGSTA"),
        OverallSDDocumentRejectionSts=status.text("OVERALLREJ"),
        TotalCreditCheckStatus=status.text("TOTSTATCCH"),
        DeliveryBlockReason=header.text("DLV_BLOCK"),
        to_Item=Results([item_row(one, schedule, "NET_VALUE") for one in _of(number, answer, "ITEMS")]),
        to_SubsequentProcFlowDoc=Results(
            [FollowingDocument(one.text("DOCCATEGOR")) for one in _of(number, answer, "FLOWS")]
        ),
    )


def _of(number: str, answer: Answer, table: str) -> list[Fields]:
    """The rows of a table that belong to an order; tables differ in what they call its number."""
    return [
        row
        for row in answer.table(f"ORDER_{table}_OUT")
        if document_number(row.text("DOC_NUMBER") or row.text("SD_DOC")) == number
    ]


def _schedule_line(row: Fields) -> ScheduleLine:
    confirmed = row.number("CONFIR_QTY")
    return ScheduleLine(_written(row.day("REQ_DATE")) if confirmed > Decimal(0) else None, confirmed)


def _plain(position: str) -> str:
    return document_number(position)


def _written(day: date | None) -> str | None:
    return day.isoformat() if day is not None else None
