"""An order on its way, from delivery over shipment to invoice, with the CRM kept told."""

from process_apis.order_fulfilment.flow import FollowOrder
from process_apis.order_fulfilment.service import DurableOrderFulfilment
from shared.host.api import Api

api = Api(service=DurableOrderFulfilment, flows=(FollowOrder,))
