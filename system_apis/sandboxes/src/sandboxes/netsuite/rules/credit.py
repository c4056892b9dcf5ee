"""Credit of customers: limit, balance, unbilled orders, holds. Amounts are in the customer's currency."""

from decimal import Decimal

from sandboxes.netsuite.records.store import Document, Records, amount


def within_limit(customer: Document, more: Decimal) -> bool:
    """Whether the customer may owe this much more, net; without a limit it may.

    A hold override of OFF frees from the limit, as people at NetSuite customers set it for their best ones.
    """
    if customer.get("creditLimit") is None or customer.get("creditHoldOverride") == "OFF":
        return True
    used = amount(customer, "balance") + amount(customer, "unbilledOrders")
    return used + more <= amount(customer, "creditLimit")


def book(records: Records, customer: str, *, unbilled: Decimal = Decimal(0), billed: Decimal = Decimal(0)) -> None:
    """Count net amounts as ordered and as billed, or no longer when negative."""
    document = records.get("customer", customer)
    if document is None or not (unbilled or billed):
        return
    document["unbilledOrders"] = max(amount(document, "unbilledOrders") + unbilled, Decimal(0))
    document["balance"] = amount(document, "balance") + billed
    records.put("customer", document)


def converted(records: Records, value: Decimal, document: Document, customer: Document) -> Decimal:
    """An amount of a transaction in the customer's primary currency."""
    if str(document["currency"]) == str(customer["currency"]):
        return value
    source, target = (records.get("currency", one["currency"]) or {} for one in (document, customer))
    return value * amount(source, "exchangeRate") / amount(target, "exchangeRate")
