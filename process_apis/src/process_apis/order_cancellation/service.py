"""The Process API over the flow: submit, wait, show."""

from process_apis.order_cancellation.flow import CancelOrder
from shared.contracts.process.order_cancellation import (
    CancellationNotFound,
    CancellationProgress,
    CancelledOrder,
    OrderCancellations,
    OrderToCancel,
)
from shared.durable.flow_view import FlowView
from shared.durable.long_running import LongRunning, progress_of
from shared.durable.runner import FlowRunner

_KEY = "-cancellation"


class DurableOrderCancellations(OrderCancellations):
    """Cancellations are durable flows; the order's id is the business key, so an order is cancelled at most once."""

    def __init__(self, flows: FlowRunner) -> None:
        self._cancellations = LongRunning(flows, CancelOrder, "cancellation", _no_cancellation)

    async def cancel_order(self, order: OrderToCancel) -> CancellationProgress:
        """See OrderCancellations."""
        return _progress(await self._cancellations.submit(order.order_id + _KEY, order, first_stands=True))

    async def get_cancellation(self, cancellation_id: str) -> CancellationProgress:
        """See OrderCancellations."""
        return _progress(await self._cancellations.view(cancellation_id))


def _no_cancellation(cancellation_id: str) -> CancellationNotFound:
    return CancellationNotFound(f"There is no cancellation {cancellation_id}.")


def _progress(view: FlowView[CancelledOrder]) -> CancellationProgress:
    return CancellationProgress(
        cancellation_id=view.flow_id,
        order_id=view.key.removesuffix(_KEY),
        cancelled=view.result,
        **progress_of(view),
    )
