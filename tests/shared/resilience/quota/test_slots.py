"""Calls in flight are bounded over all processes, by leases that the dead give back."""

import asyncio

import pytest
from eventually import eventually
from redis.asyncio import Redis

from shared.binding.problems import Overloaded
from shared.host.embedded import EmbeddedValkey, valkey_client
from shared.resilience.quota_treasury import Treasury
from shared.resilience.slots import SlotBudget, Slots
from shared.resilience.slots_script import PREFIX

BUDGET = SlotBudget(name="erp", slots=3, max_wait=30.0)
AT_ONCE = SlotBudget(name="erp", slots=3, max_wait=0.0)


async def none_is_leased(valkey: Redis) -> None:
    """Leases end on the server, and nobody who leaves waits for that."""

    async def all_are_back() -> bool:
        return await valkey.zcard(PREFIX + "erp") == 0

    await eventually(all_are_back)


async def busy(slots: Slots, leave: asyncio.Event, calls: int) -> list[asyncio.Task[None]]:
    """So many calls, each with its slot."""

    async def call(arrived: asyncio.Event) -> None:
        async with slots.hold():
            arrived.set()
            await leave.wait()

    tasks: list[asyncio.Task[None]] = []
    for _ in range(calls):
        arrived = asyncio.Event()
        tasks.append(asyncio.create_task(call(arrived)))
        await arrived.wait()
    return tasks


async def refused(slots: Slots) -> bool:
    try:
        async with slots.hold():
            return False
    except Overloaded:
        return True


async def ends(valkey: Redis) -> float:
    """When the one lease ends."""
    ((_, at),) = await valkey.zrange(PREFIX + "erp", 0, -1, withscores=True)
    return at


async def test_processes_together_never_hold_more_than_there_are(valkey: Redis) -> None:
    processes = [Slots(BUDGET, valkey, processes=2) for _ in range(2)]
    now = most = 0

    async def call(slots: Slots) -> None:
        nonlocal now, most
        async with slots.hold():
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.002)
            now -= 1

    await asyncio.gather(*(call(slots) for slots in processes for _ in range(12)))
    assert 0 < most <= 3
    assert now == 0
    await none_is_leased(valkey)


async def test_waiting_ends_in_a_refusal_and_a_freed_slot_serves_another_process(valkey: Redis) -> None:
    leave = asyncio.Event()
    first = await busy(Slots(BUDGET, valkey), leave, 3)
    other = Slots(AT_ONCE, valkey)
    assert await refused(other)
    leave.set()
    await asyncio.gather(*first)
    assert not await refused(other)


async def test_slots_of_a_dead_process_come_back_when_their_leases_end(valkey: Redis) -> None:
    brief = SlotBudget(name="erp", slots=3, max_wait=30.0, lease=0.2)
    dead = Slots(brief, valkey)
    leave = asyncio.Event()
    held = await busy(dead, leave, 3)
    await dead.aclose()  # nothing is renewed any more, as after a SIGKILL
    again = await busy(Slots(brief, valkey), leave, 3)
    leave.set()
    await asyncio.gather(*held, *again)


async def test_leases_of_the_living_are_renewed(valkey: Redis) -> None:
    brief = SlotBudget(name="erp", slots=1, max_wait=30.0, lease=1.0)
    slots = Slots(brief, valkey)
    async with slots.hold():
        before = await ends(valkey)

        async def is_renewed() -> bool:
            return await ends(valkey) > before

        await eventually(is_renewed)
    await slots.aclose()


async def test_cancelled_call_gives_its_slot_back(valkey: Redis) -> None:
    slots = Slots(BUDGET, valkey)
    (task,) = await busy(slots, asyncio.Event(), 1)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert slots.held == 0
    await none_is_leased(valkey)


async def test_without_valkey_a_process_keeps_to_its_share_until_it_is_back(own_server: EmbeddedValkey) -> None:
    async with valkey_client(own_server.url) as client:
        now = 0.0
        slots = Slots(SlotBudget(name="erp", slots=4, max_wait=0.0), client, processes=2, clock=lambda: now)
        leave = asyncio.Event()
        await own_server.stop()
        held = await busy(slots, leave, 2)
        assert slots.alone
        assert await refused(slots)
        await own_server.start()
        now += 2.0
        held += await busy(slots, leave, 2)
        assert not slots.alone
        assert await client.zcard(PREFIX + "erp") == 4
        leave.set()
        await asyncio.gather(*held)
        await slots.aclose()


async def test_process_without_any_valkey_has_all_slots() -> None:
    slots = Treasury().slots(AT_ONCE)
    leave = asyncio.Event()
    held = await busy(slots, leave, 3)
    assert (slots.held, await refused(slots)) == (3, True)
    leave.set()
    await asyncio.gather(*held)


async def test_same_name_has_one_set_of_slots_with_one_set_of_terms() -> None:
    treasury = Treasury()
    assert treasury.slots(BUDGET) is treasury.slots(BUDGET)
    with pytest.raises(ValueError, match="erp"):
        treasury.slots(AT_ONCE)


def test_budget_without_slots_is_refused() -> None:
    with pytest.raises(ValueError, match="erp"):
        SlotBudget(name="erp", slots=0)


async def test_slots_are_as_many_as_the_backend_tells_last() -> None:
    slots, leave = Slots(AT_ONCE), asyncio.Event()
    tasks = await busy(slots, leave, 3)
    slots.resize(2)
    assert await refused(slots)
    slots.resize(4)
    tasks += await busy(slots, leave, 1)
    assert await refused(slots)
    with pytest.raises(ValueError, match="erp"):
        slots.resize(0)
    leave.set()
    await asyncio.gather(*tasks)
