"""A history of orders in every state, for customers that may order.

Its documents reserve no stock and use up no credit: the seeded stock and exposure already allow for them.
"""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from sandboxes.company import Customer, company
from sandboxes.oracle.framework.declare import Node, Row, Work
from sandboxes.oracle.sales.changes import change_line, change_order
from sandboxes.oracle.sales.fulfilment import confirm_shipment, invoice, pick
from sandboxes.oracle.sales.order_hub import HUB, LINES
from sandboxes.oracle.sales.orders import create_order

BUSINESS_UNIT = "US1 Business Unit"
_WITHOUT_HISTORY = 4  # every so manyth customer has never ordered
_AMPLE = 100


def seed_history(work: Work) -> None:
    """Write the orders with what followed them."""
    firm = company()
    sold = [one.sku for one in firm.products if one.active and all(there > _AMPLE for there in one.stock.values())]
    for place, customer in enumerate(one for one in firm.customers if _orders(one)):
        then = replace(work, now=work.now + timedelta(hours=17 * place))
        header = create_order(then, HUB, None, _request(customer, place, sold))
        _continue(then, header, place % 6)
    connection = work.records.connection
    connection.execute("UPDATE hz_account SET open_orders = '0'")
    stock = ((str(there), one.sku, place) for one in firm.products for place, there in one.stock.items())
    connection.executemany(
        "UPDATE inv_onhand SET reserved = '0', quantity = ? WHERE item_number = ? AND organization_code = ?", stock
    )


def _orders(customer: Customer) -> bool:
    has_credit = customer.credit_exposure * 2 < customer.credit_limit
    return customer.number % _WITHOUT_HISTORY != 0 and has_credit and not customer.order_blocked


def _request(customer: Customer, place: int, sold: list[str]) -> Node:
    number = f"PO-{customer.number:04}-{place:04}"
    header: Row = {
        "SourceTransactionSystem": "LEG",
        "SourceTransactionId": number,
        "SourceTransactionNumber": number,
        "CustomerPONumber": number,
        "RequestingBusinessUnitName": BUSINESS_UNIT,
        "SubmittedFlag": True,
    }
    lines = [
        Node(
            {
                "SourceTransactionLineId": str(at),
                "SourceTransactionLineNumber": str(at),
                "SourceTransactionScheduleId": str(at),
                "SourceScheduleNumber": "1",
                "ProductNumber": sold[(place * 5 + at) % len(sold)],
                "OrderedQuantity": Decimal(1 + (place + at) % 9),
                "TransactionCategoryCode": "ORDER",
            }
        )
        for at in range(1, 2 + place % 3)
    ]
    return Node(header, {"billToCustomer": [Node({"AccountNumber": customer.sap_customer})], "lines": lines})


def _continue(work: Work, header: Row, state: int) -> None:
    """0 stays open, 1 is picked, 2 has left the house, 3 is invoiced, 4 is cut by its last line, 5 is canceled."""
    order = str(header["OrderNumber"])
    if state in {1, 2, 3}:
        pick(work, order)
        if state > 1:
            confirm_shipment(work, order)
        if state > 2:  # noqa: PLR2004 - see the docstring
            invoice(work, order)
    canceled = Node({"CanceledFlag": True, "CancelReasonCode": "CUSTOMER_REQUEST"})
    if state == 4:  # noqa: PLR2004 - see the docstring
        change_line(work, LINES, work.records.below(LINES, header)[-1], canceled)
    if state == 5:  # noqa: PLR2004 - see the docstring
        change_order(work, HUB, header, canceled)
