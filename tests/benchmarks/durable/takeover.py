"""How soon another worker goes on with a flow whose worker was killed: `python takeover.py KIND WHERE DEATHS`.

KIND is `sqlite` (WHERE is a folder), `postgres` (a URL), or `postgres-elsewhere`: then the killed pretend to have been
on machines of their own, where nobody can see that their process is gone, so that their lease has to end. Leases and
pauses are those that workers have by default. Each worker is a process that has one flow, at whose first step it
stays; at a moment of its own within four seconds it gets SIGKILL. What counts is the time from there to the beginning
of that step at the one worker that stays alive. Tells the seconds.
"""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Any

from our_flows import FourSteps, opened
from workload import Item, tell

from shared.binding.call_context import CallContext
from shared.binding.operation import Operation
from shared.durable.journal import Journal
from shared.durable.postgres import workers as postgres_workers
from shared.durable.process_identity import this_process
from shared.durable.runner import FlowRunner
from shared.durable.sqlite import journal as journal_sqlite
from shared.durable.worker import WorkerSettings

PATIENCE_SECONDS = 20.0
DEATHS_WITHIN_SECONDS = 4.0


async def migrate(journal: Journal) -> None:
    """Create what all workers share."""
    await journal.open()
    await journal.close()


async def live_until_killed(journal: Journal, number: int, ready: int) -> None:
    """Begin a flow and stay at its first step; there is no room for a flow of another's."""

    async def execute(_operation: Operation, _arguments: dict[str, Any], _context: CallContext) -> Any:
        os.write(ready, b".")
        await asyncio.Event().wait()

    await journal.open()
    async with FlowRunner(journal, [FourSteps], execute, settings=WorkerSettings(in_flight=1)) as runner:
        await runner.submit(FourSteps, f"victim-{number}", Item(str(number), 1))
        await asyncio.Event().wait()


async def carry_on(journal: Journal, ready: int) -> None:
    """Run whatever is left behind; tell when the first step of each flow begins."""
    seen: set[str] = set()

    async def execute(operation: Operation, arguments: dict[str, Any], _context: CallContext) -> Any:
        found = arguments["item"] if operation.name == "create_item" else Item(arguments["item_id"], 1)
        if found.item_id not in seen:
            seen.add(found.item_id)
            os.write(ready, f"{found.item_id} {time.monotonic()}\n".encode())
        return found

    await journal.open()
    async with FlowRunner(journal, [FourSteps], execute):
        os.write(ready, b"0 0\n")
        await asyncio.Event().wait()


def forked(
    work: Callable[[int], Coroutine[Any, Any, None]], *, victim: bool = False, place: str = ""
) -> tuple[int, int]:
    """A process that does the work until it is killed, and what it says.

    A victim looks after no other's process, so that it is the one worker left that has to see who is gone.
    """
    said, says = os.pipe()
    process = os.fork()
    if process == 0:
        if victim:
            journal_sqlite.is_gone = postgres_workers.is_gone = lambda _: False
        if place:
            elsewhere = this_process()._replace(place=place)
            postgres_workers.this_process = lambda: elsewhere
        try:
            asyncio.run(work(says))
        finally:
            os._exit(1)
    os.close(says)
    return process, said


def kill(process: int) -> float:
    """End a process without warning; the moment."""
    os.kill(process, signal.SIGKILL)
    killed = time.monotonic()
    os.waitpid(process, 0)
    return killed


def measure(kind: str, where: str, deaths: int) -> list[float]:
    """Seconds for each killed worker."""
    driver, elsewhere = kind.partition("-")[0], kind.endswith("elsewhere")
    if driver == "sqlite":  # one file for all
        journal = opened(driver, where)
        make: Callable[[], Journal] = lambda: journal  # noqa: E731 - forked, each has a copy
    else:
        make = lambda: opened(driver, where)  # noqa: E731
    asyncio.run(migrate(make()))
    victims = [
        forked(
            lambda ready, number=number: live_until_killed(make(), number, ready),
            victim=True,
            place=f"machine-{number}" if elsewhere else "",
        )
        for number in range(1, deaths + 1)
    ]
    for _, said in victims:
        assert os.read(said, 1) == b"."
    survivor, said = forked(lambda ready: carry_on(make(), ready))
    try:
        with os.fdopen(said) as lines:
            assert lines.readline() == "0 0\n"
            signal.alarm(int(PATIENCE_SECONDS + DEATHS_WITHIN_SECONDS))
            chance = random.Random(7)
            moments = sorted((chance.uniform(0, DEATHS_WITHIN_SECONDS), process) for process, _ in victims)
            began, killed = time.monotonic(), {}
            for moment, process in moments:
                time.sleep(max(0.0, began + moment - time.monotonic()))
                killed[process] = kill(process)
            died = {str(number): killed[process] for number, (process, _) in enumerate(victims, 1)}
            told = (lines.readline().split() for _ in victims)
            return sorted(float(at) - died[number] for number, at in told)
    finally:
        kill(survivor)


if __name__ == "__main__":
    tell(measure(sys.argv[1], sys.argv[2], int(sys.argv[3])))
