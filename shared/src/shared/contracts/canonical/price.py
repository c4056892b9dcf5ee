"""What a customer pays for a product."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from shared.contracts.canonical.values import CurrencyCode, Id, Money, Quantity, Sku

PriceSource = Literal["list", "scale", "agreement"]
"""The list price, the list price less what the quantity earns, or what was agreed with the customer."""


class LineToPrice(msgspec.Struct, frozen=True, rename="camel"):
    """A product and how much of it, more than nothing."""

    sku: Sku
    quantity: Quantity


class PriceRequest(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Who buys what, in which currency, and when; today, if no day is given."""

    erp_number: Id
    currency: CurrencyCode
    lines: Annotated[list[LineToPrice], msgspec.Meta(min_length=1, max_length=50)]
    on: date | None = None


class PricedLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The price of one line, before tax.

    Attributes:
        sku: As asked.
        quantity: As asked.
        list_price: For one base unit, before discounts.
        discount_percent: Off the list price.
        net_price: For one base unit.
        net_amount: For the whole quantity.
        source: Where the price comes from.
        valid_until: The last day of this price, if it has one.
        agreement_id: The agreement that gives it, if one does.
    """

    sku: Sku
    quantity: Quantity
    list_price: Money
    discount_percent: Decimal
    net_price: Money
    net_amount: Money
    source: PriceSource
    valid_until: date | None = None
    agreement_id: Id | None = None


class Prices(msgspec.Struct, frozen=True, rename="camel"):
    """The priced lines, in the order asked, with the day they are priced for and their sum."""

    erp_number: Id
    on: date
    lines: list[PricedLine]
    net_total: Money


class PriceAgreement(msgspec.Struct, frozen=True, rename="camel"):
    """What a customer pays for one base unit of a product, whatever the quantity, from day to day inclusive."""

    agreement_id: Id
    sku: Sku
    net_price: Money
    valid_from: date
    valid_until: date


class PriceAgreements(msgspec.Struct, frozen=True, rename="camel"):
    """Every agreement of a customer, also those of other days, by SKU and first day."""

    erp_number: Id
    agreements: list[PriceAgreement]
