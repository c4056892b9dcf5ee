"""Stores of a simulated world, and each process's journal on them.

When a commit happens, and who hears of it, is the world's choice. Most worlds keep their flows in tables in memory,
some in the real SQLite driver over a database in memory; the same seed plays the same in both.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from shared.durable.journal import Claim, Claims, FlowRecord, FlowState, Journal, JournalUnavailable
from shared.durable.process_identity import ProcessIdentity
from shared.durable.simulation.memory_journal import MemoryJournal
from shared.durable.simulation.memory_tables import MemoryTables
from shared.durable.simulation.virtual_loop import Simulated, VirtualLoop
from shared.durable.sqlite.claims import steps
from shared.durable.sqlite.group_commit import GroupCommit
from shared.durable.sqlite.journal import SqliteJournal
from shared.durable.sqlite.rows import FLOW_COLUMNS, flow_record
from shared.durable.sqlite.schema import migrate

_T = TypeVar("_T")
_LET_GO = "UPDATE flow SET owner = NULL, woken = 0, next_at = ? WHERE flow_id = ? AND fence = ? AND owner IS NOT NULL"
_TABLES = ("flow", "step", "worker", "signal", "audit", "outbox", "consumer")
_LET_GO_AFTER = 0.2


class JournalFate(Protocol):
    """What befalls a process at its journal."""

    def commit_after(self) -> float:
        """Seconds until what is queued now is committed."""
        ...

    def survives(self, process: Simulated, where: str) -> bool:
        """Whether the process gets past this boundary alive."""
        ...

    def in_time(self) -> bool:
        """Whether a commit of a process that died meanwhile still reached the disk."""
        ...

    def refuses(self) -> bool:
        """Whether the store cannot serve now."""
        ...

    def loses_answer(self) -> bool:
        """Whether a commit happens and is reported as failed."""
        ...

    def committed(self, process: Simulated, items: list[Any], outcomes: list[Any]) -> None:
        """Look at what was written, with the outcome of each item."""
        ...


class Surrounding(Protocol):
    """What a store needs of its world."""

    @property
    def loop(self) -> VirtualLoop:
        """Its time."""
        ...

    @property
    def fate(self) -> JournalFate:
        """Its trouble."""
        ...

    def clock(self) -> float:
        """Unix seconds of the database."""
        ...

    def is_gone(self, process: ProcessIdentity) -> bool:
        """Whether others can see that a process has ended."""
        ...


class Store(Protocol):
    """Where the flows of a world are."""

    def journal(self, process: Simulated, world: Surrounding) -> Journal:
        """A process's way to it. Needs no opening."""
        ...

    def states(self) -> dict[str, FlowState]:
        """Every flow and its state."""
        ...

    def flows(self, now: float) -> list[Claim]:
        """Every flow with its steps, in the order in which they began."""
        ...

    def events(self) -> list[str]:
        """The ids of all events that were published, in order."""
        ...


class _Commits:
    """Commits batches as a driver's writer does, at moments of virtual time instead of on a thread."""

    def __init__(
        self, process: Simulated, world: Surrounding,
        apply: Callable[[list[Any]], list[Any]], let_go: Callable[[str, int], object],
    ) -> None:  # fmt: skip
        self._process = process
        self._loop = world.loop
        self._fate = world.fate
        self._apply = apply
        self._let_go = let_go
        self._items: list[Any] = []
        self._futures: list[asyncio.Future[Any]] = []

    def submit(self, item: Any) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = asyncio.Future(loop=self._loop)
        if not self._items:
            self._loop.call_outside(self._fate.commit_after(), self._commit_waiting)
        self._items.append(item)
        self._futures.append(future)
        return future

    def _commit_waiting(self) -> None:
        items, futures, self._items, self._futures = self._items, self._futures, [], []
        process, fate = self._process, self._fate
        if process.dead:
            if not fate.in_time():
                return
        elif not fate.survives(process, "before a commit"):
            return
        outcomes = self._outcomes(items)
        if not process.dead and fate.survives(process, "after a commit"):
            _tell(futures, outcomes)  # who waits runs later, and in its own process

    def _outcomes(self, items: list[Any]) -> list[Any]:
        """What the process hears of a commit, which need not be what became of it."""
        fate = self._fate
        if fate.refuses():
            return [JournalUnavailable("The store is away.") for _ in items]
        outcomes = self._apply(items)
        fate.committed(self._process, items, outcomes)
        if not fate.loses_answer():
            return outcomes
        self._let_go_later(items, outcomes)
        return [JournalUnavailable("The answer of the store was lost.") for _ in items]

    def _let_go_later(self, items: list[Any], outcomes: list[Any]) -> None:
        """As the PostgreSQL driver does once it is connected again: its worker does not know that it has these."""
        held: list[tuple[str, int]] = []
        for item, outcome in zip(items, outcomes, strict=True):
            if isinstance(outcome, Claims):
                held += [(claim.flow.flow_id, claim.flow.fence) for claim in outcome.claimed]
            elif isinstance(item, tuple) and outcome is True:
                flow, worker = cast("tuple[FlowRecord, str | None]", item)
                held += [(flow.flow_id, 1)] if worker else []
        if held:
            self._loop.call_later(_LET_GO_AFTER, self._let_go_of, held, context=self._process.context)

    def _let_go_of(self, held: list[tuple[str, int]]) -> None:
        for flow_id, fence in held:
            self._let_go(flow_id, fence)


def _tell(futures: "list[asyncio.Future[Any]]", outcomes: list[Any]) -> None:
    for future, outcome in zip(futures, outcomes, strict=True):
        if future.done():
            continue
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


# --- in memory ---------------------------------------------------------------------------------------


class MemoryStore:
    """Implements `Store` by tables in memory."""

    def __init__(self) -> None:
        self.tables = MemoryTables()

    def journal(self, process: Simulated, world: Surrounding) -> Journal:
        """See `Store.journal`."""
        return _SimulatedMemory(self.tables, process, world)

    def states(self) -> dict[str, FlowState]:
        """See `Store.states`."""
        return {flow_id: row.flow.state for flow_id, row in self.tables.rows.items()}

    def flows(self, now: float) -> list[Claim]:
        """See `Store.flows`."""
        return [row.claim(now) for row in self.tables.rows.values()]

    def events(self) -> list[str]:
        """See `Store.events`."""
        return self.tables.outbox.ids()


class _SimulatedMemory(MemoryJournal):
    def __init__(self, tables: MemoryTables, process: Simulated, world: Surrounding) -> None:
        super().__init__(tables, world.clock, process.identity, world.is_gone)
        self._fate = world.fate
        self._commits = _Commits(
            process, world, lambda items: tables.apply(items, world.clock()),
            lambda flow_id, fence: tables.let_go(flow_id, fence, world.clock()),
        )  # fmt: skip
        self._submit = self._commits.submit

    async def _before_reading(self) -> None:
        await _before_reading(self._fate)


# --- in SQLite ---------------------------------------------------------------------------------------


class SqliteStore:
    """Implements `Store` by the SQLite driver over a database in memory, emptied for each world."""

    def __init__(self) -> None:
        if not _database:
            connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=256)
            migrate(connection)
            _database.append(connection)
        self._connection = _database[0]
        for table in _TABLES:
            self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names

    def journal(self, process: Simulated, world: Surrounding) -> Journal:
        """See `Store.journal`."""
        return _SimulatedSqlite(self._connection, process, world)

    def states(self) -> dict[str, FlowState]:
        """See `Store.states`."""
        return dict(self._connection.execute("SELECT flow_id, state FROM flow ORDER BY number").fetchall())

    def flows(self, now: float) -> list[Claim]:
        """See `Store.flows`."""
        rows = self._connection.execute(f"SELECT {FLOW_COLUMNS} FROM flow ORDER BY number").fetchall()  # noqa: S608
        return [Claim(flow_record(row, now), steps(self._connection, row[0], now)) for row in rows]

    def events(self) -> list[str]:
        """See `Store.events`."""
        return [event_id for (event_id,) in self._connection.execute("SELECT event_id FROM outbox ORDER BY number")]


_database: list[sqlite3.Connection] = []


class _Writer(GroupCommit):
    """The driver's writer, with virtual time in place of its thread."""

    def __init__(
        self, connection: sqlite3.Connection, apply: Callable[[sqlite3.Connection, list[Any]], list[Any]],
        process: Simulated, world: Surrounding,
    ) -> None:  # fmt: skip
        super().__init__(lambda: connection, apply)
        commits = _Commits(
            process, world, lambda items: self._commit(connection, items),
            lambda flow_id, fence: connection.execute(_LET_GO, (world.clock(), flow_id, fence)),
        )  # fmt: skip
        self.submit = commits.submit


class _SimulatedSqlite(SqliteJournal):
    def __init__(self, connection: sqlite3.Connection, process: Simulated, world: Surrounding) -> None:
        super().__init__(Path(":memory:"), clock=world.clock)
        self._database = connection
        self._fate = world.fate
        self._writer = _Writer(connection, self._apply, process, world)

    async def _read(self, look: Callable[[sqlite3.Connection, float], _T]) -> _T:
        await _before_reading(self._fate)
        return look(self._database, self._clock())


async def _before_reading(fate: JournalFate) -> None:
    await asyncio.sleep(0)
    if fate.refuses():
        raise JournalUnavailable("The store is away.")
