"""The forecast against what a simulated budget then does."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.resilience.quota_budget import Budget
from shared.resilience.quota_forecast import Snapshot, forecast
from shared.resilience.quota_ledger import Errand
from shared.resilience.quota_local import LocalLedger

BUCKET, HOUR = 300, 3600.0


def snapshot(calls: dict[int, int], now: float = 1_800_000_150.0, **known: Any) -> Snapshot:
    current = int(now) // BUCKET
    moved = {current + age: number for age, number in calls.items()}
    return Snapshot(budget=Budget(name="org", allowance=100_000), now=now, calls=moved, **known)


def test_nothing_spent_never_runs_out() -> None:
    coming = forecast(snapshot({}))
    assert (coming.per_hour, coming.batch_stops_in, coming.runs_out_in) == (0.0, None, None)


def test_a_steady_rate_within_what_rolls_out_never_runs_out() -> None:
    assert forecast(snapshot(dict.fromkeys(range(-288, 0), 300) | {0: 150})).runs_out_in is None


def test_a_new_rate_counts_for_half_after_a_quarter_of_an_hour() -> None:
    quiet_then_busy = forecast(snapshot({-3: 1000, -2: 1000, -1: 1000}, now=1_800_000_000.0))
    assert quiet_then_busy.per_hour == pytest.approx(12_000 / 2, rel=0.1)


def test_what_is_used_up_runs_out_now() -> None:
    coming = forecast(snapshot({-1: 100_000}))
    assert (coming.batch_stops_in, coming.runs_out_in) == (0.0, 0.0)


def test_the_growth_of_others_counts_and_their_decline_does_not() -> None:
    current = 6_000_000
    rising = {current - 12 + step: 1000 + 100 * step for step in range(13)}
    assert forecast(snapshot({}, others=rising, seen=current)).per_hour == pytest.approx(1200)
    falling = {bucket: 3000 - number for bucket, number in rising.items()}
    assert forecast(snapshot({}, others=falling, seen=current)).per_hour == 0


@pytest.mark.parametrize(
    ("quiet_hours", "calls_at"),
    [
        (0, lambda _: 14_000),
        (0, lambda hour: 9_000 if hour < 2 else 13_000),
        (20.5, lambda hour: 1_500 if hour < 0 else 12_000),  # the quiet ones begin to roll out before it stops
    ],
    ids=["steady", "busier", "a night's batch after a quiet day"],
)
async def test_the_forecast_after_three_hours_comes_true_within_five_percent(
    quiet_hours: float, calls_at: Callable[[float], int], clock: Any
) -> None:
    budget, began = Budget(name="org", allowance=100_000), clock.now
    ledger, at, said = LocalLedger(budget, clock=clock), 0.0, None
    clock.now -= quiet_hours * HOUR
    while True:
        hour = (clock.now - began) / HOUR
        wanted = calls_at(hour) // 60
        granted = (await ledger.settle(Errand(needed=wanted, withheld=budget.reserve))).granted
        if granted < wanted:
            break
        clock.now += 60
        if hour == 3:
            at, said = clock.now, forecast(await ledger.read()).batch_stops_in
    assert said == pytest.approx(clock.now - at, rel=0.05)
