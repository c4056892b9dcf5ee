"""Returns at SAP's stand-in: authorized once, cancelled, credited once; refusals, repeats, lost replies."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import httpx
import pytest

from shared.binding.problems import BackendFault, BackendUnavailable
from shared.contracts.canonical.order import ErpOrder, NewErpOrder, NewOrderLine
from shared.contracts.canonical.returns import ErpReturn, NewErpReturn, NewErpReturnLine
from shared.contracts.canonical.values import Money
from shared.contracts.system.erp import (
    ErpCancellation,
    ErpOrderNotFound,
    ErpReturnNotFound,
    ReturnCancelled,
    ReturnNotCancellable,
    ReturnRejected,
)
from system_apis.sap.service import SapErp

New = Callable[..., NewErpOrder]
RETURNS = "/sap/opu/odata/sap/API_CUSTOMER_RETURN_SRV"
CREDITS = "/sap/opu/odata/sap/API_CREDIT_MEMO_REQUEST_SRV"
REASON = ErpCancellation("changed their mind")


@pytest.fixture
async def order(erp: SapErp, new_order: New, control: Any) -> ErpOrder:
    """Invoiced; three pieces and more of each product."""
    placed = await erp.create_order(new_order())
    await control.do("fulfil", order=placed.erp_order_id)
    return await erp.get_order(placed.erp_order_id)


def back(order: ErpOrder, quantity: str = "1", reference: str = "return-1", **changed: Any) -> NewErpReturn:
    line = order.lines[0]
    values = {"order_item": line.item, "sku": line.sku, "quantity": Decimal(quantity), "reason": "damaged"} | changed
    return NewErpReturn(reference, order.erp_order_id, [NewErpReturnLine(**values)])


async def ledger(control: Any) -> dict[str, Any]:
    return (await control._client.get("/ledger")).json()


async def test_a_return_is_valued_as_it_was_sold_and_found_by_its_order(erp: SapErp, order: ErpOrder) -> None:
    assert await erp.list_returns(order.erp_order_id) == []
    whole = order.lines[0]
    made = await erp.create_return(back(order, str(whole.quantity)))
    assert (made.state, made.erp_order_id, made.reference) == ("open", order.erp_order_id, "return-1")
    assert made.net == whole.net
    assert [(one.order_item, one.sku, one.quantity, one.cancelled) for one in made.lines] == [
        (whole.item, whole.sku, whole.quantity, False)
    ]
    assert await erp.list_returns(order.erp_order_id) == [made] == [await erp.get_return(made.erp_return_id)]


async def test_the_same_reference_is_the_same_return(erp: SapErp, order: ErpOrder, control: Any) -> None:
    made = await asyncio.gather(*(erp.create_return(back(order)) for _ in range(3)))
    assert len({one.erp_return_id for one in made}) == 1
    assert len((await ledger(control))["returns"]) == 1


async def test_more_than_was_ordered_is_refused_with_saps_remark(erp: SapErp, order: ErpOrder, control: Any) -> None:
    with pytest.raises(ReturnRejected) as refused:
        await erp.create_return(back(order, str(order.lines[0].quantity + 1)))
    assert refused.value.extensions["code"] == "V1/488"
    assert (await ledger(control))["returns"] == []


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity", "0.0001"])
async def test_a_quantity_that_cannot_come_back_never_reaches_sap(
    erp: SapErp, order: ErpOrder, control: Any, quantity: str
) -> None:
    asked = len(await control.requests())
    with pytest.raises(ReturnRejected, match="ine 1"):
        await erp.create_return(back(order, quantity))
    assert len(await control.requests()) == asked


async def test_a_reference_that_sap_cannot_hold_is_refused_unsent(erp: SapErp, order: ErpOrder, control: Any) -> None:
    asked = len(await control.requests())
    with pytest.raises(ReturnRejected, match="reference"):
        await erp.create_return(back(order, reference="𠮷" * 18))
    assert len(await control.requests()) == asked


async def test_a_reference_that_sap_cannot_hold_is_refused(erp: SapErp, order: ErpOrder) -> None:
    with pytest.raises(ReturnRejected, match="UTF-16"):
        await erp.create_return(back(order, reference="\N{SPARKLES}\N{ROCKET}" * 12))


async def test_an_item_that_no_order_has_is_refused(erp: SapErp, order: ErpOrder) -> None:
    with pytest.raises(ReturnRejected, match="no order in SAP has"):
        await erp.create_return(back(order, order_item="2026-11-23"))
    with pytest.raises(ReturnRejected) as refused:
        await erp.create_return(back(order, order_item="990"))
    assert refused.value.extensions["code"] == "V1/303"


async def test_what_sap_does_not_have_is_not_found(erp: SapErp, order: ErpOrder) -> None:
    for missing in ("4999999", "NoSuchOrder", "A-number-that-is-too-long"):
        with pytest.raises(ErpOrderNotFound):
            await erp.list_returns(missing)
        with pytest.raises(ErpOrderNotFound):
            await erp.create_return(NewErpReturn("r", missing, back(order).lines))
        for operation in (erp.get_return, erp.credit_return, lambda number: erp.cancel_return(number, REASON)):
            with pytest.raises(ErpReturnNotFound):
                await operation(missing)


async def test_a_cancelled_return_gives_its_quantity_back(erp: SapErp, order: ErpOrder) -> None:
    whole = str(order.lines[0].quantity)
    made = await erp.create_return(back(order, whole))
    for _ in range(2):
        cancelled = await erp.cancel_return(made.erp_return_id, REASON)
        assert (cancelled.state, cancelled.net.amount) == ("cancelled", 0)
        assert all(one.cancelled for one in cancelled.lines)
    with pytest.raises(ReturnCancelled):
        await erp.credit_return(made.erp_return_id)
    again = await erp.create_return(back(order, whole, "return-2"))
    assert [one.state for one in await erp.list_returns(order.erp_order_id)] == ["cancelled", "open"]
    assert again.erp_return_id != made.erp_return_id


async def test_a_return_is_credited_once_and_cannot_be_cancelled_then(
    erp: SapErp, order: ErpOrder, control: Any
) -> None:
    made = await erp.create_return(back(order))
    credited = await asyncio.gather(*(erp.credit_return(made.erp_return_id) for _ in range(3)))
    assert len({one.credit.credit_memo_id for one in credited if one.credit}) == 1
    assert credited[0].state == "credited"
    assert credited[0].credit is not None
    assert credited[0].credit.net == made.net
    with pytest.raises(ReturnNotCancellable):
        await erp.cancel_return(made.erp_return_id, REASON)
    [credit] = (await ledger(control))["credits"]
    assert credit["memos"] == [credited[0].credit.credit_memo_id]


async def test_the_credit_memo_may_follow_later(erp: SapErp, order: ErpOrder, control: Any) -> None:
    await control.do("billing-run", held=True)
    made = await erp.create_return(back(order))
    asked: ErpReturn = await erp.credit_return(made.erp_return_id)
    assert asked.state == "credit-requested"
    assert asked.credit is not None
    assert (asked.credit.credit_memo_id, asked.credit.posted) == (None, None)
    [billed] = (await control.do("billing-run"))["billed"]
    found = await erp.get_return(made.erp_return_id)
    assert found.state == "credited"
    assert found.credit is not None
    assert found.credit.credit_memo_id == billed


@pytest.mark.parametrize("path", [f"{RETURNS}/A_CustomerReturn", f"{CREDITS}/A_CreditMemoRequest"])
async def test_a_lost_reply_leaves_one_return_and_one_credit(
    erp: SapErp, order: ErpOrder, control: Any, path: str
) -> None:
    await control.do("faults", method="POST", path=path, fault="lost-reply", times=1)
    made = await erp.create_return(back(order))
    assert (await erp.credit_return(made.erp_return_id)).state == "credited"
    books = await ledger(control)
    assert (len(books["returns"]), len(books["credits"]), len(books["credits"][0]["memos"])) == (1, 1, 1)


async def test_a_credit_that_sap_refuses_is_a_fault_and_leaves_nothing(
    erp: SapErp, order: ErpOrder, control: Any
) -> None:
    made = await erp.create_return(back(order))
    no = {"error": {"code": "V1/555", "message": {"lang": "en", "value": "Period closed."}}}
    path = f"{CREDITS}/A_CreditMemoRequest"
    await control.do("faults", method="POST", path=path, fault="status", status=400, body=no, times=1)
    with pytest.raises(BackendFault, match="refuses to credit") as refused:
        await erp.credit_return(made.erp_return_id)
    assert refused.value.extensions == {"code": "V1/555", "remark": "Period closed."}
    assert (await erp.credit_return(made.erp_return_id)).state == "credited"


async def test_a_locked_order_is_tried_again_later(erp: SapErp, order: ErpOrder, control: Any) -> None:
    await control.do("lock", document=order.erp_order_id)
    with pytest.raises(BackendUnavailable, match="worked on"):
        await erp.create_return(back(order))
    await control.do("unlock", document=order.erp_order_id)
    assert (await erp.create_return(back(order))).state == "open"


async def test_currencies_without_minor_units_stay_exact(erp: SapErp, new_order: New, control: Any) -> None:
    plain = new_order(scenario="no-minor-units")
    lines = [NewOrderLine(plain.lines[0].sku, Decimal(3), Money(Decimal(1001), "JPY"))]
    placed = await erp.create_order(new_order(scenario="no-minor-units", currency="JPY", lines=lines))
    await control.do("fulfil", order=placed.erp_order_id)
    made = await erp.create_return(back(placed, "2"))
    assert made.net == Money(Decimal(2002), "JPY")
    credited = await erp.credit_return(made.erp_return_id)
    assert credited.credit is not None
    assert str(credited.credit.net.amount) == "2002"


async def test_a_text_in_a_number_stays_a_text(erp: SapErp, sandbox_url: str, order: ErpOrder) -> None:
    quoted = "return-' or 1 eq 1"
    made = await erp.create_return(back(order, reference=quoted))
    other = await erp.create_return(back(order, reference="return-'"))
    assert (made.reference, other.reference) == (quoted, "return-'")
    assert made.erp_return_id != other.erp_return_id
    async with httpx.AsyncClient(base_url=sandbox_url) as client:
        assert len((await client.get("/__sandbox__/ledger")).json()["returns"]) == 2
