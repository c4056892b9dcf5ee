"""Submissions beside an archive run: `python tests/benchmarks/durable/archive_beside_work.py [FLOWS] [PER_SECOND]`.

Flows of four steps are submitted at a steady pace, first alone, then while old flows of four steps go into the
archive. Both journals, fsync on; PostgreSQL runs on the same cores. Latency is from a submission's due time until it is
durable, so that one that waits for another counts as well.
"""

import asyncio
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg
import uvloop

from shared.binding.call_context import CallContext
from shared.binding.operation import Operation
from shared.durable.archive_folder import ArchiveFolder
from shared.durable.archivist import Archivist
from shared.durable.codec import PlainCodec
from shared.durable.journal_retention import Ages, RetentionJournal
from shared.durable.postgres.journal import PostgresJournal
from shared.durable.runner import FlowRunner
from shared.durable.sqlite.journal import SqliteJournal

sys.path.insert(0, str(Path(__file__).parents[2] / "servers"))
from our_flows import FourSteps
from postgres_server import PASSWORD, PostgresServer, is_available
from workload import Item, percentile

SOME_SECONDS = 10.0


_FLOWS = """
INSERT INTO flow (flow_id, key, attempt, kind, request, context, state, result, fence, created_at, updated_at)
SELECT 'old-' || n, 'old-' || n, 1, 'old@1', {bytes300}, {bytes500}, 'completed', {bytes300}, 1, 1e9 + n, 1e9 + n
FROM {numbers}"""
_STEPS = """
INSERT INTO step (flow, seq, operation, arguments, state, outcome, attempts, parks, started_at, finished_at)
SELECT number, s, 'erp.create_order', {bytes300}, 'succeeded', {bytes500}, 1, 0, 1e9, 1e9
FROM flow CROSS JOIN (SELECT 1 AS s UNION SELECT 2 UNION SELECT 3 UNION SELECT 4) steps WHERE kind = 'old@1'"""


def fill_file(path: Path, flows: int) -> None:
    """Flows that have ended, as large as those of orders and, like sealed ones, not to be compressed."""
    numbers = f"(WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {flows}) SELECT n FROM c)"
    with sqlite3.connect(path) as database:
        for text in (_FLOWS, _STEPS):
            database.execute(text.format(bytes300="randomblob(300)", bytes500="randomblob(500)", numbers=numbers))
    database.close()


async def fill_database(url: str, flows: int) -> None:
    """The same."""
    hashes = (
        "(SELECT string_agg(sha512((random() || ' ' || {n} || ' ' || i)::text::bytea), ''::bytea)"
        " FROM generate_series(1, {count}) i)"
    )
    database = await asyncpg.connect(url, password=PASSWORD, server_settings={"search_path": "triptych"})
    for text, n in ((_FLOWS, "n"), (_STEPS, "s")):
        some = {f"bytes{size}": hashes.format(n=n, count=size // 64 + 1) for size in (300, 500)}
        await database.execute(text.format(**some, numbers=f"generate_series(1, {flows}) n"))
    for text in ("VACUUM ANALYZE", "CHECKPOINT"):  # what was filled in at once shall not be paid for while we measure
        await database.execute(text)
    await database.close()


async def execute(operation: Operation, arguments: dict[str, Any], _context: CallContext) -> Any:
    """Backends that answer at once."""
    return arguments["item"] if operation.name == "create_item" else Item(arguments["item_id"], 1)


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


async def measure(name: str, journal: RetentionJournal, folder: Path, per_second: float) -> None:
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


async def main() -> None:
    flows = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    per_second = float(sys.argv[2]) if len(sys.argv) > 2 else 200.0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.db"
        journal = SqliteJournal(path)
        await journal.open()
        await asyncio.to_thread(fill_file, path, flows)
        await measure("SQLite", journal, Path(folder) / "archive", per_second)
        await journal.close()
    if not is_available():
        return
    server = PostgresServer.create()
    server.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            url = server.new_database()
            journal = PostgresJournal(url, lambda: PASSWORD)
            await journal.open()
            await fill_database(url, flows)
            await measure("PostgreSQL", journal, Path(folder) / "archive", per_second)
            await journal.close()
    finally:
        server.remove()


if __name__ == "__main__":
    uvloop.run(main())
