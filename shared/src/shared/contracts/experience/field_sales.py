"""What the field-sales app shows on a phone."""

from datetime import date, datetime
from typing import Literal

import msgspec

from shared.binding.declare import Contract, Cursor, Page, PageSize, get, post
from shared.binding.problems import ProblemDetails
from shared.contracts.canonical.values import Address, Id, Money, Name, Quantity, Sku, Stamp
from shared.contracts.process.progress import FlowState
from shared.contracts.process.quote_to_order import (
    CreditRefused,
    CustomerNotInErp,
    NoCarrier,
    OrderNotFound,
    OrderRequest,
    QuoteNotApproved,
)
from shared.contracts.system.crm import CustomerNotFound, QuoteNotFound, SearchText
from shared.contracts.system.cross_references import KeysDisagree, KeyTaken
from shared.contracts.system.erp import CustomerBlocked, OrderRejected
from shared.contracts.system.warehouse import ShortStock, UnknownSku, ZeroQuantity

Part = Literal["customer", "identity", "credit", "erp-orders", "stock", "shipments"]


class CustomerCard(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A customer in a list."""

    customer_id: Id
    name: Name
    city: str = ""
    country: str = ""


class ContactCard(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Whom to call."""

    name: str
    title: str = ""
    email: str = ""
    phone: str = ""


class QuoteCard(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An open quote, and whether its lines can be delivered now (absent when stock is unknown)."""

    quote_id: Id
    number: str
    name: Name
    state: str
    total: Money
    expires: date | None = None
    in_stock: bool | None = None


class OrderCard(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An open order: where it stands in the ERP, and its parcel."""

    order_id: Id
    number: str
    state: str
    total: Money
    erp_order_id: str = ""
    tracking_code: str = ""
    shipment: str = ""


class CreditCard(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """How much the customer may still order."""

    limit: Money
    available: Money | None = None
    blocked: bool = False


class StockCard(msgspec.Struct, frozen=True, rename="camel"):
    """Stock for a product on an open quote."""

    sku: Sku
    wanted: Quantity
    available: Quantity
    enough: bool


class PartStamp(msgspec.Struct, frozen=True, rename="camel"):
    """Where a part of the view came from."""

    part: Part
    source: Stamp


class MissingPart(msgspec.Struct, frozen=True, rename="camel"):
    """A part that could not be read, and why; the rest of the view stands."""

    part: Part
    problem: str
    detail: str


class Customer360(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Everything a rep needs before walking in. `missing` names what could not be read."""

    customer_id: Id
    name: Name
    phone: str = ""
    website: str = ""
    industry: str = ""
    address: Address | None = None
    order_blocked: bool | None = None
    credit: CreditCard | None = None
    contacts: list[ContactCard] = []
    quotes: list[QuoteCard] = []
    orders: list[OrderCard] = []
    stock: list[StockCard] = []
    sources: list[PartStamp] = []
    missing: list[MissingPart] = []


class OrderStep(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One line of an order's progress, for people."""

    text: str
    state: str
    ms: int | None = None


class OrderStatus(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An order on its way through the systems."""

    order_id: Id
    state: FlowState
    message: str
    updated: datetime
    erp_order_id: str = ""
    crm_order_id: str = ""
    shipment_id: str = ""
    tracking_code: str = ""
    carrier: str = ""
    total: Money | None = None
    steps: list[OrderStep] = []
    problem: ProblemDetails | None = None


class FieldSales(Contract, tier="experience", version="v1"):
    """The field-sales app: find a customer, see everything about it, turn a quote into an order."""

    @get("/customers", scope="field-sales:read")
    async def list_customers(
        self, search: SearchText | None = None, cursor: Cursor | None = None, limit: PageSize = 25
    ) -> Page[CustomerCard]:
        """Find customers by name."""
        ...

    @get("/customers/{customer_id}", scope="field-sales:read", raises=[CustomerNotFound])
    async def get_customer(self, customer_id: Id) -> Customer360:
        """Return the 360° view of a customer.

        A backend that is down leaves its part out and is named in `missing`; only without the CRM is there
        no answer. Where `identity` is missing the customer's number in the ERP is what the CRM says; where the two
        disagree, nothing of the ERP is shown.
        """
        ...

    @post(
        "/orders", scope="field-sales:order", long_running="/orders/{order_id}", timeout=30.0,
        raises=[
            QuoteNotFound, QuoteNotApproved, CustomerNotInErp, CustomerBlocked, CreditRefused, ShortStock,
            UnknownSku, ZeroQuantity, NoCarrier, OrderRejected, KeysDisagree, KeyTaken,
        ],
    )  # fmt: skip
    async def place_order(self, request: OrderRequest) -> OrderStatus:
        """Order a quote; asking again answers with the same order."""
        ...

    @get("/orders/{order_id}", scope="field-sales:read", raises=[OrderNotFound])
    async def get_order(self, order_id: Id) -> OrderStatus:
        """Return how far an order has come."""
        ...
