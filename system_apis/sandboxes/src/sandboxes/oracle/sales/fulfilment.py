"""What follows an order: picked, shipped, billed.

In Fusion these are other people's work; the sandbox does them for the seed and when its control path asks.
"""

from datetime import timedelta
from decimal import Decimal

from sandboxes.oracle.areas.items import TRANSACTIONS
from sandboxes.oracle.framework.declare import Row, Work
from sandboxes.oracle.sales import statuses
from sandboxes.oracle.sales.accounts import Account, money, tax_percent
from sandboxes.oracle.sales.order_hub import HUB, LINES
from sandboxes.oracle.sales.orders import order_account, recalculate
from sandboxes.oracle.sales.pricing import number
from sandboxes.oracle.sales.receivables import COMPLETE, INVOICE_LINES, INVOICES
from sandboxes.oracle.sales.stock import ship

_HUNDRED = Decimal(100)
_PAYMENT_DAYS = 30


def pick(work: Work, order: str) -> str:
    """Pick everything that is scheduled; returns the delivery's name.

    Raises:
        ValueError: the order does not exist, is on hold, or has nothing to ship.
    """
    header = work.records.get(HUB, OrderNumber=order)
    if header is None or header["OnHoldFlag"]:
        raise ValueError(f"Order {order} does not exist or is on hold.")
    lines = _lines(work, header, statuses.AWAIT_SHIP)
    if not lines:
        raise ValueError(f"Order {order} has nothing to ship.")
    for line in lines:
        work.records.change(LINES, line, {"StatusCode": statuses.PICKED})
    recalculate(work, header)
    return str(work.records.next_number("delivery", 500_001))


def confirm_shipment(work: Work, order: str) -> None:
    """What was picked leaves the house."""
    header = _header(work, order)
    for line in _lines(work, header, statuses.PICKED):
        quantity = number(line, "OrderedQuantity")
        organization = str(line["RequestedFulfillmentOrganizationCode"])
        ship(work.records.connection, str(line["ProductNumber"]), organization, quantity)
        _note_movement(work, header, line, organization)
        gone: Row = {
            "StatusCode": statuses.AWAIT_BILLING,
            "ShippedQuantity": quantity,
            "ActualShipDate": work.stamp,
        }
        work.records.change(LINES, line, gone)
    recalculate(work, header)


def invoice(work: Work, order: str) -> str:
    """Bill what was shipped; returns the invoice's number."""
    header, account = _header(work, order), order_account(work, _header(work, order))
    lines = _lines(work, header, statuses.AWAIT_BILLING)
    made = work.records.add(INVOICES, _invoice(work, header, account, lines))
    for place, line in enumerate(lines, 1):
        work.records.add(INVOICE_LINES, _invoice_line(work, header, line, place), made["@id"])
        work.records.change(LINES, line, {"StatusCode": statuses.CLOSED, "OpenFlag": False})
    recalculate(work, header)
    return str(made["TransactionNumber"])


def _note_movement(work: Work, header: Row, line: Row, organization: str) -> None:
    moved: Row = {
        "TransactionId": work.records.next_number("inventory transaction", 300_000_060_000_001),
        "TransactionTypeName": "Sales Order Issue",
        "TransactionDate": work.stamp,
        "OrganizationCode": organization,
        "ItemNumber": line["ProductNumber"],
        "TransactionUOMCode": line["OrderedUOMCode"],
        "TransactionQuantity": -number(line, "OrderedQuantity"),
        "SourceNumber": header["OrderNumber"],
    }
    work.records.add(TRANSACTIONS, moved)


def _invoice(work: Work, header: Row, account: Account, lines: list[Row]) -> Row:
    currency = str(header["TransactionalCurrencyCode"])
    net = sum((number(one, "ExtendedAmount") for one in lines), Decimal(0))
    amount = net + money(net * tax_percent(account) / _HUNDRED, currency)
    return {
        "CustomerTransactionId": work.records.next_number("receivables transaction", 300_000_040_000_001),
        "TransactionNumber": str(work.records.next_number("invoice", 700_001)),
        "TransactionType": "Invoice",
        "TransactionSource": "Distributed Order Orchestration",
        "BusinessUnit": header["BusinessUnitName"],
        "InvoiceCurrencyCode": currency,
        "InvoiceStatus": COMPLETE,
        "BillToCustomerNumber": account.account_number,
        "BillToCustomerName": account.party_name,
        "CrossReference": header["OrderNumber"],
        "PurchaseOrder": header["CustomerPONumber"],
        "TransactionDate": work.today,
        "AccountingDate": work.today,
        "DueDate": (work.now + timedelta(days=_PAYMENT_DAYS)).date().isoformat(),
        "EnteredAmount": amount,
        "InvoiceBalanceAmount": amount,
        "CreationDate": work.stamp,
        "LastUpdateDate": work.stamp,
        "CreatedBy": work.user,
    }


def _invoice_line(work: Work, header: Row, line: Row, place: int) -> Row:
    return {
        "CustomerTransactionLineId": work.records.next_number("receivables line", 300_000_041_000_001),
        "LineNumber": place,
        "Description": line["ProductDescription"],
        "ItemNumber": line["ProductNumber"],
        "UnitOfMeasureCode": line["OrderedUOMCode"],
        "SalesOrder": header["OrderNumber"],
        "SalesOrderLine": line["LineNumber"],
        "Quantity": line["OrderedQuantity"],
        "UnitSellingPrice": line["UnitSellingPrice"],
        "LineAmount": line["ExtendedAmount"],
    }


def _header(work: Work, order: str) -> Row:
    header = work.records.get(HUB, OrderNumber=order)
    if header is None:
        raise ValueError(f"Order {order} does not exist.")
    return header


def _lines(work: Work, header: Row, status: str) -> list[Row]:
    return [one for one in work.records.below(LINES, header) if one["StatusCode"] == status]
