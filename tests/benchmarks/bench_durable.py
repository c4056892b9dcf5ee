"""Flows per second of the durable engine, fsync on: `python tests/benchmarks/bench_durable.py [SECONDS] [FOLDER]`.

The flow has four steps, two reads and two writes, one after the other; the backends answer at once. So what
is measured is the engine: submission, journal, replayable steps, the view of the result. On SQLite, and on a
PostgreSQL that runs on the same cores. Journal p99 is the time a submission takes to be durable.
"""

import asyncio
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from shared.binding.call_context import CallContext
from shared.binding.declare import Contract, get, post
from shared.binding.operation import Operation
from shared.durable.flow import Flow
from shared.durable.journal import Journal
from shared.durable.journal_postgres import PostgresJournal
from shared.durable.journal_sqlite import SqliteJournal
from shared.durable.runner import FlowRunner
from shared.durable.worker import WorkerSettings

sys.path.insert(0, str(Path(__file__).parents[1] / "servers"))
from postgres_server import PASSWORD, PostgresServer, is_available


class Item(msgspec.Struct, frozen=True):
    """What is ordered."""

    item_id: str
    amount: int
    note: str = "of the size that canonical orders have, give or take a line or two of text"


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


async def execute(operation: Operation, arguments: dict[str, Any], _context: CallContext) -> Any:
    return arguments["item"] if operation.name == "create_item" else Item(arguments["item_id"], 1)


def percentile(values: list[float], share: float) -> float:
    ranked = sorted(values)
    return ranked[min(len(ranked) - 1, int(len(ranked) * share))]


async def measure(journal: Journal, in_flight: int, seconds: float) -> str:
    await journal.open()
    flow_ms: list[float] = []
    intake_ms: list[float] = []
    run = uuid.uuid4().hex
    until = time.perf_counter() + seconds
    async with FlowRunner(journal, [FourSteps], execute, settings=WorkerSettings(in_flight=in_flight)) as runner:

        async def client(number: int) -> None:
            count = 0
            while (began := time.perf_counter()) < until:
                count += 1
                handle = await runner.submit(FourSteps, f"{run}-{number}-{count}", Item(f"{number}-{count}", 1))
                intake_ms.append((time.perf_counter() - began) * 1000)
                view = await handle.result(30)
                if view.state != "completed":
                    raise SystemExit(f"{view.flow_id} ended {view.state}")
                flow_ms.append((time.perf_counter() - began) * 1000)

        began, cpu = time.perf_counter(), time.process_time()
        await asyncio.gather(*(client(number) for number in range(in_flight)))
        took, cpu = time.perf_counter() - began, time.process_time() - cpu
    await journal.close()
    return (
        f"{in_flight:>4} in flight: {len(flow_ms) / took:>7,.0f} flows/s   flow p50 {percentile(flow_ms, 0.5):6.1f} ms"
        f"  p99 {percentile(flow_ms, 0.99):6.1f} ms   journal p99 {percentile(intake_ms, 0.99):6.1f} ms"
        f"   {cpu / len(flow_ms) * 1e6:5.0f} us CPU a flow"
    )


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 4.0
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as folder:
        for in_flight in (1, 16, 64):
            journal = SqliteJournal(Path(folder) / f"journal-{in_flight}.db")
            print("SQLite     ", uvloop.run(measure(journal, in_flight, seconds)))
    if not is_available():
        return
    server = PostgresServer.create("shared_buffers=256MB", "max_wal_size=4GB")
    server.start()
    try:
        for in_flight in (1, 16, 64):
            journal = PostgresJournal(server.url(), lambda: PASSWORD)
            print("PostgreSQL ", uvloop.run(measure(journal, in_flight, seconds)))
    finally:
        server.remove()


if __name__ == "__main__":
    main()
