"""What SqlWarehouse does, on SQLite and on PostgreSQL alike."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol

import pytest
from eventually import eventually

from shared.binding.problems import Conflict, Problem, Refused
from shared.contracts.canonical.inventory import AvailabilityRequest, NewReservation, WantedLine
from shared.contracts.system.warehouse import (
    ReservationEnded,
    ReservationNotFound,
    ShortStock,
    UnknownSku,
    WarehouseShipmentNotFound,
    ZeroQuantity,
)
from shared.security.secrets import Secret
from system_apis.warehouse import SqlWarehouse

Order = Callable[..., NewReservation]
Stocked = Callable[..., Awaitable[str]]
Lapse = Callable[[str], Awaitable[None]]
Allocated = Callable[[str], Awaitable[list[int]]]


class BackDoor(Protocol):
    url: str
    password: Secret | None

    async def run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]: ...


A, B = "TG-00001", "TG-00002"


def asking(*lines: tuple[str, str]) -> AvailabilityRequest:
    return AvailabilityRequest([WantedLine(sku, Decimal(quantity)) for sku, quantity in lines])


def pointers(problem: Problem) -> list[str | None]:
    return [error.pointer for error in problem.errors]


async def test_availability_adds_all_warehouses_up_and_keeps_safety_stock_back(
    warehouse: SqlWarehouse, stocked: Stocked
) -> None:
    await stocked(A, 10, 20, 1, safety=2)
    answer = await warehouse.check_availability(asking((A, "26")))
    (level,) = answer.lines
    assert (level.on_hand, level.allocated, level.available, level.enough) == (31, 0, 8 + 18 + 0, True)
    assert answer.enough
    assert not (await warehouse.check_availability(asking((A, "26.5")))).enough


async def test_availability_answers_in_the_order_asked_and_serves_lines_of_one_sku_in_turn(
    warehouse: SqlWarehouse, stocked: Stocked
) -> None:
    await stocked(A, 10)
    await stocked(B, 1)
    answer = await warehouse.check_availability(asking((B, "1"), (A, "6"), (A, "5")))
    assert [(level.sku, level.enough) for level in answer.lines] == [(B, True), (A, True), (A, False)]
    assert not answer.enough


async def test_availability_counts_live_holds_and_not_expired_ones(
    warehouse: SqlWarehouse, stocked: Stocked, order: Order, lapse: Lapse
) -> None:
    await stocked(A, 10)
    await warehouse.reserve(order("q-1", (A, 3)))
    await warehouse.reserve(order("q-2", (A, 4)))
    await lapse("q-1")
    (level,) = (await warehouse.check_availability(asking((A, "1")))).lines
    assert (level.on_hand, level.allocated, level.available) == (10, 4, 6)


async def test_availability_names_each_unknown_sku(warehouse: SqlWarehouse) -> None:
    with pytest.raises(UnknownSku) as caught:
        await warehouse.check_availability(asking((A, "1"), ("TG-99999", "1"), ("nothing", "1")))
    assert pointers(caught.value) == ["/lines/1/sku", "/lines/2/sku"]


async def test_an_item_that_is_no_longer_sold_is_unknown(warehouse: SqlWarehouse, door: BackDoor, order: Order) -> None:
    await door.run("UPDATE item SET active = 0 WHERE sku = $1", A)
    with pytest.raises(UnknownSku):
        await warehouse.check_availability(asking((A, "1")))
    with pytest.raises(UnknownSku):
        await warehouse.reserve(order("q-1", (A, 1)))


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity"])
async def test_a_quantity_of_nothing_is_refused_before_anything_is_asked(
    warehouse: SqlWarehouse, quantity: str
) -> None:
    lines = [WantedLine(A, Decimal(1)), WantedLine(A, Decimal(quantity))]
    with pytest.raises(ZeroQuantity) as checked:
        await warehouse.check_availability(AvailabilityRequest(lines))
    with pytest.raises(ZeroQuantity) as reserved:
        await warehouse.reserve(NewReservation("q-1", lines))
    assert pointers(checked.value) == pointers(reserved.value) == ["/lines/1/quantity"]


async def test_half_a_piece_cannot_be_held(warehouse: SqlWarehouse) -> None:
    with pytest.raises(Refused) as caught:
        await warehouse.reserve(NewReservation("q-1", [WantedLine(A, Decimal("1.5"))]))
    assert pointers(caught.value) == ["/lines/0/quantity"]


async def test_a_hold_takes_from_one_warehouse_that_has_everything(
    warehouse: SqlWarehouse, stocked: Stocked, order: Order, allocated: Allocated
) -> None:
    await stocked(A, hamburg=50, reno=5)
    await stocked(B, hamburg=1, reno=5)
    held = await warehouse.reserve(order("q-1", (B, 2), (A, 3), (B, 1), seconds=60))
    assert (held.state, held.reference) == ("held", "q-1")
    assert held.expires is not None
    assert held.expires - held.created == timedelta(seconds=60)
    assert [(line.sku, line.quantity) for line in held.lines] == [(A, 3), (B, 3)]
    assert (await allocated(A), await allocated(B)) == ([0, 0, 3], [0, 0, 3])
    assert await warehouse.get_reservation(held.reservation_id) == held


async def test_a_hold_is_split_fullest_first_where_no_warehouse_has_everything(
    warehouse: SqlWarehouse, stocked: Stocked, order: Order, allocated: Allocated
) -> None:
    await stocked(A, hamburg=5, reno=9, osaka=1)
    held = await warehouse.reserve(order("q-1", (A, 12)))
    assert await allocated(A) == [3, 0, 9]
    assert held.lines == [WantedLine(A, Decimal(12))]
    await warehouse.confirm_reservation(held.reservation_id)
    assert (await warehouse.get_shipment("q-1")).status == "planned"


async def test_short_stock_names_each_short_line_and_holds_nothing(
    warehouse: SqlWarehouse, stocked: Stocked, order: Order, allocated: Allocated
) -> None:
    await stocked(A, 5, safety=1)
    await stocked(B, 9)
    with pytest.raises(ShortStock) as caught:
        await warehouse.reserve(order("q-1", (A, 5), (B, 9), (B, 1)))
    assert pointers(caught.value) == ["/lines/0", "/lines/2"]
    assert (await allocated(A), await allocated(B)) == ([0, 0, 0], [0, 0, 0])
    assert (await warehouse.reserve(order("q-1", (A, 4), (B, 9)))).state == "held"


async def test_a_quantity_beyond_all_numbers_is_short_stock(warehouse: SqlWarehouse) -> None:
    with pytest.raises(ShortStock):
        await warehouse.reserve(NewReservation("q-1", [WantedLine(A, Decimal("1E+999999"))]))


async def test_repeating_a_reservation_answers_with_the_same_hold(
    warehouse: SqlWarehouse, stocked: Stocked, order: Order, allocated: Allocated
) -> None:
    await stocked(A, 10)
    first = await warehouse.reserve(order("q-1", (A, 6)))
    assert await warehouse.reserve(order("q-1", (A, 6))) == first
    assert await allocated(A) == [6, 0, 0]
    confirmed = await warehouse.confirm_reservation(first.reservation_id)
    assert await warehouse.reserve(order("q-1", (A, 6))) == confirmed


async def test_one_reference_asked_many_times_at_once_makes_one_hold(
    warehouse: SqlWarehouse, stocked: Stocked, order: Order, allocated: Allocated
) -> None:
    await stocked(A, 10)
    holds = await asyncio.gather(*(warehouse.reserve(order("q-1", (A, 6))) for _ in range(8)))
    assert len({hold.reservation_id for hold in holds}) == 1
    assert await allocated(A) == [6, 0, 0]


@pytest.mark.parametrize("ended", ["expired", "released"])
async def test_a_hold_that_ended_is_held_anew_with_what_is_asked_now(
    warehouse: SqlWarehouse, stocked: Stocked, order: Order, lapse: Lapse, allocated: Allocated, ended: str
) -> None:
    await stocked(A, 10)
    first = await warehouse.reserve(order("q-1", (A, 6)))
    if ended == "released":
        await warehouse.release_reservation(first.reservation_id)
    else:
        await lapse("q-1")
    again = await warehouse.reserve(order("q-1", (A, 9)))
    assert (again.state, again.lines[0].quantity) == ("held", 9)
    assert again.created >= first.created
    assert await allocated(A) == [9, 0, 0]


async def test_an_ended_hold_stays_ended_when_stock_no_longer_allows(
    warehouse: SqlWarehouse, stocked: Stocked, order: Order, lapse: Lapse
) -> None:
    await stocked(A, 10)
    first = await warehouse.reserve(order("q-1", (A, 6)))
    await lapse("q-1")
    await warehouse.reserve(order("q-2", (A, 8)))
    with pytest.raises(ShortStock):
        await warehouse.reserve(order("q-1", (A, 6)))
    assert (await warehouse.get_reservation(first.reservation_id)).state == "expired"


async def test_expired_holds_make_room_in_the_reservation_that_needs_it(
    warehouse: SqlWarehouse, stocked: Stocked, order: Order, lapse: Lapse, allocated: Allocated
) -> None:
    await stocked(A, 10)
    await stocked(B, 10)
    for number in range(5):
        await warehouse.reserve(order(f"old-{number}", (A, 2), (B, 1)))
        await lapse(f"old-{number}")
    await warehouse.reserve(order("q-1", (A, 10)))
    assert (await allocated(A), await allocated(B)) == ([10, 0, 0], [0, 0, 0])


async def test_a_hold_runs_out_by_itself(warehouse: SqlWarehouse, stocked: Stocked, order: Order) -> None:
    await stocked(A, 10)
    held = await warehouse.reserve(order("q-1", (A, 10), seconds=1))

    async def expired() -> bool:
        return (await warehouse.get_reservation(held.reservation_id)).state == "expired"

    await eventually(expired, every=0.1)
    assert (await warehouse.check_availability(asking((A, "10")))).enough


async def test_the_sweep_gives_back_what_expired_holds_take(
    warehouse: SqlWarehouse, stocked: Stocked, order: Order, lapse: Lapse, allocated: Allocated
) -> None:
    await stocked(A, 500)
    for number in range(3):
        await warehouse.reserve(order(f"q-{number}", (A, 10)))
    await lapse("q-0")
    await lapse("q-2")
    assert await warehouse.sweep() == 2
    assert await allocated(A) == [10, 0, 0]
    assert await warehouse.sweep() == 0


async def test_sweeping_goes_on_by_itself_between_start_and_close(
    door: BackDoor,
    opened: Callable[..., SqlWarehouse],
    stocked: Stocked,
    order: Order,
    lapse: Lapse,
    allocated: Allocated,
) -> None:
    warehouse = opened(door.url, door.password, sweep_seconds=0.02)
    await stocked(A, 10)
    await warehouse.reserve(order("q-1", (A, 6)))
    await lapse("q-1")
    await warehouse.start()

    async def is_swept() -> bool:
        return await allocated(A) == [0, 0, 0]

    await eventually(is_swept, every=0.02)
    await warehouse.aclose()


async def test_a_confirmed_hold_never_expires_and_its_shipment_is_planned(
    warehouse: SqlWarehouse, stocked: Stocked, order: Order, lapse: Lapse, allocated: Allocated
) -> None:
    await stocked(A, 10)
    held = await warehouse.reserve(order("q-1", (A, 6)))
    with pytest.raises(WarehouseShipmentNotFound):
        await warehouse.get_shipment("q-1")
    confirmed = await warehouse.confirm_reservation(held.reservation_id)
    assert (confirmed.state, confirmed.expires) == ("confirmed", None)
    assert await warehouse.confirm_reservation(held.reservation_id) == confirmed
    await lapse("q-1")
    assert (await warehouse.get_reservation(held.reservation_id)).state == "confirmed"
    assert await warehouse.sweep() == 0
    assert await allocated(A) == [6, 0, 0]
    shipment = await warehouse.get_shipment("q-1")
    assert (shipment.reference, shipment.status, shipment.tracking_code) == ("q-1", "planned", "")


@pytest.mark.parametrize("ended", ["expired", "released"])
async def test_an_ended_hold_cannot_be_confirmed(
    warehouse: SqlWarehouse, stocked: Stocked, order: Order, lapse: Lapse, allocated: Allocated, ended: str
) -> None:
    await stocked(A, 10)
    held = await warehouse.reserve(order("q-1", (A, 6)))
    if ended == "released":
        await warehouse.release_reservation(held.reservation_id)
    else:
        await lapse("q-1")
    for _ in range(2):
        with pytest.raises(ReservationEnded, match=ended):
            await warehouse.confirm_reservation(held.reservation_id)
        assert await allocated(A) == [0, 0, 0]
    assert (await warehouse.get_reservation(held.reservation_id)).state == ended


async def test_releasing_gives_back_once_however_often_it_is_asked(
    warehouse: SqlWarehouse, stocked: Stocked, order: Order, allocated: Allocated
) -> None:
    await stocked(A, 10)
    await warehouse.reserve(order("q-1", (A, 3)))
    held = await warehouse.reserve(order("q-2", (A, 6)))
    released = await asyncio.gather(*(warehouse.release_reservation(held.reservation_id) for _ in range(4)))
    assert {one.state for one in released} == {"released"}
    assert await allocated(A) == [3, 0, 0]


async def test_releasing_an_expired_hold_gives_back_and_says_that_it_expired(
    warehouse: SqlWarehouse, stocked: Stocked, order: Order, lapse: Lapse, allocated: Allocated
) -> None:
    await stocked(A, 10)
    held = await warehouse.reserve(order("q-1", (A, 6)))
    await lapse("q-1")
    for _ in range(2):
        assert (await warehouse.release_reservation(held.reservation_id)).state == "expired"
        assert await allocated(A) == [0, 0, 0]


async def test_releasing_a_confirmed_hold_cancels_its_shipment_and_it_can_be_held_again(
    warehouse: SqlWarehouse, stocked: Stocked, order: Order, allocated: Allocated
) -> None:
    await stocked(A, 10)
    held = await warehouse.reserve(order("q-1", (A, 6)))
    await warehouse.confirm_reservation(held.reservation_id)
    assert (await warehouse.release_reservation(held.reservation_id)).state == "released"
    assert await allocated(A) == [0, 0, 0]
    assert (await warehouse.get_shipment("q-1")).status == "cancelled"
    again = await warehouse.reserve(order("q-1", (A, 2)))
    await warehouse.confirm_reservation(again.reservation_id)
    assert (await warehouse.get_shipment("q-1")).status == "planned"


async def test_goods_that_have_left_cannot_be_released(
    warehouse: SqlWarehouse, door: BackDoor, stocked: Stocked, order: Order, allocated: Allocated
) -> None:
    await stocked(A, 10)
    held = await warehouse.reserve(order("q-1", (A, 6)))
    await warehouse.confirm_reservation(held.reservation_id)
    await door.run("UPDATE shipment SET status = 'shipped', tracking_number = '1Z999' WHERE reference = 'q-1'")
    with pytest.raises(Conflict, match="return"):
        await warehouse.release_reservation(held.reservation_id)
    assert await allocated(A) == [6, 0, 0]
    shipment = await warehouse.get_shipment("q-1")
    assert (shipment.status, shipment.tracking_code) == ("shipped", "1Z999")


async def test_a_hold_that_is_not_there_is_not_found(warehouse: SqlWarehouse) -> None:
    for operation in (warehouse.get_reservation, warehouse.confirm_reservation, warehouse.release_reservation):
        with pytest.raises(ReservationNotFound, match="rsv-none"):
            await operation("rsv-none")


async def test_stock_is_never_oversold_however_many_ask_at_once(
    door: BackDoor,
    opened: Callable[..., SqlWarehouse],
    stocked: Stocked,
    order: Order,
    lapse: Lapse,
    allocated: Allocated,
) -> None:
    await stocked(A, 20, 11, 3)
    await stocked(B, 40, 2, 9)
    doors = [opened(door.url, door.password) for _ in range(3)]
    for number in range(4):
        await doors[0].reserve(order(f"old-{number}", (A, 5), (B, 5)))
        await lapse(f"old-{number}")

    async def attempt(number: int) -> int:
        lines = ((A, 2), (B, 1)) if number % 2 else ((B, 1), (A, 2))
        try:
            held = await doors[number % 3].reserve(order(f"q-{number}", *lines))
            if number % 5 == 0:
                await doors[(number + 1) % 3].release_reservation(held.reservation_id)
                return 0
        except ShortStock:
            return 0
        return 1

    kept = sum(await asyncio.gather(*(attempt(number) for number in range(40))))
    assert sum(await allocated(A)) == 2 * kept <= 34
    assert sum(await allocated(B)) == kept
    while await doors[0].sweep():
        pass
    rest = await doors[0].check_availability(asking((A, "1")))
    assert rest.lines[0].available == 34 - 2 * kept


async def test_reservations_that_start_together_each_see_what_the_others_took(
    warehouse: SqlWarehouse, stocked: Stocked, order: Order, allocated: Allocated
) -> None:
    await stocked(A, 20, safety=6)
    # all connections are open before the start, so that they do start together
    await asyncio.gather(*(warehouse.get_reservation("rsv-none") for _ in range(16)), return_exceptions=True)
    tried = (warehouse.reserve(order(f"q-{number}", (A, 2))) for number in range(16))
    outcomes = await asyncio.gather(*tried, return_exceptions=True)
    assert sum(isinstance(outcome, ShortStock) for outcome in outcomes) == 9
    assert await allocated(A) == [14, 0, 0]
