"""Orders are placed once under their reference, read, listed and canceled."""

import asyncio
import os
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from sandboxes.company import Company
from shared.binding.problems import BackendFault, BackendUnavailable
from shared.contracts.canonical.order import ErpOrder, NewErpOrder, NewOrderLine
from shared.contracts.canonical.values import Money
from shared.contracts.system.erp import (
    CustomerBlocked,
    ErpCancellation,
    ErpCustomerNotFound,
    ErpOrderNotFound,
    OrderNotCancellable,
    OrderRejected,
)
from system_apis.oracle.connector import OracleConnector
from system_apis.oracle.service import OracleErp

New = Callable[..., NewErpOrder]
ORDERS = "/fscmRestApi/resources/11.13.18.05/salesOrdersForOrderHub"
ONE = f"{ORDERS}/*"
REASON = ErpCancellation("changed their mind")


def value(order: NewErpOrder) -> Decimal:
    amounts = (line.unit_price.amount * line.quantity for line in order.lines if line.unit_price)
    return sum(amounts, Decimal(0)).quantize(Decimal("0.01"))


async def test_an_order_is_placed_as_asked(erp: OracleErp, new_order: New, firm: Company, control: Any) -> None:
    new = new_order(requested_date=date(2027, 3, 1), purchase_order="PO-77")
    placed = await erp.create_order(new)
    assert (placed.reference, placed.erp_number, placed.state) == ("flow-1", new.erp_number, "open")
    assert (placed.net, placed.credit) == (Money(value(new), new.currency), "approved")
    assert placed.requested_date == date(2027, 3, 1)
    shown = [(one.sku, one.quantity, one.confirmed_quantity, one.confirmed_date) for one in placed.lines]
    assert shown == [(one.sku, one.quantity, one.quantity, date(2027, 3, 1)) for one in new.lines]
    assert await erp.get_order(placed.erp_order_id) == placed
    (entry,) = await control.ledger("orders")
    assert (entry["CustomerPONumber"], entry["SourceTransactionSystem"]) == ("PO-77", "TRIPTYCH")
    assert entry["AccountNumber"] in firm.customer_by_sap


async def test_goods_go_where_the_order_says(erp: OracleErp, new_order: New, firm: Company) -> None:
    several = next(one for one in firm.customers if len(one.ship_to) > 1 and not one.order_blocked)
    lines = [NewOrderLine("TG-00001", Decimal(1))]
    new = new_order(erp_number=several.sap_customer, currency=several.currency, lines=lines)
    for place, one in enumerate(several.ship_to):
        order = NewErpOrder(f"to-{place}", new.erp_number, new.currency, lines, one.sap_customer)
        assert (await erp.create_order(order)).reference == f"to-{place}"
    nowhere = NewErpOrder("nowhere", new.erp_number, new.currency, lines, firm.customers[-1].ship_to[0].sap_customer)
    with pytest.raises(OrderRejected, match="delivery place"):
        await erp.create_order(nowhere)


@pytest.mark.parametrize("scenario", ["arabic", "japanese", "cyrillic", "emoji", "many-lines"])
async def test_every_script_and_size_is_ordered(erp: OracleErp, new_order: New, scenario: str) -> None:
    new = new_order(scenario, scenario)
    placed = await erp.create_order(new)
    assert [one.sku for one in placed.lines] == [one.sku for one in new.lines]
    assert sum(one.net.amount for one in placed.lines) == placed.net.amount


async def test_currencies_keep_their_places(erp: OracleErp, new_order: New) -> None:
    plain = new_order("jpy", "no-minor-units")
    lines = [NewOrderLine(plain.lines[0].sku, Decimal(3), Money(Decimal(1001), "JPY"))]
    placed = await erp.create_order(new_order("jpy", "no-minor-units", currency="JPY", lines=lines))
    assert str(placed.net.amount) == "3003"


async def test_the_same_reference_is_the_same_order(erp: OracleErp, new_order: New, control: Any) -> None:
    placed = await asyncio.gather(*(erp.create_order(new_order()) for _ in range(8)))
    assert len({one.erp_order_id for one in placed}) == 1
    assert await erp.create_order(new_order(lines=[NewOrderLine("TG-00001", Decimal(7))])) == placed[0]
    await erp.cancel_order(placed[0].erp_order_id, REASON)
    assert (await erp.create_order(new_order())).state == "cancelled"
    assert len(await control.ledger("orders")) == 1


@pytest.mark.parametrize("fault", ["lost-reply", "truncate"])
async def test_a_lost_reply_leaves_one_order(erp: OracleErp, new_order: New, control: Any, fault: str) -> None:
    await control.do("faults", fault=fault, method="POST", path=ORDERS, times=3)
    placed = await erp.create_order(new_order("lost"))
    (entry,) = await control.ledger("orders")
    assert (entry["OrderNumber"], placed.reference) == (placed.erp_order_id, "lost")


@pytest.mark.parametrize("fault", [{"fault": "nonsense"}, {"fault": "html"}, {"fault": "status", "status": 500}])
async def test_an_unusable_answer_is_reported_and_a_repeat_places_one(
    erp: OracleErp, new_order: New, control: Any, fault: dict[str, Any]
) -> None:
    await control.do("faults", method="POST", path=ORDERS, times=3, **fault)
    with pytest.raises((BackendFault, BackendUnavailable)) as caught:
        await erp.create_order(new_order("nonsense"))
    assert "<" not in caught.value.detail
    assert await control.ledger("orders") == []
    await control.do("reset")
    assert (await erp.create_order(new_order("nonsense"))).reference == "nonsense"


async def test_away_when_looked_for_is_transient(erp: OracleErp, new_order: New, control: Any) -> None:
    await control.do("faults", fault="lost-reply", method="POST", path=ORDERS, times=3)
    await control.do("faults", fault="status", status=503, method="GET", path=ONE, times=3)
    with pytest.raises(BackendUnavailable):
        await erp.create_order(new_order("away"))
    placed = await erp.create_order(new_order("away"))
    assert [one["OrderNumber"] for one in await control.ledger("orders")] == [placed.erp_order_id]


async def test_a_draft_that_was_left_behind_is_submitted(
    erp: OracleErp, new_order: New, connect: Callable[..., OracleConnector], sandbox_url: str, control: Any
) -> None:
    placed = await erp.create_order(new_order())
    await erp.cancel_order(placed.erp_order_id, REASON)
    draft = {
        "SourceTransactionNumber": "draft",
        "SourceTransactionSystem": "TRIPTYCH",
        "SourceTransactionId": "draft",
        "billToCustomer": [{"AccountNumber": new_order().erp_number}],
        "lines": [
            {
                "SourceTransactionLineId": "1",
                "SourceTransactionLineNumber": "1",
                "SourceTransactionScheduleId": "1",
                "SourceScheduleNumber": "1",
                "ProductNumber": "TG-00001",
                "OrderedQuantity": 1,
            }
        ],
    }
    await connect(sandbox_url).create(ORDERS, draft, dict[str, Any], "leave_a_draft")
    found = await erp.create_order(new_order("draft"))
    assert (found.state, found.credit, found.lines[0].confirmed_quantity) == ("open", "approved", 1)
    assert len(await control.ledger("orders")) == 2


@pytest.mark.parametrize(
    ("status", "body", "remark"),
    [
        (400, {"title": "Bad Request", "status": "400", "o:errorDetails": [{"detail": "Closed."}]}, "Closed."),
        (400, "Closed.\nFor good.", "Closed. For good."),
    ],
)
async def test_what_oracle_refuses_is_told_in_both_encodings(
    erp: OracleErp, new_order: New, control: Any, status: int, body: object, remark: str
) -> None:
    await control.do("faults", fault="status", method="POST", path=ORDERS, status=status, body=body)
    with pytest.raises(OrderRejected) as refused:
        await erp.create_order(new_order())
    assert refused.value.extensions["remark"] == remark


async def test_too_many_requests_wait_and_go_on(erp: OracleErp, new_order: New, control: Any) -> None:
    await control.do("faults", fault="status", method="POST", path=ORDERS, status=429, headers={"retry-after": "0"})
    assert (await erp.create_order(new_order())).state == "open"
    assert [status for _, path, status in await control.requests() if path == ORDERS][:2] == [429, 201]


async def test_refusals_say_what_is_wrong(erp: OracleErp, new_order: New, control: Any) -> None:
    lines = [NewOrderLine("NOPE", Decimal(1)), NewOrderLine("TG-00053", Decimal(1))]
    with pytest.raises(OrderRejected) as refused:
        await erp.create_order(new_order(lines=lines))
    assert [one.pointer for one in refused.value.errors] == ["/lines/0/sku", "/lines/1/sku"]
    with pytest.raises(ErpCustomerNotFound):
        await erp.create_order(new_order(erp_number="99999999"))
    with pytest.raises(CustomerBlocked):
        await erp.create_order(new_order(scenario="blocked-customer"))
    assert await control.ledger("orders") == []


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity", "1E+16", "1E-16"])
async def test_a_quantity_that_cannot_be_ordered_never_reaches_oracle(
    erp: OracleErp, new_order: New, control: Any, quantity: str
) -> None:
    before = len(await control.requests())
    with pytest.raises(OrderRejected):
        await erp.create_order(new_order(lines=[NewOrderLine("TG-00001", Decimal(quantity))]))
    assert len(await control.requests()) == before


async def test_credit_hold_and_short_stock_show_in_the_order(erp: OracleErp, new_order: New) -> None:
    held = await erp.create_order(new_order("held", "credit-refused"))
    assert (held.state, held.credit) == ("blocked", "refused")
    tried = await erp.simulate_order(new_order("short", "short-stock"))
    assert tried.lines[0].confirmed_quantity == 2
    short = await erp.create_order(new_order("short", "short-stock"))
    first = short.lines[0]
    assert (first.quantity, first.confirmed_quantity) == (12, 2)
    assert len({one.item for one in short.lines}) == len(short.lines)


async def test_canceling_is_done_once(erp: OracleErp, new_order: New, control: Any) -> None:
    placed = await erp.create_order(new_order())
    await control.do("faults", fault="lost-reply", method="PATCH", path=ONE)
    canceled = await erp.cancel_order(placed.erp_order_id, REASON)
    assert (canceled.state, canceled.net.amount) == ("cancelled", 0)
    changes = [one for one in await control.requests() if one[0] == "PATCH"]
    assert await erp.cancel_order(placed.erp_order_id, REASON) == canceled
    assert [one for one in await control.requests() if one[0] == "PATCH"] == changes


@pytest.mark.parametrize(
    ("until", "state"), [("delivery", "in-delivery"), ("goods-issue", "delivered"), ("invoice", "invoiced")]
)
async def test_how_far_an_order_has_come(erp: OracleErp, new_order: New, control: Any, until: str, state: str) -> None:
    placed = await erp.create_order(new_order())
    await control.do("fulfil", order=placed.erp_order_id, until=until)
    assert (await erp.get_order(placed.erp_order_id)).state == state
    if until == "delivery":
        assert (await erp.cancel_order(placed.erp_order_id, REASON)).state == "cancelled"
        return
    with pytest.raises(OrderNotCancellable):
        await erp.cancel_order(placed.erp_order_id, REASON)


async def test_shipping_that_comes_first_makes_canceling_impossible(
    erp: OracleErp, new_order: New, control: Any
) -> None:
    placed = await erp.create_order(new_order())
    await control.do("faults", fault="status", method="PATCH", path=ONE, status=400, body="Already shipped.")
    with pytest.raises(OrderNotCancellable) as refused:
        await erp.cancel_order(placed.erp_order_id, REASON)
    assert refused.value.extensions["remark"] == "Already shipped."


async def test_what_is_no_order_is_not_found(erp: OracleErp) -> None:
    for number in ("1", "nope", "x' or OrderNumber like '%"):
        with pytest.raises(ErpOrderNotFound):
            await erp.get_order(number)
    with pytest.raises(ErpOrderNotFound):
        await erp.cancel_order("1", REASON)


async def test_orders_are_listed_newest_first_page_after_page(erp: OracleErp, new_order: New) -> None:
    number = new_order().erp_number
    orders = [await erp.create_order(new_order(f"r-{place}")) for place in range(5)]
    placed = [one.erp_order_id for one in orders]
    seen: list[str] = []
    cursor = None
    while True:
        page = await erp.list_orders(number, cursor=cursor, limit=2)
        assert all(one.lines == [] for one in page.items)
        seen += [one.erp_order_id for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert [one for one in seen if one in placed] == placed[::-1]
    assert len(seen) == len(set(seen))
    recent = await erp.list_orders(number, since=orders[0].created)
    assert {one.erp_order_id for one in recent.items} >= set(placed)
    assert all(one.created and orders[0].created and one.created >= orders[0].created for one in recent.items)
    with pytest.raises(ErpCustomerNotFound):
        await erp.list_orders("99999999")


async def test_many_orders_whose_replies_are_lost_stand_once_and_are_cancelled_once(
    control: Any, connect: Callable[..., OracleConnector], sandbox_url: str, new_order: New
) -> None:
    count = int(os.environ.get("TRIPTYCH_LOST_ORDERS", "24"))
    erp = OracleErp(connect(sandbox_url, breaker_min_calls=1_000_000, retry_share=10.0))
    await control.do("faults", fault="lost-reply", method="POST", path=ORDERS, times=count)
    await control.do("faults", fault="lost-reply", method="PATCH", path=ONE, times=count // 2)
    places = asyncio.Semaphore(8)

    async def placed(number: int) -> ErpOrder:
        async with places:
            made = await erp.create_order(new_order(f"lost-{number}"))
            return await erp.cancel_order(made.erp_order_id, REASON) if number % 2 else made

    orders = await asyncio.gather(*map(placed, range(count)))
    written = {one["OrderNumber"]: one["cancelled"] for one in await control.ledger("orders")}
    assert written == {one.erp_order_id: one.state == "cancelled" for one in orders}
    assert list(written.values()).count(True) == count // 2
    assert {one.reference for one in orders} == {f"lost-{number}" for number in range(count)}


async def test_a_service_that_is_not_there_is_a_fault_of_the_settings(
    control: Any, connect: Callable[..., OracleConnector], sandbox_url: str, new_order: New
) -> None:
    missing = {"title": "Not Found", "status": "404", "o:errorDetails": [{"detail": "Not found."}]}
    await control.do("faults", fault="status", method="POST", path=ORDERS, status=404, body=missing)
    with pytest.raises(BackendFault, match="fscm_path"):
        await OracleErp(connect(sandbox_url)).create_order(new_order())
