"""Items, their prices and what is available of them, by SuiteQL."""

from collections.abc import Iterable
from decimal import Decimal
from typing import TypeVar

from shared.binding.declare import Page
from shared.binding.paging import decode_cursor, encode_cursor
from shared.binding.problems import FieldError
from shared.contracts.canonical.order import NewOrderLine
from shared.contracts.canonical.product import Product
from shared.contracts.system.erp import OrderRejected, ProductNotFound
from system_apis.netsuite.connector import NetSuiteConnector
from system_apis.netsuite.lists import Lists
from system_apis.netsuite.records import ItemRow, PriceRow, StockRow
from system_apis.netsuite.translator import product

_T = TypeVar("_T")

_COLUMNS = """
SELECT i.id, i.itemid, i.displayname, i.isinactive, i.weight, i.weightunit, p.unitprice@GROUP@
FROM item i
LEFT JOIN pricing p ON p.item = i.id AND p.pricelevel = {level} AND p.currency = {currency} AND p.quantity = 0
"""
_LIST = "WHERE i.itemid > {after} ORDER BY i.itemid"
_FIRST = "ORDER BY i.itemid"
_ONE = "WHERE i.itemid = {sku}"
_KEYS = "SELECT i.id, i.itemid, i.isinactive FROM item i WHERE i.itemid IN {skus} ORDER BY i.id"
_PRICES = """
SELECT p.item, p.unitprice, p.quantity FROM pricing p
WHERE p.item IN {items} AND p.pricelevel = {level} AND p.currency = {currency} ORDER BY p.quantity
"""
_STOCK = "SELECT l.item, l.location, l.quantityavailable FROM inventoryitemlocations l WHERE l.item IN {items}"
_AT_ONCE = 500
"""Values of one IN list; Oracle takes 1,000."""


class Products:
    """The items of one account.

    Args:
        netsuite: Where.
        lists: Its currencies.
    """

    def __init__(self, netsuite: NetSuiteConnector, lists: Lists) -> None:
        self._netsuite, self._lists = netsuite, lists
        field = netsuite.settings.product_group_field
        self._columns = _COLUMNS.replace("@GROUP@", f", BUILTIN.DF(i.{field}) AS product_group" if field else "")
        self._terms = {"level": netsuite.settings.price_level, "currency": netsuite.settings.price_currency}

    async def page(self, cursor: str | None, limit: int) -> Page[Product]:
        """Products by SKU; items whose name is no SKU, such as one with spaces, are left out."""
        if cursor is None:
            rows = await self._netsuite.query(
                self._columns + _FIRST, ItemRow, "list_products", limit + 1, **self._terms
            )
        else:
            after = decode_cursor(cursor, str)
            rows = await self._netsuite.query(
                self._columns + _LIST, ItemRow, "list_products", limit + 1, after=after, **self._terms
            )
        products = [made for row in rows[:limit] if (made := await self._shown(row)) is not None]
        return Page(products, encode_cursor(rows[limit - 1].itemid) if len(rows) > limit else None)

    async def get(self, sku: str) -> Product:
        """One product, with its list price.

        Raises:
            ProductNotFound: There is none.
        """
        rows = await self._netsuite.query(self._columns + _ONE, ItemRow, "get_product", 1, sku=sku, **self._terms)
        found = await self._shown(rows[0]) if rows else None
        if found is None:
            raise ProductNotFound(f"NetSuite has no product {sku}.")
        return found

    async def _shown(self, row: ItemRow) -> Product | None:
        settings = self._netsuite.settings
        return product(row, (await self._lists.currency(settings.price_currency)).symbol, settings.base_unit)

    async def keys(self, lines: list[NewOrderLine]) -> dict[str, int]:
        """Internal ids of what is ordered, by SKU.

        Raises:
            OrderRejected: Something is unknown, or not sold any more; says which lines.
        """
        rows: list[ItemRow] = []
        for skus in _parts(sorted({line.sku for line in lines})):
            rows += await self._netsuite.query(_KEYS, ItemRow, "find_items", skus=skus)
        sold = {row.itemid: row.id for row in rows if row.isinactive != "T"}
        errors = [
            FieldError(f"NetSuite does not sell {line.sku}.", f"/lines/{place}/sku")
            for place, line in enumerate(lines)
            if line.sku not in sold
        ]
        if errors:
            raise OrderRejected(f"{errors[0].detail} Correct or drop the line.", errors=errors)
        return sold

    async def prices(self, items: Iterable[int], level: int, currency: int) -> dict[int, list[PriceRow]]:
        """Prices of items at a level, each from its quantity on, lowest first."""
        found: dict[int, list[PriceRow]] = {}
        for part in _parts(sorted(items)):
            rows = await self._netsuite.query(
                _PRICES, PriceRow, "read_prices", items=part, level=level, currency=currency
            )
            for row in rows:
                found.setdefault(row.item, []).append(row)
        return found

    async def available(self, items: Iterable[int]) -> dict[int, Decimal]:
        """What can be promised of items: at the location of the settings, else where most of it lies."""
        location = self._netsuite.settings.location
        found: dict[int, Decimal] = {}
        for part in _parts(sorted(items)):
            for row in await self._netsuite.query(_STOCK, StockRow, "read_stock", items=part):
                if location is None or row.location == location:
                    found[row.item] = max(found.get(row.item, Decimal(0)), row.quantityavailable)
        return found


def _parts(values: list[_T]) -> list[list[_T]]:
    return [values[at : at + _AT_ONCE] for at in range(0, len(values), _AT_ONCE)]
