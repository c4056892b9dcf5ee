"""The warehouse contract over SQL."""

import asyncio
from datetime import UTC, datetime

from shared.binding.problems import Conflict, Problem
from shared.contracts.canonical.inventory import Availability, AvailabilityRequest, NewReservation, Reservation
from shared.contracts.canonical.returns import NewReturnReceipt, ReturnReceipt
from shared.contracts.canonical.shipment import WarehouseShipment
from shared.contracts.system.warehouse import (
    ReservationEnded,
    ReservationNotFound,
    Warehouse,
    WarehouseShipmentNotFound,
)
from shared.telemetry.logging import get_logger
from system_apis.warehouse import return_receipts, transactions
from system_apis.warehouse.connector import WarehouseDatabase
from system_apis.warehouse.records import Hold, ShipmentRecord
from system_apis.warehouse.translator import (
    check_bookable,
    check_quantities,
    check_whole,
    to_availability,
    to_receipt,
    to_reservation,
    to_shipment,
)

_log = get_logger("warehouse")


class SqlWarehouse(Warehouse):
    """Warehouse as the tables of a warehouse management system hold it.

    Free to promise is what is on hand less safety stock less what live holds take, warehouse by warehouse.
    """

    def __init__(self, database: WarehouseDatabase) -> None:
        self._database = database
        self._sweeping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to give back what expired holds take, now and then."""
        if self._database.settings.sweep_seconds > 0:
            self._sweeping = asyncio.create_task(self._sweep_on())

    async def aclose(self) -> None:
        """Stop sweeping. The database is closed by its own `aclose`."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.wait([self._sweeping])

    async def check_availability(self, request: AvailabilityRequest) -> Availability:
        """As promised by `Warehouse`."""
        check_quantities(request.lines)
        as_of = datetime.now(UTC)
        skus = tuple(dict.fromkeys(line.sku for line in request.lines))
        levels = await self._database.read("check_availability", lambda: transactions.levels_now(skus))
        return to_availability(request.lines, levels, as_of)

    async def reserve(self, reservation: NewReservation) -> Reservation:
        """As promised by `Warehouse`. A split over warehouses is made only where no single one has everything."""
        check_quantities(reservation.lines)
        check_whole(reservation.lines)
        return to_reservation(await self._database.write("reserve", lambda: transactions.hold(reservation)))

    async def get_reservation(self, reservation_id: str) -> Reservation:
        """As promised by `Warehouse`."""
        found = await self._database.read("get_reservation", lambda: transactions.hold_by_id(reservation_id))
        return to_reservation(_found(found, reservation_id))

    async def confirm_reservation(self, reservation_id: str) -> Reservation:
        """As promised by `Warehouse`."""
        outcome = await self._database.write("confirm_reservation", lambda: transactions.confirm(reservation_id))
        confirmed = _found(outcome, reservation_id)
        if confirmed.record.standing != "fulfilled":
            raise ReservationEnded(
                f"The hold {reservation_id} is {confirmed.record.standing}; reserve the goods again."
            )
        return to_reservation(confirmed)

    async def release_reservation(self, reservation_id: str) -> Reservation:
        """As promised by `Warehouse`. A confirmed hold is released too, and its shipment cancelled.

        Raises:
            Conflict: The goods have left the warehouse.
        """
        outcome = await self._database.write("release_reservation", lambda: transactions.release(reservation_id))
        if isinstance(outcome, ShipmentRecord):
            raise Conflict(
                f"The goods of {reservation_id} have left as shipment {outcome.id}; take them back as a return."
            )
        return to_reservation(_found(outcome, reservation_id))

    async def get_shipment(self, reference: str) -> WarehouseShipment:
        """As promised by `Warehouse`."""
        found = await self._database.read("get_shipment", lambda: transactions.shipment_by_reference(reference))
        if found is None:
            raise WarehouseShipmentNotFound(f"The warehouse has no shipment for the reference {reference}.")
        return to_shipment(found)

    async def receive_return(self, receipt: NewReturnReceipt) -> ReturnReceipt:
        """As promised by `Warehouse`. Goods of an order that left from several houses come back to its main one."""
        check_quantities(receipt.lines)
        check_whole(receipt.lines)
        check_bookable(receipt.lines)
        outcome = await self._database.write("receive_return", lambda: return_receipts.receive(receipt))
        if outcome is None:
            raise WarehouseShipmentNotFound(f"The warehouse has no shipment for the order {receipt.order_reference}.")
        return to_receipt(outcome)

    async def sweep(self) -> int:
        """Give back what expired holds take; returns how many there were."""
        swept = 0
        while True:
            count = await self._database.write("sweep", transactions.sweep)
            swept += count
            if transactions.swept_all(count):
                return swept

    async def _sweep_on(self) -> None:
        while True:
            await asyncio.sleep(self._database.settings.sweep_seconds)
            try:
                swept = await self.sweep()
            except Problem as problem:
                _log.warning("warehouse.sweep.failed", problem=problem.slug)
            else:
                if swept:
                    _log.info("warehouse.sweep.done", holds=swept)


def _found(hold: Hold | None, reservation_id: str) -> Hold:
    if hold is None:
        raise ReservationNotFound(f"There is no hold {reservation_id}; check the id, or reserve the goods.")
    return hold
