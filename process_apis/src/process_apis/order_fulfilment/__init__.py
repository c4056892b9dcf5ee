"""An order on its way, from delivery over shipment to invoice, with the CRM kept told."""

from process_apis.order_fulfilment.flow import FollowOrder, FollowOrderV1, FollowOrderV2
from process_apis.order_fulfilment.service import DurableOrderFulfilment, fulfilment_key
from shared.contracts.process.events import OrderPlaced
from shared.contracts.process.order_fulfilment import OrderToFollow
from shared.durable.subscription import Subscription
from shared.host.api import Api

api = Api(
    service=DurableOrderFulfilment,
    flows=(FollowOrder, FollowOrderV2, FollowOrderV1),
    subscriptions=(
        Subscription(
            "order-fulfilment",
            OrderPlaced,
            FollowOrder,
            key=lambda placed: fulfilment_key(placed.order_id),
            request=lambda placed: OrderToFollow(placed.order_id),
        ),
    ),
)
