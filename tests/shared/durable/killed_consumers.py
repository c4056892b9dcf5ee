"""Consumers of events in child processes that kill themselves while they take events; prints what is left as JSON.

    python killed_consumers.py FOLDER KILLS SIDE_BY_SIDE SEED

A child takes events of a log until it dies: before its commit, when everything is written and not yet committed, or
when it is committed and nobody has heard of it. After each death, flows and position must agree. The last child lives,
takes what is left and runs all flows that were started.
"""

import asyncio
import json
import os
import random
import signal
import sqlite3
import sys
from pathlib import Path
from typing import Any

import msgspec

from shared.binding.call_context import CallContext
from shared.binding.declare import Contract, post
from shared.binding.operation import Operation
from shared.durable import subscriber
from shared.durable.codec import PlainCodec
from shared.durable.flow import Flow
from shared.durable.journal import Change, Consumption, FlowRecord, Save
from shared.durable.outbox import OUTBOX, OutboxRecord
from shared.durable.outbox_source import OutboxSource
from shared.durable.runner import FlowRunner
from shared.durable.sqlite.group_commit import GroupCommit
from shared.durable.sqlite.journal import SqliteJournal
from shared.durable.subscriber import Subscriber
from shared.durable.subscription import Subscription

boundaries_left = 0


def boundary() -> None:
    global boundaries_left  # noqa: PLW0603 - one countdown per process
    boundaries_left -= 1
    if boundaries_left == 0:
        os.kill(os.getpid(), signal.SIGKILL)


class Goods(msgspec.Struct, frozen=True):
    """Goods."""

    name: str


class ThingSold(msgspec.Struct, frozen=True):
    """Sold."""

    name: str


class Books(Contract, tier="system", version="v1"):
    """Books that keep what is written."""

    @post("/entries", scope="books:write")
    async def enter(self, goods: Goods) -> Goods:
        """Enter goods."""


class Ship(Flow[Goods, str], version=1):
    def __init__(self, books: Books) -> None:
        self.books = books

    async def run(self, request: Goods) -> str:
        return (await self.books.enter(request)).name


shipping = Subscription(
    "shipping", ThingSold, Ship, key=lambda sold: f"ship-{sold.name}", request=lambda sold: Goods(sold.name)
)
commit, apply = GroupCommit._commit, SqliteJournal._apply


def commit_between_boundaries(self: Any, connection: Any, items: list[Any]) -> list[Any]:
    boundary()
    outcomes = commit(self, connection, items)
    boundary()
    return outcomes


def apply_before_a_boundary(self: Any, connection: Any, items: list[Any]) -> list[Any]:
    outcomes = apply(self, connection, items)
    boundary()
    return outcomes


async def publish(folder: Path, count: int) -> None:
    journal = SqliteJournal(folder / "journal.db")
    await journal.open()
    for number in range(count):
        name = f"sell-{number}"
        starting = journal.start(FlowRecord(name, name, 1, "sell@1", b"{}", b"{}"), "w")
        event = OutboxRecord(f"{name}/1", "thing-sold", 1, b'{"name":"%d"}' % number, 1.0, "sell@1")
        saving = journal.save(Save(name, 1, (), Change("completed"), (event,)))
    await asyncio.gather(starting, saving)
    await journal.consume(Consumption("shipping", OUTBOX, None, ""))
    await journal.close()


async def take(folder: Path) -> None:
    journal = SqliteJournal(folder / "journal.db")
    await journal.open()

    async def execute(_operation: Operation, arguments: dict[str, Any], _context: CallContext) -> Any:
        with (folder / "ledger").open("a") as file:
            file.write(arguments["goods"].name + "\n")
        return arguments["goods"]

    runner = FlowRunner(journal, [Ship], execute)
    consumer = Subscriber(runner, journal, shipping, OutboxSource(journal, PlainCodec()))
    state = None
    while state is None or state.behind:
        await consumer.look()
        (state,) = await journal.consumers()
    async with runner:
        for name in (folder / "names").read_text().splitlines():
            await runner.result(name, 60)
    await journal.close()


def begin(folder: Path, kill_at: int, batch: int) -> int:
    """A process that takes events and dies at its nth boundary (0: never)."""
    global boundaries_left
    pid = os.fork()
    if pid == 0:
        boundaries_left, subscriber.BATCH = kill_at, batch
        GroupCommit._commit, SqliteJournal._apply = commit_between_boundaries, apply_before_a_boundary
        asyncio.run(take(folder))
        os._exit(0)
    return pid


def agree(folder: Path) -> bool:
    """Whether exactly the events up to the position have a flow."""
    with sqlite3.connect(folder / "journal.db") as connection:
        started = connection.execute("SELECT flow_id FROM flow WHERE kind = 'ship@1'").fetchall()
        (position,) = connection.execute("SELECT position FROM consumer").fetchone()
    connection.close()
    return {flow_id for (flow_id,) in started} == {f"ship-{number}" for number in range(int(position or 0))}


def main(folder: Path, kills: int, side_by_side: int, seed: int) -> None:
    chance = random.Random(seed)
    events = kills * 2
    asyncio.run(publish(folder, events))
    (folder / "names").write_text("\n".join(f"ship-{number}" for number in range(events)))
    killed = disagreements = 0
    while killed < kills:
        pids = [begin(folder, chance.randint(1, 6), chance.randint(1, 3)) for _ in range(side_by_side)]
        killed += sum(os.WIFSIGNALED(os.waitpid(pid, 0)[1]) for pid in pids)
        disagreements += not agree(folder)
    alive = os.waitpid(begin(folder, 0, 100), 0)[1] == 0
    handled = (folder / "ledger").read_text().splitlines()
    print(json.dumps({
        "events": events, "killed": killed, "disagreements": disagreements, "alive": alive,
        "handled": len(handled), "once": len(set(handled)),
    }))  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
