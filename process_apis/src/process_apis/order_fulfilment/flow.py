"""The business of following an order: look, tell the CRM what changed, rest. Every contract call is durable.

Version 1 rested without listening; it and version 2 did not compare what the order is called in each system with what
is noted. Each is served until no run of it is unfinished: `triptych flows list --kind follow-order@1` says so. Until
then the calls of `run` are theirs, but for those two.
"""

from collections.abc import Mapping

from shared.contracts.canonical.identity import KeysToNote
from shared.contracts.canonical.order import CrmOrder, ErpOrder, OrderState
from shared.contracts.canonical.shipment import Shipment, ShipmentState
from shared.contracts.process.order_fulfilment import FollowedOrder, OrderNews, OrderToFollow
from shared.contracts.process.quote_to_order import PlacedOrder, QuoteToOrder
from shared.contracts.system.crm import Crm, CrmOrderStatus, OrderCancellation
from shared.contracts.system.cross_references import CrossReferences
from shared.contracts.system.erp import Erp
from shared.contracts.system.logistics import Logistics
from shared.durable.flow import Flow
from shared.durable.waits import SignalTimedOut

MOST_LOOKS = 720
"""A month of hourly looks, and as much as one flow's record should hold."""

CANCELLED = "The order was cancelled in the ERP."
BY_THE_CARRIER: Mapping[ShipmentState, str] = {
    "in-transit": "Shipped",
    "out-for-delivery": "Shipped",
    "delivered": "Delivered",
    "returned": "Failed",
    "failed": "Failed",
}
IN_THE_ERP: Mapping[OrderState, str] = {"in-delivery": "Released", "delivered": "Packed", "invoiced": "Packed"}


NEWS = "news"
"""What ends a rest before its time."""


class FollowOrder(Flow[OrderToFollow, FollowedOrder], version=3):
    """Look, tell, rest, until the order is delivered and invoiced, or cancelled, or it took too long.

    News only say when to look: what is true is asked of the ERP and the carrier, so news may be late, doubled or lost.
    """

    def __init__(
        self, orders: QuoteToOrder, crm: Crm, erp: Erp, logistics: Logistics, cross_references: CrossReferences
    ) -> None:
        self.orders = orders
        self.crm = crm
        self.erp = erp
        self.logistics = logistics
        self.keys = cross_references

    async def run(self, request: OrderToFollow) -> FollowedOrder:
        """Follow the order to its end."""
        order = (await self.orders.get_order(request.order_id)).standing()
        recorded = await self.recorded(request.order_id, order)
        told = CrmOrderStatus(recorded.fulfilment, recorded.tracking_number)
        notes, looks = 0, 0
        while True:
            placed, parcel = await self.together(
                self.erp.get_order(order.erp_order_id), self.logistics.get_shipment(order.shipment_id)
            )
            if placed.state == "cancelled":
                await self.crm.cancel_order(order.crm_order_id, OrderCancellation(CANCELLED))
                return FollowedOrder("cancelled", placed.state, parcel.state, notes)
            status = crm_status(placed, parcel)
            if status != told:
                await self.crm.note_order_status(order.crm_order_id, status)
                told, notes = status, notes + 1
            if is_fulfilled(placed, parcel):
                return FollowedOrder("fulfilled", placed.state, parcel.state, notes)
            looks += 1
            if looks == MOST_LOOKS:
                return FollowedOrder("out-of-time", placed.state, parcel.state, notes)
            await self.rest(request.look_every_seconds)

    async def rest(self, seconds: float) -> None:
        """Until it is time to look again, or there is news."""
        try:
            await self.wait_for(NEWS, OrderNews, timeout=seconds)
        except SignalTimedOut:
            return

    async def recorded(self, order_id: str, order: PlacedOrder) -> CrmOrder:
        """The order in the CRM; raises KeysDisagree when it is noted under other keys."""
        recorded, known = await self.together(
            self.crm.get_order(order.crm_order_id),
            self.keys.resolve(order.claim(order_id)),
        )
        if known.unnoted:  # it was placed before keys were noted
            await self.keys.note_keys(KeysToNote([order.known_as(order_id)]))
        return recorded


class FollowOrderV2(FollowOrder, version=2, name=FollowOrder.name):
    """As it was before keys were compared, for runs that began then."""

    async def recorded(self, order_id: str, order: PlacedOrder) -> CrmOrder:  # noqa: ARG002 - of no interest then
        """The order in the CRM."""
        return await self.crm.get_order(order.crm_order_id)


class FollowOrderV1(FollowOrderV2, version=1, name=FollowOrder.name):
    """As it was before it listened, for runs that began then."""

    async def rest(self, seconds: float) -> None:
        """Until it is time to look again."""
        await self.sleep(seconds)


def is_fulfilled(placed: ErpOrder, parcel: Shipment) -> bool:
    """Whether nothing more is to come: the parcel was delivered and the invoice written."""
    return placed.state == "invoiced" and parcel.state == "delivered"


def crm_status(placed: ErpOrder, parcel: Shipment) -> CrmOrderStatus:
    """What the CRM is to say: the invoice once the parcel is there, else what the carrier knows, else the ERP."""
    fulfilment = BY_THE_CARRIER.get(parcel.state) or IN_THE_ERP.get(placed.state, "Pending")
    return CrmOrderStatus("Invoiced" if is_fulfilled(placed, parcel) else fulfilment, parcel.tracking_code)
