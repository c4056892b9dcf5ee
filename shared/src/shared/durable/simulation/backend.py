"""A simulated backend behind a network: it knows repeats by their key, and is all that keeps effects from doubling."""

import asyncio
from collections import Counter
from typing import Any

from shared.binding.call_context import CallContext
from shared.binding.operation import Operation
from shared.binding.problems import CIRCUIT, OPEN, BackendUnavailable, CircuitOpen, Overloaded, Problem, Refused
from shared.durable.simulation.chance import Chance
from shared.durable.simulation.flows import Entry
from shared.durable.simulation.verdict import step_of
from shared.durable.simulation.virtual_loop import Simulated, VirtualLoop

POISON = "poison"
"""How the name of a trade begins that ends every process which enters it."""
_REFUSES = 0.04


class Backend:
    """Books in which deals are entered.

    Args:
        loop: Runs the world.
        chance: Decides what the network does.

    Attributes:
        effects: How often something was entered or struck out.
        poisoned: Processes that each poisonous trade has ended.
    """

    def __init__(self, loop: VirtualLoop, chance: Chance) -> None:
        self.effects = 0
        self.poisoned: Counter[str] = Counter()
        self._loop = loop
        self._chance = chance
        self._answers: dict[str, Any] = {}
        self._entries: dict[int, Entry] = {}
        self._struck: Counter[int] = Counter()
        self._last_undone: dict[str, int] = {}

    def standing(self) -> dict[str, dict[str, int]]:
        """How often each entry stands, by flow and slot: 1 for an effect, 0 for one undone, anything else is wrong."""
        counts: dict[str, dict[str, int]] = {}
        for number, entry in self._entries.items():
            slots = counts.setdefault(entry.flow_id, {})
            slots[entry.slot] = slots.get(entry.slot, 0) + 1 - self._struck[number]
        return counts

    async def perform(
        self, process: Simulated, operation: Operation, arguments: dict[str, Any], context: CallContext
    ) -> Any:
        """A call by a process: what a `StepExecutor` does, over a network that loses and delays."""
        chance, key = self._chance, context.idempotency_key or ""
        chance.witness.called(process, key)
        answer: asyncio.Future[Any] = asyncio.Future(loop=self._loop)
        if not chance.survives(process, "before a call"):
            await answer  # nobody runs this any more
        if chance.call_fails() or chance.is_out():
            await asyncio.sleep(chance.on_the_way())
            raise chance.random.choice(
                (
                    BackendUnavailable("down"),
                    CircuitOpen("open", retry_after=6),
                    Overloaded("busy", retry_after=7),
                    BackendUnavailable("still down", extensions={CIRCUIT: OPEN}),
                )
            )
        self._loop.call_outside(chance.on_the_way(), self._arrive, process, operation, arguments, key, answer)
        result = await answer
        if isinstance(result, Problem):
            raise result
        return result

    def _arrive(
        self, process: Simulated, operation: Operation, arguments: dict[str, Any], key: str, answer: Any
    ) -> None:
        chance = self._chance
        if operation.safe:
            result = arguments["name"]
        else:
            if key not in self._answers:
                self._answers[key] = self._effect(operation, arguments, key)
            result = self._answers[key]
        chance.witness.note("backend", "has done", key)
        entry = arguments.get("entry")
        if isinstance(entry, Entry) and entry.flow_id.startswith(POISON):
            self.poisoned[entry.flow_id] += not process.dead
            chance.kill(process, "of poison")
        elif not process.dead:
            chance.survives(process, "after an effect")
        if chance.loses_reply():
            result = BackendUnavailable("The answer was lost.")
        self._loop.call_later(chance.on_the_way(), _deliver, answer, result, context=process.context)

    def _effect(self, operation: Operation, arguments: dict[str, Any], key: str) -> Any:
        flow_id, seq = step_of(key)
        if operation.name == "strike":
            self._strike(arguments["number"], flow_id, seq)
            return None
        entry: Entry = arguments["entry"]
        if entry.flow_id != flow_id or seq <= 0:
            self._chance.witness.broken(f"{entry.slot!r} of {entry.flow_id} was asked for under the key {key!r}")
        if self._chance.trouble(_REFUSES, "refusals"):
            return Refused("The books do not take this.")
        number = len(self._entries) + 1
        self._entries[number] = Entry(entry.flow_id, entry.slot, number)
        self.effects += 1
        return self._entries[number]

    def _strike(self, number: int, flow_id: str, seq: int) -> None:
        if seq >= 0 or seq <= self._last_undone.get(flow_id, seq - 1):
            self._chance.witness.broken(f"step {-seq} of {flow_id} was undone out of turn")
        self._last_undone[flow_id] = seq
        self._struck[number] += 1
        self.effects += 1


def _deliver(answer: "asyncio.Future[Any]", result: Any) -> None:
    if not answer.done():
        answer.set_result(result)
