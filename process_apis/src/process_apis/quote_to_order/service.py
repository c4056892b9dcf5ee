"""The Process API over the flow: submit, wait as long as the caller wants, show, cancel."""

from process_apis.quote_to_order.flow import OrderQuote
from shared.contracts.process.flow_operations import FlowHasEnded
from shared.contracts.process.quote_to_order import (
    Cancellation,
    OrderAlreadyComplete,
    OrderNotCancelled,
    OrderNotFound,
    OrderNotStanding,
    OrderProgress,
    OrderRequest,
    PlacedOrder,
    QuoteToOrder,
)
from shared.contracts.system.erp import Erp
from shared.durable.flow_view import FlowView
from shared.durable.long_running import LongRunning, progress_of
from shared.durable.runner import FlowRunner

_KEY = "order-"


class DurableQuoteToOrder(QuoteToOrder):
    """Orders are durable flows; a quote's id is the business key, so one order at most stands for a quote."""

    def __init__(self, flows: FlowRunner, erp: Erp) -> None:
        self._erp = erp
        self._orders = LongRunning(flows, OrderQuote, "order", _no_order)

    async def place_order(self, request: OrderRequest) -> OrderProgress:
        """See QuoteToOrder."""
        return _progress(await self._orders.submit(_KEY + request.quote_id, request))

    async def get_order(self, order_id: str) -> OrderProgress:
        """See QuoteToOrder."""
        return _progress(await self._orders.view(order_id))

    async def cancel_order(self, order_id: str, cancellation: Cancellation) -> OrderProgress:  # noqa: ARG002 - for the audit trail of the call itself
        """See QuoteToOrder."""
        try:
            return _progress(await self._orders.cancel(order_id))
        except FlowHasEnded:
            raise OrderAlreadyComplete(f"Order {order_id} stands already; it can be returned, not cancelled.") from None

    async def retire_order(self, order_id: str, cancellation: Cancellation) -> OrderProgress:
        """See QuoteToOrder."""
        view = await self._orders.view(order_id)
        if view.state == "retired":
            return _progress(view)
        if view.state != "completed" or view.result is None:
            raise OrderNotStanding(f"Order {order_id} is {view.state}; only one that stood can be retired.")
        placed = await self._erp.get_order(view.result.erp_order_id)
        if placed.state != "cancelled":
            raise OrderNotCancelled(f"Order {order_id} is {placed.state} in the ERP; cancel it first.")
        return _progress(await self._orders.retire(order_id, cancellation.reason))


def _no_order(order_id: str) -> OrderNotFound:
    return OrderNotFound(f"There is no order {order_id}.")


def _progress(view: FlowView[PlacedOrder]) -> OrderProgress:
    return OrderProgress(
        order_id=view.flow_id, quote_id=view.key.removeprefix(_KEY), order=view.result, **progress_of(view)
    )
