"""The Process API over the flow: submit, show, stop."""

from process_apis.order_fulfilment.flow import NEWS, FollowOrder
from shared.contracts.process.flow_operations import FlowHasEnded
from shared.contracts.process.order_fulfilment import (
    FollowedOrder,
    FulfilmentEnded,
    FulfilmentNotFound,
    FulfilmentProgress,
    OrderFulfilment,
    OrderNews,
    OrderToFollow,
)
from shared.durable.flow_view import FlowView
from shared.durable.long_running import LongRunning, progress_of
from shared.durable.runner import FlowRunner

REFUSED_WITHIN_SECONDS = 1.0
"""It takes weeks, so a caller waits just long enough to hear of a refusal."""

SHOWN_STEPS = 50
_KEY = "-fulfilment"


class DurableOrderFulfilment(OrderFulfilment):
    """Following is a durable flow; the order's id is the business key, so an order is followed once."""

    def __init__(self, flows: FlowRunner) -> None:
        self._followed = LongRunning(flows, FollowOrder, "fulfilment", _not_followed, REFUSED_WITHIN_SECONDS)

    async def follow_order(self, order: OrderToFollow) -> FulfilmentProgress:
        """See OrderFulfilment."""
        return _progress(await self._followed.submit(fulfilment_key(order.order_id), order, first_stands=True))

    async def get_fulfilment(self, fulfilment_id: str) -> FulfilmentProgress:
        """See OrderFulfilment."""
        return _progress(await self._followed.view(fulfilment_id))

    async def hear_of_order(self, order_id: str, news: OrderNews) -> FulfilmentProgress:
        """See OrderFulfilment."""
        view = await self._followed.latest(fulfilment_key(order_id))
        try:
            await self._followed.send(view.flow_id, NEWS, news, key=news.reference)
        except FlowHasEnded:
            raise FulfilmentEnded(f"{view.flow_id} has ended; the order is not followed any more.") from None
        return _progress(view)

    async def stop_following(self, fulfilment_id: str) -> FulfilmentProgress:
        """See OrderFulfilment."""
        try:
            return _progress(await self._followed.cancel(fulfilment_id))
        except FlowHasEnded:
            raise FulfilmentEnded(f"{fulfilment_id} has ended; there is nothing to stop.") from None


def fulfilment_key(order_id: str) -> str:
    """The business key under which an order is followed, whoever asks for it."""
    return order_id + _KEY


def _not_followed(fulfilment_id: str) -> FulfilmentNotFound:
    return FulfilmentNotFound(f"No order is followed as {fulfilment_id}.")


def _progress(view: FlowView[FollowedOrder]) -> FulfilmentProgress:
    told = progress_of(view)
    told["timeline"] = told["timeline"][-SHOWN_STEPS:]
    return FulfilmentProgress(
        fulfilment_id=view.flow_id, order_id=view.key.removesuffix(_KEY), followed=view.result, **told
    )
