"""Treasurers of several processes spend one budget exactly, by priority, with and without Valkey."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from shared.binding.call_context import CallContext, Priority, calling
from shared.binding.problems import QuotaExceeded
from shared.host.embedded import EmbeddedValkey, valkey_client
from shared.resilience import quota
from shared.resilience.quota import Treasurer
from shared.resilience.quota_budget import Budget
from shared.resilience.quota_ledger import Balance, Errand
from shared.resilience.quota_local import LocalLedger
from shared.resilience.quota_script import ValkeyLedger
from shared.resilience.quota_treasury import Treasury
from shared.telemetry.metrics import exposition

BUCKET = 300


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quota, "_PATIENCE", 20.0)  # a busy test machine is no outage


def budget(allowance: int, **terms: Any) -> Budget:
    return Budget(name="org", allowance=allowance, **terms)


async def spend(treasurer: Treasurer, number: int, priority: Priority = "interactive") -> int:
    """How many of `number` calls were let through."""
    with calling(CallContext(priority=priority)):
        for done in range(number):
            try:
                await treasurer.take()
            except QuotaExceeded:
                return done
    return number


def metric(line: str) -> bool:
    return line in exposition("text/plain")[0].decode()


async def test_interactive_beats_orders_and_orders_beat_batch(valkey: Redis) -> None:
    treasurer = Treasurer(budget(1000), ValkeyLedger(valkey, budget(1000)))
    assert await spend(treasurer, 2000, "batch") == 800
    assert await spend(treasurer, 2000, "order") == 180
    assert await spend(treasurer, 2000, "batch") == 0
    assert await spend(treasurer, 2000, "interactive") == 20


async def test_a_refusal_says_when_to_come_back_and_that_nothing_was_sent(valkey: Redis, clock: Any) -> None:
    treasurer = Treasury(valkey, wall=clock).treasurer(budget(100))
    assert await spend(treasurer, 200, "batch") == 80
    clock.now += 1.5
    with pytest.raises(QuotaExceeded) as refused, calling(CallContext(priority="batch")):
        await treasurer.take()
    assert refused.value.retry_after == pytest.approx(86_400 + BUCKET - 1.5)
    assert refused.value.transient
    assert refused.value.extensions == {"quota": "org", "priority": "batch"}
    assert "The last 20 are kept for more urgent work" in refused.value.detail
    assert "2027-01-16 08:05:00Z" in refused.value.detail
    clock.now += refused.value.retry_after or 0
    assert await spend(treasurer, 1, "batch") == 1


async def test_a_refused_flood_asks_the_ledger_once_a_second(clock: Any) -> None:
    ledger = Counting(budget(100), clock)
    treasurer = Treasurer(budget(100), ledger, clock=clock, wall=clock)
    await spend(treasurer, 101)
    before = ledger.visits
    for _ in range(50):
        assert await spend(treasurer, 1) == 0
    assert ledger.visits == before
    clock.now += 1.0
    assert await spend(treasurer, 1) == 0
    assert ledger.visits == before + 1


class Counting(LocalLedger):
    """Books in memory that count visits, and may refuse to answer."""

    def __init__(self, terms: Budget, clock: Any) -> None:
        super().__init__(terms, clock=clock)
        self.visits = 0
        self.away = False
        self.slow: asyncio.Event | None = None

    async def settle(self, errand: Errand) -> Balance:
        if self.away:
            raise ConnectionError
        if self.slow is not None:
            await self.slow.wait()
        self.visits += 1
        return await super().settle(errand)


async def test_most_calls_of_a_busy_process_ask_nobody(clock: Any) -> None:
    ledger = Counting(budget(1_000_000), clock)
    treasurer = Treasurer(budget(1_000_000), ledger, clock=clock, wall=clock)
    for _ in range(5_000):
        assert await spend(treasurer, 1) == 1
        clock.now += 0.001
    assert ledger.visits < 60


async def test_callers_that_come_at_once_share_one_question_and_one_that_gives_up_ends_nothing(clock: Any) -> None:
    ledger = Counting(budget(100), clock)
    ledger.slow = asyncio.Event()
    treasurer = Treasurer(budget(100), ledger, clock=clock, wall=clock)
    calls = [asyncio.create_task(treasurer.take()) for _ in range(30)]
    await asyncio.sleep(0)
    calls[0].cancel()
    ledger.slow.set()
    await asyncio.gather(*calls, return_exceptions=True)
    assert ledger.visits <= 3
    assert treasurer.balance.ours >= 29


async def test_several_clients_at_once_spend_the_allowance_to_the_last_call(valkey: Redis) -> None:
    terms = budget(3000)
    treasurers = [Treasurer(terms, ValkeyLedger(valkey, terms)) for _ in range(4)]
    priorities: tuple[Priority, ...] = ("batch", "order", "interactive")
    spent = await asyncio.gather(*(spend(each, 2000, priority) for each in treasurers for priority in priorities))
    for treasurer in treasurers:
        await treasurer.aclose()
    assert sum(spent) + sum(await asyncio.gather(*(spend(each, 100) for each in treasurers))) == 3000


async def test_a_lease_ends_with_its_bucket_and_comes_back(clock: Any) -> None:
    ledger = LocalLedger(budget(100_000), clock=clock)
    treasurer = Treasurer(budget(100_000), ledger, clock=clock, wall=clock)
    clock.now += BUCKET - 0.5
    await spend(treasurer, 100)  # at an instant: the lease has grown
    leased = (await ledger.settle(Errand())).ours
    assert leased > 100
    clock.now += 0.5
    await spend(treasurer, 1)
    calls = (await ledger.read()).calls
    assert list(calls.values()) == [100, treasurer.balance.granted]


async def test_idle_leases_come_back_at_the_next_visit(clock: Any) -> None:
    ledger = LocalLedger(budget(100_000), clock=clock)
    treasurer = Treasurer(budget(100_000), ledger, clock=clock, wall=clock)
    await spend(treasurer, 50, "batch")
    clock.now += 5.0
    await treasurer.visit()
    assert (await ledger.settle(Errand())).ours == 50


async def test_the_backend_is_believed_less_what_is_ours_and_in_hand(clock: Any) -> None:
    ledger = LocalLedger(budget(100_000), clock=clock)
    treasurer = Treasurer(budget(100_000), ledger, clock=clock, wall=clock)
    await spend(treasurer, 50)
    treasurer.observe(1_040, 50_000)  # ten of ours are on their way
    await spend(treasurer, 5)
    treasurer.observe(1_046, 50_000)  # nine
    treasurer.observe(1_041, 50_000)  # an answer that comes late
    await treasurer.visit()
    assert (treasurer.balance.others, treasurer.balance.limit) == (991, 50_000)


async def test_a_repeat_is_charged_and_never_refused(valkey: Redis) -> None:
    treasurer = Treasurer(budget(100), ValkeyLedger(valkey, budget(100)))
    assert await spend(treasurer, 200) == 100
    treasurer.repeat()
    treasurer.repeat()
    await treasurer.visit()
    assert treasurer.balance.ours == 102


async def test_without_valkey_each_process_spends_its_share_of_what_was_left(clock: Any) -> None:
    ledger = Counting(budget(1000), clock)
    treasurers = [Treasurer(budget(1000), ledger, processes=4, clock=clock, wall=clock) for _ in range(4)]
    for each in treasurers:
        await spend(each, 50)
    for each in treasurers:
        clock.now += 5.0
        await each.visit()
    ledger.away = True
    clock.now += 5.0
    alone = [await spend(each, 1000) for each in treasurers]
    assert all(each.alone for each in treasurers)
    assert metric('triptych_quota_alone{budget="org"} 1.0')
    assert 780 <= sum(alone) <= 800
    assert await spend(treasurers[0], 1, "batch") == 0
    ledger.away = False
    for each in treasurers:
        await each.visit()
    assert not any(each.alone for each in treasurers)
    assert (await ledger.settle(Errand())).ours == 200 + sum(alone)


async def test_alone_the_backend_is_still_listened_to(clock: Any) -> None:
    ledger = Counting(budget(1000), clock)
    treasurer = Treasurer(budget(1000), ledger, processes=2, clock=clock, wall=clock)
    ledger.away = True
    assert await spend(treasurer, 100) == 100
    treasurer.observe(960, 1000)
    assert await spend(treasurer, 100) <= 20 + 2  # what is left is shared with the other process


@pytest.fixture
async def own_client(own_server: EmbeddedValkey) -> AsyncIterator[Redis]:
    async with valkey_client(own_server.url) as client:
        yield client


async def test_a_restart_of_valkey_loses_no_call(own_server: EmbeddedValkey, own_client: Redis) -> None:
    terms = budget(1000)
    treasurer = Treasurer(terms, ValkeyLedger(own_client, terms))
    assert await spend(treasurer, 300) == 300
    await own_server.stop()
    assert await spend(treasurer, 100) == 100
    assert treasurer.alone
    await own_server.start()
    await treasurer.visit()
    assert not treasurer.alone
    assert await spend(treasurer, 2000) + 400 == pytest.approx(1000, abs=20)  # a lease was lost with the connection
    assert treasurer.balance.ours == 1000


SPENDER = """
import asyncio, sys
from shared.host.embedded import valkey_client
from shared.resilience.quota import Treasurer
from shared.resilience.quota_budget import Budget
from shared.resilience.quota_script import ValkeyLedger
from shared.resilience import quota
from shared.binding.problems import QuotaExceeded
from shared.binding.call_context import CallContext, enter
quota._PATIENCE = 20.0

async def main(url, priority, most):
    enter(CallContext(priority=priority))
    async with valkey_client(url) as valkey:
        terms = Budget(name="org", allowance=4000)
        treasurer, spent = Treasurer(terms, ValkeyLedger(valkey, terms)), 0
        try:
            while spent < most:
                await treasurer.take()
                spent += 1
        except QuotaExceeded:
            await treasurer.aclose()
        print(spent, flush=True)
        if spent == most:
            await asyncio.sleep(60)  # until killed, a lease in hand

asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""


async def spender(url: str, priority: str, most: int = 1_000_000) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", SPENDER, url, priority, str(most), stdout=asyncio.subprocess.PIPE
    )


async def spent_by(process: asyncio.subprocess.Process) -> int:
    assert process.stdout is not None
    return int(await process.stdout.readline())


async def test_processes_together_never_exceed_and_one_that_is_killed_loses_at_most_its_lease(
    server: EmbeddedValkey, valkey: Redis
) -> None:
    victim, *others = [
        await spender(server.url, "batch", 500),
        await spender(server.url, "batch"),
        await spender(server.url, "order"),
    ]
    total = await spent_by(victim)
    os.kill(victim.pid, signal.SIGKILL)
    await victim.wait()
    total += sum([await spent_by(each) for each in others])
    for each in others:
        await each.wait()
    last = Treasurer(Budget(name="org", allowance=4000), ValkeyLedger(valkey, Budget(name="org", allowance=4000)))
    total += await spend(last, 10_000)
    assert last.balance.ours == 4000
    assert 4000 - 40 <= total <= 4000  # a lease is at most a hundredth of what is left
