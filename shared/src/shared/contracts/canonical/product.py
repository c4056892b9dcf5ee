"""What is sold."""

from decimal import Decimal

import msgspec

from shared.contracts.canonical.values import Money, Name, Sku


class Product(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A product as the ERP, its owner, knows it. Weights are in grams."""

    sku: Sku
    name: Name
    base_unit: str = "PC"
    product_group: str = ""
    gross_weight_grams: Decimal | None = None
    list_price: Money | None = None
    sellable: bool = True
