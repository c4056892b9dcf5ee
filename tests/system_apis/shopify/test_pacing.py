"""The bucket of query costs, and Shopify on a bad day."""

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from shared.binding.problems import BackendFault, BackendUnavailable, Problem, QuotaExceeded
from system_apis.shopify import ShopifyCommerce
from system_apis.shopify.pacing import CostBucket
from system_apis.shopify.records import Cost, ThrottleStatus

Fail = Callable[..., Awaitable[None]]
Opened = Callable[..., ShopifyCommerce]


THROTTLED: dict[str, Any] = {
    "errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
    "extensions": {
        "cost": {
            "requestedQueryCost": 152,
            "actualQueryCost": None,
            "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 150, "restoreRate": 100.0},
        }
    },
}


async def asked(control: httpx.AsyncClient) -> int:
    return len((await control.get("/requests")).json()["requests"])


async def test_what_is_throttled_is_sent_again_when_the_bucket_has_refilled(
    commerce: ShopifyCommerce, control: httpx.AsyncClient, fail: Fail
) -> None:
    await fail("status", status=200, body=THROTTLED, times=1)
    assert (await commerce.list_orders(None, None, 50)).items
    assert await asked(control) == 2


async def test_a_query_too_dear_for_any_bucket_is_not_sent_again(
    commerce: ShopifyCommerce, control: httpx.AsyncClient, fail: Fail
) -> None:
    cost = {**THROTTLED["extensions"]["cost"], "requestedQueryCost": 2001}
    await fail("status", status=200, body={**THROTTLED, "extensions": {"cost": cost}}, times=1)
    with pytest.raises(BackendFault, match="smaller pages"):
        await commerce.list_orders(None, None, 50)
    assert await asked(control) == 1


@pytest.mark.parametrize(
    ("code", "kind"),
    [("ACCESS_DENIED", BackendFault), ("INTERNAL_SERVER_ERROR", BackendUnavailable), ("undefinedField", BackendFault)],
)
async def test_errors_that_come_with_200_are_told_apart(
    commerce: ShopifyCommerce, fail: Fail, code: str, kind: type[Problem]
) -> None:
    await fail("status", status=200, body={"errors": [{"extensions": {"code": code}}]}, times=None)
    with pytest.raises(kind):
        await commerce.list_orders()


async def test_a_bucket_known_to_be_empty_is_waited_for_instead_of_being_throttled(
    commerce: ShopifyCommerce, control: httpx.AsyncClient
) -> None:
    await control.post("/bucket", json={"available": 1000, "restore_rate": 1000})
    for _ in range(8):
        await commerce.list_orders(None, None, 200)
    assert await asked(control) == 8


async def test_a_wait_longer_than_allowed_is_refused_with_when_to_come_back() -> None:
    now = 0.0
    bucket = CostBucket(5.0, lambda: now)
    bucket.observe("list_orders", Cost(602.0, ThrottleStatus(2000.0, 2.0, 100.0)))
    with pytest.raises(QuotaExceeded) as caught:
        async with bucket.share("list_orders"):
            pytest.fail("was let in")
    assert caught.value.retry_after == 6.0
    now = 6.0
    async with bucket.share("list_orders"):
        with pytest.raises(QuotaExceeded):
            async with bucket.share("list_orders"):
                pytest.fail("was let in beside the other")


async def test_a_wrong_token_is_our_fault_and_stays_secret(opened: Opened) -> None:
    with pytest.raises(BackendFault, match="does not accept our credentials") as caught:
        await opened(token="shpat_wrong").get_order("5000001")
    assert "shpat_wrong" not in str(caught.value.details())


async def test_another_api_version_that_is_none_is_told(opened: Opened) -> None:
    with pytest.raises(BackendFault, match="address"):
        await opened(api_version="latest").get_order("5000001")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("status", BackendUnavailable), ("close", BackendUnavailable), ("nonsense", BackendFault), ("html", BackendFault)],
)
async def test_what_lasting_trouble_is_called(
    commerce: ShopifyCommerce, fail: Fail, fault: str, kind: type[Problem]
) -> None:
    await fail(fault, times=None)
    with pytest.raises(kind):
        await commerce.get_order("5000001")
