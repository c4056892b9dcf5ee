"""A history of orders in every state, for customers that may order.

It commits no stock and uses up no credit: the seeded stock and balances already allow for it.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sandboxes.company import Company, Customer
from sandboxes.netsuite.records.store import Document, Records
from sandboxes.netsuite.rules.saving import Saving
from sandboxes.netsuite.schema import RECORD_TYPES

_FIRST_DAY = datetime(2026, 1, 7, 8, 30, tzinfo=UTC)
_WITHOUT_HISTORY = 4  # every so manyth customer has never ordered


def seed_history(records: Records, company: Company) -> None:
    """Write the orders with what followed them."""
    kept = {kind: list(records.every(kind)) for kind in ("customer", "inventoryItem")}
    entities = {str(one["entityId"]): str(one["id"]) for one in kept["customer"]}
    items = {str(one["itemId"]): str(one["id"]) for one in kept["inventoryItem"]}
    plentiful = [one.sku for one in company.products if one.active and all(n > 100 for n in one.stock.values())]  # noqa: PLR2004 - ample
    sold = [items[sku] for sku in plentiful]
    moment = _FIRST_DAY
    saving = Saving(records, lambda: moment)
    for place, customer in enumerate(one for one in company.customers if _orders(one)):
        moment = _FIRST_DAY + timedelta(hours=17 * place)
        order = saving.create(RECORD_TYPES["salesOrder"], _order(customer, entities, place, sold))
        _continue(saving, records, order, place % 6)
    for kind, documents in kept.items():
        for document in documents:
            records.put(kind, document)


def _orders(customer: Customer) -> bool:
    has_credit = customer.credit_exposure * 2 < customer.credit_limit
    return customer.number % _WITHOUT_HISTORY != 0 and has_credit and not customer.order_blocked


def _order(customer: Customer, entities: dict[str, str], place: int, sold: list[str]) -> Document:
    return {
        "entity": entities[customer.sap_customer],
        "otherRefNum": f"PO-{customer.number:04}-{place:04}",
        "item": [
            {"item": sold[(place * 5 + at) % len(sold)], "quantity": Decimal(1 + (place + at) % 9)}
            for at in range(1 + place % 3)
        ],
    }


def _continue(saving: Saving, records: Records, order: str, state: int) -> None:
    """0 stays open, 1 is picked, 2 has left the house, 3 is invoiced, 4 is cut by its last line, 5 is closed."""
    sales_order = RECORD_TYPES["salesOrder"]
    if state in {1, 2, 3}:
        shipped: Document = {"shipStatus": "A" if state == 1 else "C"}
        saving.transform(sales_order, order, RECORD_TYPES["itemFulfillment"], shipped)
        if state > 2:  # noqa: PLR2004 - see the docstring
            saving.transform(sales_order, order, RECORD_TYPES["invoice"], {})
    lines = (records.get("salesOrder", order) or {})["item"]
    if cut := {4: lines[-1:], 5: lines}.get(state):
        saving.change(sales_order, order, {"item": [{"line": line["line"], "isClosed": True} for line in cut]})
