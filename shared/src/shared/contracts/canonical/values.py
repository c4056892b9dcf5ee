"""Small values that every entity is made of."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

Id = Annotated[str, msgspec.Meta(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][A-Za-z0-9._~:\-]*$")]
"""A system's identifier for a record; safe in a URL path."""

Name = Annotated[str, msgspec.Meta(max_length=255)]
ShortText = Annotated[str, msgspec.Meta(max_length=255)]
LongText = Annotated[str, msgspec.Meta(max_length=32_000)]
CurrencyCode = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}$", description="ISO 4217 code")]
CountryCode = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$", description="ISO 3166-1 alpha-2 code")]
Sku = Annotated[
    str,
    msgspec.Meta(min_length=1, max_length=40, pattern=r"^[\x21-\x7e]+$", description="Stock keeping unit"),
]
Quantity = Annotated[Decimal, msgspec.Meta(description="In the product's base unit")]
Capability = Literal["crm", "erp", "warehouse", "logistics"]
"""Which System API a part of an answer came from; never which vendor."""


class Money(msgspec.Struct, frozen=True, rename="camel"):
    """An amount in a currency, exact to the last digit; the amount is a decimal string on the wire."""

    amount: Decimal
    currency: CurrencyCode


class Address(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A postal address."""

    street: ShortText = ""
    house_number: ShortText = ""
    city: ShortText = ""
    region: ShortText = ""
    postal_code: ShortText = ""
    country: CountryCode | None = None


class Stamp(msgspec.Struct, frozen=True, rename="camel"):
    """Where a part of an answer came from and how old it is."""

    system: Capability
    as_of: datetime
    age_seconds: float = 0.0
