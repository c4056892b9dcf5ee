"""Group commit on one connection to PostgreSQL, which is opened again whenever it breaks.

While one transaction is under way, the next batch gathers. When the connection breaks, nobody knows whether the
transaction took effect, so its batch is written again in a way that recognises what is there already. Before
that, the session that may still be at work on it is ended: afterwards its outcome is certain.
"""

import asyncio
import time
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any, NamedTuple, Protocol, cast

from shared.durable.journal import JournalUnavailable, Save
from shared.durable.postgres.connection import (
    Connection,
    PostgresServer,
    is_lost,
    is_rolled_back,
    pauses,
    unavailable,
)
from shared.durable.postgres.rows import Start, insert_flows, write_saves

_MOST_AT_ONCE = 512
_MOST_ROLLBACKS = 10
_GLANCE = 0.05
_END_PREDECESSORS = (
    "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity"
    " WHERE application_name = current_setting('application_name') AND pid <> pg_backend_pid()"
)
_LET_GO = """
UPDATE flow SET owner = NULL, woken = false, next_at = {now}
FROM unnest($1::text[], $2::bigint[], $3::text[]) AS v (flow_id, fence, owner)
WHERE flow.flow_id = v.flow_id AND flow.fence = v.fence AND flow.owner = v.owner"""


class Held(NamedTuple):
    """A flow that a worker may own without knowing it, because the answer got lost."""

    flow_id: str
    fence: int
    worker: str


class Task(Protocol):
    """A transaction of its own; it may be called again when nobody knows whether it took effect."""

    async def __call__(self, connection: Connection) -> Any:
        """Play it."""
        ...

    def may_hold(self) -> Sequence[Held]:
        """The flows it may have taken."""
        ...


class Once:
    """A task that takes no flows and may simply be repeated."""

    def __init__(self, run: Callable[[Connection], Awaitable[Any]]) -> None:
        self._run = run

    async def __call__(self, connection: Connection) -> Any:
        """Play it."""
        return await self._run(connection)

    def may_hold(self) -> Sequence[Held]:
        """None."""
        return ()


class _Queued(NamedTuple):
    item: "Start | Save | Task"
    future: "asyncio.Future[Any]"
    since: float


class PostgresWriter:
    """Writes what is submitted in batches, in order, through restarts and failovers of the server.

    Args:
        server: Where to connect.
        patience: Seconds for which a caller waits for a server that is away.
    """

    def __init__(self, server: PostgresServer, patience: float) -> None:
        self._server = server
        self._patience = patience
        self._name = f"triptych-journal-{uuid.uuid4().hex}"
        self._queue: deque[_Queued] = deque()
        self._current: list[_Queued] = []
        self._filled = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None
        self._connection: Connection | None = None
        self._problem: JournalUnavailable | None = None
        self._away_since = 0.0
        self._to_let_go: list[Held] = []

    @property
    def gone_too_long(self) -> JournalUnavailable | None:
        """The problem, once the server has been away for longer than callers wait."""
        overdue = self._problem is not None and time.monotonic() - self._away_since > self._patience
        return self._problem if overdue else None

    async def open(self, prepare: Callable[[Connection], Awaitable[None]]) -> None:
        """Connect, let `prepare` have the connection, and begin; raises JournalUnavailable when nobody answers."""
        until = time.monotonic() + self._patience
        for pause in pauses():
            try:
                self._connection = await self._server.connect(self._name)
                await prepare(self._connection)
                break
            except RuntimeError:
                raise
            except Exception as error:  # noqa: BLE001 - told apart below
                self._drop()
                if not is_lost(error) or time.monotonic() > until:
                    raise unavailable(error) from None
            await asyncio.sleep(pause)
        self._closing = False
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Write what is queued, as far as the server is there, and disconnect."""
        if self._task is not None:
            self._closing = True
            self._filled.set()
            await self._task
            self._task = None
        if self._connection is not None:
            with suppress(Exception):
                await self._connection.close()
            self._connection = None

    def submit(self, item: "Start | Save | Task") -> "asyncio.Future[Any]":
        """Queue an item; its future resolves once it is durable, or fails with JournalUnavailable."""
        if self._task is None or self._closing:
            raise JournalUnavailable("The journal is closed; open it before writing.", retry_after=1)
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        if (problem := self.gone_too_long) is not None:
            future.set_exception(_again(problem))
        else:
            self._queue.append(_Queued(item, future, time.monotonic()))
            self._filled.set()
        return future

    # --- batches -------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            while not self._queue and not self._closing:
                self._filled.clear()
                await self._filled.wait()
            if not self._queue:
                return
            self._current = self._gather()
            await self._settle()

    def _gather(self) -> list[_Queued]:
        """The next batch: one task, or starts and saves of flows that differ."""
        batch = [self._queue.popleft()]
        names = {_flow_id(batch[0].item)}
        while self._queue and None not in names and len(batch) < _MOST_AT_ONCE:
            name = _flow_id(self._queue[0].item)
            if name is None or name in names:
                break
            names.add(name)
            batch.append(self._queue.popleft())
        return batch

    async def _settle(self) -> None:
        again, rollbacks = False, 0
        while batch := self._current:
            try:
                outcomes = await self._write([queued.item for queued in batch], again)
            except Exception as error:  # noqa: BLE001 - the writer must outlive whatever the server says
                if is_lost(error):
                    again = True
                    await self._reconnect(error)
                elif is_rolled_back(error) and rollbacks < _MOST_ROLLBACKS:
                    rollbacks += 1
                else:
                    self._refuse(unavailable(error))
                continue
            self._current = []
            for queued, outcome in zip(batch, outcomes, strict=True):
                _resolve(queued.future, outcome)

    async def _write(self, items: "Sequence[Start | Save | Task]", again: bool) -> list[Any]:
        connection = self._connection
        if connection is None:
            raise ConnectionError
        starts = [item for item in items if isinstance(item, Start)]
        saves = [item for item in items if isinstance(item, Save)]
        if not starts and not saves:
            return [await cast("Task", item)(connection) for item in items]
        if not saves:
            added = await insert_flows(connection, self._server, starts, again=again)
            return [start.flow.flow_id in added for start in starts]
        async with connection.transaction():
            new = await insert_flows(connection, self._server, starts, again=again) if starts else set[str]()
            saved = iter(await write_saves(connection, self._server, saves, again=again))
        return [item.flow.flow_id in new if isinstance(item, Start) else next(saved) for item in items]

    # --- a server that is away -----------------------------------------------------------------------

    async def _reconnect(self, error: Exception) -> None:
        """Connect again however long it takes; meanwhile refuse who has waited for too long."""
        self._problem, self._away_since = unavailable(error), time.monotonic()
        for pause in pauses():
            self._drop()
            connecting = asyncio.create_task(self._connect())
            while not connecting.done():
                await asyncio.wait({connecting}, timeout=_GLANCE)
                self._refuse_overdue()
            if (failure := connecting.exception()) is None:
                self._problem = None
                return
            self._problem = unavailable(cast("Exception", failure))
            if self._closing:
                self._refuse(self._problem, everybody=True)
                return
            await asyncio.sleep(pause)
            self._refuse_overdue()

    async def _connect(self) -> None:
        self._connection = await self._server.connect(self._name)
        ended = await self._connection.fetch(_END_PREDECESSORS)
        if not all(row[0] for row in ended):
            raise TimeoutError
        if self._to_let_go:
            columns = [list(column) for column in zip(*self._to_let_go, strict=True)]
            await self._connection.execute(self._server.sql(_LET_GO), *columns)
            self._to_let_go = []

    def _drop(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _refuse_overdue(self) -> None:
        problem, oldest = self._problem, time.monotonic() - self._patience
        if problem is None:
            return
        if self._current and self._current[0].since < oldest:
            self._refuse(problem)
        while self._queue and self._queue[0].since < oldest:
            _resolve(self._queue.popleft().future, _again(problem))

    def _refuse(self, problem: JournalUnavailable, *, everybody: bool = False) -> None:
        for queued in self._current:
            self._to_let_go += _may_hold(queued.item)
            _resolve(queued.future, _again(problem))
        self._current = []
        while everybody and self._queue:
            _resolve(self._queue.popleft().future, _again(problem))


def _flow_id(item: "Start | Save | Task") -> str | None:
    if isinstance(item, Start):
        return item.flow.flow_id
    return item.flow_id if isinstance(item, Save) else None


def _may_hold(item: "Start | Save | Task") -> Sequence[Held]:
    if isinstance(item, Start):
        return [Held(item.flow.flow_id, 1, item.worker)] if item.worker else ()
    return () if isinstance(item, Save) else item.may_hold()


def _again(problem: JournalUnavailable) -> JournalUnavailable:
    """The same for another caller: raised exceptions collect a traceback each."""
    return JournalUnavailable(problem.detail, retry_after=problem.retry_after)


def _resolve(future: "asyncio.Future[Any]", outcome: Any) -> None:
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)
