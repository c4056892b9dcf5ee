"""One simulated world: workers, clients, operators and the trouble they are in."""

import asyncio
import gc
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any, NamedTuple, TypeVar

from shared.binding.problems import Problem
from shared.durable.journal import JournalUnavailable
from shared.durable.runner import FlowRunner
from shared.durable.simulation.backend import POISON, Backend
from shared.durable.simulation.chance import Chance
from shared.durable.simulation.journal import SimulatedJournal, database
from shared.durable.simulation.surroundings import EPOCH, under_virtual_time
from shared.durable.simulation.trade import Deal, Trade
from shared.durable.simulation.verdict import disagreements, flows_of, under_way
from shared.durable.simulation.virtual_loop import Simulated, VirtualLoop, running_process
from shared.durable.worker import WorkerSettings

_T = TypeVar("_T")
_SETTINGS = WorkerSettings(lease=30.0, poll=20.0)
_LONGEST_SECONDS = 4000.0
_PATIENCE_SECONDS = 8.0
_MOST_POISONED = 12
_TABLES = ("flow", "step", "worker", "signal", "audit")


class Played(NamedTuple):
    """What happened in a world in which every promise was kept."""

    seconds: float
    flows: int
    ended: dict[str, int]
    crashes: int
    stalls: int
    retries: int
    stale: int
    effects: int


class _Worker(NamedTuple):
    process: Simulated
    runner: FlowRunner


class World:
    """Everything alive in one world.

    Args:
        seed: Decides all of it.
        loop: Its time.
        journal: An empty database.
    """

    def __init__(self, seed: int, loop: VirtualLoop, journal: sqlite3.Connection) -> None:
        self.chance = Chance(seed, loop)
        self.backend = Backend(loop, self.chance)
        self.stalls = 0
        self._loop = loop
        self._journal = journal
        self._dead: set[int] = set()
        self._visible = self.chance.random.random() < 0.5  # noqa: PLR2004 - workers see each other's end: one machine
        self._workers: list[_Worker] = []
        self._accepted: set[str] = set()
        self._born = 0

    def is_dead(self, number: int) -> bool:
        """Whether others can see that a process has ended."""
        return self._visible and not any(w.process.number == number and not w.process.dead for w in self._workers)

    async def live(self) -> None:
        """Play until everything has ended, then have operators settle what died."""
        random = self.chance.random
        keepers = [self._loop.create_task(self._keep_worker()) for _ in range(random.randint(1, 3))]
        clients = [self._loop.create_task(self._client(number)) for number in range(random.randint(1, 4))]
        troubles = [] if self.chance.calm else [self._loop.create_task(self._stall())]
        await asyncio.gather(*clients)
        await self._until_ended()
        self._check()
        self.chance.over = True
        dead = [flow_id for flow_id, state in flows_of(self._journal).items() if state == "dead"]
        healed = [flow_id for flow_id in dead if not flow_id.startswith(POISON)]
        for flow_id in healed:
            await self._settle(flow_id)
        await self._until_ended()
        self._check()
        if still := [flow_id for flow_id in healed if flows_of(self._journal)[flow_id] == "dead"]:
            raise self.chance.witness.broken(f"{still} died again with every backend well")
        for task in (*keepers, *troubles):
            task.cancel()

    # --- checks --------------------------------------------------------------------------------------

    async def _until_ended(self) -> None:
        until = self._loop.now + _LONGEST_SECONDS
        while self._accepted - flows_of(self._journal).keys() or under_way(self._journal):
            self._raise_what_was_seen()
            if self._loop.now > until:
                raise self.chance.witness.broken(f"{under_way(self._journal)} did not end")
            await asyncio.sleep(5.0)

    def _raise_what_was_seen(self) -> None:
        witness = self.chance.witness
        if witness.failure is not None:
            raise witness.failure
        if self._loop.stuck:
            raise witness.broken(self._loop.stuck[0])

    def _check(self) -> None:
        self._raise_what_was_seen()
        witness = self.chance.witness
        for disagreement in disagreements(self._journal, self.backend.standing()):
            raise witness.broken(disagreement)
        if self.backend.poisoned > _MOST_POISONED:
            raise witness.broken(f"one flow ended {self.backend.poisoned} workers")

    # --- processes -----------------------------------------------------------------------------------

    async def _keep_worker(self) -> None:
        """A supervisor: starts a worker whenever the last one has died."""
        random = self.chance.random
        while True:
            self._born += 1
            process = Simulated(self._born)
            journal = SimulatedJournal(self._journal, self._loop, process, self.chance, lambda: EPOCH + self._loop.now)
            ahead = random.uniform(-3600, 3600)
            runner = FlowRunner(
                journal, [Trade], partial(self.backend.perform, process), settings=_SETTINGS,
                clock=lambda ahead=ahead: EPOCH + self._loop.now + ahead,
            )  # fmt: skip
            worker = _Worker(process, runner)
            self._workers.append(worker)
            process.context.run(self._loop.create_task, self._start(runner))
            await process.ended.wait()
            self._workers.remove(worker)
            await asyncio.sleep(random.choice((0.01, 1.0, 45.0)) * random.random())

    async def _start(self, runner: FlowRunner) -> None:
        while True:
            try:
                return await runner.start()
            except JournalUnavailable:
                await asyncio.sleep(1.0)

    async def _stall(self) -> None:
        """Stop a process as SIGSTOP does, often beyond its lease, and let it go on as if nothing had been."""
        random = self.chance.random
        for _ in range(random.choice((0, 0, 1, 2))):
            await asyncio.sleep(random.choice((0.3, 2.0, 40.0)) * random.random())
            if alive := [worker.process for worker in self._workers if not worker.process.dead]:
                process = random.choice(alive)
                process.stalled_until = self._loop.now + random.uniform(1.0, 90.0)
                self.stalls += 1
                self.chance.witness.note(process, "stalls until", round(process.stalled_until - 1000, 3))

    # --- people --------------------------------------------------------------------------------------

    async def _client(self, number: int) -> None:
        """Submits until accepted, perhaps again, and may want to cancel."""
        random = self.chance.random
        name = f"{POISON if not self.chance.calm and random.random() < 0.02 else 'trade'}-{number}"  # noqa: PLR2004
        deal = Deal(name, random.random() < 0.75, random.choice((0.0, 0.0, 3.0, 50.0)))  # noqa: PLR2004
        await asyncio.sleep(random.random() * 3)
        flow_id = await self._submit(name, deal)
        if random.random() < 0.25:  # noqa: PLR2004
            await asyncio.sleep(random.random())
            flow_id = await self._submit(name, deal)
        if random.random() < 0.25:  # noqa: PLR2004
            await asyncio.sleep(random.choice((0.05, 0.3, 30.0)) * random.random())
            await self._insist(lambda runner: _unless_refused(runner.cancel(flow_id, by="client")))

    async def _submit(self, name: str, deal: Deal) -> str:
        handle = await self._insist(lambda runner: runner.submit(Trade, name, deal))
        self._accepted.add(handle.flow_id)
        return handle.flow_id

    async def _settle(self, flow_id: str) -> None:
        """What an operator does with a dead letter once the backends are well."""
        self.chance.witness.forget_attempts(flow_id)
        if self.chance.random.random() < 0.5:  # noqa: PLR2004
            await self._insist(lambda runner: _unless_refused(runner.resume(flow_id, by="operator")))
        else:
            await self._insist(lambda runner: _unless_refused(runner.cancel(flow_id, by="operator")))

    async def _insist(self, ask: Callable[[FlowRunner], Awaitable[_T]]) -> _T:
        """Ask some worker, and another one until an answer comes."""
        while True:
            if alive := [worker for worker in self._workers if not worker.process.dead]:
                worker = self.chance.random.choice(alive)
                answer: asyncio.Future[_T] = self._loop.create_future()
                worker.process.context.run(self._loop.create_task, _answer(partial(ask, worker.runner), answer))
                await asyncio.wait([answer], timeout=_PATIENCE_SECONDS)
                if answer.done():
                    try:
                        return answer.result()
                    except JournalUnavailable:
                        pass
            await asyncio.sleep(0.5)


async def _answer(ask: Callable[[], Awaitable[_T]], answer: "asyncio.Future[_T]") -> None:
    try:
        result = await ask()
    except Exception as error:  # noqa: BLE001 - the client's to judge
        if not answer.done():
            answer.set_exception(error)
    else:
        if not answer.done():
            answer.set_result(result)


async def _unless_refused(asking: Coroutine[Any, Any, Any]) -> None:
    """A flow that has ended, or that somebody else saw to, is fine."""
    try:
        await asking
    except JournalUnavailable:
        raise
    except Problem:
        return


_database: list[sqlite3.Connection] = []


def play(seed: int) -> Played:
    """Run the world of a seed to its end.

    Raises:
        Broken: A promise was not kept.
    """
    if not _database:
        _database.append(database())
    journal = _database[0]
    for table in _TABLES:
        journal.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
    loop = VirtualLoop()
    world = World(seed, loop, journal)
    collecting = gc.isenabled()
    gc.disable()  # a world is small and short; the next few are collected together
    try:
        with under_virtual_time(loop.time, running_process, world.is_dead):
            loop.play(world.live())
    finally:
        if collecting:
            gc.enable()
    states = list(flows_of(journal).values())
    witness = world.chance.witness
    return Played(
        loop.now - 1000.0, len(states), {state: states.count(state) for state in set(states)},
        world.chance.crashes, world.stalls, witness.retries, witness.stale, world.backend.effects,
    )  # fmt: skip
