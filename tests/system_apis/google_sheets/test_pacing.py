"""Google's quota of a minute is kept on our side: reads and writes apart, by all that share the account."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import httpx
import pytest

from shared.binding.call_context import CallContext, calling
from shared.binding.problems import QuotaExceeded
from shared.contracts.system.tables import RowBatch
from shared.resilience.quota_treasury import Treasury
from system_apis.google_sheets.pacing import MinuteQuota


async def asked(control: httpx.AsyncClient, method: str) -> int:
    entries = (await control.get("/requests")).json()["requests"]
    return sum(1 for one in entries if one["method"] == method and "/v4/" in one["path"])


async def outcome(call: Awaitable[Any]) -> QuotaExceeded | None:
    """The refusal, if it was one."""
    try:
        await call
    except QuotaExceeded as refused:
        return refused
    return None


async def test_what_the_minute_has_no_room_for_is_not_sent(opened, control) -> None:
    tables = opened(reads_per_minute=4, max_quota_wait=0.0)
    before = await asked(control, "GET")
    read = [await outcome(tables.read_rows("prices", limit=1)) for _ in range(5)]
    assert read[0] is None
    assert await asked(control, "GET") - before == 4
    assert isinstance(read[-1], QuotaExceeded)
    assert "in 60 s are spent" in read[-1].detail
    assert 0 < (read[-1].retry_after or 0) <= 63


async def test_writes_have_a_quota_of_their_own(opened) -> None:
    tables = opened(writes_per_minute=2, max_quota_wait=0.0)
    await tables.append_rows("wishes", "b-1", RowBatch([{"customer": "1"}]))  # with our column in the header
    with pytest.raises(QuotaExceeded, match="writes"):
        await tables.append_rows("wishes", "b-2", RowBatch([{"customer": "2"}]))
    assert (await tables.read_rows("wishes")).items


async def test_after_googles_429_nothing_is_sent_until_the_minute_is_over(opened, control) -> None:
    tables = opened(max_quota_wait=0.0, retry_delays=())
    await control.post("/rate-limit", json={"per_minute": 0})
    with pytest.raises(QuotaExceeded):
        await tables.read_rows("prices")
    await control.post("/rate-limit", json={"per_minute": None})
    before = await asked(control, "GET")
    later = [await outcome(tables.read_rows("prices")) for _ in range(4)]  # what was leased before may still be used
    assert isinstance(later[-1], QuotaExceeded)
    assert await asked(control, "GET") - before <= 4


async def test_a_request_waits_for_room_as_long_as_it_may() -> None:
    passed, slept = [1_000_000.0], list[float]()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        passed[0] += seconds
        await asyncio.sleep(0.05)  # the treasurer remembers a refusal for a moment of real time

    treasury = Treasury(wall=lambda: passed[0])
    quota = MinuteQuota(treasury, "sheets", 2, 100_000.0, sleep)
    for _ in range(3):
        await quota.take()
    assert slept
    assert max(slept) <= 63
    hasty = MinuteQuota(treasury, "sheets", 2, 0.0, sleep)
    await hasty.take()
    with pytest.raises(QuotaExceeded):
        await hasty.take()
    with calling(CallContext(deadline=0.0)), pytest.raises(QuotaExceeded):
        await quota.take()
