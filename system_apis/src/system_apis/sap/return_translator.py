"""Returns and their credits between SAP's records and the canonical model; pure functions."""

from collections.abc import Sequence

from shared.contracts.canonical.returns import ErpReturn, ErpReturnLine, ErpReturnState, NewErpReturn, ReturnCredit
from shared.contracts.system.erp import ReturnRejected
from system_apis.sap.lines import width
from system_apis.sap.money import money
from system_apis.sap.odata import day_of, document_number, json_decimal
from system_apis.sap.order_body import REFERENCE_WIDTH
from system_apis.sap.return_records import (
    CreditItemRow,
    CreditMemoItemRow,
    CreditRequestRow,
    NewCreditItem,
    NewCreditRequest,
    NewReturn,
    NewReturnItem,
    ReturnItemRow,
    ReturnRow,
)
from system_apis.sap.settings import SapSettings

_REJECTED = "C"
_ITEM_LENGTH = 6
_QUANTITY_DIGITS, _QUANTITY_SCALE = 15, 3


def erp_return(row: ReturnRow, credit: ReturnCredit | None = None) -> ErpReturn:
    """A return, with its credit as far as that has come."""
    orders = [one.ReferenceSDDocument for one in row.to_Item.results if one.ReferenceSDDocument]
    return ErpReturn(
        erp_return_id=document_number(row.CustomerReturn),
        reference=row.PurchaseOrderByCustomer or "",
        erp_order_id=document_number(orders[0]) if orders else "",
        state=_state(row, credit),
        net=money(row.TotalNetAmount, row.TransactionCurrency),
        lines=[_line(one, row.TransactionCurrency) for one in row.to_Item.results],
        credit=credit,
    )


def is_cancelled(row: ReturnRow) -> bool:
    """Whether every item is rejected."""
    return row.OverallSDDocumentRejectionSts == _REJECTED


def live_items(row: ReturnRow) -> list[ReturnItemRow]:
    """The items that are not rejected."""
    return [one for one in row.to_Item.results if not one.SalesDocumentRjcnReason]


def standing_request(items: Sequence[CreditItemRow]) -> CreditRequestRow | None:
    """The credit memo request that still stands, of those that refer to a return."""
    live = [one.to_CreditMemoRequest for one in items if not one.SalesDocumentRjcnReason]
    return next((one for one in live if one.OverallSDDocumentRejectionSts != _REJECTED), None)


def return_credit(request: CreditRequestRow, memos: Sequence[CreditMemoItemRow]) -> ReturnCredit:
    """A credit, posted if there is a credit memo that nobody cancelled."""
    posted = next(
        (one.to_BillingDocument for one in memos if not one.to_BillingDocument.BillingDocumentIsCancelled), None
    )
    return ReturnCredit(
        credit_request_id=document_number(request.CreditMemoRequest),
        net=money(request.TotalNetAmount, request.TransactionCurrency),
        credit_memo_id=document_number(posted.BillingDocument) if posted else None,
        posted=day_of(posted.BillingDocumentDate) if posted else None,
    )


def return_body(new: NewErpReturn, settings: SapSettings) -> NewReturn:
    """The body that creates a return; SAP takes customer, price and terms from the order.

    Raises:
        ReturnRejected: A line cannot come back as it stands, or the reference does not fit.
    """
    if width(new.reference) > REFERENCE_WIDTH:
        raise ReturnRejected(f"The return's reference takes more than {REFERENCE_WIDTH} UTF-16 code units; shorten it.")
    order = document_number(new.erp_order_id)
    return NewReturn(
        CustomerReturnType=settings.return_type,
        SalesOrganization=settings.sales_organization,
        DistributionChannel=settings.distribution_channel,
        OrganizationDivision=settings.division,
        PurchaseOrderByCustomer=new.reference,
        ReferenceSDDocument=order,
        SDDocumentReason=settings.return_order_reason,
        to_Item=[
            NewReturnItem(
                ReferenceSDDocument=order,
                ReferenceSDDocumentItem=_order_item(new, place),
                Material=line.sku,
                RequestedQuantity=_quantity(new, place),
                ReturnReason=settings.return_reasons.get(line.reason, settings.return_reasons["other"]),
            )
            for place, line in enumerate(new.lines)
        ],
    )


def credit_body(row: ReturnRow, settings: SapSettings) -> NewCreditRequest:
    """The body that asks for a credit memo over everything that came back."""
    number = document_number(row.CustomerReturn)
    return NewCreditRequest(
        CreditMemoRequestType=settings.credit_request_type,
        SalesOrganization=settings.sales_organization,
        DistributionChannel=settings.distribution_channel,
        OrganizationDivision=settings.division,
        PurchaseOrderByCustomer=row.PurchaseOrderByCustomer or number,
        ReferenceSDDocument=number,
        SDDocumentReason=settings.return_order_reason,
        to_Item=[
            NewCreditItem(number, document_number(one.CustomerReturnItem), one.Material, f"{one.RequestedQuantity:f}")
            for one in live_items(row)
        ],
    )


def _order_item(new: NewErpReturn, place: int) -> str:
    item = document_number(new.lines[place].order_item)
    if len(item) > _ITEM_LENGTH:
        raise ReturnRejected(f"Line {place + 1} ({new.lines[place].sku}) names an item that no order in SAP has.")
    return item


def _quantity(new: NewErpReturn, place: int) -> str:
    line = new.lines[place]
    if line.quantity.is_nan() or line.quantity <= 0:
        raise ReturnRejected(f"Line {place + 1} ({line.sku}) has no quantity above zero; correct or drop it.")
    try:
        return json_decimal(line.quantity, digits=_QUANTITY_DIGITS, scale=_QUANTITY_SCALE)
    except ValueError as reason:
        raise ReturnRejected(f"The quantity of line {place + 1} ({line.sku}) cannot come back: {reason}.") from None


def _state(row: ReturnRow, credit: ReturnCredit | None) -> ErpReturnState:
    if credit is not None:
        return "credited" if credit.credit_memo_id else "credit-requested"
    return "cancelled" if is_cancelled(row) else "open"


def _line(item: ReturnItemRow, currency: str) -> ErpReturnLine:
    return ErpReturnLine(
        item=document_number(item.CustomerReturnItem),
        order_item=document_number(item.ReferenceSDDocumentItem or ""),
        sku=item.Material,
        quantity=item.RequestedQuantity,
        net=money(item.NetAmount, currency),
        cancelled=bool(item.SalesDocumentRjcnReason),
    )
