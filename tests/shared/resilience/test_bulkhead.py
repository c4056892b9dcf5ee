"""Places at a backend: who gets one, who waits, who is refused."""

import asyncio

import pytest

from shared.binding.problems import Overloaded
from shared.resilience.bulkhead import Bulkhead


async def hold(bulkhead: Bulkhead, leave: asyncio.Event) -> None:
    async with bulkhead:
        await leave.wait()


async def started(*tasks: asyncio.Task[None]) -> None:
    for _ in range(3):
        await asyncio.sleep(0)
    assert tasks


async def test_no_more_calls_than_places() -> None:
    bulkhead = Bulkhead("erp", places=3, max_wait=60, max_waiting=100)
    most = 0

    async def call() -> None:
        nonlocal most
        async with bulkhead:
            most = max(most, bulkhead.in_flight)
            await asyncio.sleep(0.001)

    await asyncio.gather(*(call() for _ in range(50)))
    assert (most, bulkhead.in_flight, bulkhead.waiting) == (3, 0, 0)


async def test_places_go_to_those_who_waited_longest() -> None:
    bulkhead = Bulkhead("erp", places=1, max_wait=60, max_waiting=100)
    order: list[int] = []

    async def call(number: int) -> None:
        async with bulkhead:
            order.append(number)
            await asyncio.sleep(0)

    await asyncio.gather(*(call(number) for number in range(20)))
    assert order == list(range(20))


async def test_waiting_ends_in_a_refusal() -> None:
    bulkhead = Bulkhead("erp", places=1, max_wait=0.05, max_waiting=100)
    leave = asyncio.Event()
    holder = asyncio.create_task(hold(bulkhead, leave))
    await started(holder)
    with pytest.raises(Overloaded, match="erp") as refusal:
        await hold(bulkhead, leave)
    assert refusal.value.retry_after
    leave.set()
    await holder
    assert (bulkhead.in_flight, bulkhead.waiting) == (0, 0)


async def test_a_full_queue_refuses_at_once() -> None:
    bulkhead = Bulkhead("erp", places=1, max_wait=60, max_waiting=1)
    leave = asyncio.Event()
    tasks = [asyncio.create_task(hold(bulkhead, leave)) for _ in range(2)]
    await started(*tasks)
    with pytest.raises(Overloaded):
        await asyncio.wait_for(hold(bulkhead, leave), 30)
    leave.set()
    await asyncio.gather(*tasks)


async def test_cancelled_waiters_lose_no_place() -> None:
    bulkhead = Bulkhead("erp", places=1, max_wait=60, max_waiting=10)
    leave = asyncio.Event()
    holder = asyncio.create_task(hold(bulkhead, leave))
    await started(holder)
    waiter = asyncio.create_task(hold(bulkhead, leave))
    await started(waiter)
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    assert bulkhead.waiting == 0
    leave.set()
    await holder
    assert bulkhead.in_flight == 0


async def test_place_handed_over_while_cancelled_goes_to_the_next() -> None:
    bulkhead = Bulkhead("erp", places=1, max_wait=60, max_waiting=10)
    leave = asyncio.Event()
    holder, waiter, last = (asyncio.create_task(hold(bulkhead, leave)) for _ in range(3))
    await started(holder, waiter, last)
    leave.set()
    await holder  # its place is now the waiter's, who has not run since
    waiter.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    await asyncio.wait_for(last, 30)
    assert bulkhead.in_flight == 0
