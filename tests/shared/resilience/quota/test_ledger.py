"""The ledger's rules, on Valkey and in memory alike."""

from collections.abc import Callable
from math import ceil
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.asyncio import Redis

from shared.resilience.quota_budget import Budget
from shared.resilience.quota_ledger import Balance, Errand, Ledger
from shared.resilience.quota_local import LocalLedger
from shared.resilience.quota_script import ValkeyLedger

Keep = Callable[[Budget], Ledger]
DAY, BUCKET = 86_400, 300


@pytest.fixture(params=["valkey", "memory"])
def keep(request: pytest.FixtureRequest, valkey: Redis, clock: Any) -> Keep:
    if request.param == "valkey":
        return lambda budget: ValkeyLedger(valkey, budget, clock)
    return lambda budget: LocalLedger(budget, clock=clock)


def budget(allowance: int, **terms: Any) -> Budget:
    return Budget(name="org", allowance=allowance, **terms)


async def test_a_call_counts_until_its_bucket_has_been_over_for_a_whole_window(keep: Keep, clock: Any) -> None:
    ledger = keep(budget(10))
    clock.now += 299.999
    assert (await ledger.settle(Errand(needed=10))).granted == 10
    clock.now += 0.001
    refused = await ledger.settle(Errand(needed=1))
    assert (refused.granted, refused.ours, refused.wait) == (0, 10, DAY)
    clock.now += DAY - 0.001
    assert (await ledger.settle(Errand(needed=1))).granted == 0
    clock.now += 0.001
    assert (await ledger.settle(Errand(needed=1))) == Balance(1, 6_000_289, BUCKET, 1, 0, 10, 0.0, 0, 0)


async def test_the_wait_is_until_enough_buckets_have_rolled_out(keep: Keep, clock: Any) -> None:
    ledger = keep(budget(10))
    await ledger.settle(Errand(needed=3))
    clock.now += 7 * BUCKET
    await ledger.settle(Errand(needed=7))
    refused = await ledger.settle(Errand(needed=1))
    assert refused.wait == DAY + BUCKET - 7 * BUCKET
    batch = await ledger.settle(Errand(needed=1, withheld=0.4))  # six may be used: the first three must go, and more
    assert batch.wait == DAY + BUCKET


async def test_batch_stops_at_the_reserve_and_orders_at_the_last_of_it(keep: Keep) -> None:
    terms = budget(1000)
    ledger = keep(terms)
    for priority, until in (("batch", 800), ("order", 980), ("interactive", 1000)):
        balance = await ledger.settle(Errand(needed=5000, withheld=terms.withheld(priority)))
        assert balance.ours == until, priority
        assert (await ledger.settle(Errand(needed=1, withheld=terms.withheld(priority)))).granted == 0


async def test_a_lease_takes_at_most_a_hundredth_of_what_is_left(keep: Keep) -> None:
    ledger = keep(budget(1000))
    assert (await ledger.settle(Errand(needed=100, extra=500))).granted == 100 + 9


async def test_what_was_not_spent_goes_back_to_its_bucket_while_that_counts(keep: Keep, clock: Any) -> None:
    ledger = keep(budget(1000))
    lease = await ledger.settle(Errand(needed=50))
    clock.now += BUCKET
    assert (await ledger.settle(Errand(returned=20, returned_to=lease.bucket))).ours == 30
    assert (await ledger.settle(Errand(returned=99, returned_to=lease.bucket))).ours == 0  # never below nothing
    clock.now += DAY + BUCKET
    assert (await ledger.settle(Errand(returned=20, returned_to=lease.bucket))).ours == 0


async def test_what_the_backend_counts_beyond_ours_is_used_by_others(keep: Keep) -> None:
    ledger = keep(budget(1000))
    await ledger.settle(Errand(needed=100))
    heard = await ledger.settle(Errand(used=350, allowed=2000, unspent=40))
    assert (heard.ours, heard.others, heard.used, heard.limit) == (100, 290, 390, 2000)
    lower = await ledger.settle(Errand(used=100, allowed=2000))
    assert (lower.others, lower.limit) == (290, 2000)  # it may be late


async def test_a_count_from_before_this_bucket_makes_nobody_of_calls_that_rolled_out(keep: Keep, clock: Any) -> None:
    ledger = keep(budget(1000))
    await ledger.settle(Errand(needed=100))
    clock.now += DAY + BUCKET + 1.5
    assert (await ledger.settle(Errand(used=100, allowed=1000, age=2.0))).used == 0
    assert (await ledger.settle(Errand(used=100, allowed=1000, age=1.0))).used == 100


async def test_what_others_use_falls_an_hour_after_the_backend_says_so(keep: Keep, clock: Any) -> None:
    ledger = keep(budget(1000))
    await ledger.settle(Errand(used=600, allowed=1000))
    for _ in range(11):
        clock.now += BUCKET
        assert (await ledger.settle(Errand(used=200, allowed=1000))).others == 600
    clock.now += BUCKET
    assert (await ledger.settle(Errand(used=200, allowed=1000))).others == 200


async def test_what_the_backend_said_last_stands_while_it_is_silent_and_ends_with_the_window(
    keep: Keep, clock: Any
) -> None:
    ledger = keep(budget(1000))
    await ledger.settle(Errand(used=600, allowed=1000))
    clock.now += DAY + BUCKET - 1
    assert (await ledger.settle(Errand())).others == 600
    clock.now += 1
    assert (await ledger.settle(Errand())).others == 0


async def test_one_call_a_bucket_looks_when_others_used_all_and_the_backend_is_silent(keep: Keep, clock: Any) -> None:
    ledger = keep(budget(1000))
    full = Errand(needed=1, withheld=0.2)
    await ledger.settle(Errand(used=1000, allowed=1000))
    refused = await ledger.settle(full)
    assert (refused.granted, refused.wait) == (0, 2 * BUCKET)
    clock.now += 2 * BUCKET - 1
    assert (await ledger.settle(full)).granted == 0
    clock.now += 1
    assert [(await ledger.settle(full)).granted for _ in range(3)] == [1, 0, 0]
    assert (await ledger.settle(full)).wait == BUCKET


async def test_nobody_looks_at_a_reserve_that_only_we_have_reached(keep: Keep, clock: Any) -> None:
    ledger = keep(budget(10))
    await ledger.settle(Errand(needed=8))
    for _ in range(5):
        clock.now += 3 * BUCKET
        assert (await ledger.settle(Errand(needed=1, withheld=0.2))).granted == 0


async def test_nobody_looks_when_ours_alone_have_reached_the_ceiling(keep: Keep, clock: Any) -> None:
    ledger = keep(budget(10))
    await ledger.settle(Errand(needed=8))
    await ledger.settle(Errand(used=9, allowed=10))
    clock.now += 2 * BUCKET
    refused = await ledger.settle(Errand(needed=1, withheld=0.2))
    assert (refused.granted, refused.others, refused.wait) == (0, 1, DAY - BUCKET)


async def test_a_cap_bounds_what_the_backend_allows(keep: Keep) -> None:
    ledger = keep(budget(1000, cap=500))
    assert (await ledger.settle(Errand(used=0, allowed=5_000_000, needed=900))).granted == 500


async def test_an_alert_level_is_told_once_until_usage_was_clearly_below_it(keep: Keep) -> None:
    ledger = keep(budget(100))
    told = [(await ledger.settle(Errand(needed=number))).crossed for number in (69, 1, 5, 10, 11)]
    assert told == [0, 70, 0, 85, 95]
    back = 6_000_000
    assert (await ledger.settle(Errand(returned=2, returned_to=back))).level == 95  # 94 %
    again = [await ledger.settle(errand) for errand in (Errand(needed=2), Errand(returned=8, returned_to=back))]
    assert [(each.crossed, each.level) for each in again] == [(0, 95), (0, 85)]
    assert (await ledger.settle(Errand(needed=8))).crossed == 95


async def test_a_clock_that_is_set_back_frees_nothing(keep: Keep, clock: Any) -> None:
    ledger = keep(budget(10))
    await ledger.settle(Errand(needed=10))
    clock.now -= 7200
    assert (await ledger.settle(Errand(needed=1))).granted == 0


async def test_a_clock_that_was_years_ahead_for_a_moment_does_not_stop_the_budget_for_years(
    valkey: Redis, clock: Any
) -> None:
    ledger = ValkeyLedger(valkey, budget(10), clock)
    clock.now += 400 * DAY
    await ledger.settle(Errand(needed=10))
    clock.now -= 400 * DAY
    assert (await ledger.settle(Errand(needed=1))).ours == 10
    clock.now += DAY + BUCKET
    assert (await ledger.settle(Errand(needed=1))).granted == 1


STEP = st.tuples(
    st.sampled_from(["take", "give back", "debt", "hear"]),
    st.integers(0, 40),
    st.sampled_from([0.0, 0.02, 0.2]),
    st.sampled_from([0, 1, 299, 300, 301, 3600, 40_000, 90_000]),
)


class Plain:
    """A list of calls, and sums over it."""

    def __init__(self) -> None:
        self.calls: list[int] = []  # the bucket of each
        self.said: list[tuple[int, int]] = []  # bucket, used by others

    def ours(self, current: int) -> int:
        return sum(bucket >= current - 288 for bucket in self.calls)

    def others(self, current: int) -> int:
        if not self.said:
            return 0
        last = self.said[-1][0]
        return max((number for at, number in self.said if at > last - 12 and at >= current - 288), default=0)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=25))
async def test_the_ledger_agrees_with_a_plain_list_of_calls(
    steps: list[tuple[str, int, float, int]], valkey: Redis, clock: Any
) -> None:
    await valkey.flushall()
    terms = budget(100)
    ledgers, plain = (ValkeyLedger(valkey, terms, clock), LocalLedger(terms, clock=clock)), Plain()
    for what, number, withheld, pause in steps:
        clock.now += pause
        current = int(clock.now) // BUCKET
        errand, room = Errand(), 100 - ceil(100 * withheld) - plain.ours(current) - plain.others(current)
        if what == "take":
            errand = Errand(needed=number, withheld=withheld)
        elif what == "debt":
            errand = Errand(debt=number)
            plain.calls += [current] * number
        elif what == "give back":
            here = [bucket for bucket in plain.calls if bucket == current][:number]
            errand = Errand(returned=len(here), returned_to=current)
            for bucket in here:
                plain.calls.remove(bucket)
        else:
            errand = Errand(used=number, allowed=100)
            plain.said.append((current, max(0, number - plain.ours(current))))
        answers = [await ledger.settle(errand) for ledger in ledgers]
        assert answers[0] == answers[1]
        looks = answers[0].granted == 1 and room < 1
        assert answers[0].granted == max(0, min(errand.needed, room)) or looks
        plain.calls += [current] * answers[0].granted
        assert (answers[0].ours, answers[0].others) == (plain.ours(current), plain.others(current))
