"""SAP's orders, placed or simulated, as canonical ones; pure functions."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

import msgspec

from shared.contracts.canonical.order import ConfirmedLine, CreditDecision, ErpOrder, OrderSimulation, OrderState
from shared.resilience.wire import WireReply
from system_apis.sap.faults import plain
from system_apis.sap.money import money
from system_apis.sap.odata import day_of, document_number
from system_apis.sap.order_records import ItemRow, OrderRow, Remarks, ScheduleLine, SimulationRow

_CREDIT: dict[str, CreditDecision] = {"A": "approved", "C": "approved", "D": "approved", "B": "refused"}
_SIMULATION_NOTICE = "SLS_LORD/098"
_INVOICE, _CANCELLED_INVOICE = "M", "N"


def order(row: OrderRow) -> ErpOrder:
    """An order, with lines as far as they were read."""
    return ErpOrder(
        erp_order_id=document_number(row.SalesOrder),
        reference=row.PurchaseOrderByShipToParty or row.ExternalDocumentID or row.PurchaseOrderByCustomer or "",
        erp_number=document_number(row.SoldToParty),
        state=_state(row),
        net=money(row.TotalNetAmount, row.TransactionCurrency),
        created=day_of(row.CreationDate),
        requested_date=day_of(row.RequestedDeliveryDate),
        lines=_lines(row.to_Item.results, row.TransactionCurrency),
        credit=_credit(row.TotalCreditCheckStatus),
    )


def simulation(row: SimulationRow, said: list[str]) -> OrderSimulation:
    """What an order would come to, with what SAP said about it."""
    currency = row.to_Pricing.TransactionCurrency
    items = row.to_Item.results
    return OrderSimulation(
        net=money(row.to_Pricing.TotalNetAmount, currency),
        tax=money(sum((item.TaxAmount for item in items), Decimal(0)), currency),
        credit=_credit(row.to_Credit.TotalCreditCheckStatus if row.to_Credit else ""),
        lines=_lines(items, currency),
        remarks=said,
    )


def remarks(reply: WireReply) -> list[str]:
    """The messages of the `sap-message` header, which may be missing or unreadable."""
    header = reply.headers.get("sap-message")
    if not header:
        return []
    try:
        said = _remarks.decode(header)
    except (msgspec.DecodeError, UnicodeError):
        return []
    texts = [plain(one.message or "") for one in (said, *said.details) if one.code != _SIMULATION_NOTICE]
    return [text for text in texts if text]


def is_cancelled(row: OrderRow) -> bool:
    """Whether every item is rejected."""
    return row.OverallSDDocumentRejectionSts == "C"


def has_gone_out(row: OrderRow) -> bool:
    """Whether something of an order was delivered or billed, so that it cannot be cancelled any more."""
    statuses = {row.OverallTotalDeliveryStatus, row.OverallOrdReltdBillgStatus}
    statuses |= {item.DeliveryStatus for item in row.to_Item.results}
    return not is_cancelled(row) and bool(statuses & {"B", "C"})


def _state(row: OrderRow) -> OrderState:
    """SAP's statuses: A not started, B partly, C completely; empty where nothing is to be done."""
    if is_cancelled(row):
        return "cancelled"
    if row.OverallTotalDeliveryStatus == "C":
        return "invoiced" if _is_invoiced(row) else "delivered"
    if row.OverallTotalDeliveryStatus == "B":
        return "in-delivery"
    return "blocked" if row.TotalCreditCheckStatus == "B" or row.DeliveryBlockReason else "open"


def _is_invoiced(row: OrderRow) -> bool:
    followed = [one.SubsequentDocumentCategory for one in row.to_SubsequentProcFlowDoc.results]
    return row.OverallOrdReltdBillgStatus == "C" or followed.count(_INVOICE) > followed.count(_CANCELLED_INVOICE)


def _credit(status: str | None) -> CreditDecision:
    return _CREDIT.get(status or "", "not-checked")


def _lines(items: list[ItemRow], currency: str) -> list[ConfirmedLine]:
    return [_line(item, currency) for item in items]


def _line(item: ItemRow, currency: str) -> ConfirmedLine:
    schedule = [one for one in item.to_ScheduleLine.results if one.ConfdOrderQtyByMatlAvailCheck > 0]
    confirmed = item.ConfdDelivQtyInOrderQtyUnit
    if item.to_ScheduleLine.results:
        confirmed = sum((one.ConfdOrderQtyByMatlAvailCheck for one in schedule), Decimal(0))
    return ConfirmedLine(
        item=document_number(item.SalesOrderItem),
        sku=item.Material,
        quantity=item.RequestedQuantity,
        net=money(item.NetAmount, currency),
        confirmed_quantity=confirmed,
        confirmed_date=_last_day(schedule),
    )


def _last_day(schedule: Iterable[ScheduleLine]) -> date | None:
    """When the last of the confirmed quantity can be delivered."""
    return max((day for one in schedule if (day := day_of(one.ConfirmedDeliveryDate)) is not None), default=None)


_remarks = msgspec.json.Decoder(Remarks)
