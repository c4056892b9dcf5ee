"""SAP takes no idempotency key: what it did without our hearing of it is found by the order's own reference."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from shared.contracts.canonical.order import NewErpOrder
from shared.contracts.system.erp import ErpCancellation
from system_apis.sap.service import SapErp

SERVICE = "/sap/opu/odata/sap/API_SALES_ORDER_SRV"
PLACED, CANCELLED = 220, 40
AT_ONCE = 8


@pytest.fixture
def patient_erp(control: Any, connect: Callable[..., SapErp], sandbox_url: str) -> SapErp:
    """Half of all calls are going to fail; that shall open no circuit here, and lookups may be repeated."""
    del control
    return connect(sandbox_url, breaker_min_calls=1_000_000, retry_share=10.0)


async def each(count: int, do: Callable[[int], Any]) -> list[Any]:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> Any:
        async with places:
            return await do(number)

    return await asyncio.gather(*map(one, range(count)))


@pytest.mark.slow
async def test_hundreds_of_orders_whose_replies_are_lost_stand_once_and_are_cancelled_once(
    patient_erp: SapErp, new_order: Callable[..., NewErpOrder], control: Any
) -> None:
    await control.do("faults", fault="lost-reply", method="POST", path=f"{SERVICE}/A_SalesOrder", times=PLACED)
    orders = await each(PLACED, lambda number: patient_erp.create_order(new_order(f"lost-{number}")))
    written = {row["SalesOrder"]: row for row in await control.orders()}
    assert len(written) == PLACED
    assert {order.erp_order_id for order in orders} == set(written)
    assert {order.reference for order in orders} == {f"lost-{number}" for number in range(PLACED)}

    ids = [order.erp_order_id for order in orders[:CANCELLED]]
    for number in ids:
        await control.do("faults", fault="lost-reply", method="POST", path=f"{SERVICE}/$batch")
        assert (await patient_erp.cancel_order(number, ErpCancellation("changed their mind"))).state == "cancelled"
    stand = [row["SalesOrder"] for row in await control.orders() if not row["cancelled"]]
    assert sorted(stand) == sorted(set(written) - set(ids))
