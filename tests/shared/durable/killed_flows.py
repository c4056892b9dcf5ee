"""Runs flows in child processes that kill themselves at a boundary; prints what is left as JSON lines.

    python killed_flows.py every FOLDER         a child for each boundary of one completed and one refused flow
    python killed_flows.py family FOLDER        the same for flows that await a signal, a time and another flow
    python killed_flows.py random FOLDER SEED   children over the same forty flows, killed anywhere, until all ended

A boundary is before and after each effect of a backend, and before and after each commit of the journal.
"""

import asyncio
import json
import os
import random
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from shared.binding.call_context import CallContext
from shared.binding.declare import Contract, get, post
from shared.binding.operation import Operation
from shared.binding.problems import NotFound, Refused
from shared.contracts.process.flow_operations import FlowHasEnded
from shared.durable.flow import Flow
from shared.durable.runner import FlowRunner
from shared.durable.sqlite.group_commit import GroupCommit
from shared.durable.sqlite.journal import SqliteJournal
from shared.durable.worker import WorkerSettings

boundaries_left = 0


def boundary() -> None:
    global boundaries_left  # noqa: PLW0603 - one countdown per process
    boundaries_left -= 1
    if boundaries_left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


class Goods(msgspec.Struct, frozen=True):
    """Goods."""

    name: str
    acceptable: bool = True


class Books(Contract, tier="system", version="v1"):
    """Books that keep what is written."""

    @get("/entries/{name}", scope="books:read")
    async def look(self, name: str) -> str:
        """Return it."""

    @post("/entries", scope="books:write")
    async def enter(self, goods: Goods) -> Goods:
        """Enter goods."""

    @post("/entries/{name}/end", scope="books:write")
    async def strike(self, name: str) -> None:
        """Strike them."""


class Trade(Flow[Goods, str], version=1):
    def __init__(self, books: Books) -> None:
        self.books = books

    async def run(self, request: Goods) -> str:
        await self.books.look(request.name)
        first = await self.undoable(self.books.enter(request), lambda goods: self.books.strike(goods.name))
        await self.together(
            self.books.look("beside"),
            self.undoable(self.books.enter(Goods("beside")), lambda goods: self.books.strike(goods.name)),
        )
        await self.books.look(first.name)
        if not request.acceptable:
            raise Refused("not acceptable")
        return (await self.books.enter(Goods("last"))).name


class Family(Flow[Goods, str], version=1):
    def __init__(self, books: Books) -> None:
        self.books = books

    async def run(self, request: Goods) -> str:
        await self.undoable(self.books.enter(Goods("before")), lambda goods: self.books.strike(goods.name))
        word = await self.wait_for("word", str)
        await self.sleep(0.01)
        last = await self.child(Trade, "trade", request)
        return (await self.books.enter(Goods(word + last))).name


class Ledger:
    """A backend that knows repeats by their key: a line for each effect, in a file that outlives the process."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()

    async def __call__(self, operation: Operation, arguments: dict[str, Any], context: CallContext) -> Any:
        await asyncio.sleep(0)
        if operation.safe:
            return arguments["name"]
        boundary()
        line = f"{context.idempotency_key} {operation.name}"
        if line not in self.path.read_text().splitlines():
            with self.path.open("a") as file:
                file.write(line + "\n")
        boundary()
        return arguments.get("goods")


commit = GroupCommit._commit


def commit_between_boundaries(self: Any, connection: Any, items: list[Any]) -> list[Any]:
    boundary()
    outcomes = commit(self, connection, items)
    boundary()
    return outcomes


async def submit_once(runner: FlowRunner, key: str, goods: Goods) -> None:
    kind = Family if key.startswith("family") else Trade
    try:
        await runner.view(key)
    except NotFound:
        await runner.submit(kind, key, goods)
    if kind is Family:
        with suppress(FlowHasEnded):
            await runner.signal(key, "word", "word", key="1")


async def work(folder: Path, flows: dict[str, Goods]) -> dict[str, str]:
    journal = SqliteJournal(folder / "journal.db")
    await journal.open()
    async with FlowRunner(
        journal, [Trade, Family], Ledger(folder / "ledger"), settings=WorkerSettings(poll=0.05, quarantine_after=99)
    ) as runner:
        await asyncio.gather(*(submit_once(runner, key, goods) for key, goods in flows.items()))
        views = await asyncio.gather(*(runner.result(key, 60) for key in flows))
    await journal.close()
    return {view.flow_id: view.state for view in views}


def child(folder: Path, flows: dict[str, Goods], kill_at: int) -> bool:
    """Run flows in a process that dies at its nth boundary (0: never); True when it ended by itself."""
    global boundaries_left  # noqa: PLW0603 - one countdown per process
    pid = os.fork()
    if pid == 0:
        boundaries_left = kill_at
        GroupCommit._commit = commit_between_boundaries
        states = asyncio.run(work(folder, flows))
        (folder / "states.json").write_text(json.dumps(states))
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def report(folder: Path, **more: Any) -> None:
    ledger = (folder / "ledger").read_text().splitlines()
    print(json.dumps({"states": json.loads((folder / "states.json").read_text()), "ledger": sorted(ledger), **more}))


def every(folder: Path, good: str, bad: str) -> None:
    for name, goods in {good: Goods("a"), bad: Goods("a", acceptable=False)}.items():
        kill_at, unscathed = 0, False
        while not unscathed:
            kill_at += 1
            place = folder / f"{name}-{kill_at}"
            place.mkdir()
            unscathed = child(place, {name: goods}, kill_at)
            if not unscathed and not child(place, {name: goods}, 0):
                raise SystemExit(f"The restart after boundary {kill_at} failed.")
            report(place, kill_at=kill_at)


def at_random(folder: Path, seed: int) -> None:
    chance = random.Random(seed)
    flows = {f"f{n}": Goods(f"g{n}", acceptable=n % 4 != 0) for n in range(40)}
    kills = 0
    while kills < 40 and not child(folder, flows, chance.randint(5, 20)):
        kills += 1
    if not child(folder, flows, 0):
        raise SystemExit("The last start failed.")
    report(folder, kills=kills)


if __name__ == "__main__":
    if sys.argv[1] == "every":
        every(Path(sys.argv[2]), "good", "bad")
    elif sys.argv[1] == "family":
        every(Path(sys.argv[2]), "family-good", "family-bad")
    else:
        at_random(Path(sys.argv[2]), int(sys.argv[3]))
