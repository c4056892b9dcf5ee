"""Returns, alike in every ERP: authorized once, cancelled, credited once."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from shared.contracts.canonical.order import ErpOrder
from shared.contracts.canonical.returns import NewErpReturn, NewErpReturnLine
from shared.contracts.system.erp import (
    ErpCancellation,
    ErpOrderNotFound,
    ErpReturnNotFound,
    ReturnCancelled,
    ReturnNotCancellable,
    ReturnRejected,
)

REASON = ErpCancellation("changed their mind")


@pytest.fixture
def back(invoiced: ErpOrder, reference: Callable[[], str]) -> Callable[..., NewErpReturn]:
    """Some of the first item of an order that was billed."""

    def made(quantity: Decimal = Decimal(1), **changed: Any) -> NewErpReturn:
        line = invoiced.lines[0]
        values = {"order_item": line.item, "sku": line.sku, "quantity": quantity, "reason": "damaged"} | changed
        return NewErpReturn(reference(), invoiced.erp_order_id, [NewErpReturnLine(**values)])

    return made


async def test_a_return_is_valued_as_it_was_sold(erp: Any, invoiced: ErpOrder, back: Any) -> None:
    assert await erp.list_returns(invoiced.erp_order_id) == []
    whole = invoiced.lines[0]
    made = await erp.create_return(back(whole.quantity))
    assert (made.state, made.erp_order_id, made.net) == ("open", invoiced.erp_order_id, whole.net)
    assert [(one.order_item, one.sku, one.quantity, one.cancelled) for one in made.lines] == [
        (whole.item, whole.sku, whole.quantity, False)
    ]
    assert await erp.list_returns(invoiced.erp_order_id) == [made] == [await erp.get_return(made.erp_return_id)]


async def test_the_same_reference_is_the_same_return(erp: Any, invoiced: ErpOrder, back: Any) -> None:
    new = back()
    made = await asyncio.gather(*(erp.create_return(new) for _ in range(3)))
    assert len({one.erp_return_id for one in made}) == 1
    assert len(await erp.list_returns(invoiced.erp_order_id)) == 1


async def test_what_cannot_come_back_is_refused(erp: Any, invoiced: ErpOrder, back: Any) -> None:
    for new in (
        back(invoiced.lines[0].quantity + 1), back(Decimal(0)), back(Decimal(-1)), back(order_item="999999"),
    ):  # fmt: skip
        with pytest.raises(ReturnRejected):
            await erp.create_return(new)
    assert await erp.list_returns(invoiced.erp_order_id) == []


async def test_no_return_is_not_found(erp: Any, back: Any) -> None:
    for missing in ("987654321", "NoSuchReturn"):
        with pytest.raises(ErpOrderNotFound):
            await erp.create_return(NewErpReturn("r", missing, back().lines))
        for asked in (erp.get_return, erp.credit_return, lambda number: erp.cancel_return(number, REASON)):
            with pytest.raises(ErpReturnNotFound):
                await asked(missing)


async def test_a_cancelled_return_gives_its_quantity_back(erp: Any, invoiced: ErpOrder, back: Any) -> None:
    whole = invoiced.lines[0].quantity
    made = await erp.create_return(back(whole))
    for _ in range(2):
        cancelled = await erp.cancel_return(made.erp_return_id, REASON)
        assert cancelled.state == "cancelled"
        assert all(one.cancelled for one in cancelled.lines)
    with pytest.raises(ReturnCancelled):
        await erp.credit_return(made.erp_return_id)
    await erp.create_return(back(whole))
    assert [one.state for one in await erp.list_returns(invoiced.erp_order_id)] == ["cancelled", "open"]


async def test_a_return_is_credited_once_and_cannot_be_cancelled_then(erp: Any, back: Any) -> None:
    made = await erp.create_return(back())
    credited = await asyncio.gather(*(erp.credit_return(made.erp_return_id) for _ in range(3)))
    credit_ids = {one.credit.credit_request_id for one in credited if one.credit}
    assert len(credit_ids) == 1
    assert credited[0].state in ("credit-requested", "credited")
    assert credited[0].credit is not None
    assert credited[0].credit.net == made.net
    with pytest.raises(ReturnNotCancellable):
        await erp.cancel_return(made.erp_return_id, REASON)
