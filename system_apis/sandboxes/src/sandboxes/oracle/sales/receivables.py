"""Bills: invoices that follow orders, and credit memos on account that others enter.

Source: REST API for Oracle Fusion Cloud Financials, "Receivables Invoices" and "Receivables Credit Memos". A
transaction number is unique within its source, so the same credit memo is not entered twice.
"""

from decimal import Decimal

from sandboxes.oracle.framework.declare import Behaviour, Field, Node, Resource, Row, Work, fields
from sandboxes.oracle.framework.problems import refuse
from sandboxes.oracle.sales.accounts import account_of, book, currency_exists
from sandboxes.oracle.sales.pricing import number

COMPLETE, INCOMPLETE = "Complete", "Incomplete"
HELD = "CREATE TABLE ar_billing_held (kind TEXT PRIMARY KEY) WITHOUT ROWID;"
_FIRST = 300_000_040_000_001
_STAMPS = (*fields("CreationDate LastUpdateDate", "datetime", writable=False), *fields("CreatedBy", writable=False))
INVOICE_LINES = Resource(
    "receivablesInvoiceLines",
    "ar_invoice_line",
    (
        *fields("CustomerTransactionLineId", "integer"),
        *fields("LineNumber", "integer"),
        *fields("Description ItemNumber UnitOfMeasureCode SalesOrder SalesOrderLine"),
        *fields("Quantity UnitSellingPrice LineAmount", "number"),
    ),
    key="CustomerTransactionLineId",
)
INVOICES = Resource(
    "receivablesInvoices",
    "ar_invoice",
    (
        *fields("CustomerTransactionId", "integer"),
        *fields("TransactionNumber TransactionType TransactionSource BusinessUnit InvoiceCurrencyCode InvoiceStatus"),
        *fields("BillToCustomerNumber BillToCustomerName CrossReference PurchaseOrder"),
        *fields("TransactionDate DueDate AccountingDate", "date"),
        *fields("EnteredAmount InvoiceBalanceAmount", "number"),
        *_STAMPS,
    ),
    key="CustomerTransactionId",
    finders={"invoiceSearch": ("TransactionNumber", "BillToCustomerNumber")},
    children=(INVOICE_LINES,),
)
CREDIT_LINES = Resource(
    "receivablesCreditMemoLines",
    "ar_credit_memo_line",
    (
        Field("LineNumber", "integer", required=True),
        Field("LineAmount", "number", required=True),
        *fields("LineDescription ItemNumber UnitOfMeasureCode"),
        *fields("LineQuantity UnitSellingPrice", "number"),
        *fields("CustomerTransactionLineId", "integer", writable=False),
    ),
)


def create_credit_memo(work: Work, resource: Resource, _: Row | None, node: Node) -> Row:
    """Enter a credit memo on account; it is complete unless billing waits."""
    sent, lines = node.values, node.children.get("receivablesCreditMemoLines", [])
    account = account_of(work.records.connection, {"AccountNumber": sent["BillToCustomerNumber"]})
    if account is None:
        raise refuse(400, "The bill-to customer number isn't valid.", "AR-855104", "/BillToCustomerNumber")
    currency = str(sent["CreditMemoCurrency"])
    if not currency_exists(work.records.connection, currency):
        raise refuse(400, "The currency isn't valid.", "AR-855105", "/CreditMemoCurrency")
    if not lines or any(number(one.values, "LineAmount") >= 0 for one in lines):
        raise refuse(400, "A credit memo needs lines with amounts below zero.", "AR-855110", f"/{CREDIT_LINES.name}")
    same = {"TransactionNumber": sent.get("TransactionNumber"), "TransactionSource": sent["TransactionSource"]}
    if same["TransactionNumber"] and work.records.get(resource, **same):
        raise refuse(400, "The transaction number already exists in this source.", "AR-855101", "/TransactionNumber")
    amount = sum((number(one.values, "LineAmount") for one in lines), Decimal(0))
    made = work.records.add(resource, _memo(work, sent, amount))
    for one in lines:
        line = work.records.next_number("receivables line", _FIRST + 1_000_000)
        work.records.add(CREDIT_LINES, {**one.values, "CustomerTransactionLineId": line}, made["@id"])
    book(work.records.connection, account, amount, currency)
    return made


def complete_credits(work: Work) -> list[str]:
    """The billing run: what was entered is completed; returns the transaction numbers."""
    due = work.records.find(CREDIT_MEMOS, CreditMemoStatus=INCOMPLETE)
    for one in due:
        work.records.change(CREDIT_MEMOS, one, {"CreditMemoStatus": COMPLETE})
    return [str(one["TransactionNumber"]) for one in due]


def _memo(work: Work, sent: Row, amount: Decimal) -> Row:
    held = work.records.connection.execute("SELECT 1 FROM ar_billing_held").fetchone()
    identity = work.records.next_number("receivables transaction", _FIRST)
    return {
        "TransactionDate": work.today,
        "AccountingDate": work.today,
        **sent,
        "CustomerTransactionId": identity,
        "TransactionNumber": sent.get("TransactionNumber") or str(identity),
        "EnteredAmount": amount,
        "CreditMemoStatus": INCOMPLETE if held else COMPLETE,
        "CreationDate": work.stamp,
        "LastUpdateDate": work.stamp,
        "CreatedBy": work.user,
    }


CREDIT_MEMOS = Resource(
    "receivablesCreditMemos",
    "ar_credit_memo",
    (
        *fields("CustomerTransactionId", "integer", writable=False),
        Field("TransactionNumber", longest=20),
        Field("TransactionSource", required=True, longest=50),
        Field("TransactionType", required=True, longest=20),
        Field("BusinessUnit", required=True, longest=240),
        Field("BillToCustomerNumber", required=True),
        Field("CreditMemoCurrency", required=True, longest=15),
        *fields("BillToSite CreditReason CrossReference Comments"),
        *fields("TransactionDate AccountingDate", "date"),
        *fields("EnteredAmount", "number", writable=False),
        *fields("CreditMemoStatus", writable=False),
        *_STAMPS,
    ),
    key="CustomerTransactionId",
    alternate=("TransactionNumber", "TransactionSource"),
    children=(CREDIT_LINES,),
    behaviour=Behaviour(create=create_credit_memo),
)
