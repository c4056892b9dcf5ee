"""The SQLite driver over a database in memory; when a commit happens, and who hears of it, is the world's choice."""

import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

from shared.durable.group_commit import GroupCommit
from shared.durable.journal import Claims, FlowRecord, JournalUnavailable
from shared.durable.journal_sqlite import SqliteJournal
from shared.durable.simulation.virtual_loop import Simulated, VirtualLoop
from shared.durable.sqlite_schema import migrate

_T = TypeVar("_T")
_Start = tuple[FlowRecord, str | None]
_LET_GO = "UPDATE flow SET owner = NULL, woken = 0, next_at = ? WHERE flow_id = ? AND fence = ? AND owner IS NOT NULL"


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


def database() -> sqlite3.Connection:
    """An empty journal in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None, cached_statements=256)
    migrate(connection)
    return connection


class _Committer(GroupCommit):
    """Commits batches as the driver's writer does, at moments of virtual time instead of on a thread."""

    def __init__(
        self, connection: sqlite3.Connection, apply: Callable[[sqlite3.Connection, list[Any]], list[Any]],
        loop: VirtualLoop, process: Simulated, fate: JournalFate, clock: Callable[[], float],
    ) -> None:  # fmt: skip
        super().__init__(lambda: connection, apply)
        self._database = connection
        self._virtual = loop
        self._process = process
        self._fate = fate
        self._clock = clock
        self._waiting: list[tuple[Any, asyncio.Future[Any]]] = []

    def submit(self, item: Any) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = self._virtual.create_future()
        if not self._waiting:
            self._virtual.call_outside(self._fate.commit_after(), self._commit_waiting)
        self._waiting.append((item, future))
        return future

    def _commit_waiting(self) -> None:
        batch, self._waiting = self._waiting, []
        if self._process.dead:
            if not self._fate.in_time():
                return
        elif not self._fate.survives(self._process, "before a commit"):
            return
        items = [item for item, _ in batch]
        refused: list[Any] = [JournalUnavailable("The store is away.") for _ in items]
        if self._fate.refuses():
            outcomes = refused
        else:
            outcomes = self._commit(self._database, items)
            self._fate.committed(self._process, items, outcomes)
            if self._fate.loses_answer():
                self._let_go_later(items, outcomes)
                outcomes = refused
        if not self._process.dead and self._fate.survives(self._process, "after a commit"):
            futures = [future for _, future in batch]
            self._virtual.call_soon(self._tell, futures, outcomes, context=self._process.context.copy())

    def _let_go_later(self, items: list[Any], outcomes: list[Any]) -> None:
        """As the PostgreSQL driver does once it is connected again: its worker does not know that it has these."""
        held: list[tuple[str, int]] = []
        for item, outcome in zip(items, outcomes, strict=True):
            if isinstance(outcome, Claims):
                held += [(claim.flow.flow_id, claim.flow.fence) for claim in outcome.claimed]
            elif isinstance(item, tuple) and outcome is True and cast("_Start", item)[1] is not None:
                held.append((cast("_Start", item)[0].flow_id, 1))
        if held:
            self._virtual.call_later(0.2, self._let_go, held, context=self._process.context.copy())

    def _let_go(self, held: list[tuple[str, int]]) -> None:
        self._database.executemany(_LET_GO, [(self._clock(), *flow) for flow in held])

    def _tell(self, futures: "list[asyncio.Future[Any]]", outcomes: list[Any]) -> None:
        for future, outcome in zip(futures, outcomes, strict=True):
            if future.done():
                continue
            if isinstance(outcome, Exception):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)


class SimulatedJournal(SqliteJournal):
    """One process's way to the world's database. Needs no opening."""

    def __init__(
        self, connection: sqlite3.Connection, loop: VirtualLoop, process: Simulated, fate: JournalFate,
        clock: Callable[[], float],
    ) -> None:  # fmt: skip
        super().__init__(Path(":memory:"), clock=clock)
        self._database = connection
        self._fate = fate
        self._writer = _Committer(connection, self._apply, loop, process, fate, clock)

    async def _read(self, look: Callable[[sqlite3.Connection, float], _T]) -> _T:
        await asyncio.sleep(0)
        if self._fate.refuses():
            raise JournalUnavailable("The store is away.")
        return look(self._database, self._clock())
