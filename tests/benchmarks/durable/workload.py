"""The same load for every library: flows of four steps one after the other, two reads and two writes.

Backends answer at once, so what is measured is the library: submission, journal, what leads from step to step,
and the result back at whoever submitted. So many callers as flows are in flight submit, await the result, submit
the next.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

import msgspec

WARM_UP_SECONDS = 0.4
MARK = "figures: "


class Item(msgspec.Struct, frozen=True):
    """What is ordered."""

    item_id: str
    amount: int
    note: str = "of the size that canonical orders have, give or take a line or two of text"


class StepClock:
    """Times what a library does between a step's answer and the next step of the same flow: its journaling, above all.

    Steps say when they begin and when they have their answer.
    """

    def __init__(self) -> None:
        self._answered: dict[str, float] = {}
        self.gaps_ms: list[float] = []

    def begins(self, item_id: str) -> None:
        """A step of this flow begins."""
        if answered := self._answered.pop(item_id, None):
            self.gaps_ms.append((time.perf_counter() - answered) * 1000)

    def answers(self, item_id: str) -> None:
        """A step of this flow has its answer."""
        self._answered[item_id] = time.perf_counter()

    def ends(self, item_id: str) -> None:
        """The flow's result is there."""
        self._answered.pop(item_id, None)

    def forget(self) -> None:
        """Begin to measure."""
        self.gaps_ms.clear()


@dataclass(frozen=True)
class Figures:
    """What came of one library, database and number of flows in flight."""

    flows_per_second: float
    flow_p50_ms: float
    flow_p99_ms: float
    step_p99_ms: float
    cpu_us: float


async def drive(
    call: Callable[[str, Item], Awaitable[object]], clock: StepClock, in_flight: int, seconds: float
) -> None:
    """Apply the load; tells its figures.

    Args:
        call: Runs the flow of a key and returns once its result is there.
        clock: What the steps tell.
        in_flight: Callers.
        seconds: For how long, after a moment that warms up.
    """
    run = uuid.uuid4().hex
    flow_ms: list[float] = []
    started = time.perf_counter()
    measured_from, until = started + WARM_UP_SECONDS, started + WARM_UP_SECONDS + seconds
    cpu = time.process_time()

    async def caller(number: int) -> None:
        count = 0
        while (began := time.perf_counter()) < until:
            count += 1
            item = Item(f"{number}-{count}", count)
            await call(f"{run}-{number}-{count}", item)
            clock.ends(item.item_id)
            if (ended := time.perf_counter()) >= measured_from:
                flow_ms.append((ended - began) * 1000)

    async def warm() -> None:
        nonlocal cpu
        await asyncio.sleep(measured_from - time.perf_counter())
        clock.forget()
        cpu = time.process_time()

    await asyncio.gather(warm(), *(caller(number) for number in range(in_flight)))
    took, cpu = time.perf_counter() - measured_from, time.process_time() - cpu
    figures = Figures(
        len(flow_ms) / took,
        percentile(flow_ms, 0.5),
        percentile(flow_ms, 0.99),
        percentile(clock.gaps_ms, 0.99),
        cpu / max(1, len(flow_ms)) * 1e6,
    )
    tell(asdict(figures))


def tell(figures: object) -> None:
    """Print figures so that they are found among whatever a library prints."""
    print(f"{MARK}{json.dumps(figures)}", flush=True)


def percentile(values: list[float], share: float) -> float:
    """The value that this share of all do not exceed."""
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))] if ranked else float("nan")
