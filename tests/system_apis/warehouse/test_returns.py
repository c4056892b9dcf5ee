"""Goods that come back are on the shelf once, in the house they left from."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from shared.binding.problems import Refused
from shared.contracts.canonical.inventory import AvailabilityRequest, WantedLine
from shared.contracts.canonical.returns import NewReturnReceipt
from shared.contracts.system.warehouse import UnknownSku, WarehouseShipmentNotFound, ZeroQuantity
from system_apis.warehouse import SqlWarehouse

SKU = "TG-00001"


@pytest.fixture
async def shipped(warehouse: SqlWarehouse, order: Callable[..., Any], stocked: Callable[..., Any]) -> str:
    """An order of three pieces that leaves from Osaka."""
    await stocked(SKU, osaka=9)
    held = await warehouse.reserve(order("order-1", (SKU, 3)))
    await warehouse.confirm_reservation(held.reservation_id)
    return "order-1"


@pytest.fixture
def on_hand(door: Any) -> Callable[..., Any]:
    async def read(sku: str = SKU) -> list[int]:
        rows = await door.run("SELECT on_hand FROM inventory_level WHERE sku = $1 ORDER BY warehouse", sku)
        return [row[0] for row in rows]

    return read


def back(order_reference: str, *lines: tuple[str, str], reference: str = "return-1") -> NewReturnReceipt:
    return NewReturnReceipt(reference, order_reference, [WantedLine(sku, Decimal(count)) for sku, count in lines])


async def test_goods_are_booked_once_where_they_left_from(
    warehouse: SqlWarehouse, shipped: str, on_hand: Callable[..., Any]
) -> None:
    first = await warehouse.receive_return(back(shipped, (SKU, "2")))
    assert (first.reference, first.warehouse) == ("return-1", "OSA1")
    assert first.lines == [WantedLine(SKU, Decimal(2))]
    assert await warehouse.receive_return(back(shipped, (SKU, "2"))) == first
    assert await on_hand() == [0, 11, 0]
    available = await warehouse.check_availability(AvailabilityRequest([WantedLine(SKU, Decimal(1))]))
    assert available.lines[0].available == 8


async def test_lines_of_one_product_add_up(warehouse: SqlWarehouse, shipped: str, on_hand: Callable[..., Any]) -> None:
    received = await warehouse.receive_return(back(shipped, (SKU, "1"), (SKU, "1")))
    assert received.lines == [WantedLine(SKU, Decimal(2))]
    assert await on_hand() == [0, 11, 0]


async def test_several_at_once_book_one(warehouse: SqlWarehouse, shipped: str, on_hand: Callable[..., Any]) -> None:
    received = await asyncio.gather(*(warehouse.receive_return(back(shipped, (SKU, "1"))) for _ in range(8)))
    assert len({one.receipt_id for one in received}) == 1
    assert await on_hand() == [0, 10, 0]


async def test_what_is_not_stocked_is_named_and_nothing_booked(
    warehouse: SqlWarehouse, shipped: str, on_hand: Callable[..., Any]
) -> None:
    with pytest.raises(UnknownSku) as refused:
        await warehouse.receive_return(back(shipped, (SKU, "1"), ("TG-99999", "1")))
    assert [error.pointer for error in refused.value.errors] == ["/lines/1/sku"]
    assert await on_hand() == [0, 9, 0]
    assert (await warehouse.receive_return(back(shipped, (SKU, "1")))).lines == [WantedLine(SKU, Decimal(1))]


@pytest.mark.parametrize(
    ("count", "kind"), [("0", ZeroQuantity), ("-1", ZeroQuantity), ("0.5", Refused), ("1E+99", Refused)]
)
async def test_a_quantity_that_cannot_be_booked_is_refused(
    warehouse: SqlWarehouse, shipped: str, count: str, kind: type[Refused]
) -> None:
    with pytest.raises(kind) as refused:
        await warehouse.receive_return(back(shipped, (SKU, count)))
    assert refused.value.errors[0].pointer == "/lines/0/quantity"


async def test_an_order_that_was_not_shipped_from_here_is_refused(warehouse: SqlWarehouse) -> None:
    with pytest.raises(WarehouseShipmentNotFound):
        await warehouse.receive_return(back("order-nothing", (SKU, "1")))
