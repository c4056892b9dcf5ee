"""The people of a simulated world: who submits, repeats, signals and cancels, and who settles what died."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

from shared.binding.call_context import CallContext, Priority
from shared.binding.problems import Problem
from shared.durable.flow import Flow, shape_of
from shared.durable.journal import JournalUnavailable
from shared.durable.runner import FlowRunner
from shared.durable.simulation.backend import POISON
from shared.durable.simulation.chance import Chance
from shared.durable.simulation.flows import Answer, Approval, Deal, Family, Trade, TradeOfToday
from shared.durable.simulation.journal import Store
from shared.durable.simulation.surroundings import TRACEPARENT
from shared.durable.simulation.virtual_loop import Simulated, VirtualLoop

_T = TypeVar("_T")
_PATIENCE_SECONDS = 8.0
_CONTEXT = CallContext(traceparent=TRACEPARENT)
_PRIORITIES: tuple[Priority, ...] = ("interactive", "order", "batch")
_WANTED: tuple[type[Flow[Deal, Any]], ...] = (Trade, Trade, TradeOfToday, Approval, Approval, Family)
_PAUSES = (0.0, 0.0, 3.0, 50.0)


class Worker(NamedTuple):
    """A process that people can ask, and its runner."""

    process: Simulated
    runner: FlowRunner


class People:
    """Everybody outside the processes.

    Args:
        loop: Runs the world.
        chance: Decides what they want.
        store: Where operators see what is dead.
        alive: The processes that can be asked, all or those that run a kind of flow.

    Attributes:
        accepted: Flows that somebody was told stand.
    """

    def __init__(
        self, loop: VirtualLoop, chance: Chance, store: Store, alive: Callable[[str | None], Sequence[Worker]]
    ) -> None:  # fmt: skip
        self.accepted: dict[str, None] = {}
        self._loop = loop
        self._chance = chance
        self._store = store
        self._alive = alive

    # --- clients -------------------------------------------------------------------------------------

    async def submit_all(self) -> None:
        """Have a few clients get what they want."""
        number = self._chance.random.choice((1, 1, 2, 3))
        await asyncio.gather(*(self._loop.create_task(self._client(each)) for each in range(number)))

    async def _client(self, number: int) -> None:
        """Submits until accepted, perhaps again, signals, and may want to cancel."""
        random = self._chance.random
        flow = random.choice(_WANTED)
        name = f"{flow.name}-{number}"
        if not self._chance.steady and random.random() < 0.02:  # noqa: PLR2004
            flow, name = Trade, f"{POISON}-{number}"
        deal = Deal(name, random.random() < 0.75, random.choice(_PAUSES))  # noqa: PLR2004
        await asyncio.sleep(random.random() * 3)
        flow_id = await self._submit(flow, name, deal)
        if random.random() < 0.25:  # noqa: PLR2004
            await asyncio.sleep(random.random())
            flow_id = await self._submit(flow, name, deal)
        if flow is Approval:
            await self._approve(flow_id)
        if random.random() < 0.1:  # noqa: PLR2004
            await self._begin_anew(flow, name, deal, flow_id)
        if random.random() < 0.25:  # noqa: PLR2004
            await asyncio.sleep(random.choice((0.05, 0.3, 30.0)) * random.random())
            await self._ask("cancels", flow_id, lambda runner: runner.cancel(flow_id, by="client"))

    async def _submit(self, flow: type[Flow[Deal, Any]], name: str, deal: Deal) -> str:
        priority = self._chance.random.choice(_PRIORITIES)
        handle = await self._insist(
            lambda runner: runner.submit(flow, name, deal, context=_CONTEXT, priority=priority), shape_of(flow).kind
        )
        self.accepted[handle.flow_id] = None
        return handle.flow_id

    async def _begin_anew(self, flow: type[Flow[Deal, Any]], name: str, deal: Deal, flow_id: str) -> None:
        """Once it has completed, say that what it did was taken back, and submit the same once more."""
        await asyncio.sleep(20.0 * self._chance.random.random())
        if await self._ask("retires", flow_id, lambda runner: runner.retire(flow_id, by="client")):
            following = await self._submit(flow, name, deal)
            if following == flow_id:
                self._chance.witness.broken(f"{flow_id} is retired, and still stands for {name}")
            elif flow is Approval:
                await self._approve(following)

    async def adopt(self, flow_id: str) -> None:
        """See to a flow that nobody was told of: its client asked a process that stalled, and then another one."""
        if flow_id not in self.accepted and flow_id.startswith(Approval.name):
            self.accepted[flow_id] = None
            await self._approve(flow_id)

    async def _approve(self, flow_id: str) -> None:
        """Send two signals, perhaps a third, perhaps one again: before the flow waits, while it works or rests."""
        random = self._chance.random
        numbers = random.sample((1, 2, 3), random.choice((2, 2, 3)))
        for number in [*numbers, *numbers[: random.choice((0, 0, 1))]]:
            await asyncio.sleep(random.choice((0.0, 0.05, 2.0, 30.0)) * random.random())
            answer, key = Answer(number), str(number)
            await self._ask(f"signals {key}", flow_id, partial(_signal, flow_id=flow_id, answer=answer, key=key))

    # --- operators -----------------------------------------------------------------------------------

    async def operate(self) -> None:
        """Cancel, resume, edit and discard at random moments, preferably what is dead."""
        random = self._chance.random
        for _ in range(random.choice((0, 0, 1, 2, 3))):
            await asyncio.sleep(random.choice((1.0, 30.0, 120.0)) * random.random())
            states = {name: state for name, state in self._store.states().items() if not name.startswith(POISON)}
            if not states:
                continue
            flow_id = random.choice([name for name, state in states.items() if state == "dead"] or list(states))
            self._chance.faults["operator acts"] += 1
            await self.settle(flow_id)

    async def settle(self, flow_id: str) -> bool:
        """What an operator does with a dead letter; one that is none, or not any more, refuses most of it.

        Returns:
            Whether it was done.
        """
        act = self._chance.random.choice(_ACTS)
        return await self._ask(act.__name__.strip("_") + "s", flow_id, partial(act, flow_id=flow_id))

    # --- asking --------------------------------------------------------------------------------------

    async def _ask(self, what: str, flow_id: str, ask: Callable[[FlowRunner], Coroutine[Any, Any, Any]]) -> bool:
        """Ask; that a flow has ended, or that somebody else saw to it, is fine. Returns whether it was done."""
        self._chance.witness.note("somebody", what, flow_id)
        self._chance.witness.operated(flow_id)
        try:
            await self._insist(ask)
        except Problem as problem:
            self._chance.witness.note("somebody", "is told", problem.slug)
            return False
        return True

    async def _insist(self, ask: Callable[[FlowRunner], Awaitable[_T]], kind: str | None = None) -> _T:
        """Ask some worker, and another one until an answer comes; raises the problem that is the answer."""
        while True:
            if alive := self._alive(kind):
                worker = self._chance.random.choice(alive)
                answer: asyncio.Future[_T] = self._loop.create_future()
                worker.process.context.run(self._loop.create_task, _answer(partial(ask, worker.runner), answer))
                patience = self._loop.call_later(_PATIENCE_SECONDS, _give, answer, _no_answer())
                try:
                    return await answer
                except JournalUnavailable:
                    patience.cancel()
            await asyncio.sleep(0.5)


async def _answer(ask: Callable[[], Awaitable[Any]], answer: "asyncio.Future[Any]") -> None:
    try:
        result = await ask()
    except Exception as error:  # noqa: BLE001 - the client's to judge
        result = error
    _give(answer, result)


def _no_answer() -> JournalUnavailable:
    return JournalUnavailable("Nobody answered in time.")


def _give(answer: "asyncio.Future[Any]", result: Any) -> None:
    if answer.done():
        return
    if isinstance(result, Exception):
        answer.set_exception(result)
    else:
        answer.set_result(result)


async def _signal(runner: FlowRunner, *, flow_id: str, answer: Answer, key: str) -> None:
    await runner.signal(flow_id, "approval", answer, key=key)


async def _resume(runner: FlowRunner, *, flow_id: str) -> None:
    await runner.resume(flow_id, by="operator")


async def _edit(runner: FlowRunner, *, flow_id: str) -> None:
    await runner.dead_letters.edit(flow_id, {"note": "seen"}, by="operator")
    await runner.resume(flow_id, by="operator", patch={"acceptable": True})


async def _cancel(runner: FlowRunner, *, flow_id: str) -> None:
    await runner.cancel(flow_id, by="operator")


async def _discard(runner: FlowRunner, *, flow_id: str) -> None:
    await runner.dead_letters.discard(flow_id, by="operator")


_ACTS = (_resume, _resume, _edit, _cancel, _cancel, _discard)
