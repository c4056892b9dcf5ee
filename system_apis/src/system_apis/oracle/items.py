"""Items (itemsV2) as products.

Source: REST API for Oracle Fusion Cloud SCM, "Items V2".
"""

import re
from decimal import Decimal

import msgspec

from shared.binding.declare import Page
from shared.binding.paging import decode_cursor, encode_cursor
from shared.contracts.canonical.product import Product
from shared.contracts.system.erp import ProductNotFound
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.money import plain
from system_apis.oracle.rest import address, literal
from system_apis.oracle.settings import OracleSettings

_FIELDS = (
    "ItemNumber,ItemDescription,ItemClass,PrimaryUOMValue,ItemStatusValue,UnitWeightQuantity,WeightUOMValue,"
    "CustomerOrderEnabledFlag"
)
_GRAMS = {
    "g": Decimal(1), "gram": Decimal(1), "kg": Decimal(1000), "kilogram": Decimal(1000), "mg": Decimal("0.001"),
    "lb": Decimal("453.59237"), "pound": Decimal("453.59237"), "oz": Decimal("28.349523125"),
}  # fmt: skip
_SKU = re.compile(r"[\x21-\x7e]{1,40}")


class ItemRow(msgspec.Struct, frozen=True):
    """An item."""

    ItemNumber: str
    ItemDescription: str | None = ""
    ItemClass: str | None = ""
    PrimaryUOMValue: str | None = ""
    ItemStatusValue: str | None = ""
    UnitWeightQuantity: Decimal | None = None
    WeightUOMValue: str | None = ""
    CustomerOrderEnabledFlag: bool | None = True


class Items:
    """Reads items of the organization that sells.

    Args:
        oracle: The pod.
    """

    def __init__(self, oracle: OracleConnector) -> None:
        self._oracle = oracle
        self._settings = oracle.settings
        self._path = f"{oracle.settings.fscm_path}/itemsV2"

    async def page(self, cursor: str | None, limit: int) -> Page[Product]:
        """Products by item number; numbers that are no SKU, such as those with spaces, are left out."""
        after = decode_cursor(cursor, str) if cursor is not None else None
        condition = "" if after is None else f" and ItemNumber>{literal(after)}"
        rows = await self._rows(condition, limit + 1)
        found = [made for row in rows[:limit] if (made := product(row, self._settings)) is not None]
        return Page(found, encode_cursor(rows[limit - 1].ItemNumber) if len(rows) > limit else None)

    async def get(self, sku: str) -> Product:
        """One product.

        Raises:
            ProductNotFound: The organization has no such item.
        """
        rows = await self._rows(f" and ItemNumber={literal(sku)}", 1)
        found = product(rows[0], self._settings) if rows else None
        if found is None:
            raise ProductNotFound(f"Oracle has no item {sku} in organization {self._settings.organization}.")
        return found

    async def _rows(self, condition: str, limit: int) -> list[ItemRow]:
        wanted = f"OrganizationCode={literal(self._settings.organization)}{condition}"
        path = address(self._path, q=wanted, orderBy="ItemNumber", fields=_FIELDS, onlyData=True, limit=limit)
        return await self._oracle.rows(path, ItemRow, "list_products")


def product(row: ItemRow, settings: OracleSettings) -> Product | None:
    """A product; None for a number that is no SKU."""
    if not _SKU.fullmatch(row.ItemNumber):
        return None
    return Product(
        sku=row.ItemNumber,
        name=row.ItemDescription or row.ItemNumber,
        base_unit=row.PrimaryUOMValue or "",
        product_group=row.ItemClass or "",
        gross_weight_grams=_grams(row),
        sellable=row.ItemStatusValue in settings.item_statuses and row.CustomerOrderEnabledFlag is not False,
    )


def _grams(row: ItemRow) -> Decimal | None:
    """The weight of one unit; None where Oracle has none, or in a unit that is none."""
    factor = _GRAMS.get((row.WeightUOMValue or "").casefold())
    return plain(row.UnitWeightQuantity * factor) if factor is not None and row.UnitWeightQuantity else None
