"""The business of cancelling an order that stands. Every contract call is durable.

First everybody is asked whether anything has left the house. Then the warehouse comes first: once it holds the
goods back nothing can leave any more, and it alone can take its word back. The ERP is next, the last that may say
no; after its yes the cancellation only goes forward. Last of all the order is retired, so that its quote can be
ordered again.

What the order is called in each system is compared with what is noted, so that no other order is cancelled for it.

Version 1 neither retired the order nor told of it, version 2 compared nothing. Each is served until no run of it is
unfinished: `triptych flows list --kind cancel-order@1` says so. Until then their calls stay as they are.
"""

from shared.binding.problems import Conflict, Invalid
from shared.contracts.canonical.identity import KeysToNote
from shared.contracts.canonical.inventory import NewReservation, Reservation
from shared.contracts.canonical.order import ErpOrder
from shared.contracts.canonical.shipment import Shipment, WarehouseShipment
from shared.contracts.process.events import OrderCancelled
from shared.contracts.process.order_cancellation import CancelledOrder, GoodsHaveLeft, OrderToCancel
from shared.contracts.process.quote_to_order import Cancellation, PlacedOrder, QuoteToOrder
from shared.contracts.system.crm import Crm, OrderCancellation
from shared.contracts.system.cross_references import CrossReferences
from shared.contracts.system.erp import Erp, ErpCancellation
from shared.contracts.system.logistics import LabelNotRefundable, Logistics
from shared.contracts.system.warehouse import Warehouse
from shared.durable.flow import Flow

HOLD_SECONDS = 3600
"""How long goods put back are held until they are confirmed anew: longer than all retries of a step."""

IN_THE_HOUSE = frozenset({"open", "blocked", "cancelled"})
NOT_WITH_THE_CARRIER = frozenset({"booked", "pre-transit", "refunded"})
ON_THE_ROAD = frozenset({"shipped", "delivered"})
INSTEAD = "it can be returned, not cancelled."
Found = tuple[ErpOrder, WarehouseShipment, Reservation, Shipment]


class CancelOrder(Flow[OrderToCancel, CancelledOrder], version=3):
    """Check that nothing has left, stop the goods, cancel everywhere; a refusal leaves the order as it was."""

    def __init__(
        self,
        orders: QuoteToOrder,
        crm: Crm,
        erp: Erp,
        warehouse: Warehouse,
        logistics: Logistics,
        cross_references: CrossReferences,
    ) -> None:
        self.orders = orders
        self.crm = crm
        self.erp = erp
        self.warehouse = warehouse
        self.logistics = logistics
        self.keys = cross_references

    async def run(self, request: OrderToCancel) -> CancelledOrder:
        """Cancel the order, set its quote free and tell of it, or refuse and change nothing."""
        cancelled = await self.cancel_everywhere(request)
        await self.orders.retire_order(request.order_id, Cancellation(request.reason))
        self.publish(
            OrderCancelled(
                order_id=request.order_id,
                erp_order_id=cancelled.erp_order_id,
                crm_order_id=cancelled.crm_order_id,
                shipment_id=cancelled.shipment_id,
                label_refunded=cancelled.label_refunded,
            )
        )
        return cancelled

    async def cancel_everywhere(self, request: OrderToCancel) -> CancelledOrder:
        """Cancel the order in all systems, or refuse and change nothing."""
        order = (await self.orders.get_order(request.order_id)).standing()
        placed, goods, hold, parcel = await self.found(request.order_id, order)
        require_in_the_house(request.order_id, placed, goods, parcel)

        await self.hold_back(hold)
        try:
            await self.erp.cancel_order(order.erp_order_id, ErpCancellation(request.reason))
        except Invalid:
            await self.put_back(hold)
            raise
        refunded = await self.refund(order.shipment_id)
        await self.crm.cancel_order(order.crm_order_id, OrderCancellation(request.reason))
        return CancelledOrder(
            erp_order_id=order.erp_order_id,
            crm_order_id=order.crm_order_id,
            reservation_id=order.reservation_id,
            shipment_id=order.shipment_id,
            label_refunded=refunded,
        )

    async def found(self, order_id: str, order: PlacedOrder) -> Found:
        """The order in every system, under the keys that are noted; raises KeysDisagree when they are others."""
        known, placed, goods, hold, parcel, _ = await self.together(
            self.keys.resolve(order.claim(order_id)),
            self.erp.get_order(order.erp_order_id),
            self.warehouse.get_shipment(order_id),
            self.warehouse.get_reservation(order.reservation_id),
            self.logistics.get_shipment(order.shipment_id),
            self.crm.get_order(order.crm_order_id),
        )
        if known.unnoted:  # it was placed before keys were noted
            await self.keys.note_keys(KeysToNote([order.known_as(order_id)]))
        return placed, goods, hold, parcel

    async def hold_back(self, hold: Reservation) -> None:
        """Stop the goods in the warehouse; raises GoodsHaveLeft when they went since we asked."""
        try:
            await self.warehouse.release_reservation(hold.reservation_id)
        except Conflict as left:
            raise GoodsHaveLeft(left.detail) from None

    async def put_back(self, hold: Reservation) -> None:
        """Promise the goods to the order again, if they were."""
        if hold.state == "confirmed":
            again = await self.warehouse.reserve(NewReservation(hold.reference, hold.lines, HOLD_SECONDS))
            await self.warehouse.confirm_reservation(again.reservation_id)

    async def refund(self, shipment_id: str) -> bool:
        """Give the label back; False when the carrier, who would have taken it a moment ago, does not."""
        try:
            await self.logistics.refund_label(shipment_id)
        except LabelNotRefundable:
            return False
        return True


class CancelOrderV2(CancelOrder, version=2, name=CancelOrder.name):
    """As it was before keys were compared, for runs that began then."""

    async def found(self, order_id: str, order: PlacedOrder) -> Found:
        """The order in every system."""
        placed, goods, hold, parcel, _ = await self.together(
            self.erp.get_order(order.erp_order_id),
            self.warehouse.get_shipment(order_id),
            self.warehouse.get_reservation(order.reservation_id),
            self.logistics.get_shipment(order.shipment_id),
            self.crm.get_order(order.crm_order_id),
        )
        return placed, goods, hold, parcel


class CancelOrderV1(CancelOrderV2, version=1, name=CancelOrder.name):
    """As it was before orders were retired, for runs that began then."""

    async def run(self, request: OrderToCancel) -> CancelledOrder:
        """Cancel the order, or refuse and change nothing."""
        return await self.cancel_everywhere(request)


def require_in_the_house(order_id: str, placed: ErpOrder, goods: WarehouseShipment, parcel: Shipment) -> None:
    """Raises GoodsHaveLeft when ERP, warehouse or carrier say that something of the order is on its way."""
    if placed.state not in IN_THE_HOUSE:
        raise GoodsHaveLeft(f"Order {order_id} is {placed.state} in the ERP; {INSTEAD}")
    if goods.status in ON_THE_ROAD:
        raise GoodsHaveLeft(f"The warehouse has {goods.status} the goods of order {order_id}; {INSTEAD}")
    if parcel.state not in NOT_WITH_THE_CARRIER:
        raise GoodsHaveLeft(f"The carrier says that the parcel of order {order_id} is {parcel.state}; {INSTEAD}")
