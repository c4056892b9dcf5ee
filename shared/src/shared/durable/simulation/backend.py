"""A simulated backend behind a network: it knows repeats by their key, and is all that keeps effects from doubling."""

import asyncio
from collections import Counter
from typing import Any

from shared.binding.call_context import CallContext
from shared.binding.operation import Operation
from shared.binding.problems import CIRCUIT, OPEN, BackendUnavailable, CircuitOpen, Overloaded, Problem, Refused
from shared.durable.simulation.chance import Chance
from shared.durable.simulation.trade import Entry
from shared.durable.simulation.virtual_loop import Simulated, VirtualLoop

POISON = "poison"
"""How the name of a trade begins that ends every process which enters it."""
_REFUSES = 0.04


class Backend:
    """Books in which trades are entered.

    Args:
        loop: Runs the world.
        chance: Decides what the network does.

    Attributes:
        effects: How often something was entered or struck out.
        poisoned: Processes that a poisonous trade has ended.
    """

    def __init__(self, loop: VirtualLoop, chance: Chance) -> None:
        self.effects = self.poisoned = 0
        self._loop = loop
        self._chance = chance
        self._answers: dict[str, Any] = {}
        self._entries: dict[int, Entry] = {}
        self._struck: Counter[int] = Counter()

    def standing(self) -> dict[tuple[str, str], int]:
        """How often each entry stands: 1 for an effect, 0 for one undone, anything else is wrong."""
        counts: Counter[tuple[str, str]] = Counter()
        for number, entry in self._entries.items():
            counts[entry.flow_id, entry.slot] += 1 - self._struck[number]
        return dict(counts)

    async def perform(
        self, process: Simulated, operation: Operation, arguments: dict[str, Any], context: CallContext
    ) -> Any:
        """A call by a process: what a `StepExecutor` does, over a network that loses and delays."""
        chance, key = self._chance, str(context.idempotency_key)
        chance.witness.called(process, key)
        answer: asyncio.Future[Any] = self._loop.create_future()
        if not chance.survives(process, f"before calling {key}"):
            await answer  # nobody runs this any more
        if chance.call_fails() or chance.is_out():
            await asyncio.sleep(chance.on_the_way())
            raise chance.random.choice(
                (
                    BackendUnavailable("down"),
                    CircuitOpen("open", retry_after=2),
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
        if operation.safe:
            result = arguments["name"]
        else:
            if key not in self._answers:
                self._answers[key] = self._effect(operation, arguments)
            result = self._answers[key]
        self._chance.witness.note("backend", "has done", key)
        entry = arguments.get("entry")
        if isinstance(entry, Entry) and entry.flow_id.startswith(POISON):
            self.poisoned += not process.dead
            self._chance.kill(process, "of poison")
        elif not process.dead:
            self._chance.survives(process, f"after the effect of {key}")
        if self._chance.call_fails():
            result = BackendUnavailable("The answer was lost.")
        self._loop.call_later(
            self._chance.on_the_way(), _deliver, answer, result, context=process.context.copy()
        )  # fmt: skip

    def _effect(self, operation: Operation, arguments: dict[str, Any]) -> Any:
        if operation.name == "strike":
            self._struck[arguments["number"]] += 1
            self.effects += 1
            return None
        if self._chance.trouble(_REFUSES):
            return Refused("The books do not take this.")
        entry: Entry = arguments["entry"]
        number = len(self._entries) + 1
        self._entries[number] = Entry(entry.flow_id, entry.slot, number)
        self.effects += 1
        return self._entries[number]


def _deliver(answer: "asyncio.Future[Any]", result: Any) -> None:
    if not answer.done():
        answer.set_result(result)
