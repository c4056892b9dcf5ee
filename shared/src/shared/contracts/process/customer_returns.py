"""From goods that a customer sends back to the money for them."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from shared.binding.declare import Contract, get, post
from shared.binding.problems import Conflict, NotFound, Refused
from shared.contracts.canonical.returns import ReturnedQuantity, ReturnReason
from shared.contracts.canonical.values import Address, Id, Money, Name, ShortText, Sku
from shared.contracts.process.flow_operations import FlowId
from shared.contracts.process.progress import FlowProgress
from shared.contracts.process.quote_to_order import NoCarrier, OrderNotFound, OrderNotStanding
from shared.contracts.system.crm import CrmOrderNotFound, CustomerNotFound, ReturnNotRecordable
from shared.contracts.system.cross_references import KeysDisagree, KeyTaken
from shared.contracts.system.erp import ErpOrderNotFound, ProductNotFound, ReturnRejected
from shared.contracts.system.logistics import AddressRefused

DAY = 86_400

ReturnStage = Literal[
    "checking", "waiting-for-approval", "authorizing", "waiting-for-goods", "crediting", "refunded", "closed"
]
"""Where a return is; `closed` is one that came to nothing."""

Reference = Annotated[str, msgspec.Meta(min_length=1, max_length=24, pattern=r"^[A-Za-z0-9][A-Za-z0-9_\-]*$")]
"""The caller's own number of the return; it reaches every system, so it is short."""


class OrderNotDelivered(Conflict):
    """The order has not been delivered in full, or was cancelled; there is nothing to send back."""


class SkuNotOrdered(Refused):
    """A product that is to come back was not part of the order; `errors` names the line."""


class QuantityTooHigh(Refused):
    """More is to come back than was ordered, less what came back before; `errors` names the line."""


class UnusableQuantity(Refused):
    """A quantity is no whole number above zero; `errors` names the line."""


class ApprovalRefused(Refused):
    """Somebody decided against the return."""


class ApprovalTimedOut(Refused):
    """Nobody decided about the return in time."""


class GoodsNotReturned(Refused):
    """The goods did not come back in time."""


class ReturnNotFound(NotFound):
    """No return has this id."""


class NoApprovalAwaited(Conflict):
    """The return does not wait for an approval: it needs none, or it has gone on."""


class DecidedOtherwise(Conflict):
    """Somebody has decided about the return, and otherwise; the first decision stands."""


class NoGoodsAwaited(Conflict):
    """The return does not wait for goods: it is not authorized yet, or it has gone on."""


class ReturnLine(msgspec.Struct, frozen=True, rename="camel"):
    """What comes back, how much of it, and why."""

    sku: Sku
    quantity: ReturnedQuantity
    reason: ReturnReason


class ReturnRequest(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a customer sends back of an order.

    Attributes:
        reference: The caller's number of the return.
        order_id: Of `QuoteToOrder`.
        lines: What comes back.
        note: What the customer says.
        ship_from_name: Who sends it; the customer unless given.
        ship_from: Where it is collected; the customer's shipping address unless given.
        approval_within_seconds: How long an approval is waited for, if one is needed: 14 days.
        goods_within_seconds: How long the goods are waited for: 30 days.
        look_every_seconds: Seconds between looks at the parcel, of which there are 720 at most, and at the credit memo.
    """

    reference: Reference
    order_id: Id
    lines: Annotated[list[ReturnLine], msgspec.Meta(min_length=1, max_length=50)]
    note: ShortText = ""
    ship_from_name: Name = ""
    ship_from: Address | None = None
    approval_within_seconds: Annotated[int, msgspec.Meta(ge=1, le=90 * DAY)] = 14 * DAY
    goods_within_seconds: Annotated[int, msgspec.Meta(ge=1, le=180 * DAY)] = 30 * DAY
    look_every_seconds: Annotated[int, msgspec.Meta(ge=1, le=DAY)] = 3600


class ReturnDecision(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Whether a return is approved, and what there is to say about it."""

    approved: bool
    note: ShortText = ""


class Approval(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A decision as it was recorded: whose, when."""

    approved: bool
    by: str
    at: datetime
    note: ShortText = ""


class GoodsReceived(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """That the goods are here, all of them; what there is to say about it."""

    note: ShortText = ""


class ReturnLabel(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What the customer puts on the parcel."""

    shipment_id: Id
    carrier: str
    tracking_code: str
    label_url: str
    price: Money | None = None


class RefundedReturn(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A return that is settled everywhere. `refund` is net of tax, as the goods were sold.

    `credit_memo_id` is absent where the ERP had not posted the credit memo after 720 looks: the credit is asked for.
    """

    erp_return_id: Id
    crm_return_id: Id
    receipt_id: Id
    refund: Money
    credit_request_id: Id | None = None
    credit_memo_id: Id | None = None
    approved_by: str = ""


class ReturnProgress(FlowProgress, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """How far a return has come.

    Attributes:
        stage: Where it is.
        until: When it goes on by itself: at the end of the wait for an approval, or at the next look at the parcel.
        approval: The decision, once there is one.
        label: To be printed, once the return is authorized.
        refunded: Once it is settled.
    """

    return_id: FlowId
    reference: str
    stage: ReturnStage
    until: datetime | None = None
    approval: Approval | None = None
    label: ReturnLabel | None = None
    refunded: RefundedReturn | None = None


class CustomerReturns(Contract, tier="process", version="v1"):
    """Takes goods of a delivered order back and credits the customer, in ERP, CRM, warehouse and logistics."""

    @post(
        "/returns", scope="customer-returns:write", repeatable=True, timeout=30.0,
        long_running="/returns/{return_id}",
        raises=[
            OrderNotFound, OrderNotStanding, OrderNotDelivered, ErpOrderNotFound, CrmOrderNotFound, CustomerNotFound,
            SkuNotOrdered, QuantityTooHigh, UnusableQuantity, ReturnNotRecordable, ReturnRejected, ProductNotFound,
            AddressRefused, NoCarrier, ApprovalRefused, ApprovalTimedOut, GoodsNotReturned, KeysDisagree, KeyTaken,
        ],
    )  # fmt: skip
    async def request_return(self, request: ReturnRequest) -> ReturnProgress:
        """Send goods of a delivered order back.

        A reference stands for one return: asking again answers with how far that has come. What is refused is
        undone everywhere, and the reference is free again.
        """
        ...

    @get("/returns/{return_id}", scope="customer-returns:read", raises=[ReturnNotFound])
    async def get_return(self, return_id: FlowId) -> ReturnProgress:
        """Return how far a return has come, with its label and its timeline."""
        ...

    @post(
        "/returns/{return_id}/approval", scope="customer-returns:approve", status=200, repeatable=True,
        raises=[ReturnNotFound, NoApprovalAwaited, DecidedOtherwise],
    )  # fmt: skip
    async def decide_return(self, return_id: FlowId, decision: ReturnDecision) -> ReturnProgress:
        """Approve a return that waits for it, or refuse it; who did is recorded. Repeating changes nothing."""
        ...

    @post(
        "/returns/{return_id}/receipt", scope="customer-returns:receive", status=200, repeatable=True,
        raises=[ReturnNotFound, NoGoodsAwaited],
    )  # fmt: skip
    async def receive_goods(self, return_id: FlowId, receipt: GoodsReceived) -> ReturnProgress:
        """Say that the goods of a return are here, before the carrier does. Repeating changes nothing."""
        ...
