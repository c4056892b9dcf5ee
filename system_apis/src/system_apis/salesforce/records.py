"""Rows and envelopes in Salesforce's spelling. The SELECT lists are made from these, so the two cannot part.

A field whose type is a Struct is a parent (`Product2.Name`), one of `Rows` a child subquery.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Generic, TypeVar

import msgspec

_Record = TypeVar("_Record")


class Rows(msgspec.Struct, Generic[_Record], frozen=True, rename="camel"):
    """The answer of a query, or the children of a row; `next_records_url` leads on while `done` is false."""

    records: list[_Record]
    done: bool = True
    next_records_url: str | None = None


class CompoundAddress(msgspec.Struct, frozen=True, rename="camel"):
    """An address field; the codes are there in orgs with state and country picklists."""

    street: str | None = None
    city: str | None = None
    state: str | None = None
    state_code: str | None = None
    postal_code: str | None = None
    country: str | None = None
    country_code: str | None = None


class ContactRecord(msgspec.Struct, frozen=True, rename="pascal"):
    """A Contact."""

    id: str
    first_name: str | None = None
    last_name: str | None = None
    title: str | None = None
    email: str | None = None
    phone: str | None = None


class OpportunityRecord(msgspec.Struct, frozen=True, rename="pascal"):
    """An Opportunity."""

    id: str
    name: str
    stage_name: str
    account_id: str | None = None
    amount: Decimal | None = None
    close_date: date | None = None
    is_closed: bool = False
    currency_iso_code: str = ""


class ProductRecord(msgspec.Struct, frozen=True, rename="pascal"):
    """The product of a quote line."""

    name: str
    product_code: str | None = None


class QuoteLineRecord(msgspec.Struct, frozen=True, rename="pascal"):
    """A QuoteLineItem. `unit_price` is before the line's discount."""

    id: str
    quantity: Decimal
    unit_price: Decimal
    product2: ProductRecord
    product2_id: str
    pricebook_entry_id: str
    discount: Decimal | None = None
    currency_iso_code: str = ""


class QuoteRecord(msgspec.Struct, frozen=True, rename="pascal"):
    """A Quote without lines."""

    id: str
    quote_number: str
    name: str
    created_date: datetime
    status: str | None = None
    account_id: str | None = None
    opportunity_id: str | None = None
    pricebook2_id: str | None = None
    expiration_date: date | None = None
    grand_total: Decimal | None = None
    total_price: Decimal | None = None
    shipping_name: str | None = None
    shipping_address: CompoundAddress | None = None
    currency_iso_code: str = ""


class QuoteDocument(QuoteRecord, frozen=True, rename="pascal"):
    """A Quote with its lines."""

    quote_line_items: Rows[QuoteLineRecord] | None = None


class QuoteStanding(msgspec.Struct, frozen=True, rename="pascal"):
    """What of a Quote decides whether it can be ordered."""

    id: str
    last_modified_date: datetime
    account_id: str | None = None
    opportunity_id: str | None = None
    pricebook2_id: str | None = None


class OrderRecord(msgspec.Struct, frozen=True, rename="pascal"):
    """An Order; `reference` and what follows it are custom fields."""

    id: str
    order_number: str
    account_id: str
    status: str
    reference: str | None = None
    erp_order_number: str | None = None
    tracking_number: str | None = None
    fulfilment: str | None = None
    total_amount: Decimal | None = None
    effective_date: date | None = None
    quote_id: str | None = None
    last_modified_date: datetime | None = None
    currency_iso_code: str = ""


class QuoteStatus(msgspec.Struct, frozen=True, rename="pascal"):
    """The status of an order's quote."""

    status: str | None = None


class OrderWithQuote(OrderRecord, frozen=True, rename="pascal"):
    """An Order and where its quote stands."""

    quote: QuoteStatus | None = None


class OrderItemRecord(msgspec.Struct, frozen=True, rename="pascal"):
    """An OrderItem."""

    id: str
    product2_id: str
    unit_price: Decimal
    product2: ProductRecord


class OrderWithItems(msgspec.Struct, frozen=True, rename="pascal"):
    """An Order and its products."""

    id: str
    account_id: str
    order_items: Rows[OrderItemRecord] | None = None
    currency_iso_code: str = ""


class ReturnRecord(msgspec.Struct, frozen=True, rename="pascal"):
    """A ReturnOrder; `return_reference` and what follows it, up to the currency, are custom fields."""

    id: str
    return_order_number: str
    status: str | None = None
    account_id: str | None = None
    order_id: str | None = None
    return_reference: str | None = None
    erp_return_number: str | None = None
    return_tracking_number: str | None = None
    credit_memo_number: str | None = None
    refund_amount: Decimal | None = None
    currency_iso_code: str = ""


class IdRecord(msgspec.Struct, frozen=True, rename="pascal"):
    """Any row, to know that it is there."""

    id: str


class AccountName(msgspec.Struct, frozen=True, rename="pascal"):
    """An Account's place in the alphabet."""

    id: str
    name: str


class AccountQuotes(msgspec.Struct, frozen=True, rename="pascal"):
    """An Account with some of its quotes."""

    id: str
    quotes: Rows[QuoteRecord] | None = None


class AccountRecord(msgspec.Struct, frozen=True, rename="pascal"):
    """An Account; `erp_number`, `legal_name`, `tax_number` and `order_block` are custom fields."""

    id: str
    name: str
    erp_number: str | None = None
    parent_id: str | None = None
    industry: str | None = None
    phone: str | None = None
    website: str | None = None
    billing_address: CompoundAddress | None = None
    shipping_address: CompoundAddress | None = None
    legal_name: str | None = None
    tax_number: str | None = None
    order_block: bool | None = None
    currency_iso_code: str = ""


class AccountOverview(AccountRecord, frozen=True, rename="pascal"):
    """An Account with what is open around it."""

    contacts: Rows[ContactRecord] | None = None
    opportunities: Rows[OpportunityRecord] | None = None
    quotes: Rows[QuoteDocument] | None = None
    orders: Rows[OrderRecord] | None = None


class SubResult(msgspec.Struct, frozen=True, rename="camel"):
    """One part of a Composite answer."""

    http_status_code: int
    reference_id: str
    body: msgspec.Raw = msgspec.Raw(b"null")


class CompositeAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of Composite; parts stand in the order asked."""

    composite_response: list[SubResult]


class SaveError(msgspec.Struct, frozen=True, rename="camel"):
    """Why Salesforce refused: REST says `errorCode`, collections say `statusCode`. The message stays here."""

    error_code: str = ""
    status_code: str = ""
    fields: list[str] | None = None


class SaveResult(msgspec.Struct, frozen=True):
    """One record of a collection."""

    success: bool
    errors: list[SaveError] = []


class TokenRefusal(msgspec.Struct, frozen=True):
    """The token endpoint's refusal (RFC 6749 §5.2)."""

    error: str = ""
    error_description: str = ""
