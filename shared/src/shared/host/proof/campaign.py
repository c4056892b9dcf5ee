"""The proof as a whole: lanes side by side, rounds of orders in each, and in each round workers that end."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AsyncExitStack
from itertools import chain
from pathlib import Path
from random import Random
from typing import NamedTuple

import msgspec

from shared.contracts.process.quote_to_order import OrderProgress
from shared.durable.endangered.boundaries import Ending
from shared.durable.endangered.reckoning import Reckoning
from shared.durable.endangered.trail import TrailReader
from shared.durable.simulation.planted_bugs import Bug
from shared.host.proof.errand import Errand
from shared.host.proof.findings import Findings, ProofFailed
from shared.host.proof.journals import JournalKind, lane_journals
from shared.host.proof.plan import Plan
from shared.host.proof.stage import Stage, open_stage

POISONED = "erp.create_order"
"""The step at which a poisonous order ends its worker."""
_CANCELLED_BEFORE = ("warehouse.reserve", "erp.create_order", "logistics.purchase_label", "crm.record_order")
_LITTLE, _FEW, _FEW_KILLS, _MANY = 3, 16, 500, 64  # quotes, and kills for which few will do
_MOST_POISONED = 9
_KILLS_A_ROUND = 600
_SHARES = {"placed": 7, "refused": 1, "cancelled": 2}
_WAVES = (1, 1, 2, 4)
_Ended = dict[str, OrderProgress | None]
Progress = Callable[[int], None]


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be proved.

    Attributes:
        topology: File of a topology of one process, over stand-in backends.
        kills: Workers to end.
        seed: Decides where each ends, as far as the machine's own timing does not.
        journal: Where flows are kept.
        journal_url: A PostgreSQL server on which databases may be made; empty to start one.
        journal_password: Reference to its password.
        lanes: Sets of backends, journal and workers side by side.
        bug: A defect to plant.
    """

    topology: Path
    kills: int
    seed: int = 1
    journal: JournalKind = "sqlite"
    journal_url: str = ""
    journal_password: str = ""
    lanes: int = 2
    bug: Bug | None = None


async def prove_orders(proof: Proof, progress: Progress) -> Findings:
    """Kill workers of quote-to-order until so many have died, let every order end, and count.

    Args:
        proof: What is wanted.
        progress: Told how many have been killed by now.

    Raises:
        ProofFailed: It could not be carried out.
    """
    folder, findings = Path(tempfile.mkdtemp(prefix="triptych-proof-")), Findings()
    lanes = min(proof.lanes, proof.kills)
    try:
        async with AsyncExitStack() as stack:
            journals = await stack.enter_async_context(
                lane_journals(proof.journal, lanes, proof.journal_url, proof.journal_password)
            )
            opening = [open_stage(proof.topology, folder / f"{i}", each, proof.bug) for i, each in enumerate(journals)]
            stages = await asyncio.gather(*map(stack.enter_async_context, opening))
            await _carry_out(proof, stages, findings, progress)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return findings


async def _carry_out(proof: Proof, stages: list[Stage], findings: Findings, progress: Progress) -> None:
    first, random = stages[0], Random(proof.seed)  # noqa: S311 - a repeatable proof, no secret
    await first.run(Errand("survey", most=_FEW if proof.kills <= _FEW_KILLS else _MANY))
    quotes = first.found(list[str])
    rehearsal = await _rehearse(first, quotes)
    await asyncio.gather(*(_rehearse(stage, rehearsal.plain[:_LITTLE]) for stage in stages[1:]))
    plan = Plan(proof.kills, rehearsal.routes, random)
    lanes = [Lane(stage, plan, rehearsal, Random(random.random()), findings, progress) for stage in stages]  # noqa: S311
    try:
        async with asyncio.TaskGroup() as group:
            for lane in lanes:
                group.create_task(lane.run())
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from None
    findings.kills = plan.total
    findings.boundaries.update(dict.fromkeys(chain(*rehearsal.routes.values()), 0))
    findings.routes, findings.floor = rehearsal.routes, plan.floor
    findings.add_poisoned(await _poison(first, rehearsal.plain[0]))


class Rehearsal(NamedTuple):
    """What happens to orders when nobody is killed.

    Attributes:
        routes: The boundaries that only `placed`, `refused` and `cancelled` orders cross, in their order; what
            refused or cancelled ones have in common with those that are placed is theirs.
        plain: Quotes that are ordered.
        refused: Quotes that are not.
    """

    routes: dict[str, list[str]]
    plain: list[str]
    refused: list[str]


async def _rehearse(stage: Stage, quotes: list[str]) -> Rehearsal:
    await stage.run(Errand("rehearse", trail="rehearsal", quotes=quotes, listing=True))
    ended: _Ended = stage.found(_Ended)
    plain = [quote for quote, order in ended.items() if order and order.state == "completed"]
    if not plain:
        raise ProofFailed("No quote of the stand-in company can be ordered.")
    await stage.reset()
    cancelled = Errand("rehearse", trail="cancelled", quotes=plain[:1], listing=True, cancel_at=_CANCELLED_BEFORE[-1])
    await stage.run(cancelled)
    forward, backward = (_boundaries(stage.state / trail) for trail in ("rehearsal", "cancelled"))
    refused = [name for name in forward if name.endswith("-commit:refused")]
    routes = {
        "placed": [name for name in forward if name not in refused],
        "refused": refused,
        "cancelled": [name for name in backward if name not in forward],
    }
    return Rehearsal(routes, plain, [quote for quote in quotes if quote not in plain])


def _boundaries(trail: Path) -> list[str]:
    reckoning = Reckoning()
    reckoning.read(TrailReader(trail).fresh())
    return reckoning.boundaries


async def _poison(stage: Stage, quote: str) -> int:
    """How many workers an order can end that ends each of them at the same step."""
    await stage.reset()
    errand = Errand("order", trail="poison", quotes=[quote], ending=Ending(poison=POISONED))
    for ended in range(_MOST_POISONED):
        if (await stage.run(errand)).how == "ended":
            return ended
    return _MOST_POISONED


class Lane:
    """Works through rounds on one stage until the plan is over.

    Args:
        stage: Of its own.
        plan: Of all lanes.
        rehearsal: The quotes to be ordered in each round.
        random: Decides what the plan leaves open.
        findings: Where each round is added.
        progress: Told how many workers have been killed by now.
    """

    def __init__(
        self, stage: Stage, plan: Plan, rehearsal: Rehearsal, random: Random, findings: Findings, progress: Progress
    ) -> None:
        self._stage = stage
        self._plan = plan
        self._rehearsal = rehearsal
        self._random = random
        self._findings = findings
        self._progress = progress
        self._round = 0
        self._frozen: int | None = None
        self._zombie: int | None = None
        self._reckoning = Reckoning()
        self._reader = TrailReader(stage.state / "none")

    async def run(self) -> None:
        """Until no further worker is to end."""
        while not self._plan.is_over:
            await self._one_round()

    async def _one_round(self) -> None:
        """Orders from seeded backends and an empty journal, until the quotes are through or the plan is over."""
        self._round += 1
        await self._stage.reset()
        self._reckoning = Reckoning()
        self._reader = TrailReader(self._stage.state / f"trail-{self._round}")
        ordered, random = list[str](), self._random
        plain, refused = (random.sample(each, len(each)) for each in (self._rehearsal.plain, self._rehearsal.refused))
        while plain and not self._plan.is_over and self._reckoning.ends.total() < _KILLS_A_ROUND:
            route = self._route()
            left = refused if route == "refused" and refused else plain
            wave = [left.pop() for _ in range(min(len(left), random.choice(_WAVES)))]
            await self._wave(wave, route)
            ordered += wave
        await self._let_go()
        await self._compare(await self._settled(ordered))

    async def _settled(self, quotes: list[str]) -> _Ended:
        """How the orders ended after all: a worker that was stopped may have ordered anew what others cancelled."""
        await self._stage.run(Errand("order", trail=f"trail-{self._round}", quotes=quotes))
        return self._stage.found(_Ended)

    async def _compare(self, ended: _Ended) -> None:
        findings, stand_ins = self._findings, self._stage.stand_ins
        findings.add_orders({f"order-{q}": order.state if order else "refused" for q, order in ended.items()})
        standing = {order.order_id for order in ended.values() if order and order.state == "completed"}
        self._reckoning.read(self._reader.fresh())
        findings.add_calls(await stand_ins.calls(self._reckoning))
        findings.add_reckoning(self._reckoning)
        findings.add_books(standing, await stand_ins.books())

    def _route(self) -> str:
        """The way of the next orders: by how much is left to be seen on each."""
        weights = {route: self._plan.needed(route) for route in self._plan.routes}
        if not any(weights.values()):
            weights = _SHARES
        return self._random.choices([*weights], [*weights.values()])[0]

    async def _wave(self, quotes: list[str], route: str) -> None:
        """A few orders, side by side, by workers that end one after the other, each a little farther on."""
        plan, names, position, cancel_at = self._plan, self._plan.routes[route], 0, ""
        if route == "cancelled":
            cancel_at = _CANCELLED_BEFORE[-1] if plan.needed(route) else self._random.choice(_CANCELLED_BEFORE)
        while True:
            name = await self._work(quotes, plan.choose(route, position), cancel_at)
            self._progress(plan.total)
            if name is None:
                return
            if name in names:
                position = max(position, names.index(name) + 1)

    async def _work(self, quotes: list[str], ending: Ending | None, cancel_at: str) -> str | None:
        """Have one worker do what it can of these orders; the boundary at which it ended, None if it came to an end."""
        errand = Errand(
            "order", trail=f"trail-{self._round}", quotes=quotes, cancel_at=cancel_at, ending=ending or Ending(),
        )  # fmt: skip
        frozen, zombie = self._frozen, self._zombie
        outcome = await self._stage.run(errand, may_fail=bool(frozen))  # a frozen process may hold a lock in a file
        self._reckoning.read(self._reader.fresh())
        await self._wake(frozen, zombie)
        if outcome.how in ("ended", "failed"):
            if ending is not None:
                self._plan.missed(ending)
            return None if outcome.how == "ended" else ""
        if ending is None:
            raise ProofFailed("A worker was killed that was to come to its end.")
        self._plan.ended(ending, self._reckoning.last_end)
        if outcome.how == "stopped":
            self._frozen = outcome.pid
            self._findings.frozen += 1
        return self._reckoning.last_end

    async def _wake(self, frozen: int | None, zombie: int | None) -> None:
        """Let a worker go on whose flows another has had, beside the next one; see that an earlier one has ended."""
        if zombie is not None:
            await self._stage.run(Errand("reap", pid=zombie), may_fail=True)
            self._zombie = None
        if frozen is not None:
            await self._stage.run(Errand("thaw", pid=frozen))
            self._frozen, self._zombie = None, frozen

    async def _let_go(self) -> None:
        while self._frozen is not None or self._zombie is not None:
            await self._wake(self._frozen, self._zombie)
