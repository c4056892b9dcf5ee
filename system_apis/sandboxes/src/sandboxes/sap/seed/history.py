"""A history of orders in every state, for customers that may order.

Its documents reserve no stock and use up no credit: the seeded stock and exposure already allow for them.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sandboxes.company import Company, Customer
from sandboxes.sap.odata_v2.behaviour import Payload, Work
from sandboxes.sap.odata_v2.edm import Row
from sandboxes.sap.sales.draft import draft_order
from sandboxes.sap.sales.fulfilment import deliver, invoice, issue_goods
from sandboxes.sap.sales.items import change_item
from sandboxes.sap.sales.orders import save
from sandboxes.sap.sales.tables import EXPOSURES, ITEMS, LEDGER, RESERVATIONS, STOCK
from sandboxes.sap.seed.partners import HOME_AREA
from sandboxes.sap.services.sales_order import SALES_ORDER
from sandboxes.sap.storage import Records

_FIRST_DAY = datetime(2026, 1, 7, 8, 30, tzinfo=UTC)
_USER = "MIGRATION"
_WITHOUT_HISTORY = 4  # every so manyth customer has never ordered


def seed_history(records: Records, company: Company) -> None:
    """Write the orders with what followed them."""
    stock = records.find(STOCK)
    sold = [one.sku for one in company.products if one.active and all(there > 100 for there in one.stock.values())]  # noqa: PLR2004 - ample
    for place, customer in enumerate(one for one in company.customers if _orders(one)):
        work = Work(SALES_ORDER, records, _FIRST_DAY + timedelta(hours=17 * place), _USER, [])
        order = save(work, draft_order(work, _request(customer, place, sold)))
        _continue(work, order, place % 6)
    for table in (LEDGER, RESERVATIONS):
        records.remove(table)
    records.change(EXPOSURES, {}, {"OpenOrders": Decimal(0)})
    for before, after in zip(stock, records.find(STOCK), strict=True):
        if before != after:
            records.change(STOCK, STOCK.key_of(before), before)


def _orders(customer: Customer) -> bool:
    has_credit = customer.credit_exposure * 2 < customer.credit_limit
    return customer.number % _WITHOUT_HISTORY != 0 and has_credit and not customer.order_blocked


def _request(customer: Customer, place: int, sold: list[str]) -> Payload:
    organization, channel, division = HOME_AREA
    header: Row = {
        "SalesOrderType": "OR",
        "SalesOrganization": organization,
        "DistributionChannel": channel,
        "OrganizationDivision": division,
        "SoldToParty": customer.sap_customer,
        "PurchaseOrderByCustomer": f"PO-{customer.number:04}-{place:04}",
    }
    items = [
        Payload(
            {"Material": sold[(place * 5 + at) % len(sold)], "RequestedQuantity": Decimal(1 + (place + at) % 9)}, {}
        )
        for at in range(1 + place % 3)
    ]
    return Payload(header, {"to_Item": items})


def _continue(work: Work, order: str, state: int) -> None:
    """0 stays open, 1 is delivered, 2 has left the house, 3 is invoiced, 4 is cut by its last item, 5 is cancelled."""
    if state in {1, 2, 3}:
        delivery = deliver(work, order)
        if state > 1:
            issue_goods(work, delivery)
        if state > 2:  # noqa: PLR2004 - see the docstring
            invoice(work, delivery)
    items = work.records.find(ITEMS, SalesOrder=order)
    for item in {4: items[-1:], 5: items}.get(state, []):
        change_item(work, ITEMS.set, item, {"SalesDocumentRjcnReason": "50"})
