"""Calls of the commerce contract that succeed; see tests/conformance."""

from decimal import Decimal

from sandboxes.company import company
from shared.contracts.canonical.commerce import ProductToSave, Stock, StockToSet
from shared.contracts.canonical.values import Money

SKU = company().products[0].sku

EXAMPLES = {
    "commerce.list_orders": lambda _: (None, None, 5),
    "commerce.get_order": lambda known: (known["commerce.list_orders"].items[0].order_id,),
    "commerce.save_product": lambda _: ("CONFORMANCE-1", ProductToSave("Gauge", Money(Decimal("9.50"), "EUR"))),
    "commerce.get_product": lambda _: (SKU,),
    "commerce.set_stock": lambda _: (StockToSet("conformance-1", [Stock(SKU, 7)]),),
    "commerce.list_events": lambda _: ("all", None, "oldest", 5),
}
