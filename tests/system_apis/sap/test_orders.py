"""Simulating, placing and cancelling orders at SAP's stand-in: refusals, repeats, lost replies, locks."""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from eventually import eventually

from sandboxes.company import Company
from shared.binding.call_context import CallContext, calling
from shared.binding.problems import BackendFault, BackendUnavailable, DeadlineExceeded
from shared.contracts.canonical.order import NewErpOrder, NewOrderLine
from shared.contracts.canonical.values import Money
from shared.contracts.system.erp import (
    CustomerBlocked,
    ErpCancellation,
    ErpOrderNotFound,
    OrderNotCancellable,
    OrderRejected,
)
from system_apis.sap.service import SapErp

New = Callable[..., NewErpOrder]
ORDERS = "/sap/opu/odata/sap/API_SALES_ORDER_SRV/A_SalesOrder"
BATCH = "/sap/opu/odata/sap/API_SALES_ORDER_SRV/$batch"
TOKEN = (200, b"{}", "x-csrf-token: t0ken", "set-cookie: s=1")
NOTHING = (200, b'{"d":{"results":[]}}')
SILENCE = (0,)
REASON = ErpCancellation("changed their mind")


def line(sku: str, quantity: str = "1", price: Money | None = None) -> NewOrderLine:
    return NewOrderLine(sku, Decimal(quantity), price)


async def test_simulation_prices_checks_and_schedules_and_saves_nothing(
    either: SapErp, new_order: New, control: Any
) -> None:
    order = new_order()
    simulated = await either.simulate_order(order)
    expected = sum((one.unit_price.amount * one.quantity for one in order.lines if one.unit_price), Decimal(0))
    assert simulated.net == Money(expected.quantize(Decimal("0.01")), order.currency)
    assert simulated.credit == "approved"
    assert [one.sku for one in simulated.lines] == [one.sku for one in order.lines]
    assert all(one.confirmed_quantity == one.quantity and one.confirmed_date for one in simulated.lines)
    assert simulated.remarks == []
    assert await control.orders() == []


async def test_without_a_price_sap_prices(either: SapErp, new_order: New, firm: Company) -> None:
    product = next(one for one in firm.products if one.active and min(one.stock.values()) > 10)
    simulated = await either.simulate_order(new_order(currency="EUR", lines=[line(product.sku, "2")]))
    assert simulated.net == Money(product.list_price * 2, "EUR")


async def test_credit_refusal_is_an_answer_with_a_remark(either: SapErp, new_order: New) -> None:
    simulated = await either.simulate_order(new_order(scenario="credit-refused"))
    assert simulated.credit == "refused"
    assert any("redit" in remark for remark in simulated.remarks)


async def test_short_stock_shows_in_what_is_confirmed(either: SapErp, new_order: New) -> None:
    simulated = await either.simulate_order(new_order(scenario="short-stock"))
    assert any((one.confirmed_quantity or Decimal(0)) < one.quantity for one in simulated.lines)
    assert simulated.remarks


async def test_blocked_customer_gets_no_order(either: SapErp, new_order: New, control: Any) -> None:
    order = new_order(scenario="blocked-customer")
    for refused in (either.simulate_order, either.create_order):
        with pytest.raises(CustomerBlocked) as caught:
            await refused(order)
        assert set(caught.value.extensions) == {"code", "remark"}
    assert await control.orders() == []


async def test_zero_quantity_never_reaches_sap(erp: SapErp, new_order: New, control: Any) -> None:
    for quantity in ("0", "-1", "NaN", "Infinity", "0.0001", "1234567890123"):
        with pytest.raises(OrderRejected, match=r"[Ll]ine 1"):
            await erp.simulate_order(new_order(lines=[line("TG-00011", quantity)]))
    with pytest.raises(OrderRejected, match="no lines"):
        await erp.simulate_order(new_order(lines=[]))
    with pytest.raises(OrderRejected, match="reference"):
        await erp.create_order(new_order("𠮷" * 18))
    with pytest.raises(OrderRejected, match="ISO 4217"):
        await erp.simulate_order(new_order(currency="euro"))
    with pytest.raises(OrderRejected, match="price of line 1"):
        await erp.simulate_order(new_order(lines=[line("TG-00011", "1", Money(Decimal("0.0000000001"), "EUR"))]))
    assert not any(method == "POST" for method, _, _ in await control.requests())


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"lines": [line("NO-SUCH-MATERIAL")]}, "product"),
        ({"currency": "ZZZ"}, "currency"),
        ({"ship_to_erp_number": "99999998"}, "partner"),
    ],
)
async def test_what_sap_refuses_is_said_in_our_words_with_its_code(
    erp: SapErp, new_order: New, changed: dict[str, Any], says: str
) -> None:
    with pytest.raises(OrderRejected, match=says) as caught:
        await erp.create_order(new_order(**changed))
    assert caught.value.extensions["code"]
    assert caught.value.extensions["remark"] not in caught.value.detail


async def test_order_is_placed_as_asked(either: SapErp, new_order: New, firm: Company, control: Any) -> None:
    customer = firm.customer_by_number[firm.quotes_for("plain")[0].customer]
    day = datetime.now(UTC).date() + timedelta(days=30)
    asked = new_order(
        "flow-é'1",
        purchase_order="PO 'Ж' 東京",
        requested_date=day,
        ship_to_erp_number=customer.ship_to[-1].sap_customer,
    )
    order = await either.create_order(asked)
    assert (order.reference, order.erp_number, order.state) == ("flow-é'1", customer.sap_customer, "open")
    assert order.requested_date == day
    assert [(one.sku, one.quantity) for one in order.lines] == [(one.sku, one.quantity) for one in asked.lines]
    (written,) = await control.orders()
    assert (written["SalesOrder"], written["PurchaseOrderByCustomer"]) == (order.erp_order_id, "PO 'Ж' 東京")
    assert await either.get_order(order.erp_order_id) == order


async def test_without_a_purchase_order_the_reference_stands_there(
    either: SapErp, new_order: New, control: Any
) -> None:
    await either.create_order(new_order("flow-7"))
    assert (await control.orders())[0]["PurchaseOrderByCustomer"] == "flow-7"


@pytest.mark.parametrize("currency", ["JPY", "KWD"])
async def test_currency_keeps_its_own_places(either: SapErp, new_order: New, firm: Company, currency: str) -> None:
    price = Money(Decimal(1500) if currency == "JPY" else Decimal("1.125"), currency)
    sku = firm.products[10].sku
    order = await either.create_order(new_order(currency=currency, lines=[line(sku, "3", price)]))
    assert str(order.net.amount) == {"JPY": "4500", "KWD": "3.375"}[currency]


@pytest.mark.parametrize("scenario", ["arabic", "japanese", "cyrillic", "emoji", "many-lines"])
async def test_every_script_and_size_is_ordered(either: SapErp, new_order: New, scenario: str) -> None:
    asked = new_order("x" * 35, scenario)
    order = await either.create_order(asked)
    assert len(order.lines) == len(asked.lines)
    assert (await either.create_order(asked)).erp_order_id == order.erp_order_id


async def test_same_reference_answers_with_the_same_order(either: SapErp, new_order: New, control: Any) -> None:
    first = await either.create_order(new_order("same", purchase_order="PO-9"))
    assert await either.create_order(new_order("same", purchase_order="PO-9")) == first
    assert (await either.create_order(new_order("same", purchase_order="other", lines=[]))) == first
    assert (await either.create_order(new_order("other", purchase_order="PO-9"))).erp_order_id != first.erp_order_id
    assert len(await control.orders()) == 2


async def test_fifty_at_once_place_one_order(either: SapErp, new_order: New, control: Any) -> None:
    orders = await asyncio.gather(*(either.create_order(new_order("at-once")) for _ in range(50)))
    assert len({order.erp_order_id for order in orders}) == 1
    assert len(await control.orders()) == 1


async def test_cancelled_order_stays_the_answer(either: SapErp, new_order: New, control: Any) -> None:
    order = await either.create_order(new_order("kept"))
    cancelled = await either.cancel_order(order.erp_order_id, REASON)
    assert await either.create_order(new_order("kept")) == cancelled
    assert len(await control.orders()) == 1


@pytest.mark.parametrize("fault", ["lost-reply", "truncate"])
async def test_lost_reply_leaves_one_order_and_answers_with_it(
    erp: SapErp, new_order: New, control: Any, fault: str
) -> None:
    await control.do("faults", fault=fault, method="POST", path=ORDERS)
    order = await erp.create_order(new_order("lost"))
    (written,) = await control.orders()
    assert (written["SalesOrder"], order.reference) == (order.erp_order_id, "lost")


async def test_lost_reply_with_sap_away_is_transient_and_a_repeat_finds_the_order(
    erp: SapErp, new_order: New, control: Any
) -> None:
    await control.do("faults", fault="lost-reply", method="POST", path=ORDERS)
    await control.do("faults", fault="status", status=503, method="GET", path=ORDERS, times=3, after=1)
    with pytest.raises(BackendUnavailable) as caught:
        await erp.create_order(new_order("away"))
    assert caught.value.extensions == {"outcome": "unknown"}
    order = await erp.create_order(new_order("away"))
    assert [one["SalesOrder"] for one in await control.orders()] == [order.erp_order_id]


@pytest.mark.parametrize("leaves", ["in time", "by cancelling"])
async def test_order_still_being_made_when_nobody_waits_is_not_made_twice(
    connect: Callable[..., SapErp], peer: Any, new_order: New, leaves: str
) -> None:
    row = {"SalesOrder": "77", "SoldToParty": "2", "TotalNetAmount": "1.00", "TransactionCurrency": "EUR"}
    found = (200, json.dumps({"d": {"results": [row]}}).encode())
    looked = [NOTHING] * (3 if leaves == "in time" else 1)
    server = await peer(TOKEN, NOTHING, SILENCE, *looked, found)
    erp = connect(server.url, timeout=0.5 if leaves == "in time" else 30.0)
    task = asyncio.create_task(erp.create_order(new_order("late")))
    if leaves == "by cancelling":
        await eventually(lambda: any(request.startswith(b"POST") for request in server.requests))
        task.cancel()
    with pytest.raises((DeadlineExceeded, asyncio.CancelledError)):
        await task
    hasty = CallContext(deadline=time.monotonic() + 0.5)  # no time to wait
    with calling(hasty), pytest.raises(BackendUnavailable, match="still be working") as caught:
        await erp.create_order(new_order("late"))
    assert caught.value.retry_after is not None
    assert 0 < caught.value.retry_after <= 5
    assert (await erp.create_order(new_order("late"))).erp_order_id == "77"
    assert len([request for request in server.requests if request.startswith(b"POST")]) == 1


async def test_order_that_never_reached_sap_is_placed_once_the_doubt_is_over(
    control: Any, connect: Callable[..., SapErp], sandbox_url: str, new_order: New
) -> None:
    erp = connect(sandbox_url, settle_seconds=0.2)
    await control.do("faults", fault="close", method="POST", path=ORDERS)
    with pytest.raises(BackendUnavailable) as caught:
        await erp.create_order(new_order("never"))
    assert caught.value.extensions == {"outcome": "unknown"}
    order = await erp.create_order(new_order("never"))
    assert [one["SalesOrder"] for one in await control.orders()] == [order.erp_order_id]


@pytest.mark.parametrize("fault", [{"fault": "nonsense"}, {"fault": "html"}, {"fault": "status", "status": 500}])
async def test_unusable_answer_without_an_order_is_reported_and_places_none(
    erp: SapErp, new_order: New, control: Any, fault: dict[str, Any]
) -> None:
    await control.do("faults", method="POST", path=ORDERS, **fault)
    with pytest.raises((BackendFault, BackendUnavailable)) as caught:
        await erp.create_order(new_order("nonsense"))
    assert "<" not in caught.value.detail
    assert await control.orders() == []


async def test_order_is_answered_even_if_it_cannot_be_read_afterwards(
    erp: SapErp, new_order: New, control: Any
) -> None:
    await control.do("faults", fault="status", status=500, method="GET", path=f"{ORDERS}(*", times=3)
    order = await erp.create_order(new_order("unread"))
    assert (order.reference, len(order.lines) > 0) == ("unread", True)


async def test_cancelling_rejects_every_item_once(either: SapErp, new_order: New, control: Any) -> None:
    order = await either.create_order(new_order())
    cancelled = await either.cancel_order(order.erp_order_id, REASON)
    assert (cancelled.state, cancelled.net.amount) == ("cancelled", 0)
    batches = len([one for one in await control.requests() if one[1] == BATCH])
    assert await either.cancel_order(order.erp_order_id.zfill(10), REASON) == cancelled
    assert len([one for one in await control.requests() if one[1] == BATCH]) == batches
    assert (await control.orders())[0]["cancelled"] is True


@pytest.mark.parametrize("until", ["delivery", "goods-issue", "invoice"])
async def test_order_that_went_out_is_not_cancellable(either: SapErp, new_order: New, control: Any, until: str) -> None:
    order = await either.create_order(new_order())
    await control.do("fulfil", order=order.erp_order_id, until=until)
    with pytest.raises(OrderNotCancellable, match="delivered"):
        await either.cancel_order(order.erp_order_id, REASON)
    assert (await control.orders())[0]["cancelled"] is False
    assert (await either.get_order(order.erp_order_id)).state == ("invoiced" if until == "invoice" else "delivered")


async def test_unknown_order_cannot_be_cancelled(either: SapErp) -> None:
    with pytest.raises(ErpOrderNotFound):
        await either.cancel_order("4999999", REASON)


async def test_order_open_at_another_user_is_unavailable_until_it_is_free(
    either: SapErp, new_order: New, control: Any
) -> None:
    order = await either.create_order(new_order())
    await control.do("lock", document=order.erp_order_id, user="MUELLER")
    with pytest.raises(BackendUnavailable, match="another user") as caught:
        await either.cancel_order(order.erp_order_id, REASON)
    assert "MUELLER" not in caught.value.detail
    assert caught.value.transient
    await control.do("unlock", document=order.erp_order_id)
    assert (await either.cancel_order(order.erp_order_id, REASON)).state == "cancelled"


async def test_lost_reply_to_a_cancellation_is_harmless(erp: SapErp, new_order: New, control: Any) -> None:
    order = await erp.create_order(new_order())
    await control.do("faults", fault="lost-reply", method="POST", path=BATCH)
    assert (await erp.cancel_order(order.erp_order_id, REASON)).state == "cancelled"


async def test_credit_block_shows_in_the_order(either: SapErp, new_order: New) -> None:
    order = await either.create_order(new_order(scenario="credit-refused"))
    assert (order.state, order.credit) == ("blocked", "refused")


async def test_deadline_over_before_anything_is_sent(either: SapErp, new_order: New, control: Any) -> None:
    with (
        calling(CallContext(deadline=time.monotonic() - 1)),
        pytest.raises(DeadlineExceeded, match="nothing was sent"),
    ):
        await either.create_order(new_order())
    assert await control.orders() == []


async def test_delivery_date_far_away_survives(either: SapErp, new_order: New) -> None:
    for day in (date(1970, 1, 1), date(2038, 1, 20), date(9999, 12, 31)):
        order = await either.create_order(new_order(f"day-{day}", requested_date=day))
        assert order.requested_date == day
