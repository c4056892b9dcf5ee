"""Labels are paid for: what EasyPost sold or took back without our hearing of it is looked up, never bought again."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from shared.contracts.canonical.shipment import LabelPurchase, RateRequest
from system_apis.easypost import EasyPostLogistics

TIMES = 180


@pytest.mark.slow
async def test_hundreds_of_lost_replies_to_rates_purchases_and_refunds_cost_nothing_twice(
    opened: Callable[..., EasyPostLogistics],
    request_: RateRequest,
    fail: Callable[..., Awaitable[None]],
    purchases: Callable[[], Awaitable[list[dict[str, Any]]]],
) -> None:
    logistics = opened(breaker_min_calls=1_000_000, retry_share=10.0)
    labels: list[str] = []
    for number in range(TIMES):
        request = msgspec.structs.replace(request_, reference=f"lost-{number}")
        await fail("POST", "/v2/shipments", "lost-reply")
        rates = await logistics.get_rates(request)
        await fail("POST", "*/buy", "lost-reply")
        bought = await logistics.purchase_label(
            LabelPurchase(rates.shipment_id, rates.rates[0].rate_id, request.reference)
        )
        labels.append(bought.tracking_code)
        await fail("POST", "*/refund", "lost-reply")
        assert (await logistics.refund_label(bought.shipment_id)).state == "refunded"
    paid = await purchases()
    assert [each["tracking_code"] for each in paid] == labels
    assert len(set(labels)) == TIMES
    assert {each["refund_status"] for each in paid} == {"submitted"}
