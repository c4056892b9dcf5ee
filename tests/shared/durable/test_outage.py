"""Ten minutes in which a backend answers 503, or asks for silence: flows through the real outbound policies, in
virtual time. Every constant is that of production; only the clock, the network and the disk are simulated.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Mapping
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from shared.binding.call_context import CallContext
from shared.binding.declare import Contract, get, post
from shared.binding.operation import Operation
from shared.durable import parking
from shared.durable.flow import Flow
from shared.durable.process_identity import ProcessIdentity
from shared.durable.runner import FlowRunner
from shared.durable.simulation.journal import MemoryStore
from shared.durable.simulation.surroundings import EPOCH, under_virtual_time
from shared.durable.simulation.virtual_loop import Simulated, VirtualLoop
from shared.resilience import deadline, outbound_trial
from shared.resilience.outbound import Backend, BackendSettings, Outbound
from shared.resilience.outbound_faults import problem_of_status
from shared.resilience.wire import ReplyHeaders, WireReply

MINUTE = 60.0
LATENCY = 0.05
PULSE, PATIENCE = parking._PULSE, parking._PATIENCE


class Order(msgspec.Struct, frozen=True):
    """An order."""

    number: str


class Erp(Contract, tier="system", version="v1"):
    """Takes orders."""

    @get("/simulations/{number}", scope="erp:read")
    async def simulate(self, number: str) -> bool:
        """Would it be taken?"""

    @post("/orders", scope="erp:write")
    async def create(self, order: Order) -> Order:
        """Take it."""


class Sell(Flow[Order, str], version=1):
    def __init__(self, erp: Erp) -> None:
        self.erp = erp

    async def run(self, request: Order) -> str:
        await self.erp.simulate(request.number)
        return (await self.erp.create(request)).number


class Calm:
    """A disk on which nothing goes wrong."""

    def commit_after(self) -> float:
        return 0.003

    def survives(self, process: Any, where: str) -> bool:
        return True

    def in_time(self) -> bool:
        return True

    def refuses(self) -> bool:
        return False

    def loses_answer(self) -> bool:
        return False

    def committed(self, process: Any, items: list[Any], outcomes: list[Any]) -> None:
        return


class Sap:
    """A backend behind a network: what arrived when, and how many requests it worked on at once."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.answers: Callable[[float], tuple[int, dict[str, str]]] = lambda _: (200, {})
        self.arrived: list[float] = []
        self.orders: Counter[str] = Counter()
        self.at_once = self.most_at_once = 0

    async def send(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, seconds: float, **rules: Any
    ) -> WireReply:
        now = self.loop.now - 1000.0
        self.arrived.append(now)
        status, fields = self.answers(now)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(LATENCY)
        self.at_once -= 1
        if status == 200 and body:
            self.orders[body.decode()] += 1
        return WireReply(status, ReplyHeaders(list(fields.items())), b"{}")

    def per_second(self, begin: float, end: float) -> Counter[int]:
        return Counter(int(at - begin) for at in self.arrived if begin <= at < end)


class Company:
    """Processes with workers in front of one SAP."""

    def __init__(self, loop: VirtualLoop) -> None:
        self.loop = loop
        self.fate = Calm()
        self.store = MemoryStore()
        self.sap = Sap(loop)
        self.runners: list[FlowRunner] = []
        self.process = Simulated(0)
        self.born = 0

    @property
    def now(self) -> float:
        return self.loop.now - 1000.0

    def clock(self) -> float:
        return EPOCH + self.loop.now

    def is_gone(self, process: ProcessIdentity) -> bool:
        return process.pid != self.born

    def start_process(self, workers: int = 1) -> None:
        """A process with its own circuit and pauses, which it does not share or remember."""
        self.born += 1
        self.process = process = Simulated(self.born)
        outbound = Outbound(self.sap, clock=self.loop.time)  # type: ignore[arg-type]
        backend = outbound.backend(
            "SAP", BackendSettings(url="http://sap"), credentials=None, classify=lambda r: problem_of_status(r, "SAP")
        )
        for _ in range(workers):
            runner = FlowRunner(self.store.journal(process, self), [Sell], execute_at(backend), clock=self.clock)
            self.runners.append(runner)
            process.context.run(self.loop.create_task, runner.start())

    def kill_process(self) -> None:
        self.process.die()
        self.runners.clear()

    async def order(self, number: int) -> None:
        runner = self.runners[number % len(self.runners)]
        submitting = self.process.context.run(
            self.loop.create_task, runner.submit(Sell, f"order-{number}", Order(str(number)))
        )
        await asyncio.wait([submitting])

    def states(self) -> Counter[str]:
        return Counter(self.store.states().values())

    def most_attempts(self) -> int:
        return max(step.attempts for claim in self.store.flows(self.clock()) for step in claim.steps)

    async def until_all_are(self, state: str, count: int, seconds: float) -> float:
        began = self.now
        while self.states() != {state: count}:
            assert self.now - began < seconds, self.states()
            await asyncio.sleep(0.25)
        return self.now - began

    async def sleep_until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, at - self.now))


def execute_at(backend: Backend) -> Any:
    async def execute(operation: Operation, arguments: dict[str, Any], context: CallContext) -> Any:
        body = None if operation.safe else arguments["order"].number.encode()
        method = "GET" if operation.safe else "POST"
        await backend.send(method, "/x", body=body, operation=operation.name)
        return True if operation.safe else arguments["order"]

    return execute


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[Company], Coroutine[Any, Any, None]]], None]]:
    """Play a story to its end in virtual time."""

    def played(story: Callable[[Company], Coroutine[Any, Any, None]]) -> None:
        loop = VirtualLoop()
        company = Company(loop)
        for module in (deadline, outbound_trial):
            monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=loop.time))
        with (
            under_virtual_time(loop.time, company.is_gone),
            patch.multiple(parking, _PULSE=PULSE, _PATIENCE=PATIENCE),  # of production, not of the simulation
        ):
            loop.play(story(company))
        assert loop.stuck == []

    yield played
    monkeypatch.undo()


DOWN = (503, dict[str, str]())
WELL = (200, dict[str, str]())


@pytest.mark.slow
def test_a_thousand_orders_outlive_ten_minutes_without_the_erp_and_are_done_two_minutes_later(play: Any) -> None:
    async def story(company: Company) -> None:
        sap = company.sap
        begin, end = 10.0, 10 * MINUTE + 10.0
        sap.answers = lambda now: DOWN if begin <= now < end else WELL
        company.start_process(workers=2)
        await company.sleep_until(begin)
        for number in range(1000):  # most at once, the others over all ten minutes
            await company.order(number)
            await asyncio.sleep(0.01 if number < 600 else 1.4)
        await company.sleep_until(end)
        assert company.states().keys() <= {"waiting", "running"}
        meanwhile = sap.per_second(begin + 5, end)
        attempts = company.most_attempts()
        took = await company.until_all_are("completed", 1000, 2 * MINUTE)
        after = sap.per_second(end, end + 2 * MINUTE)
        print(
            f"{sum(meanwhile.values())} probes in {end - begin - 5:.0f} s, at most {attempts} attempts, "
            f"drained in {took:.1f} s, calls a second {[after[n] for n in range(15)]}, {sap.most_at_once} at once"
        )
        assert max(meanwhile.values()) <= 2  # two that are a second apart may fall into one second of the clock
        assert sum(meanwhile.values()) <= end - begin - 5 + 1
        assert attempts <= 2
        assert set(sap.orders.values()) == {1}
        assert after[0] + after[1] <= 120  # of two thousand
        assert max(after.values()) <= 2 * 2 * 64  # two calls each of 64 flows of two workers

    play(story)


def test_a_lone_order_outlives_ten_minutes_without_the_erp(play: Any) -> None:
    async def story(company: Company) -> None:
        company.sap.answers = lambda now: DOWN if now < 10 * MINUTE else WELL
        company.start_process()
        await company.order(1)
        await company.sleep_until(10 * MINUTE)
        assert company.states() == {"waiting": 1}
        assert await company.until_all_are("completed", 1, 2 * MINUTE) < 5

    play(story)


def test_orders_parked_by_a_process_that_died_go_on_in_the_next_one(play: Any) -> None:
    async def story(company: Company) -> None:
        company.sap.answers = lambda now: DOWN if now < 3 * MINUTE else WELL
        company.start_process()
        for number in range(200):
            await company.order(number)
        await company.sleep_until(3 * MINUTE - 1)
        company.kill_process()
        await company.sleep_until(3 * MINUTE + 1)
        company.start_process()
        assert await company.until_all_are("completed", 200, 2 * MINUTE) < 15
        assert set(company.sap.orders.values()) == {1}
        assert max(company.sap.per_second(3 * MINUTE, 5 * MINUTE).values()) <= 2 * 64

    play(story)


@pytest.mark.parametrize("restarted", [False, True])
def test_a_retry_after_is_obeyed_to_the_second_and_across_a_restart(play: Any, *, restarted: bool) -> None:
    async def story(company: Company) -> None:
        sap = company.sap
        sap.answers = lambda now: (429, {"retry-after": "60"}) if now < 30 else WELL
        company.start_process()
        await company.order(1)
        await asyncio.sleep(1)
        (asked_at,) = sap.arrived
        await company.order(2)  # refused here, without asking SAP
        await asyncio.sleep(9)
        if restarted:
            company.kill_process()
            company.start_process()
        await company.until_all_are("completed", 2, 2 * MINUTE)
        assert sap.arrived[1] - asked_at == pytest.approx(60, abs=1)
        assert len(sap.arrived) == 5

    play(story)
