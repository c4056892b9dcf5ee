"""How long a backend may take, and what is said when it takes longer."""

import asyncio
import time

import pytest

from shared.binding.call_context import CallContext, calling
from shared.binding.problems import DeadlineExceeded
from shared.resilience.deadline import Deadline


async def sleep_within(own: float | None) -> None:
    async with Deadline("crm", own):
        await asyncio.sleep(60)


@pytest.mark.parametrize(("own", "callers"), [(0.05, None), (0.05, 60.0), (60.0, 0.05), (None, 0.05)])
async def test_the_sooner_limit_cancels_the_work(own: float | None, callers: float | None) -> None:
    deadline = None if callers is None else time.monotonic() + callers
    began = time.monotonic()
    with calling(CallContext(deadline=deadline)), pytest.raises(DeadlineExceeded, match="crm"):
        await sleep_within(own)
    assert 0.04 < time.monotonic() - began < 30


async def test_nothing_begins_after_the_deadline() -> None:
    with calling(CallContext(deadline=time.monotonic() - 1)), pytest.raises(DeadlineExceeded, match="nothing"):
        async with Deadline("crm", 10):
            pytest.fail("the body ran")


async def test_without_any_limit_there_is_all_the_time() -> None:
    async with Deadline("crm", None) as deadline:
        assert deadline.remaining() == float("inf")


async def test_a_sent_write_is_said_to_be_in_doubt() -> None:
    async def write() -> None:
        async with Deadline("erp", 0.01) as deadline:
            deadline.outcome_unknown = True
            await asyncio.sleep(60)

    with pytest.raises(DeadlineExceeded, match="unknown") as refusal:
        await write()
    assert refusal.value.extensions == {"outcome": "unknown"}


async def test_cancellation_from_outside_stays_a_cancellation() -> None:
    task = asyncio.create_task(sleep_within(60))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
