"""Submissions beside an archive run: `python tests/benchmarks/bench_archive.py [FLOWS] [PER_SECOND]`.

Flows of four steps are submitted at a steady pace, first alone, then while old flows of eight steps go into the
archive. Both journals, fsync on; PostgreSQL runs on the same cores. Latency is from a submission's due time until it is
durable, so that one that waits for another counts as well.
"""

import asyncio
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import uvloop
from bench_durable import FourSteps, Item, execute, percentile

from shared.binding.call_context import CallContext
from shared.durable.archive_folder import ArchiveFolder
from shared.durable.archivist import Archivist
from shared.durable.codec import PlainCodec
from shared.durable.journal import Change, FlowRecord, Save, StepRecord
from shared.durable.journal_postgres import PostgresJournal
from shared.durable.journal_retention import Ages, RetentionJournal
from shared.durable.journal_sqlite import SqliteJournal
from shared.durable.runner import FlowRunner

sys.path.insert(0, str(Path(__file__).parents[1] / "servers"))
from postgres_server import PASSWORD, PostgresServer, is_available

SOME_SECONDS = 10.0


async def fill(journal: RetentionJournal, flows: int) -> None:
    """Flows that have ended, as large as those of orders."""
    for first in range(0, flows, 500):
        records = [
            FlowRecord(name := f"old-{number}", name, 1, "old@1", os.urandom(300), os.urandom(500))
            for number in range(first, min(first + 500, flows))
        ]
        await asyncio.gather(*(journal.start(record, "w") for record in records))
        done = Change("completed", result=b"{}")
        await asyncio.gather(*(journal.save(Save(record.flow_id, 1, steps(), done)) for record in records))


def steps() -> tuple[StepRecord, ...]:
    """Eight, as large as those of an order, and no more compressible than sealed ones."""
    return tuple(
        StepRecord(seq, "erp.create_order", os.urandom(200), "succeeded", os.urandom(300), 1, 0, 1e9 + seq, 1e9 + seq)
        for seq in range(1, 9)
    )


async def submit(runner: FlowRunner, per_second: float, run: str, ended: asyncio.Event) -> list[float]:
    """Milliseconds of each submission until `ended`."""
    took: list[float] = []
    under_way: set[asyncio.Task[None]] = set()

    async def one(number: int, due: float) -> None:
        await runner.submit(FourSteps, f"{run}-{number}", Item("i", 1), context=CallContext())
        took.append((time.perf_counter() - due) * 1000)

    begun, number = time.perf_counter(), 0
    while not ended.is_set():
        due = begun + number / per_second
        if (wait := due - time.perf_counter()) > 0:
            await asyncio.sleep(wait)
        task = asyncio.create_task(one(number, due))
        under_way.add(task)
        task.add_done_callback(under_way.discard)
        number += 1
    await asyncio.gather(*under_way)
    return took


async def measure(name: str, journal: Any, folder: Path, flows: int, per_second: float) -> None:
    await journal.open()
    await fill(journal, flows)
    async with FlowRunner(journal, [FourSteps], execute) as runner:
        ended = asyncio.Event()
        asyncio.get_running_loop().call_later(SOME_SECONDS, ended.set)
        alone = await submit(runner, per_second, "alone", ended)
        ended = asyncio.Event()
        beside = asyncio.create_task(submit(runner, per_second, "beside", ended))
        begun = time.perf_counter()
        archived = await Archivist(journal, ArchiveFolder(folder), Ages(-60.0, {"four-steps": 1e9}), PlainCodec()).run()
        took = time.perf_counter() - begun
        ended.set()
        figures = [
            f"p50 {percentile(ms, 0.5):.1f} ms, p99 {percentile(ms, 0.99):.1f} ms, worst {max(ms):.0f} ms ({len(ms)})"
            for ms in (alone, await beside)
        ]
    size = sum(path.stat().st_size for path in ArchiveFolder(folder).files())
    print(f"{name}: {archived} flows archived in {took:.0f} s, {size / archived:.0f} bytes each")
    print(f"  {per_second:.0f} submissions a second alone:  {figures[0]}")
    print(f"  beside the archive run: {figures[1]}", flush=True)
    await journal.close()


async def main() -> None:
    flows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    per_second = float(sys.argv[2]) if len(sys.argv) > 2 else 200.0
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        await measure("SQLite", SqliteJournal(place / "journal.db"), place / "archive", flows, per_second)
    if not is_available():
        return
    server = PostgresServer.create()
    server.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            journal = PostgresJournal(server.new_database(), lambda: PASSWORD)
            await measure("PostgreSQL", journal, Path(folder) / "archive", flows, per_second)
    finally:
        server.remove()


if __name__ == "__main__":
    uvloop.run(main())
