"""SQLite on a thread that owns the connection, so that the loop never waits for the disk."""

import asyncio
import os
import queue
import sqlite3
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

_T = TypeVar("_T")
_BUSY_SECONDS = 5.0


class _Order(NamedTuple):
    work: Callable[[sqlite3.Connection], Any]
    future: "asyncio.Future[Any]"


class SqliteThread:
    """A thread with one connection, opened at first use and again after it could not be.

    Args:
        connect: Opens the connection; it must not begin transactions by itself.
        name: Of the thread.
    """

    def __init__(self, connect: Callable[[], sqlite3.Connection], name: str) -> None:
        self._connect = connect
        self._name = name
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    async def do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """What `work` returns; work whose caller left before it began is not done. Raises what it raises."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._thread.start()
        future: asyncio.Future[_T] = asyncio.get_running_loop().create_future()
        self._orders.put(_Order(work, future))
        return await future

    async def commit(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """The same as one transaction: durable when this returns, undone when it raises."""
        return await self.do(lambda connection: _committed(connection, work))

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


def make_own_file(path: Path) -> None:
    """Make a file of ours if it is not there, readable by its owner only."""
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))


def open_own_file(path: Path, schema: str) -> sqlite3.Connection:
    """A connection to a file of ours, made with its folder if it is not there, and readable by its owner only.

    Args:
        path: The file.
        schema: Statements that make what is missing in it.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    make_own_file(path)
    connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_SECONDS)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.executescript(schema)
    return connection


def _committed(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], _T]) -> _T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        outcome = work(connection)
        connection.execute("COMMIT")
    except BaseException:
        with suppress(sqlite3.Error):  # some errors have rolled back already
            connection.execute("ROLLBACK")
        raise
    return outcome


def _resolve(future: "asyncio.Future[Any]", outcome: Any, failure: Exception | None) -> None:
    if future.done():
        return
    if failure is None:
        future.set_result(outcome)
    else:
        future.set_exception(failure)
