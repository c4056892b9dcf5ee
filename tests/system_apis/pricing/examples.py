"""Calls that succeed, for the conformance of every operation."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from sandboxes.company import company
from shared.contracts.canonical.price import LineToPrice, PriceRequest

CUSTOMER = company().customers[0].sap_customer
SKU = next(one.sku for one in company().products if one.active)

EXAMPLES: dict[str, Callable[[Any], tuple[Any, ...]]] = {
    "pricing.price_lines": lambda _: (
        PriceRequest(CUSTOMER, "EUR", [LineToPrice(SKU, Decimal(12))], date(2026, 1, 15)),
    ),
    "pricing.get_agreements": lambda _: (CUSTOMER,),
}
