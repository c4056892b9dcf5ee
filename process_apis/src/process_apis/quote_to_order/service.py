"""The Process API over the flow: submit, wait as long as the caller wants, show, cancel."""

from process_apis.quote_to_order.flow import OrderQuote
from shared.binding.call_context import current_context
from shared.binding.problems import Conflict, NotFound, Problem
from shared.contracts.process.quote_to_order import (
    Cancellation,
    OrderAlreadyComplete,
    OrderNotFound,
    OrderProgress,
    OrderRequest,
    PlacedOrder,
    QuoteToOrder,
    TimelineEntry,
)
from shared.durable.flow_view import FlowView
from shared.durable.runner import FlowRunner

DEFAULT_WAIT_SECONDS = 10.0
_KEY = "order-"
_INTERNAL = "flow."  # what the engine records for itself, such as the time a flow was told


class DurableQuoteToOrder(QuoteToOrder):
    """Orders are durable flows; a quote's id is the business key, so a quote is ordered at most once."""

    def __init__(self, flows: FlowRunner) -> None:
        self._flows = flows

    async def place_order(self, request: OrderRequest) -> OrderProgress:
        """See QuoteToOrder."""
        wait = current_context().wait
        handle = await self._flows.submit(OrderQuote, _KEY + request.quote_id, request)
        view = await handle.result(DEFAULT_WAIT_SECONDS if wait is None else wait)
        if view.state == "refused" and view.problem is not None:
            refusal = Problem.from_details(view.problem)
            refusal.extensions["orderId"] = view.flow_id
            raise refusal
        return _progress(view, request.quote_id)

    async def get_order(self, order_id: str) -> OrderProgress:
        """See QuoteToOrder."""
        try:
            view = await self._flows.view(order_id)
        except NotFound:
            raise OrderNotFound(f"There is no order {order_id}.") from None
        return _progress(view, _quote_of(view))

    async def cancel_order(self, order_id: str, cancellation: Cancellation) -> OrderProgress:  # noqa: ARG002 - for the audit trail of the call itself
        """See QuoteToOrder."""
        try:
            view = await self._flows.cancel(order_id)
        except NotFound:
            raise OrderNotFound(f"There is no order {order_id}.") from None
        except Conflict:
            raise OrderAlreadyComplete(f"Order {order_id} stands already; it can be returned, not cancelled.") from None
        return _progress(view, _quote_of(view))


def _quote_of(view: FlowView[PlacedOrder]) -> str:
    return view.key.removeprefix(_KEY)


def _progress(view: FlowView[PlacedOrder], quote_id: str) -> OrderProgress:
    return OrderProgress(
        order_id=view.flow_id,
        quote_id=quote_id,
        state=view.state,
        created=view.created,
        updated=view.updated,
        correlation_id=view.correlation_id,
        order=view.result,
        problem=view.problem,
        timeline=[
            TimelineEntry(
                step=entry.step,
                state=entry.state,
                started=entry.started,
                finished=entry.finished,
                duration_ms=entry.duration_ms,
                attempts=entry.attempts,
                detail=entry.detail,
            )
            for entry in view.timeline
            if not entry.step.startswith(_INTERNAL)
        ],
    )
