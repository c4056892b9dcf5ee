"""The warehouse capability."""

from shared.binding.declare import Contract, get, post
from shared.binding.problems import Conflict, NotFound, Refused
from shared.contracts.canonical.inventory import (
    Availability,
    AvailabilityRequest,
    NewReservation,
    Reservation,
)
from shared.contracts.canonical.returns import NewReturnReceipt, ReturnReceipt
from shared.contracts.canonical.shipment import WarehouseShipment
from shared.contracts.canonical.values import Id


class UnknownSku(Refused):
    """The warehouse does not stock a product of this SKU."""


class ShortStock(Refused):
    """There is not enough stock to hold; nothing is held. `errors` names each short line."""


class ZeroQuantity(Refused):
    """A line asks for nothing, or less; give every line a quantity above zero."""


class ReservationNotFound(NotFound):
    """No reservation has this id."""


class ReservationEnded(Conflict):
    """The hold has expired or was released; make a new one."""


class WarehouseShipmentNotFound(NotFound):
    """No shipment goes by this order reference."""


class Warehouse(Contract, tier="system", version="v1"):
    """Stock, holds on stock and outgoing shipments, whichever warehouse system keeps them."""

    @post("/availability-checks", scope="warehouse:read", safe=True, raises=[UnknownSku, ZeroQuantity])
    async def check_availability(self, request: AvailabilityRequest) -> Availability:
        """Say how much of each product is free to promise, over all warehouses."""
        ...

    @post("/reservations", scope="warehouse:write", repeatable=True, raises=[UnknownSku, ZeroQuantity, ShortStock])
    async def reserve(self, reservation: NewReservation) -> Reservation:
        """Hold goods back until the hold expires, all lines or none.

        The same `reference` always answers with the same hold, so a repeat is harmless. A hold that
        expired or was released is held anew if stock allows.
        """
        ...

    @get("/reservations/{reservation_id}", scope="warehouse:read", raises=[ReservationNotFound])
    async def get_reservation(self, reservation_id: Id) -> Reservation:
        """Return a hold."""
        ...

    @post(
        "/reservations/{reservation_id}/confirmation", scope="warehouse:write", repeatable=True, status=200,
        raises=[ReservationNotFound, ReservationEnded],
    )  # fmt: skip
    async def confirm_reservation(self, reservation_id: Id) -> Reservation:
        """Keep the goods for good, because the order stands, and plan their shipment; repeating changes nothing."""
        ...

    @post(
        "/reservations/{reservation_id}/release",
        scope="warehouse:write",
        repeatable=True,
        status=200,
        raises=[ReservationNotFound],
    )
    async def release_reservation(self, reservation_id: Id) -> Reservation:
        """Give the goods back; repeating changes nothing."""
        ...

    @get("/shipments/{reference}", scope="warehouse:read", raises=[WarehouseShipmentNotFound])
    async def get_shipment(self, reference: Id) -> WarehouseShipment:
        """Return how far the warehouse has come with the shipment of an order reference."""
        ...

    @post(
        "/return-receipts", scope="warehouse:write", repeatable=True,
        raises=[UnknownSku, ZeroQuantity, WarehouseShipmentNotFound],
    )  # fmt: skip
    async def receive_return(self, receipt: NewReturnReceipt) -> ReturnReceipt:
        """Book goods that came back into stock, where their order was shipped from.

        The same `reference` always answers with the same receipt, so a repeat books nothing.
        """
        ...
