"""A process that runs the flows of a journal until it is killed: `journal_flows.py URL FOLDER NAME RUNNERS QUARANTINE`.

URL is that of a PostgreSQL database, or `sqlite:/path`. Effects are lines in FOLDER/ledger. A step does not end while
FOLDER/hold-NAME exists; one that enters `poison` ends the process. It claims to be on a machine called NAME, so that
its siblings cannot see that its process is gone.
"""

# ruff: noqa: ASYNC110 - databases and other processes have no event to wait for

import asyncio
import os
import signal
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from killed_flows import Books, Goods
from postgres_server import PASSWORD

from shared.binding.call_context import CallContext
from shared.binding.operation import Operation
from shared.binding.problems import Refused
from shared.durable.flow import Flow
from shared.durable.postgres import workers as postgres_workers
from shared.durable.postgres.journal import PostgresJournal
from shared.durable.process_identity import this_process
from shared.durable.runner import FlowRunner
from shared.durable.sqlite import journal as journal_sqlite
from shared.durable.sqlite.journal import SqliteJournal
from shared.durable.worker import WorkerSettings
from shared.telemetry.logging import configure_logging


class Trade(Flow[Goods, str], version=1):
    def __init__(self, books: Books) -> None:
        self.books = books

    async def run(self, request: Goods) -> str:
        await self.books.look(request.name)
        first = await self.undoable(self.books.enter(request), lambda goods: self.books.strike(goods.name))
        await self.books.look(first.name)
        if not request.acceptable:
            raise Refused("not acceptable")
        return (await self.books.enter(Goods("last"))).name


class Ledger:
    """A backend: a line for each effect, in a file that outlives the process."""

    def __init__(self, folder: Path, name: str) -> None:
        self.file = (folder / "ledger").open("a")
        self.hold = folder / f"hold-{name}"

    async def __call__(self, operation: Operation, arguments: dict[str, Any], context: CallContext) -> Any:
        await asyncio.sleep(0.005)
        if operation.safe:
            return arguments["name"]
        self.file.write(f"{context.idempotency_key} {operation.name}\n")
        self.file.flush()
        if arguments.get("goods") == Goods("poison"):
            os.kill(os.getpid(), signal.SIGKILL)
        while self.hold.exists():
            await asyncio.sleep(0.01)
        return arguments.get("goods")


def journal_at(url: str) -> PostgresJournal | SqliteJournal:
    path = Path(url.removeprefix("sqlite:"))
    return SqliteJournal(path) if url.startswith("sqlite:") else PostgresJournal(url, lambda: PASSWORD)


async def work(url: str, folder: Path, name: str, runners: int, quarantine: int) -> None:
    elsewhere = this_process()._replace(place=name)
    postgres_workers.this_process = journal_sqlite.this_process = lambda: elsewhere
    journal = journal_at(url)
    await journal.open()
    ledger, settings = Ledger(folder, name), WorkerSettings(lease=1.0, poll=0.05, quarantine_after=quarantine)
    async with AsyncExitStack() as stack:
        for _ in range(runners):
            await stack.enter_async_context(FlowRunner(journal, [Trade], ledger, settings=settings))
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    configure_logging()
    asyncio.run(work(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]), int(sys.argv[5])))
