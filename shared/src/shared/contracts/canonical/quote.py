"""What was offered."""

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from shared.contracts.canonical.values import Address, Id, Money, Name, Quantity, Sku

QuoteState = Literal["draft", "in-review", "approved", "rejected", "accepted", "expired"]


class QuoteLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One offered product. `unit_price` is after discount."""

    line_id: Id
    sku: Sku
    quantity: Quantity
    unit_price: Money
    name: Name = ""
    discount_percent: Decimal = Decimal(0)
    product_id: Id | None = None
    price_book_entry_id: Id | None = None


class Quote(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An offer to a customer. `lines` is empty in lists."""

    quote_id: Id
    number: str
    name: Name
    customer_id: Id
    state: QuoteState
    total: Money
    expires: date | None = None
    opportunity_id: Id | None = None
    price_book_id: Id | None = None
    ship_to: Address | None = None
    ship_to_name: Name = ""
    lines: list[QuoteLine] = []


class Opportunity(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A chance to sell."""

    opportunity_id: Id
    name: Name
    customer_id: Id
    stage: str
    amount: Money | None = None
    close_date: date | None = None
    is_closed: bool = False
