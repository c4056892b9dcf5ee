"""What comes back from a customer, as each system records it."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

import msgspec

from shared.contracts.canonical.inventory import WantedLine
from shared.contracts.canonical.values import Id, Money, Quantity, ShortText, Sku

ReturnReason = Literal[
    "damaged", "defective", "wrong-item", "wrong-quantity", "not-satisfied", "duplicate-order", "outdated", "other"
]
ReturnedQuantity = Annotated[Decimal, msgspec.Meta(description="More than zero, in the base unit")]
ErpReturnState = Literal["open", "credit-requested", "credited", "cancelled"]
CrmReturnState = Literal["requested", "approved", "cancelled", "closed"]


class NewErpReturnLine(msgspec.Struct, frozen=True, rename="camel"):
    """How much of one item of an order comes back, and why."""

    order_item: Id
    sku: Sku
    quantity: ReturnedQuantity
    reason: ReturnReason


class NewErpReturn(msgspec.Struct, frozen=True, rename="camel"):
    """A return to be authorized in the ERP. `reference` makes a repeat find the first."""

    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=35)]
    erp_order_id: Id
    lines: Annotated[list[NewErpReturnLine], msgspec.Meta(min_length=1, max_length=100)]


class ErpReturnLine(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One item of a return, valued by the ERP. A cancelled one gives its quantity back to the order."""

    item: str
    order_item: str
    sku: Sku
    quantity: Quantity
    net: Money
    cancelled: bool = False


class ReturnCredit(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """The credit for a return: asked for, and posted once there is a credit memo."""

    credit_request_id: Id
    net: Money
    credit_memo_id: Id | None = None
    posted: date | None = None


class ErpReturn(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A return as the ERP holds it: in SAP a customer return, at Oracle and NetSuite a return authorization."""

    erp_return_id: Id
    reference: str
    erp_order_id: str
    state: ErpReturnState
    net: Money
    lines: list[ErpReturnLine] = []
    credit: ReturnCredit | None = None


class NewCrmReturnLine(msgspec.Struct, frozen=True, rename="camel"):
    """One product that comes back, and why."""

    sku: Sku
    quantity: ReturnedQuantity
    reason: ReturnReason


class NewCrmReturn(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A return to be recorded in the CRM. `reference` makes a repeat find the first."""

    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    crm_order_id: Id
    lines: Annotated[list[NewCrmReturnLine], msgspec.Meta(min_length=1, max_length=100)]
    note: ShortText = ""


class CrmReturn(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A return as the CRM holds it."""

    crm_return_id: Id
    number: str
    reference: str
    state: CrmReturnState
    customer_id: Id | None = None
    crm_order_id: Id | None = None
    erp_return_id: str = ""
    tracking_number: str = ""
    credit_memo_id: str = ""
    refund: Money | None = None


class NewReturnReceipt(msgspec.Struct, frozen=True, rename="camel"):
    """Goods to be booked back into the warehouse that shipped `order_reference`.

    `reference` makes a repeat find the first.
    """

    reference: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    order_reference: Id
    lines: Annotated[list[WantedLine], msgspec.Meta(min_length=1, max_length=200)]


class ReturnReceipt(msgspec.Struct, frozen=True, rename="camel"):
    """Goods that are back in stock."""

    receipt_id: Id
    reference: str
    warehouse: str
    received: datetime
    lines: list[WantedLine]
