"""Under overload batch work goes first, then reads; order writes get the whole capacity."""

import asyncio
import contextlib
import time

import pytest
from eventually import eventually

from shared.binding.call_context import Priority
from shared.binding.problems import Overloaded
from shared.resilience.load_shedding import Shedder


def _admitted(shedder: Shedder, priority: Priority) -> int:
    count = 0
    with contextlib.suppress(Overloaded):
        while True:
            shedder.enter(priority)
            count += 1
    return count


def test_each_priority_stops_at_its_share() -> None:
    shedder = Shedder(100, read_share=0.9, batch_share=0.5)
    assert _admitted(shedder, "batch") == 50
    assert _admitted(shedder, "interactive") == 40
    assert _admitted(shedder, "order") == 10
    assert shedder.in_flight == 100
    assert shedder.refused == 3


def test_a_finished_request_makes_room() -> None:
    shedder = Shedder(1)
    shedder.enter("order")
    with pytest.raises(Overloaded):
        shedder.enter("order")
    shedder.exit()
    shedder.enter("order")
    assert shedder.in_flight == 1


def test_a_refusal_leaves_the_count_alone_and_says_when_to_return() -> None:
    shedder = Shedder(1)
    shedder.enter("interactive")
    waits: set[float] = set()
    for _ in range(16):
        with pytest.raises(Overloaded, match="at capacity for batch requests") as refusal:
            shedder.enter("batch")
        assert refusal.value.retry_after is not None
        waits.add(refusal.value.retry_after)
    assert shedder.in_flight == 1
    assert len(waits) == 8
    assert min(waits) >= 1.0
    assert max(waits) < 2.0


def test_a_lagging_loop_stops_batch_and_halves_reads_but_never_orders() -> None:
    shedder = Shedder(10, read_share=0.8, max_lag_seconds=0.1)
    for _ in range(5):
        shedder.note_lag(0.3)
    assert _admitted(shedder, "batch") == 0
    assert _admitted(shedder, "interactive") == 4
    assert _admitted(shedder, "order") == 6


def test_one_pause_is_not_overload_and_strain_ends() -> None:
    shedder = Shedder(10, max_lag_seconds=0.1)
    shedder.note_lag(0.3)
    assert _admitted(shedder, "batch") == 5
    for _ in range(5):
        shedder.note_lag(0.3)
    for _ in range(10):
        shedder.note_lag(0.0)
    assert shedder.lag_seconds < 0.1
    shedder.exit()
    assert _admitted(shedder, "batch") == 1


async def test_the_watch_sees_a_blocked_loop() -> None:
    shedder = Shedder(10, max_lag_seconds=0.02)
    watch = asyncio.create_task(shedder.watch_lag())
    await asyncio.sleep(0.01)
    time.sleep(0.3)  # noqa: ASYNC251 - blocking the loop is the fault under test
    await eventually(lambda: shedder.lag_seconds > 0.02)
    with pytest.raises(Overloaded):
        shedder.enter("batch")
    watch.cancel()
    await asyncio.gather(watch, return_exceptions=True)
