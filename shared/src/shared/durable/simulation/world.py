"""One simulated world: workers, and the trouble they are in."""

import asyncio
import gc
from collections import Counter
from functools import partial
from typing import NamedTuple

from shared.durable.journal import FINAL_STATES, FlowState, JournalUnavailable
from shared.durable.process_identity import ProcessIdentity
from shared.durable.runner import FlowRunner
from shared.durable.simulation.agreement import disagreements
from shared.durable.simulation.backend import POISON, Backend
from shared.durable.simulation.chance import Chance
from shared.durable.simulation.flows import KNOWN, OLDER
from shared.durable.simulation.journal import MemoryStore, SqliteStore, Store
from shared.durable.simulation.people import People, Worker
from shared.durable.simulation.surroundings import EPOCH, under_virtual_time
from shared.durable.simulation.verdict import Witness
from shared.durable.simulation.virtual_loop import Simulated, VirtualLoop
from shared.durable.worker import WorkerSettings

_LEASE, _POLL = 90.0, 60.0
_LONGEST_SECONDS = 1500.0
_MOST_POISONED = 6  # each time it is let go on
_LOOK_AGAIN = 20.0
_SQLITE_EACH = 64


class Played(NamedTuple):
    """What happened in a world in which every promise was kept.

    Attributes:
        seconds: That it lasted, virtual.
        ended: Flows by how they ended.
        faults: What was done to it, by kind.
        retries: Attempts that were put off.
        parks: Those that an open circuit put off.
        stale: Saves refused for a lost fence.
        effects: Entries made and struck out.
        events: Turns of its loop: how much happened.
    """

    seconds: float
    ended: Counter[FlowState]
    faults: Counter[str]
    retries: int
    parks: int
    stale: int
    effects: int
    events: int


class World:
    """Everything alive in one world.

    Args:
        seed: Decides all of it.
        store: Holds no flows yet.

    Attributes:
        loop: Its time.
        fate: Its trouble.
        witness: Saw all of it.
        backend: Where flows have their effects.
    """

    def __init__(self, seed: int, store: Store) -> None:
        self.loop = VirtualLoop()
        self.witness = Witness(seed, self.loop.time)
        self.fate = Chance(seed, self.loop, self.witness)
        self.backend = Backend(self.loop, self.fate)
        self._store = store
        random = self.fate.random
        self._visible = random.random() < 0.5  # noqa: PLR2004 - workers see each other's end: one machine
        crowded = not self.fate.steady and random.random() < 0.2  # noqa: PLR2004
        self._settings = WorkerSettings(lease=_LEASE, poll=_POLL, in_flight=2 if crowded else 64)
        self._workers: list[Worker] = []
        self._people = People(self.loop, self.fate, store, self._alive)
        self._born = 0
        self.witness.punctual = self.fate.steady

    def clock(self) -> float:
        """Unix seconds of the database."""
        return EPOCH + self.loop.now

    def is_gone(self, process: ProcessIdentity) -> bool:
        """Whether others can see that a process has ended."""
        return self._visible and not any(w.process.number == process.pid and not w.process.dead for w in self._workers)

    async def live(self) -> None:
        """Play until everything has ended, then have operators settle what died."""
        random, create_task = self.fate.random, self.loop.create_task
        keepers = [create_task(self._keep_worker(updated=True))]
        keepers += [
            create_task(self._keep_worker(updated=random.random() < 0.7))  # noqa: PLR2004
            for _ in range(random.randint(0, 2))
        ]
        others = [create_task(self._people.operate())]
        if not self.fate.steady:
            others.append(create_task(self._stall()))
        await self._people.submit_all()
        await self._until_ended()
        self._check()
        self.fate.over = True
        others[0].cancel()
        await self._until_settled()
        self._check()
        for task in (*keepers, *others):
            task.cancel()

    # --- checks --------------------------------------------------------------------------------------

    async def _until_ended(self) -> None:
        """Wait until no flow can go on by itself."""
        until = self.loop.now + _LONGEST_SECONDS
        while under_way := self._under_way():
            self._raise_what_was_seen()
            if self.loop.now > until:
                raise self.witness.broken(f"{under_way} did not end")
            for flow_id in under_way:
                await self._people.adopt(flow_id)
            await asyncio.sleep(_LOOK_AGAIN)

    async def _until_settled(self) -> None:
        """Have operators settle what is dead, again for the parents of what was."""
        healed: set[str] = set()
        while dead := [name for name, state in self._store.states().items() if state == "dead" and _can_heal(name)]:
            self._raise_what_was_seen()
            for flow_id in dead:
                if flow_id in healed:
                    raise self.witness.broken(f"{flow_id} died again with every backend well")
                if await self._people.settle(flow_id):
                    healed.add(flow_id)
            await self._until_ended()

    def _under_way(self) -> list[str]:
        """Flows that have not ended, but for those that wait for a child which is dead."""
        states = self._store.states()
        waiting = {name.rpartition(":")[0] for name, state in states.items() if state == "dead" and ":" in name}
        lost = [name for name in self._people.accepted if name not in states]
        return lost + [name for name, state in states.items() if state not in FINAL_STATES and name not in waiting]

    def _raise_what_was_seen(self) -> None:
        if self.witness.failure is not None:
            raise self.witness.failure
        if self.loop.stuck:
            raise self.witness.broken(self.loop.stuck[0])

    def _check(self) -> None:
        self._raise_what_was_seen()
        flows, events = self._store.flows(self.clock()), self._store.events()
        for disagreement in disagreements(flows, self.backend.standing(), events):
            raise self.witness.broken(disagreement)
        most = max(self.backend.poisoned.values(), default=0)
        if most > _MOST_POISONED * (1 + self.witness.revived):
            raise self.witness.broken(f"one flow ended {most} workers")

    # --- processes -----------------------------------------------------------------------------------

    def _alive(self, kind: str | None) -> list[Worker]:
        """Processes that can be asked, and their runners; those that run this kind."""
        return [w for w in self._workers if not w.process.dead and (kind is None or kind in w.runner.kinds)]

    async def _keep_worker(self, *, updated: bool) -> None:
        """A supervisor: starts a worker whenever the last one has died."""
        random = self.fate.random
        flows = tuple(each.flow for each in KNOWN.values()) if updated else OLDER
        while True:
            self._born += 1
            process = Simulated(self._born)
            ahead = random.uniform(-3600, 3600)
            runner = FlowRunner(
                self._store.journal(process, self), flows, partial(self.backend.perform, process),
                settings=self._settings, clock=lambda ahead=ahead: EPOCH + self.loop.now + ahead,
            )  # fmt: skip
            worker = Worker(process, runner)
            self._workers.append(worker)
            process.context.run(self.loop.create_task, _start(runner))
            await process.ended.wait()
            self._workers.remove(worker)
            await asyncio.sleep(random.choice((0.01, 1.0, 45.0)) * random.random())

    async def _stall(self) -> None:
        """Stop a process as SIGSTOP does, often beyond its lease, and let it go on as if nothing had been."""
        random = self.fate.random
        for _ in range(random.choice((0, 1, 1, 2))):
            await asyncio.sleep(random.choice((0.3, 2.0, 40.0)) * random.random())
            if alive := [worker.process for worker in self._workers if not worker.process.dead]:
                process = random.choice(alive)
                process.stalled_until = self.loop.now + random.uniform(1.0, 200.0)
                self.fate.faults["stalls"] += 1
                self.witness.note(process, "stalls", f"for {process.stalled_until - self.loop.now:.3f} s")


async def _start(runner: FlowRunner) -> None:
    while True:
        try:
            return await runner.start()
        except JournalUnavailable:
            await asyncio.sleep(1.0)


def _can_heal(flow_id: str) -> bool:
    return not flow_id.startswith(POISON)


def play(seed: int, *, store: Store | None = None, story: list[str] | None = None) -> Played:
    """Run the world of a seed to its end.

    Args:
        seed: Decides all of it.
        store: Empty; by default in memory, for every sixty-fourth seed in the SQLite driver.
        story: Takes what happened, line by line, also when a promise was not kept.

    Raises:
        Broken: A promise was not kept.
    """
    store = store or (SqliteStore() if seed % _SQLITE_EACH == 0 else MemoryStore())
    world = World(seed, store)
    collecting = gc.isenabled()
    gc.disable()  # a world is small and short; the next few are collected together
    try:
        with under_virtual_time(world.loop.time, world.is_gone):
            world.loop.play(world.live())
    finally:
        if collecting:
            gc.enable()
        if story is not None:
            story += world.witness.story()
    witness = world.witness
    return Played(
        world.loop.now - 1000.0, Counter(store.states().values()), world.fate.faults,
        witness.retries, witness.parks, witness.stale, world.backend.effects, world.loop.turns,
    )  # fmt: skip
