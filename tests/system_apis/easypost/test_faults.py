"""EasyPost on a bad day."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from shared.binding.call_context import CallContext, calling
from shared.binding.problems import BackendFault, BackendUnavailable, DeadlineExceeded, Problem
from shared.contracts.canonical.shipment import LabelPurchase, RateRequest
from shared.resilience.outbound_faults import BrokenReply, OutcomeUnknown
from system_apis.easypost import EasyPostLogistics

Fail = Callable[..., Awaitable[None]]
Purchases = Callable[[], Awaitable[list[dict[str, Any]]]]
Requests = Callable[[], Awaitable[list[str]]]


async def chosen(logistics: EasyPostLogistics, request: RateRequest) -> LabelPurchase:
    rates = await logistics.get_rates(request)
    return LabelPurchase(rates.shipment_id, rates.rates[0].rate_id, request.reference)


@pytest.mark.parametrize("fault", ["lost-reply", "truncate"])
async def test_a_purchase_whose_reply_is_lost_is_looked_up_and_paid_once(
    logistics: EasyPostLogistics, request_: RateRequest, fail: Fail, purchases: Purchases, fault: str
) -> None:
    purchase = await chosen(logistics, request_)
    await fail("POST", "*/buy", fault)
    shipment = await logistics.purchase_label(purchase)
    assert [one["tracking_code"] for one in await purchases()] == [shipment.tracking_code]
    assert await logistics.purchase_label(purchase) == shipment


async def test_a_purchase_that_comes_too_late_is_found_by_the_next_try(
    logistics: EasyPostLogistics, request_: RateRequest, fail: Fail, purchases: Purchases
) -> None:
    purchase = await chosen(logistics, request_)
    await fail("POST", "*/buy", "lost-reply", seconds=1.0)
    with calling(CallContext(deadline=time.monotonic() + 0.6)), pytest.raises(DeadlineExceeded) as caught:
        await logistics.purchase_label(purchase)
    assert caught.value.extensions == {"outcome": "unknown"}
    await asyncio.sleep(0.5)
    shipment = await logistics.purchase_label(purchase)
    assert [one["tracking_code"] for one in await purchases()] == [shipment.tracking_code]


@pytest.mark.parametrize(
    ("fault", "more", "kind"),
    [
        ("close", {}, OutcomeUnknown),
        ("status", {"status": 503}, BackendUnavailable),
        ("nonsense", {}, BackendFault),
        ("html", {}, BackendFault),
    ],
)
async def test_a_purchase_that_did_not_happen_says_why_and_can_be_repeated(
    logistics: EasyPostLogistics,
    request_: RateRequest,
    fail: Fail,
    purchases: Purchases,
    fault: str,
    more: dict[str, Any],
    kind: type[Problem],
) -> None:
    purchase = await chosen(logistics, request_)
    await fail("POST", "*/buy", fault, **more)
    with pytest.raises(kind):
        await logistics.purchase_label(purchase)
    assert await purchases() == []
    await logistics.purchase_label(purchase)
    assert len(await purchases()) == 1


async def test_a_lost_reply_with_nobody_to_ask_leaves_the_outcome_unknown(
    logistics: EasyPostLogistics, request_: RateRequest, fail: Fail, purchases: Purchases
) -> None:
    purchase = await chosen(logistics, request_)
    await fail("POST", "*/buy", "lost-reply")
    await fail("GET", "*", "status", status=503, times=3)
    with pytest.raises(OutcomeUnknown, match="Look before repeating"):
        await logistics.purchase_label(purchase)
    await logistics.purchase_label(purchase)
    assert len(await purchases()) == 1


async def test_rates_whose_reply_is_lost_are_found_by_reference(
    logistics: EasyPostLogistics, request_: RateRequest, fail: Fail, requests: Requests
) -> None:
    await fail("POST", "/v2/shipments", "lost-reply")
    assert (await logistics.get_rates(request_)).rates
    assert await requests() == ["POST /v2/addresses", "POST /v2/shipments", "GET /v2/shipments/q-1"]


async def test_a_shipment_of_an_earlier_day_is_not_taken_for_the_lost_one(
    logistics: EasyPostLogistics, request_: RateRequest, fail: Fail, requests: Requests
) -> None:
    earlier = await logistics.get_rates(request_)
    await fail("POST", "/v2/shipments", "close")
    later = await logistics.get_rates(request_)
    assert later.shipment_id != earlier.shipment_id
    assert (await requests())[-3:] == ["POST /v2/shipments", "GET /v2/shipments/q-1", "POST /v2/shipments"]


async def test_a_refund_whose_reply_is_lost_is_asked_for_once(
    logistics: EasyPostLogistics, request_: RateRequest, fail: Fail, purchases: Purchases
) -> None:
    bought = await logistics.purchase_label(await chosen(logistics, request_))
    await fail("POST", "*/refund", "lost-reply")
    assert (await logistics.refund_label(bought.shipment_id)).state == "refunded"
    assert [one["refund_status"] for one in await purchases()] == ["submitted"]


async def test_reads_survive_one_bad_answer(logistics: EasyPostLogistics, request_: RateRequest, fail: Fail) -> None:
    rates = await logistics.get_rates(request_)
    for fault in ("lost-reply", "truncate", "status", "close"):
        await fail("GET", "*", fault)
        assert (await logistics.get_shipment(rates.shipment_id)).state == "quoted"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("status", BackendUnavailable),
        ("close", BackendUnavailable),
        ("truncate", BrokenReply),
        ("nonsense", BackendFault),
        ("html", BackendFault),
    ],
)
async def test_what_lasting_trouble_is_called(
    logistics: EasyPostLogistics, request_: RateRequest, fail: Fail, fault: str, kind: type[Problem]
) -> None:
    rates = await logistics.get_rates(request_)
    await fail("GET", "*", fault, times=None)
    with pytest.raises(kind) as caught:
        await logistics.get_shipment(rates.shipment_id)
    assert "Maintenance" not in caught.value.detail


async def test_a_slow_answer_ends_with_the_callers_deadline(
    logistics: EasyPostLogistics, request_: RateRequest, fail: Fail
) -> None:
    rates = await logistics.get_rates(request_)
    await fail("GET", "*", "latency", seconds=10)
    began = time.monotonic()
    with calling(CallContext(deadline=began + 0.1)), pytest.raises(DeadlineExceeded):
        await logistics.get_shipment(rates.shipment_id)
    assert time.monotonic() - began < 9


async def test_nobody_there_is_unavailable(opened: Callable[..., EasyPostLogistics]) -> None:
    logistics = opened(url="http://127.0.0.1:9")
    with pytest.raises(BackendUnavailable, match="nothing was sent"):
        await logistics.get_shipment("shp_0")
