"""How soon flows are accepted again after PostgreSQL got SIGKILL: `python first_commit.py restart|failover ROUNDS`.

The server is started again at once, or its synchronous standby is promoted at once; both on this machine. Meanwhile
eight callers submit flows without pause. What counts is the time from SIGKILL to the first submission that is on disk
afterwards. Tells the seconds, and how many submissions were refused meanwhile.
"""

import asyncio
import sys
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

import asyncpg
from our_flows import FourSteps
from postgres_server import PASSWORD, PostgresServer
from workload import Item, tell

from shared.binding.call_context import CallContext
from shared.binding.operation import Operation
from shared.durable.journal import JournalUnavailable
from shared.durable.postgres.journal import PostgresJournal
from shared.durable.runner import FlowRunner

CALLERS = 8
PAUSE_SECONDS = 0.4
RETRY = "100ms"
"""A standby looks for its primary so often. With the default of 5 s, a promotion sometimes waits as long."""


async def execute(operation: Operation, arguments: dict[str, Any], _context: CallContext) -> Any:
    """Answer at once."""
    return arguments["item"] if operation.name == "create_item" else Item(arguments["item_id"], 1)


class Callers:
    """Submit flows without pause."""

    def __init__(self, runner: FlowRunner) -> None:
        self._runner = runner
        self.refused = 0
        self._accepted = asyncio.Event()
        self._tasks = [asyncio.create_task(self._submit(number)) for number in range(CALLERS)]

    async def accepted(self) -> float:
        """The moment of the next submission that is on disk."""
        self._accepted.clear()
        await asyncio.wait_for(self._accepted.wait(), 30)
        return time.monotonic()

    async def leave(self) -> None:
        """Submit no more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _submit(self, number: int) -> None:
        count = 0
        while True:
            count += 1
            with suppress(JournalUnavailable):
                await self._runner.submit(
                    FourSteps, f"{time.monotonic()}-{number}-{count}", Item(f"{number}-{count}", 1)
                )
                self._accepted.set()
                continue
            self.refused += 1
            await asyncio.sleep(0.02)


async def gap(callers: Callers, lost: PostgresServer, back: Callable[[], None]) -> tuple[float, float]:
    """Seconds from SIGKILL until there is a server again, and to the first submission on disk after that."""
    await callers.accepted()
    await asyncio.sleep(PAUSE_SECONDS)
    killed = time.monotonic()
    lost.kill()
    await asyncio.to_thread(back)
    until = time.monotonic() - killed
    return until, await callers.accepted() - killed


async def measure(
    url: str, lost: PostgresServer, back: Callable[[], None], rounds: int
) -> tuple[list[tuple[float, float]], int]:
    """The gaps of some rounds, and how many submissions were refused."""
    journal = PostgresJournal(url, lambda: PASSWORD)
    await journal.open()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(journal.close)
        runner = await stack.enter_async_context(FlowRunner(journal, [FourSteps], execute))
        callers = Callers(runner)
        stack.push_async_callback(callers.leave)
        return [await gap(callers, lost, back) for _ in range(rounds)], callers.refused


async def restarts(rounds: int) -> tuple[list[tuple[float, float]], int]:
    """One server, again and again."""
    server = PostgresServer.create()
    server.start()
    try:
        return await measure(server.url(), server, server.start, rounds)
    finally:
        server.remove()


async def failovers(rounds: int) -> tuple[list[tuple[float, float]], int]:
    """A primary and its synchronous standby for each round."""
    gaps: list[tuple[float, float]] = []
    refused = 0
    for _ in range(rounds):
        primary = PostgresServer.create("synchronous_standby_names=twin", "wal_level=replica")
        primary.start()
        connection = await asyncpg.connect(primary.url(), password=PASSWORD)
        await connection.execute(f"ALTER SYSTEM SET wal_retrieve_retry_interval = '{RETRY}'")
        await connection.close()
        twin = PostgresServer.standby_of(primary, "twin")
        try:
            twin.start()
            url = f"postgresql://keeper@/postgres?host={primary.folder},{twin.folder}&port=5432,5432"
            found, so_many = await measure(url, primary, twin.promote, 1)
        finally:
            twin.remove()
            primary.remove()
        gaps, refused = gaps + found, refused + so_many
    return gaps, refused


if __name__ == "__main__":
    measured, turned_away = asyncio.run((restarts if sys.argv[1] == "restart" else failovers)(int(sys.argv[2])))
    servers, commits = zip(*measured, strict=True)
    tell({"seconds": commits, "server_seconds": servers, "refused": turned_away})
