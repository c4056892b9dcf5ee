"""What was bought, as each system records it."""

from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

from shared.contracts.canonical.values import Id, Money, Quantity, Sku

OrderState = Literal["open", "in-delivery", "delivered", "invoiced", "cancelled", "blocked"]
CreditDecision = Literal["approved", "refused", "not-checked"]


class NewOrderLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One line to be ordered."""

    sku: Sku
    quantity: Quantity
    unit_price: Money | None = None


class NewErpOrder(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An order for the ERP.

    `reference` makes a repeat find the first; `purchase_order` is the customer's own number.
    """

    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=35)]
    erp_number: Id
    currency: str
    lines: list[NewOrderLine]
    ship_to_erp_number: Id | None = None
    requested_date: date | None = None
    purchase_order: Annotated[str, msgspec.Meta(max_length=35)] = ""


class ConfirmedLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What the ERP says of a line: price, and how much it can deliver when."""

    item: str
    sku: Sku
    quantity: Quantity
    net: Money
    confirmed_quantity: Quantity | None = None
    confirmed_date: date | None = None


class OrderSimulation(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What an order would come to, without placing it."""

    net: Money
    tax: Money
    credit: CreditDecision
    lines: list[ConfirmedLine]
    remarks: list[str] = []


class ErpOrder(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An order as the ERP holds it."""

    erp_order_id: Id
    reference: str
    erp_number: Id
    state: OrderState
    net: Money
    created: date | None = None
    requested_date: date | None = None
    lines: list[ConfirmedLine] = []
    credit: CreditDecision = "not-checked"


class NewCrmOrderLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One line of an order in the CRM."""

    price_book_entry_id: Id
    quantity: Quantity
    unit_price: Money
    quote_line_id: Id | None = None


class NewCrmOrder(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An order to be recorded in the CRM. `reference` makes a repeat find the first."""

    reference: str
    customer_id: Id
    quote_id: Id
    erp_order_id: Id
    currency: str
    lines: list[NewCrmOrderLine]
    opportunity_id: Id | None = None
    price_book_id: Id | None = None
    start: date | None = None
    tracking_number: str = ""


class CrmOrder(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """An order as the CRM holds it."""

    crm_order_id: Id
    number: str
    customer_id: Id
    status: str
    total: Money
    reference: str = ""
    erp_order_id: Id | None = None
    quote_id: Id | None = None
    tracking_number: str = ""
    fulfilment: str = ""
    ordered: date | None = None
    changed: datetime | None = None
