"""From an order that stands to one that is cancelled everywhere."""

from process_apis.order_cancellation.flow import CancelOrder, CancelOrderV1, CancelOrderV2
from process_apis.order_cancellation.service import DurableOrderCancellations
from shared.host.api import Api

api = Api(service=DurableOrderCancellations, flows=(CancelOrder, CancelOrderV2, CancelOrderV1))
