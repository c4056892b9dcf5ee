"""Transactions of order to cash and of returns."""

from collections.abc import Mapping

from sandboxes.netsuite.schema.entities import ADDRESS, ADDRESS_ENTRY
from sandboxes.netsuite.schema.model import Field, RecordType, boolean, moment, number, reference, select, string

SALES_ORDER_STATUSES = {
    "A": "Pending Approval",
    "B": "Pending Fulfillment",
    "C": "Cancelled",
    "D": "Partially Fulfilled",
    "E": "Pending Billing/Partially Fulfilled",
    "F": "Pending Billing",
    "G": "Billed",
    "H": "Closed",
}
RETURN_STATUSES = {
    "A": "Pending Approval",
    "B": "Pending Receipt",
    "C": "Cancelled",
    "D": "Partially Received",
    "E": "Pending Refund/Partially Received",
    "F": "Pending Refund",
    "G": "Refunded",
    "H": "Closed",
}
SHIP_STATUSES = {"A": "Picked", "B": "Packed", "C": "Shipped"}
_OPEN_PAID = {"A": "Open", "B": "Paid In Full"}
_OPEN_APPLIED = {"A": "Open", "B": "Fully Applied"}
_RECEIVED = {"Y": "Received"}

_LINE = (
    Field("line", "integer"),
    reference("item", "inventoryItem"),
    string("description", 999),
    number("quantity"),
    reference("location", "location"),
)
_PRICED = (
    reference("price", "priceLevel"),
    number("rate"),
    number("amount"),
    reference("taxCode", "salesTaxItem"),
    number("taxRate1"),
    number("tax1Amt", fixed=True),
)


def _lines(*more: Field) -> Field:
    return Field("item", "sublist", inner=(*_LINE, *more), key=("line",))


def _transaction(
    name: str, title: str, code: str, statuses: Mapping[str, str], *more: Field, package: str = "sales"
) -> RecordType:
    head = (
        string("tranId", 45),
        string("externalId", 80),
        reference("entity", "customer"),
        Field("tranDate", "date"),
        reference("subsidiary", "subsidiary", fixed=True),
        select("status", statuses, fixed=True),
        string("memo", 999),
        reference("createdFrom", "transaction", fixed=True),
        moment("createdDate"),
        moment("lastModifiedDate"),
    )
    return RecordType(
        name, title, "transaction", (*head, *more), shown="tranId", package=(package, "transactions"), code=code
    )


_MONEY = (
    reference("currency", "currency"),
    number("exchangeRate"),
    string("otherRefNum", 45),
    reference("terms", "term"),
    reference("location", "location"),
    number("subtotal", fixed=True),
    number("taxTotal", fixed=True),
    number("total", fixed=True),
)

_SHIPPING_ADDRESS = Field("shippingAddress", "subrecord", inner=ADDRESS.inner)

SALES_ORDER = _transaction(
    "salesOrder",
    "Sales Order",
    "SalesOrd",
    SALES_ORDER_STATUSES,
    *_MONEY,
    select("orderStatus", SALES_ORDER_STATUSES),
    Field("shipDate", "date"),
    reference("shipAddressList", ADDRESS_ENTRY),
    reference("billAddressList", ADDRESS_ENTRY),
    _SHIPPING_ADDRESS,
    boolean("shipComplete"),
    _lines(
        *_PRICED,
        boolean("isClosed"),
        Field("expectedShipDate", "date"),
        number("quantityCommitted", fixed=True),
        number("quantityBackOrdered", fixed=True),
        number("quantityFulfilled", fixed=True),
        number("quantityBilled", fixed=True),
    ),
)

ITEM_FULFILLMENT = _transaction(
    "itemFulfillment",
    "Item Fulfillment",
    "ItemShip",
    SHIP_STATUSES,
    select("shipStatus", SHIP_STATUSES),
    _lines(Field("orderLine", "integer"), boolean("itemReceive")),
)

INVOICE = _transaction(
    "invoice",
    "Invoice",
    "CustInvc",
    _OPEN_PAID,
    *_MONEY,
    Field("dueDate", "date"),
    number("amountRemaining", fixed=True),
    _lines(*_PRICED, Field("orderLine", "integer")),
)

RETURN_AUTHORIZATION = _transaction(
    "returnAuthorization",
    "Return Authorization",
    "RtnAuth",
    RETURN_STATUSES,
    *_MONEY,
    select("orderStatus", RETURN_STATUSES),
    _lines(
        *_PRICED,
        Field("orderLine", "integer"),
        boolean("isClosed"),
        number("quantityReceived", fixed=True),
        number("quantityBilled", fixed=True),
    ),
    package="customers",
)

ITEM_RECEIPT = _transaction(
    "itemReceipt",
    "Item Receipt",
    "ItemRcpt",
    _RECEIVED,
    _lines(Field("orderLine", "integer"), boolean("itemReceive")),
    package="purchases",
)

CREDIT_MEMO = _transaction(
    "creditMemo",
    "Credit Memo",
    "CustCred",
    _OPEN_APPLIED,
    *_MONEY,
    number("unapplied", fixed=True),
    _lines(*_PRICED, Field("orderLine", "integer")),
    package="customers",
)

TRANSACTIONS = (SALES_ORDER, ITEM_FULFILLMENT, INVOICE, RETURN_AUTHORIZATION, ITEM_RECEIPT, CREDIT_MEMO)
