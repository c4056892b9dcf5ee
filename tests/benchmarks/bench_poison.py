"""What poisonous requests cost their neighbours: p99 of good flows, alone and beside one poisonous flow in ten."""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import msgspec

from shared.binding.call_context import CallContext
from shared.binding.declare import Contract, post
from shared.binding.operation import Operation
from shared.binding.problems import Invalid
from shared.durable.flow import Flow
from shared.durable.runner import FlowRunner
from shared.durable.sqlite.journal import SqliteJournal

ROUNDS, FLOWS, PER_SECOND = 6, 400, 200


class Item(msgspec.Struct, frozen=True):
    """An item."""

    name: str


class Shelf(Contract, tier="system", version="v1"):
    """Holds items."""

    @post("/items", scope="shelf:write")
    async def put(self, item: Item) -> Item:
        """Put it there."""


class Store(Flow[Item, str], version=1):
    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf

    async def run(self, request: Item) -> str:
        await self.shelf.put(request)
        return (await self.shelf.put(request)).name


async def execute(_operation: Operation, arguments: dict[str, Any], _context: CallContext) -> Any:
    await asyncio.sleep(0.005)
    if arguments["item"].name.startswith("bad"):
        raise Invalid("poison")
    return arguments["item"]


async def p99(runner: FlowRunner, label: str, *, poison: bool) -> float:
    """Seconds from submission to end of the good flows, submitted at an even pace."""
    taken: list[float] = []

    async def one(number: int) -> None:
        await asyncio.sleep(number / PER_SECOND)
        bad = poison and number % 10 == 0
        began = time.perf_counter()
        handle = await runner.submit(Store, f"{label}-{number}", Item("bad" if bad else "good"))
        await handle.result(30)
        if not bad:
            taken.append(time.perf_counter() - began)

    await asyncio.gather(*map(one, range(FLOWS)))
    return statistics.quantiles(taken, n=100)[98]


async def main() -> None:
    """Rounds alternate, so that whatever else runs meets both alike."""
    alone: list[float] = []
    beside: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        journal = SqliteJournal(Path(folder) / "journal.db")
        await journal.open()
        async with FlowRunner(journal, [Store], execute) as runner:
            await p99(runner, "warm", poison=True)
            for number in range(ROUNDS):
                alone.append(await p99(runner, f"alone-{number}", poison=False))
                beside.append(await p99(runner, f"beside-{number}", poison=True))
        await journal.close()
    usual, poisoned = statistics.median(alone), statistics.median(beside)
    sys.stdout.write(
        f"  p99 of good flows: {usual * 1000:.1f} ms alone, {poisoned * 1000:.1f} ms beside one poisonous in ten: "
        f"{poisoned / usual - 1:+.1%}\n"
    )


if __name__ == "__main__":
    asyncio.run(main())
