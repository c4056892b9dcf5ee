"""Lines of transactions: numbered, priced, taxed, summed."""

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandboxes.company import minor_units
from sandboxes.netsuite.records.store import Document, Records, amount, lines_of
from sandboxes.netsuite.refusals import invalid, required, user_error

BASE_PRICE, CUSTOM_PRICE = "1", "-1"


def numbered(lines: list[Document]) -> list[Document]:
    """The lines with numbers, from 1, no number twice."""
    taken = {int(line["line"]) for line in lines if line.get("line")}
    free = (number for number in range(1, 10_000) if number not in taken)
    return [line if line.get("line") else {"line": next(free), **line} for line in lines]


def sold_item(records: Records, line: Document, path: str) -> Document:
    """The item of a line that is to be sold.

    Raises:
        Refusal: the item is missing or inactive, or nothing of it is wanted.
    """
    if not line.get("item"):
        raise required("Item", f"{path}.item")
    item = records.get("inventoryItem", line["item"])
    if item is None or item.get("isInactive"):
        raise invalid("item", f"{path}.item")
    if line.get("quantity") is None or amount(line, "quantity") <= 0:
        raise user_error("Please enter a quantity greater than 0.", f"{path}.quantity")
    return item


def priced(records: Records, line: Document, old: Document | None, item: Document, order: Document) -> Document:
    """The line with price level, rate, amount and tax; what the request says of rate or amount stands."""
    symbol = currency_symbol(records, order)
    quantity = amount(line, "quantity")
    sent_amount = line.get("amount") is not None and (old is None or amount(old, "amount") != amount(line, "amount"))
    if line.get("rate") is None and sent_amount:
        rate, level = amount(line, "amount") / quantity, CUSTOM_PRICE
    elif line.get("rate") is None:
        level = str(line.get("price") or order.get("_priceLevel") or BASE_PRICE)
        rate = list_price(item, str(order["currency"]), level)
    else:
        rate, level = amount(line, "rate"), str(line.get("price") or CUSTOM_PRICE)
    net = amount(line, "amount") if sent_amount else rounded(rate * quantity, symbol)
    tax_code = line.get("taxCode") or order.get("_taxItem")
    tax_item = records.get("salesTaxItem", tax_code) if tax_code else None
    tax_rate = amount(tax_item, "rate") if tax_item else Decimal(0)
    return {
        **line,
        "description": line.get("description") or item.get("salesDescription") or item.get("displayName"),
        "price": level,
        "rate": rate,
        "amount": rounded(net, symbol),
        "taxCode": tax_code,
        "taxRate1": tax_rate,
        "tax1Amt": rounded(net * tax_rate / 100, symbol),
    }


def list_price(item: Document, currency: str, level: str) -> Decimal:
    """The price of one piece at a price level; 0 when the item has none in the currency."""
    for one in lines_of(item, "price"):
        if str(one.get("currencyPage")) == currency and str(one.get("priceLevel")) == level:
            return amount(one, "price")
    return Decimal(0)


def totals(lines: Iterable[Document]) -> Document:
    """Subtotal, tax and total of the lines that are not closed."""
    live = [line for line in lines if not line.get("isClosed")]
    net = sum((amount(line, "amount") for line in live), Decimal(0))
    tax = sum((amount(line, "tax1Amt") for line in live), Decimal(0))
    return {"subtotal": net, "taxTotal": tax, "total": net + tax}


def share(line: Document, quantity: Decimal, symbol: str) -> Document:
    """Amount and tax of a part of a line."""
    whole = amount(line, "quantity")
    part = quantity / whole if whole else Decimal(0)
    return {name: rounded(amount(line, name) * part, symbol) for name in ("amount", "tax1Amt")}


def currency_symbol(records: Records, document: Document) -> str:
    """ISO code of a transaction's currency."""
    found = records.get("currency", document.get("currency"))
    return str(found["symbol"]) if found else "EUR"


def rounded(value: Decimal, symbol: str) -> Decimal:
    """An amount as its currency can pay it."""
    return value.quantize(Decimal(1).scaleb(-minor_units(symbol)), ROUND_HALF_UP)


def without_hints(document: Document) -> dict[str, Any]:
    """The document without what only saving needed (names that begin with an underscore) and without nulls."""
    return {name: value for name, value in document.items() if not name.startswith("_") and value is not None}
