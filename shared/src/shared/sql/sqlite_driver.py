"""SQLite: one thread with a connection for writes, one for reads; WAL lets neither wait for the other."""

import sqlite3
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from shared.sql.sqlite_thread import SqliteThread, make_own_file
from shared.sql.transaction import Statement, Transaction

_T = TypeVar("_T")
_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ', 'now')"
_SETTINGS = ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON")


class SqliteDriver:
    """Plays transactions on a database file.

    Args:
        path: The file.
        busy_seconds: How long a write waits for another process that writes.
        create: Make the file if it does not exist, which otherwise it must; readable by its owner only.
    """

    system = "sqlite"

    def __init__(self, path: Path, busy_seconds: float, *, create: bool = False) -> None:
        self._path = path
        self._create = create
        self._busy_seconds = busy_seconds
        self._reader = SqliteThread(self._connect, "sqlite-reader")
        self._writer = SqliteThread(self._connect, "sqlite-writer")

    async def read(self, transaction: Transaction[_T]) -> _T:
        """Play a transaction of one statement, or one that may see changes between its statements."""
        return await self._reader.do(lambda connection: _play(connection, transaction))

    async def write(self, transaction: Transaction[_T]) -> _T:
        """Play a transaction; durable when this returns, undone when it raises."""
        return await self._writer.commit(lambda connection: _play(connection, transaction))

    async def aclose(self) -> None:
        """Finish what was begun and close the file."""
        await self._writer.aclose()
        await self._reader.aclose()

    def _connect(self) -> sqlite3.Connection:
        if self._create:
            make_own_file(self._path)  # in a folder that must be there: it may be a disk that is not mounted yet
        connection = sqlite3.connect(  # a wrong path is an error, not a new and empty database
            f"{self._path.as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=self._busy_seconds
        )
        for setting in _SETTINGS:
            connection.execute(f"PRAGMA {setting}")
        return connection


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
