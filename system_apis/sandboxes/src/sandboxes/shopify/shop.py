"""What the shop holds: products of one variant each, stock at one place, orders."""

import base64
import re
import sqlite3
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import msgspec
from graphql import GraphQLError

from sandboxes.company import company
from sandboxes.kit import Clock, State
from sandboxes.shopify.account import LOCATION

_SCHEMA = """
CREATE TABLE product (id INTEGER PRIMARY KEY, handle TEXT NOT NULL UNIQUE, title TEXT NOT NULL, status TEXT NOT NULL,
  sku TEXT NOT NULL, price TEXT NOT NULL, available INTEGER NOT NULL, updated TEXT NOT NULL);
CREATE INDEX product_sku ON product (sku);
CREATE TABLE shop_order (id INTEGER PRIMARY KEY, updated TEXT NOT NULL, document TEXT NOT NULL);
CREATE TABLE idempotent (key TEXT PRIMARY KEY, input TEXT NOT NULL);
CREATE TABLE subscription (id INTEGER PRIMARY KEY, topic TEXT NOT NULL, uri TEXT NOT NULL);
"""
_MOST_A_PAGE = 250
_ORDERS = 24
_SEEDED = "2026-01-05T08:{minute:02d}:00Z"
Changed = Callable[[str, dict[str, Any]], None]
"""Told of each change: the webhook's topic and body."""


def gid(kind: str, number: object) -> str:
    """A global id."""
    return f"gid://shopify/{kind}/{number}"


def number_in(given: str, kind: str) -> int:
    """The number in a global id of this kind; -1 for anything else."""
    match = re.fullmatch(rf"gid://shopify/{kind}/(\d{{1,18}})", given)
    return int(match[1]) if match else -1


class Shop:
    """The shop's records."""

    def __init__(self, path: Path | None, clock: Clock, changed: Changed) -> None:
        self._clock, self._changed = clock, changed
        self.state = State(path, _SCHEMA, _seed)

    def products(self, where: str = "1", *values: object) -> list[sqlite3.Row]:
        """Products by id."""
        return self.state.connection.execute(
            f"SELECT * FROM product WHERE {where} ORDER BY id",  # noqa: S608 - clauses of ours
            values,
        ).fetchall()

    def orders(self) -> list[dict[str, Any]]:
        """Every order."""
        rows = self.state.connection.execute("SELECT document FROM shop_order ORDER BY id")
        return [msgspec.json.decode(row["document"]) for row in rows]

    def save(self, row: sqlite3.Row | None, handle: str, wanted: dict[str, Any]) -> sqlite3.Row:
        """A product with one variant, changed or new."""
        variant, now = wanted["variants"][0], self._now()
        values = (wanted["title"], wanted.get("status", "ACTIVE"), variant.get("sku") or "", variant["price"], now)
        connection = self.state.connection
        if row is None:
            names = "title, status, sku, price, updated, handle, available"
            sql = f"INSERT INTO product ({names}) VALUES (?, ?, ?, ?, ?, ?, 0)"  # noqa: S608 - names of ours
            key = connection.execute(sql, (*values, handle)).lastrowid
        else:
            key = row["id"]
            sql = "UPDATE product SET title = ?, status = ?, sku = ?, price = ?, updated = ? WHERE id = ?"
            connection.execute(sql, (*values, key))
        (saved,) = self.products("id = ?", key)
        topic = "products/create" if row is None else "products/update"
        told = {"id": key, "admin_graphql_api_id": gid("Product", key), "title": saved["title"]}
        self._changed(topic, {**told, "handle": saved["handle"], "updated_at": now})
        return saved

    def set_available(self, quantities: Sequence[dict[str, Any]]) -> None:
        """Stock of inventory items, which have the numbers of their products."""
        for one in quantities:
            key = number_in(one["inventoryItemId"], "InventoryItem")
            self.state.connection.execute("UPDATE product SET available = ? WHERE id = ?", (one["quantity"], key))
            told = {"inventory_item_id": key, "location_id": int(LOCATION), "available": one["quantity"]}
            level = f"{gid('InventoryLevel', LOCATION)}?inventory_item_id={key}"
            named = {"updated_at": self._now(), "admin_graphql_api_id": level}
            self._changed("inventory_levels/update", {**told, **named})

    def kept_input(self, key: str) -> str | None:
        """What came under an idempotency key."""
        row = self.state.connection.execute("SELECT input FROM idempotent WHERE key = ?", (key,)).fetchone()
        return row["input"] if row else None

    def keep_input(self, key: str, given: str) -> None:
        """Remember it."""
        self.state.connection.execute("INSERT INTO idempotent VALUES (?, ?)", (key, given))

    def buy(self, body: dict[str, Any]) -> dict[str, Any]:
        """The control `order`: somebody buys the first products, one line each."""
        key = _first_order() + len(self.orders())
        order = _order(key, self.products()[: int(body.get("lines", 1))], self._now())
        _insert(self.state.connection, order)
        told = {"id": key, "admin_graphql_api_id": gid("Order", key), "name": order["name"], "email": order["email"]}
        self._changed("orders/create", told)
        return {"id": key}

    def _now(self) -> str:
        return self._clock.now().astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _seed(connection: sqlite3.Connection) -> None:
    products = company().products
    connection.executemany(
        "INSERT INTO product VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                8_000_000 + one.number, one.sku.lower(), one.name, "ACTIVE" if one.active else "ARCHIVED", one.sku,
                f"{one.list_price:.2f}", sum(one.stock.values()), _SEEDED.format(minute=0),
            )
            for one in products
        ],
    )  # fmt: skip
    rows = connection.execute("SELECT * FROM product WHERE status = 'ACTIVE' ORDER BY id").fetchall()
    for number in range(_ORDERS):
        lines = rows[number : number + 1 + number % 3]
        _insert(connection, _order(_first_order() + number, lines, _SEEDED.format(minute=number)))


def _first_order() -> int:
    return 5_000_001


def _insert(connection: sqlite3.Connection, order: dict[str, Any]) -> None:
    row = (number_in(order["id"], "Order"), order["updatedAt"], msgspec.json.encode(order).decode())
    connection.execute("INSERT INTO shop_order VALUES (?, ?, ?)", row)


def _order(key: int, rows: Sequence[sqlite3.Row], at: str) -> dict[str, Any]:
    """An order of somebody's, paid, two pieces of each."""
    customer = company().customers[key % 20]
    person, total = customer.contacts[0], sum((Decimal(row["price"]) * 2 for row in rows), Decimal())
    return {
        "id": gid("Order", key),
        "name": f"#{1001 + key - _first_order()}",
        "email": person.email,
        "createdAt": at,
        "updatedAt": at,
        "cancelledAt": None,
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "UNFULFILLED",
        "currencyCode": "EUR",
        "totalPriceSet": bag(total),
        "shippingAddress": {
            "name": f"{person.first_name} {person.last_name}",
            "address1": f"{customer.billing.street} {customer.billing.house_number}".strip(),
            "address2": None,
            "city": customer.billing.city,
            "provinceCode": customer.billing.region or None,
            "zip": customer.billing.postal_code,
            "countryCodeV2": customer.billing.country,
        },
        "lines": [
            {
                "id": gid("LineItem", key * 1000 + place),
                "sku": row["sku"],
                "title": row["title"],
                "quantity": 2,
                "originalUnitPriceSet": bag(Decimal(row["price"])),
            }
            for place, row in enumerate(rows)
        ],
    }


def bag(amount: Decimal) -> dict[str, Any]:
    """A MoneyBag in the shop's currency."""
    money = {"amount": f"{amount:.2f}", "currencyCode": "EUR"}
    return {"shopMoney": money, "presentmentMoney": money}


def page(items: Sequence[Any], keys: Sequence[Any], first: int | None, after: str | None) -> dict[str, Any]:
    """A connection over items that are in the order of their keys."""
    if first is None or not 0 < first <= _MOST_A_PAGE:
        raise GraphQLError(f"first must be between 1 and {_MOST_A_PAGE}", extensions={"code": "BAD_REQUEST"})
    begin = 0
    if after is not None:
        try:
            last = msgspec.json.decode(base64.b64decode(after, validate=True))
        except (ValueError, msgspec.DecodeError):
            raise GraphQLError("Invalid cursor for current pagination sort.") from None
        begin = sum(1 for key in keys if list(key) <= list(last))
    taken = list(items[begin : begin + first])
    cursors = [base64.b64encode(msgspec.json.encode(keys[begin + place])).decode() for place in range(len(taken))]
    info = {
        "hasNextPage": begin + first < len(items),
        "hasPreviousPage": begin > 0,
        "startCursor": cursors[0] if cursors else None,
        "endCursor": cursors[-1] if cursors else None,
    }
    return {"nodes": taken, "pageInfo": info}


def searched_skus(query: str | None) -> list[str] | None:
    """The SKUs that a search names; None where it names none."""
    if not query:
        return None
    found = re.findall(r'sku:(?:"((?:[^"\\]|\\.)*)"|\'([^\']*)\'|(\S+))', query)
    return [re.sub(r"\\(.)", r"\1", quoted or single or bare) for quoted, single, bare in found]


def since(query: str | None) -> str:
    """The moment that a search of orders begins with."""
    match = re.search(r"updated_at:>='?([^'\s]+)'?", query or "")
    if match is None:
        return ""
    moment = datetime.fromisoformat(match[1])
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def is_price(text: Any) -> bool:
    """Whether it is an amount that can be asked."""
    try:
        amount = Decimal(str(text))
    except InvalidOperation:
        return False
    return amount.is_finite() and amount >= 0
