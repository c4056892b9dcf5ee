"""How the pricing service makes a price: an agreement of the day before all else, then scales on the list price."""

import sqlite3
from collections.abc import Iterator
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Any

from sandboxes.company import Customer, Product, company, minor_units
from sandboxes.company.money import from_euro
from sandboxes.kit import State
from sandboxes.pricing.refusals import Refusal

SCHEMA = """
CREATE TABLE agreement (
    id TEXT PRIMARY KEY,
    customer TEXT NOT NULL,
    sku TEXT NOT NULL,
    currency TEXT NOT NULL,
    net_price TEXT NOT NULL,
    valid_from TEXT NOT NULL,
    valid_until TEXT NOT NULL
);
CREATE INDEX agreement_of_customer ON agreement (customer, sku);
"""
SCALES = ((Decimal(1000), Decimal(8)), (Decimal(100), Decimal(5)), (Decimal(10), Decimal(2)))
"""From which quantity on how many percent off, the highest first."""

_EVERY_CUSTOMER, _EVERY_PRODUCT = 3, 50
_HUNDRED = Decimal(100)
Document = dict[str, Any]


class Prices:
    """The price book and its agreements."""

    def __init__(self, path: Path | None) -> None:
        self.state = State(path, SCHEMA, _seed)
        self._customers = {one.sap_customer: one for one in company().customers}
        self._products = {one.sku: one for one in company().products if one.active}

    def agree(self, given: Document) -> Document:
        """The control `agreement`: one more, with the columns of the table."""
        names = ("id", "customer", "sku", "currency", "net_price", "valid_from", "valid_until")
        self.state.connection.execute(
            "INSERT INTO agreement VALUES (?, ?, ?, ?, ?, ?, ?)", [str(given[name]) for name in names]
        )
        return given

    def agreements(self, customer: str) -> Document:
        """Every agreement of a customer."""
        if customer not in self._customers:
            raise Refusal(404, "UNKNOWN_CUSTOMER", f"There is no customer {customer}.")
        rows = self.state.connection.execute(
            "SELECT id, sku, currency, net_price, valid_from, valid_until FROM agreement"
            " WHERE customer = ? ORDER BY sku, valid_from",
            (customer,),
        )
        return {"customer": customer, "agreements": [dict(row) for row in rows]}

    def priced(self, customer: str, currency: str, on: date, wanted: list[tuple[str, Decimal]]) -> Document:
        """Every line priced, or a refusal that names those that have no price."""
        if customer not in self._customers:
            raise Refusal(422, "UNKNOWN_CUSTOMER", f"There is no customer {customer}.")
        if currency not in company().exchange_rates:
            raise Refusal(422, "NO_PRICES_IN_CURRENCY", f"There is no price list in {currency}.")
        if unknown := [index for index, (sku, _) in enumerate(wanted) if sku not in self._products]:
            raise Refusal(422, "UNKNOWN_SKU", "Some items are not in the price list.", unknown)
        lines = [self._line(customer, currency, on, self._products[sku], quantity) for sku, quantity in wanted]
        return {"customer": customer, "currency": currency, "date": on.isoformat(), "lines": lines}

    def _line(self, customer: str, currency: str, on: date, product: Product, quantity: Decimal) -> Document:
        listed = from_euro(product.list_price, currency)
        line: Document = {"sku": product.sku, "quantity": str(quantity), "list_price": str(listed)}
        if agreed := self._agreed(customer, currency, on, product.sku):
            net = Decimal(agreed["net_price"])
            off = ((listed - net) / listed * _HUNDRED).quantize(Decimal("0.01"))
            found = ("AGREEMENT", agreed["id"], agreed["valid_until"])
        else:
            off = next((percent for least, percent in SCALES if quantity >= least), Decimal(0))
            net = _rounded(listed * (1 - off / _HUNDRED), currency)
            found = ("SCALE" if off else "LIST", None, None)
        source, agreement, until = found
        return line | {
            "discount_percent": str(off), "net_price": str(net), "net_amount": str(_rounded(net * quantity, currency)),
            "source": source, "agreement": agreement, "valid_until": until,
        }  # fmt: skip

    def _agreed(self, customer: str, currency: str, on: date, sku: str) -> sqlite3.Row | None:
        return self.state.connection.execute(
            "SELECT * FROM agreement WHERE customer = ? AND sku = ? AND currency = ?"
            " AND ? BETWEEN valid_from AND valid_until ORDER BY valid_from DESC LIMIT 1",
            (customer, sku, currency, on.isoformat()),
        ).fetchone()


def _rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-minor_units(currency)), ROUND_HALF_EVEN)


def _seed(connection: sqlite3.Connection) -> None:
    """Every third customer has agreements for some products, an eighth off; every other one of them has lapsed."""
    products = [one for one in company().products if one.active][::_EVERY_PRODUCT]
    customers = company().customers[::_EVERY_CUSTOMER]
    rows = (row for customer in customers for row in _agreements(customer, products))
    connection.executemany("INSERT INTO agreement VALUES (?, ?, ?, ?, ?, ?, ?)", rows)


def _agreements(customer: Customer, products: list[Product]) -> Iterator[tuple[str, ...]]:
    for position, product in enumerate(products):
        price = _rounded(from_euro(product.list_price, customer.currency) * Decimal("0.875"), customer.currency)
        until = "2025-12-31" if position % 2 else "2099-12-31"
        name = f"AG-{customer.sap_customer}-{product.number}"
        yield name, customer.sap_customer, product.sku, customer.currency, str(price), "2020-01-01", until
