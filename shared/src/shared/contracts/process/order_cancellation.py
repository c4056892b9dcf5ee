"""From an order that stands everywhere to one that is cancelled everywhere."""

import msgspec

from shared.binding.declare import Contract, get, post
from shared.binding.problems import Conflict, NotFound
from shared.contracts.canonical.values import Id, ShortText
from shared.contracts.process.flow_operations import FlowArchived, FlowId
from shared.contracts.process.progress import FlowProgress
from shared.contracts.process.quote_to_order import OrderNotFound, OrderNotStanding
from shared.contracts.system.crm import CrmOrderNotFound
from shared.contracts.system.cross_references import KeysDisagree, KeyTaken
from shared.contracts.system.erp import OrderNotCancellable


class GoodsHaveLeft(Conflict):
    """Goods or an invoice have left the house; the order can be returned, not cancelled. Nothing was changed."""


class CancellationNotFound(NotFound):
    """No cancellation has this id."""


class OrderToCancel(msgspec.Struct, frozen=True, rename="camel"):
    """Which order to cancel, and why."""

    order_id: Id
    reason: ShortText


class CancelledOrder(msgspec.Struct, frozen=True, rename="camel"):
    """What was cancelled where.

    `label_refunded` is false in the rare case that the carrier changed its mind between our question and our
    request: the goods are in the house then and the order is cancelled, only the label's price is to be claimed.
    """

    erp_order_id: Id
    crm_order_id: Id
    reservation_id: Id
    shipment_id: Id
    label_refunded: bool


class CancellationProgress(FlowProgress, frozen=True, rename="camel", omit_defaults=True, kw_only=True):
    """How far a cancellation has come. `cancelled` is there once the order is cancelled everywhere."""

    cancellation_id: FlowId
    order_id: Id
    cancelled: CancelledOrder | None = None


class OrderCancellations(Contract, tier="process", version="v1"):
    """Cancels an order that stands, in ERP, warehouse, logistics and CRM, as long as nothing has left the house."""

    @post(
        "/cancellations", scope="order-cancellations:write", repeatable=True, timeout=30.0,
        long_running="/cancellations/{cancellation_id}",
        raises=[
            OrderNotFound, OrderNotStanding, GoodsHaveLeft, OrderNotCancellable, CrmOrderNotFound, KeysDisagree,
            KeyTaken,
        ],
    )  # fmt: skip
    async def cancel_order(self, order: OrderToCancel) -> CancellationProgress:
        """Cancel an order and open its quote again in the CRM.

        An order is cancelled at most once: asking again, for whatever reason, answers with the same cancellation.
        After a refusal nothing has changed, and a new request checks anew. Once it is cancelled, `QuoteToOrder`
        answers for the order that it was cancelled, and for its quote with a new order when it is asked for one.
        """
        ...

    @get(
        "/cancellations/{cancellation_id}",
        scope="order-cancellations:read",
        raises=[CancellationNotFound, FlowArchived],
    )
    async def get_cancellation(self, cancellation_id: FlowId) -> CancellationProgress:
        """Return how far a cancellation has come, with its timeline."""
        ...
