"""Credit memo requests, created with reference to a return, and the billing run that writes the credit memos.

The service is not idempotent, but a return has no more quantity to credit than came back.
"""

from collections.abc import Mapping
from decimal import Decimal

from sandboxes.sap.odata_v2.behaviour import Behaviour, Node, Payload, Work
from sandboxes.sap.odata_v2.edm import EntitySet, Row, Value
from sandboxes.sap.sales import messages
from sandboxes.sap.sales.credit_check import book
from sandboxes.sap.sales.customer_returns import RETURN, open_return
from sandboxes.sap.sales.fields import number, text
from sandboxes.sap.sales.following import following_header, midnight, not_above, share_of, stamp
from sandboxes.sap.sales.fulfilment import FIRST_INVOICE
from sandboxes.sap.sales.pricing import money
from sandboxes.sap.sales.tables import (
    BILLING_RUN_HELD,
    CREDIT_ITEMS,
    CREDIT_PARTNERS,
    CREDIT_REQUESTS,
    INVOICE_ITEMS,
    INVOICE_PARTNERS,
    INVOICES,
    ITEMS,
    RETURN_ITEMS,
    RETURN_PARTNERS,
    RETURNS,
)

CREDITS = "credits"
"""Key of the mark that holds the billing run of credits."""

FIRST_CREDIT_REQUEST = 61_000_001
REQUEST_TYPES = frozenset({"CR", "GA2"})
_REQUEST, _CREDIT_MEMO = "K", "O"


def _create_request(work: Work, entity_set: EntitySet, payload: Payload) -> Node:
    sent = payload.values
    if text(sent, "CreditMemoRequestType") not in REQUEST_TYPES:
        raise messages.refused(messages.order_type(text(sent, "CreditMemoRequestType"), "CreditMemoRequestType"))
    items = payload.below("to_Item")
    if not items:
        raise messages.refused(messages.no_items())
    returned = open_return(work, sent.get("ReferenceSDDocument") or items[0].values.get("ReferenceSDDocument"))
    rows = [_item(work, returned, one.values, place) for place, one in enumerate(items, 1)]
    document = work.records.next_number("credit memo request", FIRST_CREDIT_REQUEST)
    key: Row = {"CreditMemoRequest": document}
    header = (
        following_header(work, returned, sent)
        | key
        | {
            "CreditMemoRequestDate": midnight(work),
            "TotalNetAmount": sum((number(row, "NetAmount") for row in rows), Decimal(0)),
            "ReferenceSDDocument": returned["CustomerReturn"],
            "ReferenceSDDocumentCategory": RETURN,
            "OverallOrdReltdBillgStatus": "A",
        }
    )
    work.records.add(CREDIT_REQUESTS, header)
    work.records.add(CREDIT_ITEMS, *(row | key for row in rows))
    partners = work.records.find(RETURN_PARTNERS, CustomerReturn=returned["CustomerReturn"])
    work.records.add(CREDIT_PARTNERS, *(partner | key for partner in partners))
    if work.records.get(BILLING_RUN_HELD, Kind=CREDITS) is None:
        bill_credits(work)
    return Node(entity_set, work.records.get(CREDIT_REQUESTS, **key) or header)


def _item(work: Work, returned: Row, sent: Mapping[str, Value], place: int) -> Row:
    item, position = str(place * 10), sent.get("ReferenceSDDocumentItem")
    key: Row = {"CustomerReturn": returned["CustomerReturn"], "CustomerReturnItem": position}
    found = work.records.get(RETURN_ITEMS, **key) if position else None
    if found is None or text(found, "SalesDocumentRjcnReason"):
        raise messages.refused(messages.no_reference(item))
    quantity = number(sent, "RequestedQuantity") or number(found, "RequestedQuantity")
    before = work.records.find(
        CREDIT_ITEMS, ReferenceSDDocument=returned["CustomerReturn"], ReferenceSDDocumentItem=position
    )
    not_above(number(found, "RequestedQuantity"), [*before, {"RequestedQuantity": quantity}], item)
    return {
        **dict(sent),
        "CreditMemoRequestItem": text(sent, "CreditMemoRequestItem") or item,
        "CreditMemoRequestItemCategory": "G2N",
        "CreditMemoRequestItemText": text(sent, "CreditMemoRequestItemText") or found["CustomerReturnItemText"],
        "Material": found["Material"],
        "MaterialGroup": found["MaterialGroup"],
        "Plant": found["ProductionPlant"],
        "RequestedQuantity": quantity,
        "RequestedQuantityUnit": "PC",
        "TransactionCurrency": found["TransactionCurrency"],
        "NetAmount": share_of(found, quantity),
        "ReferenceSDDocument": returned["CustomerReturn"],
        "ReferenceSDDocumentItem": found["CustomerReturnItem"],
        "SDProcessStatus": "A",
        "OrderRelatedBillingStatus": "A",
    }


def _change_request(work: Work, _: EntitySet, old: Row, changes: Row) -> None:
    if text(old, "OverallOrdReltdBillgStatus") == "C":
        raise messages.refused(messages.item_credited("10"))
    work.records.change(CREDIT_REQUESTS, CREDIT_REQUESTS.key_of(old), {**changes, **stamp(work, old)})


def _change_item(work: Work, _: EntitySet, old: Row, changes: Row) -> None:
    header = work.records.get(CREDIT_REQUESTS, CreditMemoRequest=old["CreditMemoRequest"]) or {}
    _change_request(work, CREDIT_REQUESTS.set, header, {})
    work.records.change(CREDIT_ITEMS, CREDIT_ITEMS.key_of(old), changes)


def bill_credits(work: Work) -> list[str]:
    """The billing run: a credit memo for every request that is due and not blocked; returns their numbers."""
    due = work.records.find(CREDIT_REQUESTS, OverallOrdReltdBillgStatus="A")
    return [_credit_memo(work, one) for one in due if not text(one, "HeaderBillingBlockReason")]


def _credit_memo(work: Work, request: Row) -> str:
    records = work.records
    document = records.next_number("invoice", FIRST_INVOICE)
    key: Row = {"CreditMemoRequest": request["CreditMemoRequest"]}
    rows = [_billing_item(work, document, one) for one in records.find(CREDIT_ITEMS, **key)]
    records.add(INVOICE_ITEMS, *rows)
    records.add(INVOICES, _billing_header(work, document, request, rows))
    partners = records.find(CREDIT_PARTNERS, **key)
    records.add(INVOICE_PARTNERS, *(one | {"BillingDocument": document} for one in partners))
    records.change(CREDIT_ITEMS, key, {"OrderRelatedBillingStatus": "C", "SDProcessStatus": "C"})
    billed: Row = {"OverallOrdReltdBillgStatus": "C", "OverallSDProcessStatus": "C", **stamp(work, request)}
    records.change(CREDIT_REQUESTS, key, billed)
    records.change(RETURN_ITEMS, {"CustomerReturn": request["ReferenceSDDocument"]}, {"SDProcessStatus": "C"})
    records.change(RETURNS, {"CustomerReturn": request["ReferenceSDDocument"]}, {"OverallSDProcessStatus": "C"})
    net, currency = number(request, "TotalNetAmount"), text(request, "TransactionCurrency")
    book(records, text(request, "SoldToParty"), -net, currency)
    return document


def _billing_header(work: Work, document: str, request: Row, rows: list[Row]) -> Row:
    tax = sum((number(one, "TaxAmount") for one in rows), Decimal(0))
    return {
        **{name: request[name] for name in ("SalesOrganization", "DistributionChannel", "SoldToParty")},
        **{name: request[name] for name in ("TotalNetAmount", "TransactionCurrency", "PurchaseOrderByCustomer")},
        "BillingDocument": document,
        "SDDocumentCategory": _CREDIT_MEMO,
        "BillingDocumentType": "G2",
        "Division": request["OrganizationDivision"],
        "CreationDate": midnight(work),
        "LastChangeDateTime": work.now,
        "BillingDocumentDate": midnight(work),
        "TaxAmount": tax,
        "TotalGrossAmount": number(request, "TotalNetAmount") + tax,
        "PayerParty": request["SoldToParty"],
        "CompanyCode": request["SalesOrganization"],
        "FiscalYear": str(work.now.year),
        "AccountingDocument": document,
        "OverallSDProcessStatus": "C",
        "OverallBillingStatus": "C",
        "AccountingPostingStatus": "C",
    }


def _tax(work: Work, item: Row) -> Decimal:
    """The tax of a credited item, at the rate of the order item behind it."""
    reference, position = item["ReferenceSDDocument"], item["ReferenceSDDocumentItem"]
    returned = work.records.get(RETURN_ITEMS, CustomerReturn=reference, CustomerReturnItem=position) or {}
    order, position = returned["ReferenceSDDocument"], returned["ReferenceSDDocumentItem"]
    sold = work.records.get(ITEMS, SalesOrder=order, SalesOrderItem=position) or {}
    net = number(sold, "NetAmount")
    tax = number(sold, "TaxAmount") * number(item, "NetAmount") / net if net else Decimal(0)
    return money(tax, text(item, "TransactionCurrency"))


def _billing_item(work: Work, document: str, item: Row) -> Row:
    tax = _tax(work, item)
    return {
        **{name: item[name] for name in ("Material", "Plant", "NetAmount", "TransactionCurrency")},
        "BillingDocument": document,
        "BillingDocumentItem": item["CreditMemoRequestItem"],
        "SalesDocumentItemCategory": item["CreditMemoRequestItemCategory"],
        "BillingDocumentItemText": item["CreditMemoRequestItemText"],
        "BillingQuantity": item["RequestedQuantity"],
        "BillingQuantityUnit": "PC",
        "TaxAmount": tax,
        "GrossAmount": number(item, "NetAmount") + tax,
        "ReferenceSDDocument": item["CreditMemoRequest"],
        "ReferenceSDDocumentItem": item["CreditMemoRequestItem"],
        "ReferenceSDDocumentCategory": _REQUEST,
        "SalesDocument": item["CreditMemoRequest"],
        "SalesDocumentItem": item["CreditMemoRequestItem"],
        "SalesSDDocumentCategory": _REQUEST,
        "CreationDate": midnight(work),
    }


BEHAVIOUR = Behaviour(
    create={"A_CreditMemoRequest": _create_request},
    update={"A_CreditMemoRequest": _change_request, "A_CreditMemoRequestItem": _change_item},
)
