"""Triptych's flows under the load: `python our_flows.py sqlite FOLDER IN_FLIGHT SECONDS`, or `postgres URL …`."""

import sys
import uuid
from pathlib import Path
from typing import Any

import uvloop
from postgres_server import PASSWORD
from workload import Item, StepClock, drive

from shared.binding.call_context import CallContext
from shared.binding.declare import Contract, get, post
from shared.binding.operation import Operation
from shared.durable.flow import Flow
from shared.durable.journal import Journal
from shared.durable.postgres.journal import PostgresJournal
from shared.durable.runner import FlowRunner
from shared.durable.sqlite.journal import SqliteJournal
from shared.durable.worker import WorkerSettings


class Bench(Contract, tier="system", version="v1"):
    """Backends that answer at once."""

    @get("/items/{item_id}", scope="bench:read")
    async def get_item(self, item_id: str) -> Item:
        """Return it."""

    @post("/items", scope="bench:write")
    async def create_item(self, item: Item) -> Item:
        """Create it."""


class FourSteps(Flow[Item, Item], version=1):
    def __init__(self, bench: Bench) -> None:
        self.bench = bench

    async def run(self, request: Item) -> Item:
        first = await self.bench.get_item(request.item_id)
        second = await self.bench.get_item(first.item_id)
        third = await self.bench.create_item(second)
        return await self.bench.create_item(third)


def opened(kind: str, where: str) -> Journal:
    """A journal that is not open yet."""
    if kind == "sqlite":
        return SqliteJournal(Path(where) / f"{uuid.uuid4().hex}.db")
    return PostgresJournal(where, lambda: PASSWORD)


async def measure(journal: Journal, in_flight: int, seconds: float) -> None:
    """Print the figures."""
    clock = StepClock()

    async def execute(operation: Operation, arguments: dict[str, Any], _context: CallContext) -> Any:
        found = arguments["item"] if operation.name == "create_item" else Item(arguments["item_id"], 1)
        clock.begins(found.item_id)
        clock.answers(found.item_id)
        return found

    await journal.open()
    async with FlowRunner(journal, [FourSteps], execute, settings=WorkerSettings(in_flight=in_flight)) as runner:

        async def call(key: str, item: Item) -> None:
            view = await (await runner.submit(FourSteps, key, item)).result(30)
            if view.state != "completed":
                raise SystemExit(f"{view.flow_id} ended {view.state}")

        await drive(call, clock, in_flight, seconds)
    await journal.close()


if __name__ == "__main__":
    uvloop.run(measure(opened(sys.argv[1], sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))
