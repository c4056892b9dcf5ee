"""The pricing service's documents as it sends them; amounts are decimal strings."""

from datetime import date
from decimal import Decimal
from typing import Literal

import msgspec

from shared.contracts.canonical.values import CurrencyCode, Id


class PricedLineRecord(msgspec.Struct, frozen=True):
    """A line of an answer; prices are for one unit."""

    sku: str
    quantity: Decimal
    list_price: Decimal
    discount_percent: Decimal
    net_price: Decimal
    net_amount: Decimal
    source: Literal["LIST", "SCALE", "AGREEMENT"]
    agreement: Id | None = None
    valid_until: date | None = None


class PricesRecord(msgspec.Struct, frozen=True):
    """What lines cost a customer on a day."""

    customer: str
    currency: CurrencyCode
    date: date
    lines: list[PricedLineRecord]


class AgreementRecord(msgspec.Struct, frozen=True):
    """A price agreed with a customer, first and last day inclusive."""

    id: Id
    sku: str
    currency: CurrencyCode
    net_price: Decimal
    valid_from: date
    valid_until: date


class AgreementsRecord(msgspec.Struct, frozen=True):
    """The agreements of a customer."""

    customer: str
    agreements: list[AgreementRecord]


class RefusalRecord(msgspec.Struct, frozen=True):
    """How the service says no; `lines` are the refused ones, from 0. Its message is left unread."""

    code: str
    lines: list[int] = []
