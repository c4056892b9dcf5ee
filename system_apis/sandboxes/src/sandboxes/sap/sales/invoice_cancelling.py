"""Cancelling an invoice: a document of its own (S1) takes it back, and what it billed can be billed again."""

from sandboxes.sap.odata_v2.behaviour import Work
from sandboxes.sap.odata_v2.edm import Row, Value
from sandboxes.sap.odata_v2.resource import not_found
from sandboxes.sap.sales import messages
from sandboxes.sap.sales.fields import text
from sandboxes.sap.sales.fulfilment import FIRST_INVOICE, note_follower
from sandboxes.sap.sales.tables import DELIVERIES, INVOICE_ITEMS, INVOICE_PARTNERS, INVOICES, ORDERS

_INVOICE, _CANCELLATION = "M", "N"


def cancel(work: Work, document: Value) -> str:
    """Cancel an invoice; returns the number of the document that takes it back.

    Raises:
        ODataError: 404, there is none; 400, it is cancelled already or no invoice.
    """
    invoice = work.records.get(INVOICES, BillingDocument=document)
    if invoice is None:
        raise not_found(INVOICES.set, {"BillingDocument": document})
    if invoice["BillingDocumentIsCancelled"] or invoice["SDDocumentCategory"] != _INVOICE:
        raise messages.refused(messages.not_cancellable(text(invoice, "BillingDocument")))
    number = work.records.next_number("invoice", FIRST_INVOICE)
    made: Row = {
        "BillingDocument": number,
        "SDDocumentCategory": _CANCELLATION,
        "BillingDocumentType": "S1",
        "CancelledBillingDocument": invoice["BillingDocument"],
        "AccountingDocument": number,
        "LastChangeDateTime": work.now,
    }
    items = work.records.find(INVOICE_ITEMS, BillingDocument=document)
    work.records.add(INVOICES, {**invoice, **made})
    work.records.add(INVOICE_ITEMS, *({**one, "BillingDocument": number} for one in items))
    partners = work.records.find(INVOICE_PARTNERS, BillingDocument=document)
    work.records.add(INVOICE_PARTNERS, *({**one, "BillingDocument": number} for one in partners))
    work.records.change(
        INVOICES,
        INVOICES.key_of(invoice),
        {"BillingDocumentIsCancelled": True, "InvoiceClearingStatus": "C", "LastChangeDateTime": work.now},
    )
    _reopen(work, items, number)
    return number


def _reopen(work: Work, items: list[Row], cancellation: str) -> None:
    for delivery in {text(one, "ReferenceSDDocument") for one in items}:
        billable: Row = {"OverallDelivReltdBillgStatus": "A", "OverallSDProcessStatus": "B"}
        work.records.change(DELIVERIES, {"DeliveryDocument": delivery}, billable)
    for number in sorted({text(one, "SalesDocument") for one in items}):
        order = work.records.get(ORDERS, SalesOrder=number)
        if order is not None:
            note_follower(work, order, cancellation, _CANCELLATION)
