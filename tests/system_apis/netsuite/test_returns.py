"""Returns: a return authorization made from the order, an item receipt, a credit memo, each once."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from shared.binding.problems import BackendFault
from shared.contracts.canonical.order import ErpOrder, NewErpOrder
from shared.contracts.canonical.returns import NewErpReturn, NewErpReturnLine
from shared.contracts.system.erp import (
    ErpCancellation,
    ErpOrderNotFound,
    ErpReturnNotFound,
    ReturnCancelled,
    ReturnNotCancellable,
    ReturnRejected,
)
from system_apis.netsuite.service import NetSuiteErp

WHY = ErpCancellation("kept after all")
RECORDS = "/services/rest/record/v1"


@pytest.fixture
async def sold(erp: NetSuiteErp, new_order: Callable[..., NewErpOrder], control: Any) -> ErpOrder:
    """An order that was delivered and invoiced."""
    placed = await erp.create_order(new_order("sold"))
    await control.do("fulfil", order=placed.erp_order_id, until="invoice")
    return await erp.get_order(placed.erp_order_id)


def returning(order: ErpOrder, reference: str = "return-1", **changed: Any) -> NewErpReturn:
    """One piece of the order's first line."""
    values: dict[str, Any] = {
        "order_item": order.lines[0].item, "sku": order.lines[0].sku, "quantity": Decimal(1), "reason": "damaged",
    } | changed  # fmt: skip
    return NewErpReturn(reference, order.erp_order_id, [NewErpReturnLine(**values)])


async def test_return_is_valued_as_sold_and_found_again(erp: NetSuiteErp, sold: ErpOrder, control: Any) -> None:
    made = await erp.create_return(returning(sold))
    assert (made.state, made.reference, made.erp_order_id) == ("open", "return-1", sold.erp_order_id)
    (line,) = made.lines
    assert (line.order_item, line.sku, line.quantity) == (sold.lines[0].item, sold.lines[0].sku, 1)
    assert line.net.amount * sold.lines[0].quantity == sold.lines[0].net.amount
    assert await erp.create_return(returning(sold)) == made
    assert await erp.get_return(made.erp_return_id) == made
    assert await erp.list_returns(sold.erp_order_id) == [made]
    assert len((await control.ledger())["returns"]) == 1


@pytest.mark.parametrize("fault", ["lost-reply", "html", "nonsense"])
async def test_no_usable_reply_authorizes_no_second_return(
    erp: NetSuiteErp, sold: ErpOrder, control: Any, fault: str
) -> None:
    path = f"{RECORDS}/salesOrder/*/!transform/returnAuthorization"
    await control.do("faults", fault=fault, method="POST", path=path)
    made = await attempted(lambda: erp.create_return(returning(sold)))
    assert [row["id"] for row in (await control.ledger())["returns"]] == [made.erp_return_id]


async def attempted(ask: Callable[[], Awaitable[Any]]) -> Any:
    """As a flow does: once more after a fault."""
    try:
        return await ask()
    except BackendFault:
        return await ask()


async def test_credited_once_with_the_goods_booked_in(erp: NetSuiteErp, sold: ErpOrder, control: Any) -> None:
    made = await erp.create_return(returning(sold))
    await control.do(
        "faults", fault="lost-reply", method="POST", path=f"{RECORDS}/returnAuthorization/*/!transform/*", times=2
    )
    credited = await asyncio.gather(*(erp.credit_return(made.erp_return_id) for _ in range(3)))
    assert {one.state for one in credited} == {"credited"}
    credit = credited[0].credit
    assert credit is not None
    assert credit.net == made.net
    assert credit.posted is not None
    (memo,) = (await control.ledger())["credits"]
    assert memo["id"] == credit.credit_memo_id
    assert await erp.credit_return(made.erp_return_id) == credited[0]
    with pytest.raises(ReturnNotCancellable):
        await erp.cancel_return(made.erp_return_id, WHY)


async def test_credit_that_netsuite_refuses_is_a_fault_for_people(
    erp: NetSuiteErp, sold: ErpOrder, control: Any
) -> None:
    made = await erp.create_return(returning(sold))
    body = {"status": 400, "o:errorDetails": [{"detail": "The period is closed.", "o:errorCode": "USER_ERROR"}]}
    await control.do(
        "faults", fault="status", method="POST", path=f"{RECORDS}/returnAuthorization/*", status=400, body=body
    )
    with pytest.raises(BackendFault) as refused:
        await erp.credit_return(made.erp_return_id)
    assert refused.value.extensions["remark"] == "The period is closed."
    assert (await erp.credit_return(made.erp_return_id)).state == "credited"


async def test_cancelled_return_gives_its_quantity_back(erp: NetSuiteErp, sold: ErpOrder) -> None:
    whole = sold.lines[0].quantity
    made = await erp.create_return(returning(sold, quantity=whole))
    cancelled = await erp.cancel_return(made.erp_return_id, WHY)
    assert (cancelled.state, [one.cancelled for one in cancelled.lines]) == ("cancelled", [True])
    assert await erp.cancel_return(made.erp_return_id, WHY) == cancelled
    with pytest.raises(ReturnCancelled):
        await erp.credit_return(made.erp_return_id)
    again = await erp.create_return(returning(sold, "return-2", quantity=whole))
    assert [one.state for one in await erp.list_returns(sold.erp_order_id)] == ["cancelled", "open"]
    with pytest.raises(ReturnRejected) as refused:
        await erp.create_return(returning(sold, "return-3"))
    assert refused.value.extensions["code"] == "INVALID_INITIALIZE_REF" or refused.value.errors
    assert again.state == "open"


@pytest.mark.parametrize(
    "wrong",
    [{"order_item": "99"}, {"sku": "TG-99999"}, {"quantity": Decimal(0)}, {"quantity": Decimal(10_000)}],
)
async def test_line_that_cannot_come_back_is_rejected(
    erp: NetSuiteErp, sold: ErpOrder, control: Any, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ReturnRejected) as refused:
        await erp.create_return(returning(sold, **wrong))
    assert refused.value.errors[0].pointer == "/lines/0"
    assert (await control.ledger())["returns"] == []


async def test_nothing_comes_back_of_what_has_not_gone_out(
    erp: NetSuiteErp, new_order: Callable[..., NewErpOrder]
) -> None:
    placed = await erp.create_order(new_order("kept"))
    with pytest.raises(ReturnRejected):
        await erp.create_return(returning(placed))


async def test_what_is_not_there_is_not_found(erp: NetSuiteErp, sold: ErpOrder) -> None:
    for key in ("999999", "eid:return-1"):
        with pytest.raises(ErpReturnNotFound):
            await erp.get_return(key)
        with pytest.raises(ErpOrderNotFound):
            await erp.list_returns(key)
    with pytest.raises(ErpOrderNotFound):
        await erp.create_return(replace(returning(sold), erp_order_id="999999"))
