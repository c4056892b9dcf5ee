import asyncio
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from sandboxes.company import company
from shared.binding.problems import BackendUnavailable, Invalid, Problem, Refused
from shared.contracts.canonical.order import NewCrmOrder
from shared.contracts.canonical.quote import Quote
from shared.contracts.canonical.values import Money
from shared.contracts.system.crm import (
    CrmOrderNotFound,
    CrmOrderStatus,
    CustomerNotFound,
    OrderCancellation,
    QuoteAlreadyOrdered,
    QuoteNotFound,
)
from system_apis.salesforce.service import SalesforceCrm

COMPOSITE = "/services/data/v66.0/composite"
UNKNOWN_ORDER = "801000000000000AAA"
NewOrder = Callable[..., NewCrmOrder]


async def _items(org: Any) -> int:
    return (await org.rest("GET", "/query", params={"q": "SELECT COUNT() FROM OrderItem"}))["totalSize"]


async def test_an_order_is_recorded_whole_and_its_quote_accepted(
    crm: SalesforceCrm, org: Any, quote: Quote, new_order: NewOrder
) -> None:
    order = await crm.record_order(msgspec.structs.replace(new_order(), start=date(2026, 7, 1), tracking_number="T1"))
    assert (order.status, order.reference, order.quote_id) == ("Activated", "QTO-1", quote.quote_id)
    assert (order.erp_order_id, order.tracking_number, order.ordered) == ("4500000001", "T1", date(2026, 7, 1))
    assert (order.fulfilment, order.total.currency) == ("Pending", quote.total.currency)
    assert abs(order.total.amount - quote.total.amount) < Decimal("0.05")
    assert await crm.get_order(order.crm_order_id) == order
    assert (await crm.get_quote(quote.quote_id)).state == "accepted"
    assert await _items(org) == len(quote.lines)
    assert order in (await crm.get_customer_overview(quote.customer_id)).recent_orders


async def test_recording_costs_two_calls_and_a_repeat_one(crm: SalesforceCrm, org: Any, new_order: NewOrder) -> None:
    order = new_order()
    before = len(await org.requests(COMPOSITE))
    await crm.record_order(order)
    assert len(await org.requests(COMPOSITE)) == before + 2
    await crm.record_order(order)
    assert len(await org.requests(COMPOSITE)) == before + 3


async def test_a_repeat_answers_with_the_first_order(crm: SalesforceCrm, org: Any, new_order: NewOrder) -> None:
    first = await crm.record_order(new_order())
    again = await crm.record_order(msgspec.structs.replace(new_order(), erp_order_id="other"))
    assert again == first
    assert len(await org.orders()) == 1


async def test_many_lines_are_recorded_in_one_write(crm: SalesforceCrm, org: Any, new_order: NewOrder) -> None:
    many = await crm.get_quote(company().quotes_for("many-lines")[0].salesforce_id)
    await crm.record_order(new_order(of=many))
    assert await _items(org) == 50


async def test_ten_at_once_with_one_reference_make_one_order(
    crm: SalesforceCrm, org: Any, quote: Quote, new_order: NewOrder
) -> None:
    orders = await asyncio.gather(*(crm.record_order(new_order()) for _ in range(10)))
    assert len({each.crm_order_id for each in orders}) == len(await org.orders()) == 1
    assert await _items(org) == len(quote.lines)


async def test_a_quote_becomes_one_order_whoever_comes_first(crm: SalesforceCrm, org: Any, new_order: NewOrder) -> None:
    results = await asyncio.gather(
        *(crm.record_order(new_order(f"QTO-{number}")) for number in range(5)), return_exceptions=True
    )
    assert len(await org.orders()) == 1
    assert sum(isinstance(each, QuoteAlreadyOrdered) for each in results) == 4


async def test_an_ordered_quote_is_refused_under_another_reference(
    crm: SalesforceCrm, org: Any, new_order: NewOrder
) -> None:
    first = await crm.record_order(new_order())
    with pytest.raises(QuoteAlreadyOrdered) as refused:
        await crm.record_order(new_order("QTO-2"))
    assert refused.value.extensions == {"crmOrderId": first.crm_order_id}
    assert len(await org.orders()) == 1


async def test_short_contention_for_rows_is_waited_out(
    crm: SalesforceCrm, org: Any, quote: Quote, new_order: NewOrder
) -> None:
    await org.control("lock-rows", object="Quote", times=2)
    assert (await crm.record_order(new_order())).status == "Activated"
    assert await _items(org) == len(quote.lines)


async def test_lasting_contention_is_transient_and_leaves_nothing(
    crm: SalesforceCrm, org: Any, quote: Quote, new_order: NewOrder
) -> None:
    await org.control("lock-rows", object="Quote", times=100)
    with pytest.raises(BackendUnavailable, match="UNABLE_TO_LOCK_ROW"):
        await crm.record_order(new_order())
    assert await org.orders() == []
    assert (await crm.get_quote(quote.quote_id)).state == "approved"


async def test_a_refused_line_leaves_neither_order_nor_accepted_quote(
    crm: SalesforceCrm, org: Any, quote: Quote, new_order: NewOrder
) -> None:
    order = new_order()
    wrong = msgspec.structs.replace(order.lines[-1], price_book_entry_id="01u000000000000AAA")
    with pytest.raises(Problem) as refused:
        await crm.record_order(msgspec.structs.replace(order, lines=[*order.lines[:-1], wrong]))
    assert isinstance(refused.value, Invalid)
    assert await org.orders() == []
    assert (await crm.get_quote(quote.quote_id)).state == "approved"


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"customer_id": "001000000000000AAA"}, CustomerNotFound),
        ({"customer_id": "nonsense"}, CustomerNotFound),
        ({"customer_id": company().customers[40].salesforce_id}, CustomerNotFound),
        ({"quote_id": "0Q0000000000000AAA"}, QuoteNotFound),
        ({"quote_id": "nonsense"}, QuoteNotFound),
        ({"reference": ""}, Invalid),
        ({"reference": " QTO-1"}, Invalid),
        ({"reference": "x" * 300}, Invalid),
        ({"reference": "x" * 100}, Invalid),
        ({"lines": []}, Invalid),
        ({"erp_order_id": "4" * 100}, Invalid),
        ({"price_book_id": "nonsense"}, Invalid),
        ({"currency": "USD"}, Invalid),
    ],
)
async def test_an_order_that_cannot_stand_is_refused_and_not_recorded(
    crm: SalesforceCrm, org: Any, new_order: NewOrder, changes: dict[str, Any], kind: type[Problem]
) -> None:
    with pytest.raises(kind):
        await crm.record_order(msgspec.structs.replace(new_order(), **changes))
    assert await org.orders() == []


async def test_a_price_in_another_currency_than_its_book_is_a_business_refusal(
    crm: SalesforceCrm, new_order: NewOrder
) -> None:
    order = new_order()
    lines = [msgspec.structs.replace(line, unit_price=Money(line.unit_price.amount, "USD")) for line in order.lines]
    with pytest.raises(Refused):
        await crm.record_order(msgspec.structs.replace(order, currency="USD", lines=lines))


async def test_fulfilment_is_noted_and_a_repeat_changes_nothing(crm: SalesforceCrm, new_order: NewOrder) -> None:
    order = await crm.record_order(new_order())
    for _ in range(2):
        noted = await crm.note_order_status(order.crm_order_id, CrmOrderStatus("Shipped", "TRACK-1"))
        assert (noted.fulfilment, noted.tracking_number, noted.status) == ("Shipped", "TRACK-1", "Activated")
    kept = await crm.note_order_status(order.crm_order_id[:15], CrmOrderStatus("delivered"))
    assert (kept.fulfilment, kept.tracking_number) == ("Delivered", "TRACK-1")


async def test_fulfilment_that_the_org_does_not_know_is_refused(crm: SalesforceCrm, new_order: NewOrder) -> None:
    order = await crm.record_order(new_order())
    with pytest.raises(Invalid, match="Fulfilment_Status__c"):
        await crm.note_order_status(order.crm_order_id, CrmOrderStatus("Lost at sea"))


@pytest.mark.parametrize("order_id", [UNKNOWN_ORDER, "nonsense", "0Q0000000000000AAA"])
async def test_an_unknown_order_is_neither_changed_nor_cancelled(crm: SalesforceCrm, order_id: str) -> None:
    with pytest.raises(CrmOrderNotFound):
        await crm.note_order_status(order_id, CrmOrderStatus("Shipped"))
    with pytest.raises(CrmOrderNotFound):
        await crm.cancel_order(order_id, OrderCancellation("none"))


async def test_cancelling_reopens_the_quote_and_a_repeat_changes_nothing(
    crm: SalesforceCrm, org: Any, quote: Quote, new_order: NewOrder
) -> None:
    order = await crm.record_order(new_order())
    cancelled = await crm.cancel_order(order.crm_order_id, OrderCancellation("credit refused"))
    assert (cancelled.status, cancelled.fulfilment) == ("Cancelled", "Cancelled")
    assert (await crm.get_quote(quote.quote_id)).state == "approved"
    assert await crm.cancel_order(order.crm_order_id, OrderCancellation("again")) == cancelled
    assert [each["Status"] for each in await org.orders()] == ["Draft"]


async def test_what_a_caller_writes_is_text_and_never_a_reference_to_another_part(
    crm: SalesforceCrm, org: Any, new_order: NewOrder
) -> None:
    order = await crm.record_order(new_order())
    noted = await crm.note_order_status(order.crm_order_id, CrmOrderStatus("Packed", "@{order.id}"))
    assert noted.tracking_number == "@ {order.id}"
    await crm.cancel_order(order.crm_order_id, OrderCancellation("see @{nobody.id}"))
    row = await org.rest("GET", f"/sobjects/Order/{order.crm_order_id}?fields=Description")
    assert row["Description"] == "see @ {nobody.id}"
    with pytest.raises(Invalid, match="reference"):
        await crm.record_order(new_order("QTO-@{order.id}"))


async def test_a_reopened_quote_can_be_ordered_anew_and_the_old_reference_stays_cancelled(
    crm: SalesforceCrm, quote: Quote, new_order: NewOrder
) -> None:
    old = await crm.record_order(new_order())
    await crm.cancel_order(old.crm_order_id, OrderCancellation("changed mind"))
    fresh = await crm.record_order(new_order("QTO-2"))
    assert fresh.crm_order_id != old.crm_order_id
    assert (await crm.record_order(new_order())).status == "Cancelled"
    await crm.cancel_order(old.crm_order_id, OrderCancellation("again"))
    assert (await crm.get_quote(quote.quote_id)).state == "accepted"


@pytest.mark.parametrize("fault", ["lost-reply", "truncate", "close"])
async def test_noting_and_cancelling_survive_a_lost_reply(
    crm: SalesforceCrm, org: Any, quote: Quote, new_order: NewOrder, fault: str
) -> None:
    order = await crm.record_order(new_order())
    await org.fault(COMPOSITE, "POST", fault=fault)
    assert (await crm.note_order_status(order.crm_order_id, CrmOrderStatus("Packed"))).fulfilment == "Packed"
    await org.fault(COMPOSITE, "POST", fault=fault)
    assert (await crm.cancel_order(order.crm_order_id, OrderCancellation("x"))).status == "Cancelled"
    assert (await crm.get_quote(quote.quote_id)).state == "approved"
