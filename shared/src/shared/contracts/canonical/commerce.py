"""What a web shop sells, and the orders that were placed there."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from shared.contracts.canonical.values import Address, Id, Money, Name, ShortText, Sku
from shared.security.sensitive import Sensitive

Payment = Literal["open", "authorised", "partly-paid", "paid", "partly-refunded", "refunded", "void"]
Fulfilment = Literal["open", "partial", "fulfilled"]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class ShopOrderLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One line: pieces of a product at a price each, before discounts. `sku` is empty where the shop has none."""

    line_id: Id
    name: ShortText
    quantity: int
    unit_price: Money
    sku: str = ""


class ShopOrderSummary(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An order as lists show it. `number` is what the buyer was told."""

    order_id: Id
    number: str
    placed: datetime
    updated: datetime
    total: Money
    payment: Payment
    fulfilment: Fulfilment
    cancelled: bool = False


class ShopOrder(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An order with every line, and where it goes."""

    summary: ShopOrderSummary
    lines: list[ShopOrderLine]
    email: Sensitive[str] = ""
    ship_to_name: Sensitive[str] = ""
    ship_to: Sensitive[Address] | None = None


class ShopProduct(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A product as the shop sells it; `available` pieces may be sold, at all places together."""

    sku: Sku
    product_id: Id
    name: Name
    price: Money
    sellable: bool = True
    available: int = 0


class ProductToSave(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What the shop shall say of a product."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    price: Money
    sellable: bool = True


class Stock(msgspec.Struct, frozen=True, rename="camel"):
    """How many pieces of a product may be sold."""

    sku: Sku
    available: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]


class StockToSet(msgspec.Struct, frozen=True, rename="camel"):
    """Stock as it now is, all or none; `reference` makes a repeat change nothing more, and belongs to these figures."""

    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._\-]*$")]
    levels: Annotated[list[Stock], msgspec.Meta(min_length=1, max_length=100)]


class StockSet(msgspec.Struct, frozen=True, rename="camel"):
    """That it is so."""

    reference: str
    levels: list[Stock]


class ShopRecordChanged(msgspec.Struct, frozen=True, rename="camel"):
    """An event: something happened to a record of the shop; read it to know how it stands."""

    topic: str
    record_id: str
