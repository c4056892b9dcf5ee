"""Resumes a heap of dead letters in processes that are killed midway; prints what is left as one JSON line.

    python resumed_flows.py FOLDER COUNT SEED

First the flows die of a backend that is down. Then child processes resume them all, each killed after some commits of
the journal or some effects, until one gets through.
"""

import asyncio
import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

import msgspec

from shared.binding.call_context import CallContext
from shared.binding.declare import Contract, post
from shared.binding.operation import Operation
from shared.binding.problems import BackendUnavailable
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


class Crate(msgspec.Struct, frozen=True):
    """A crate."""

    name: str


class Dock(Contract, tier="system", version="v1"):
    """Where crates are unloaded."""

    @post("/crates", scope="dock:write")
    async def unload(self, crate: Crate) -> Crate:
        """Unload one."""


class Unload(Flow[Crate, str], version=1):
    def __init__(self, dock: Dock) -> None:
        self.dock = dock

    async def run(self, request: Crate) -> str:
        first = await self.dock.unload(request)
        second = await self.retrying(self.dock.unload(Crate(first.name + "-lid")), delays=())
        return second.name


class Backend:
    """Knows repeats by their key; the lids cannot be unloaded while it is down."""

    def __init__(self, ledger: Path, *, down: bool) -> None:
        self.ledger = ledger
        self.down = down

    async def __call__(self, _operation: Operation, arguments: dict[str, Any], context: CallContext) -> Any:
        await asyncio.sleep(0)
        crate = arguments["crate"]
        if self.down and crate.name.endswith("-lid"):
            raise BackendUnavailable("down")
        boundary()
        with self.ledger.open("a") as file:
            file.write(f"{context.idempotency_key}\n")
        return crate


commit = GroupCommit._commit


def commit_between_boundaries(self: Any, connection: Any, items: list[Any]) -> list[Any]:
    boundary()
    outcomes = commit(self, connection, items)
    boundary()
    return outcomes


async def work(folder: Path, count: int, *, down: bool) -> dict[str, int]:
    journal = SqliteJournal(folder / "journal.db")
    await journal.open()
    settings = WorkerSettings(poll=0.05, quarantine_after=99)
    async with FlowRunner(journal, [Unload], Backend(folder / "ledger", down=down), settings=settings) as runner:
        if down:
            handles = [await runner.submit(Unload, f"f{n}", Crate(f"c{n}")) for n in range(count)]
            await asyncio.gather(*(handle.result(60) for handle in handles))
        else:
            await resume_all(runner, count)
    counts = await journal.counts()
    resumed = [entry.flow_id for entry in (await journal.audit(limit=10 * count))[0]]
    await journal.close()
    return {
        "dead": counts.get("dead", 0), "unfinished": sum(counts.values()), "resumed": len(set(resumed)),
        "entries": len(resumed),
    }  # fmt: skip


async def resume_all(runner: FlowRunner, count: int) -> None:
    still = [view.flow_id for view in (await runner.page(states=["dead"], limit=count))[0]]
    async for resumed in runner.dead_letters.resume_all(still, by="operator"):
        if resumed.problem is not None:
            raise SystemExit(f"{resumed.flow_id}: {resumed.problem}")
    for number in range(count):
        view = await runner.result(f"f{number}", 20)
        if view.state != "completed":
            raise SystemExit(f"{view.flow_id} is {view.state}")


def child(folder: Path, count: int, kill_at: int, *, down: bool = False) -> bool:
    global boundaries_left  # noqa: PLW0603 - one countdown per process
    pid = os.fork()
    if pid == 0:
        boundaries_left = kill_at
        GroupCommit._commit = commit_between_boundaries
        (folder / "report.json").write_text(json.dumps(asyncio.run(work(folder, count, down=down))))
        os._exit(0)
    return os.waitpid(pid, 0)[1] == 0


def main(folder: Path, count: int, seed: int) -> None:
    chance = random.Random(seed)
    if not child(folder, count, 0, down=True):
        raise SystemExit("The flows could not be started.")
    before = json.loads((folder / "report.json").read_text())
    kills = 0
    while not child(folder, count, chance.randint(100, 400) if kills < 20 else 0):
        kills += 1
    after = json.loads((folder / "report.json").read_text())
    ledger = (folder / "ledger").read_text().splitlines()
    print(json.dumps({"before": before, "after": after, "kills": kills, "ledger": ledger}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
