"""Shopify's objects as the Admin GraphQL API sends them (shopify.dev/docs/api/admin-graphql), as far as we use them."""

from datetime import datetime
from decimal import Decimal

import msgspec

from shared.contracts.canonical.values import CurrencyCode


class Camel(msgspec.Struct, frozen=True, rename="camel"):
    """Names as GraphQL writes them."""


class MoneyRecord(Camel, frozen=True):
    """A MoneyV2."""

    amount: Decimal
    currency_code: CurrencyCode


class MoneyBagRecord(Camel, frozen=True):
    """A MoneyBag, of which we read the shop's currency."""

    shop_money: MoneyRecord


class PageInfoRecord(Camel, frozen=True):
    """Whether a connection goes on, and where."""

    has_next_page: bool
    end_cursor: str | None = None


class LineRecord(Camel, frozen=True):
    """A LineItem."""

    id: str
    title: str
    quantity: int
    original_unit_price_set: MoneyBagRecord
    sku: str | None = None


class LinesRecord(Camel, frozen=True):
    """A page of line items."""

    nodes: list[LineRecord]
    page_info: PageInfoRecord


class AddressRecord(Camel, frozen=True):
    """A MailingAddress."""

    name: str | None = None
    address1: str | None = None
    address2: str | None = None
    city: str | None = None
    province_code: str | None = None
    zip: str | None = None
    country_code_v2: str | None = msgspec.field(name="countryCodeV2", default=None)


class OrderRecord(Camel, frozen=True):
    """An Order; lists leave out all from `email` on."""

    id: str
    name: str
    created_at: datetime
    updated_at: datetime
    total_price_set: MoneyBagRecord
    display_financial_status: str | None = None
    display_fulfillment_status: str | None = None
    cancelled_at: datetime | None = None
    email: str | None = None
    shipping_address: AddressRecord | None = None
    line_items: LinesRecord | None = None


class OrdersRecord(Camel, frozen=True):
    """A page of orders."""

    nodes: list[OrderRecord]
    page_info: PageInfoRecord


class CountRecord(Camel, frozen=True):
    """A Count; variants counted by themselves."""

    count: int


class ProductRecord(Camel, frozen=True):
    """A Product without its variants."""

    id: str
    title: str
    status: str
    variants_count: CountRecord


class InventoryItemRecord(Camel, frozen=True):
    """An InventoryItem."""

    id: str


class VariantRecord(Camel, frozen=True):
    """A ProductVariant with its product."""

    id: str
    price: Decimal
    product: ProductRecord
    inventory_item: InventoryItemRecord
    sku: str | None = None
    inventory_quantity: int | None = None


class VariantsRecord(Camel, frozen=True):
    """Variants of a search."""

    nodes: list[VariantRecord]


class UserErrorRecord(Camel, frozen=True):
    """Why a mutation did nothing; `field` is the path to the input. Messages are for people and left unread."""

    field: list[str] | None = None
    code: str | None = None


class FoundOrder(Camel, frozen=True):
    """`order(id)`."""

    order: OrderRecord | None


class FoundOrders(Camel, frozen=True):
    """`orders(...)`."""

    orders: OrdersRecord


class FoundVariants(Camel, frozen=True):
    """`productVariants(...)`."""

    product_variants: VariantsRecord


class HandledProduct(Camel, frozen=True):
    """A product by its handle, with its variants."""

    variants: VariantsRecord


class FoundByHandle(Camel, frozen=True):
    """`productByIdentifier(...)`."""

    product_by_identifier: HandledProduct | None


class SetPayload(Camel, frozen=True):
    """What `productSet` answers."""

    user_errors: list[UserErrorRecord]
    product: HandledProduct | None = None


class ProductSet(Camel, frozen=True):
    """`productSet(...)`."""

    product_set: SetPayload


class QuantitiesPayload(Camel, frozen=True):
    """What `inventorySetQuantities` answers."""

    user_errors: list[UserErrorRecord]


class QuantitiesSet(Camel, frozen=True):
    """`inventorySetQuantities(...)`."""

    inventory_set_quantities: QuantitiesPayload


class ThrottleStatus(Camel, frozen=True):
    """The bucket of query costs after an answer."""

    maximum_available: float
    currently_available: float
    restore_rate: float


class Cost(Camel, frozen=True):
    """What a query was taken to cost, and what is left."""

    requested_query_cost: float
    throttle_status: ThrottleStatus


class FaultCode(Camel, frozen=True):
    """The kind of an error."""

    code: str = ""


class FaultRecord(Camel, frozen=True):
    """An error of the whole request, which comes with status 200."""

    extensions: FaultCode = FaultCode()


class Extensions(Camel, frozen=True):
    """What comes with every answer."""

    cost: Cost | None = None


class Envelope(Camel, frozen=True):
    """An answer; `data` is decoded once its kind is known. An error may be a bare text."""

    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: list[FaultRecord] | str | None = None
    extensions: Extensions = Extensions()
