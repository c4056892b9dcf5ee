"""Returns refer to what was sold, and are credited once."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from shared.binding.problems import BackendFault
from shared.contracts.canonical.order import ErpOrder, NewErpOrder, NewOrderLine
from shared.contracts.canonical.returns import NewErpReturn, NewErpReturnLine
from shared.contracts.canonical.values import Money
from shared.contracts.system.erp import (
    ErpCancellation,
    ErpOrderNotFound,
    ErpReturnNotFound,
    ReturnCancelled,
    ReturnNotCancellable,
    ReturnRejected,
)
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.service import OracleErp

New = Callable[..., NewErpOrder]
ROOT = "/fscmRestApi/resources/11.13.18.05"
ORDERS, MEMOS = f"{ROOT}/salesOrdersForOrderHub", f"{ROOT}/receivablesCreditMemos"
REASON = ErpCancellation("changed their mind")


@pytest.fixture
async def order(erp: OracleErp, new_order: New, control: Any) -> ErpOrder:
    """Invoiced; three pieces and more of each product."""
    placed = await erp.create_order(new_order())
    await control.do("fulfil", order=placed.erp_order_id)
    return await erp.get_order(placed.erp_order_id)


def back(order: ErpOrder, quantity: str = "1", reference: str = "return-1", **changed: Any) -> NewErpReturn:
    line = order.lines[0]
    values: dict[str, Any] = {"order_item": line.item, "sku": line.sku, "quantity": Decimal(quantity)}
    values |= {"reason": "damaged"} | changed
    return NewErpReturn(reference, order.erp_order_id, [NewErpReturnLine(**values)])


async def test_a_return_is_valued_as_it_was_sold_and_found_by_its_order(erp: OracleErp, order: ErpOrder) -> None:
    assert await erp.list_returns(order.erp_order_id) == []
    whole = order.lines[0]
    made = await erp.create_return(back(order, str(whole.quantity)))
    assert (made.state, made.erp_order_id, made.reference) == ("open", order.erp_order_id, "return-1")
    assert made.net == whole.net
    assert [(one.order_item, one.sku, one.quantity, one.cancelled) for one in made.lines] == [
        (whole.item, whole.sku, whole.quantity, False)
    ]
    assert await erp.list_returns(order.erp_order_id) == [made] == [await erp.get_return(made.erp_return_id)]


async def test_a_return_is_no_order_and_an_order_no_return(
    erp: OracleErp, order: ErpOrder, connect: Callable[..., OracleConnector], sandbox_url: str
) -> None:
    made = await erp.create_return(back(order, reference="flow-1"))
    with pytest.raises(ErpOrderNotFound):
        await erp.get_order(made.erp_return_id)
    with pytest.raises(ErpReturnNotFound):
        await erp.get_return(order.erp_order_id)
    other = OracleErp(connect(sandbox_url, return_order_type="OTHER"))  # one that nobody told of our order type
    for asked in (erp, other):
        listed = await asked.list_orders(order.erp_number)
        assert made.erp_return_id not in [one.erp_order_id for one in listed.items]
    for missing in (erp.list_returns("1"), erp.create_return(back(order).__class__("x", "1", back(order).lines))):
        with pytest.raises(ErpOrderNotFound):
            await missing


async def test_the_same_reference_is_the_same_return(erp: OracleErp, order: ErpOrder, control: Any) -> None:
    made = await asyncio.gather(*(erp.create_return(back(order)) for _ in range(4)))
    assert len({one.erp_return_id for one in made}) == 1
    assert len(await control.ledger("returns")) == 1


async def test_more_than_was_ordered_is_refused_with_oracles_remark(
    erp: OracleErp, order: ErpOrder, control: Any
) -> None:
    too_much = str(order.lines[0].quantity + 1)
    with pytest.raises(ReturnRejected) as refused:
        await erp.create_return(back(order, too_much))
    assert "can still be returned" in refused.value.extensions["remark"]
    assert await control.ledger("returns") == []


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity", "1E+16"])
async def test_a_quantity_that_cannot_come_back_never_reaches_oracle(
    erp: OracleErp, order: ErpOrder, control: Any, quantity: str
) -> None:
    before = len(await control.requests())
    with pytest.raises(ReturnRejected):
        await erp.create_return(back(order, quantity))
    assert len(await control.requests()) == before


@pytest.mark.parametrize("changed", [{"order_item": "99"}, {"sku": "TG-00540"}])
async def test_what_the_order_has_not_does_not_come_back(
    erp: OracleErp, order: ErpOrder, changed: dict[str, str]
) -> None:
    with pytest.raises(ReturnRejected):
        await erp.create_return(back(order, **changed))


async def test_a_cancelled_return_gives_its_quantity_back(erp: OracleErp, order: ErpOrder) -> None:
    whole = str(order.lines[0].quantity)
    made = await erp.create_return(back(order, whole))
    cancelled = await erp.cancel_return(made.erp_return_id, REASON)
    assert (cancelled.state, cancelled.net.amount, cancelled.lines[0].cancelled) == ("cancelled", 0, True)
    assert await erp.cancel_return(made.erp_return_id, REASON) == cancelled
    with pytest.raises(ReturnCancelled):
        await erp.credit_return(made.erp_return_id)
    again = await erp.create_return(back(order, whole, "return-2"))
    assert [one.state for one in await erp.list_returns(order.erp_order_id)] == ["cancelled", "open"]
    assert again.erp_return_id != made.erp_return_id


async def test_what_oracle_split_comes_back_part_by_part(erp: OracleErp, new_order: New) -> None:
    order = await erp.create_order(new_order("short", "short-stock"))
    first = await erp.create_return(back(order, "3"))
    assert [one.quantity for one in first.lines] == [2, 1]
    second = await erp.create_return(back(order, "9", "return-2"))
    assert [one.quantity for one in second.lines] == [9]
    assert first.net.amount + second.net.amount == order.lines[0].net.amount
    with pytest.raises(ReturnRejected):
        await erp.create_return(back(order, "1", "return-3"))


async def test_a_return_is_credited_once_and_cannot_be_cancelled_then(
    erp: OracleErp, order: ErpOrder, control: Any
) -> None:
    made = await erp.create_return(back(order))
    credited = await asyncio.gather(*(erp.credit_return(made.erp_return_id) for _ in range(3)))
    assert len({one.credit.credit_memo_id for one in credited if one.credit}) == 1
    assert credited[0].state == "credited"
    assert credited[0].credit is not None
    assert credited[0].credit.net == made.net
    assert credited[0].credit.posted is not None
    with pytest.raises(ReturnNotCancellable):
        await erp.cancel_return(made.erp_return_id, REASON)
    (credit,) = await control.ledger("credits")
    assert Decimal(credit["net"]) == -made.net.amount
    assert credit["TransactionNumber"] == credited[0].credit.credit_memo_id


async def test_the_credit_memo_may_follow_later(erp: OracleErp, order: ErpOrder, control: Any) -> None:
    await control.do("billing-run", held=True)
    made = await erp.create_return(back(order))
    asked = await erp.credit_return(made.erp_return_id)
    assert asked.state == "credit-requested"
    assert asked.credit is not None
    assert (asked.credit.credit_memo_id, asked.credit.posted) == (None, None)
    (billed,) = (await control.do("billing-run"))["billed"]
    found = await erp.get_return(made.erp_return_id)
    assert found.credit is not None
    assert (found.state, found.credit.credit_memo_id) == ("credited", billed)


@pytest.mark.parametrize("path", [ORDERS, MEMOS])
async def test_a_lost_reply_leaves_one_return_and_one_credit(
    erp: OracleErp, order: ErpOrder, control: Any, path: str
) -> None:
    await control.do("faults", method="POST", path=path, fault="lost-reply", times=3)
    made = await erp.create_return(back(order))
    assert (await erp.credit_return(made.erp_return_id)).state == "credited"
    assert (len(await control.ledger("returns")), len(await control.ledger("credits"))) == (1, 1)


async def test_a_credit_that_oracle_refuses_is_a_fault_and_leaves_nothing(
    erp: OracleErp, order: ErpOrder, control: Any
) -> None:
    made = await erp.create_return(back(order))
    await control.do("faults", method="POST", path=MEMOS, fault="status", status=400, body="Period closed.", times=1)
    with pytest.raises(BackendFault, match="refuses to credit") as refused:
        await erp.credit_return(made.erp_return_id)
    assert refused.value.extensions == {"remark": "Period closed."}
    assert await control.ledger("credits") == []
    assert (await erp.credit_return(made.erp_return_id)).state == "credited"


async def test_currencies_without_minor_units_stay_exact(erp: OracleErp, new_order: New, control: Any) -> None:
    plain = new_order(scenario="no-minor-units")
    lines = [NewOrderLine(plain.lines[0].sku, Decimal(3), Money(Decimal(1001), "JPY"))]
    placed = await erp.create_order(new_order(scenario="no-minor-units", currency="JPY", lines=lines))
    await control.do("fulfil", order=placed.erp_order_id)
    made = await erp.create_return(back(placed, "2"))
    assert made.net == Money(Decimal(2002), "JPY")
    credited = await erp.credit_return(made.erp_return_id)
    assert credited.credit is not None
    assert str(credited.credit.net.amount) == "2002"
