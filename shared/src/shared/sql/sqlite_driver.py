"""SQLite: one thread with a connection for writes, one for reads; WAL lets neither wait for the other."""

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from shared.sql.transaction import Statement, Transaction

_T = TypeVar("_T")
_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
_SETTINGS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")


class SqliteDriver:
    """Plays transactions on a database file.

    Args:
        path: The file.
        busy_seconds: How long a write waits for another process that writes.
        create: Make the file if it does not exist, which otherwise it must.
    """

    system = "sqlite"

    def __init__(self, path: Path, busy_seconds: float, *, create: bool = False) -> None:
        self._path = path
        self._mode = "rwc" if create else "rw"  # a wrong path is an error, not a new and empty database
        self._busy_seconds = busy_seconds
        self._reader = _Worker(self._connect, "sqlite-reader")
        self._writer = _Worker(self._connect, "sqlite-writer")

    async def read(self, transaction: Transaction[_T]) -> _T:
        """Play a transaction of one statement, or one that may see changes between its statements."""
        return await self._reader.do(lambda connection: _play(connection, transaction))

    async def write(self, transaction: Transaction[_T]) -> _T:
        """Play a transaction; durable when this returns, undone when it raises."""
        return await self._writer.do(lambda connection: _commit(connection, transaction))

    async def aclose(self) -> None:
        """Finish what was begun and close the file."""
        await self._writer.aclose()
        await self._reader.aclose()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            f"{self._path.as_uri()}?mode={self._mode}", uri=True, isolation_level=None, timeout=self._busy_seconds
        )
        for setting in _SETTINGS:
            connection.execute(f"PRAGMA {setting}")
        return connection


def _commit(connection: sqlite3.Connection, transaction: Transaction[_T]) -> _T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        outcome = _play(connection, transaction)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # some errors have rolled back already
            connection.execute("ROLLBACK")
        raise
    return outcome


def _play(connection: sqlite3.Connection, transaction: Transaction[_T]) -> _T:
    try:
        statement = next(transaction)
        while True:
            statement = transaction.send(_run(connection, statement))
    except StopIteration as ended:
        return ended.value
    finally:
        transaction.close()


def _run(connection: sqlite3.Connection, statement: Statement) -> list[Any]:
    return connection.execute(_rewritten(statement.sql), [_bound(value) for value in statement.values]).fetchall()


@cache
def _rewritten(sql: str) -> str:
    """PostgreSQL's SQL as SQLite reads it: it locks the file, and not rows."""
    unlocked = sql.replace(" FOR UPDATE OF level", "").replace(" FOR UPDATE", "")
    return unlocked.replace("$", "?").replace("now()", _NOW)


def _bound(value: Any) -> Any:
    """Moments go in as the text that the schema sorts by."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


class _Order(NamedTuple):
    work: Callable[[sqlite3.Connection], Any]
    future: "asyncio.Future[Any]"


class _Worker:
    """A thread with one connection, opened at first use and again after it could not be."""

    def __init__(self, connect: Callable[[], sqlite3.Connection], name: str) -> None:
        self._connect = connect
        self._name = name
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """What `work` returns; work whose caller left before it began is not done."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._orders.put(_Order(work, future))
        return await future

    async def aclose(self) -> None:
        """Do what is ordered and end the thread."""
        if self._thread is not None:
            self._orders.put(None)
            await asyncio.to_thread(self._thread.join)
            self._thread = None

    def _run(self) -> None:
        connection: sqlite3.Connection | None = None
        while (order := self._orders.get()) is not None:
            if order.future.cancelled():
                continue
            outcome: Any = None
            failure: Exception | None = None
            try:
                connection = connection or self._connect()
                outcome = order.work(connection)
            except Exception as error:  # noqa: BLE001 - handed to the caller
                failure = error
            with suppress(RuntimeError):  # the loop has closed: nobody waits any more
                order.future.get_loop().call_soon_threadsafe(_resolve, order.future, outcome, failure)
        if connection is not None:
            connection.close()


def _resolve(future: "asyncio.Future[Any]", outcome: Any, failure: Exception | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(outcome)
    else:
        future.set_exception(failure)
