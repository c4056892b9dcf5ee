"""What webhooks told, kept in a SQLite file: whose it is, and nothing of what it says about people.

What a method returned is on the disk.
"""

import sqlite3
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from shared.binding.problems import BackendUnavailable
from shared.sql.sqlite_thread import SqliteThread, open_own_file

_T = TypeVar("_T")
_DAY = 86_400.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS delivery (
  position INTEGER PRIMARY KEY AUTOINCREMENT, delivery_id TEXT NOT NULL UNIQUE, topic TEXT NOT NULL,
  record_id TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS delivery_at ON delivery (at);
"""


class Kept(NamedTuple):
    """A delivery; `at` in Unix seconds."""

    position: int
    delivery_id: str
    topic: str
    record_id: str
    at: float


class DeliveryStore:
    """The deliveries.

    Args:
        path: The file; made, readable by its owner only, if it is not there.
        keep_days: How long they stay.
    """

    def __init__(self, path: Path, keep_days: float) -> None:
        self._file = SqliteThread(partial(open_own_file, path, _SCHEMA), "shop-deliveries")
        self._keep_seconds = keep_days * _DAY

    async def aclose(self) -> None:
        """Close the file."""
        await self._file.aclose()

    async def add(self, delivery_id: str, topic: str, record_id: str) -> bool:
        """Keep one; False if it was kept before."""

        def work(connection: sqlite3.Connection) -> bool:
            now = time.time()
            connection.execute("DELETE FROM delivery WHERE at < ?", (now - self._keep_seconds,))
            row = (delivery_id, topic, record_id, now)
            insert = "INSERT OR IGNORE INTO delivery (delivery_id, topic, record_id, at) VALUES (?, ?, ?, ?)"
            return connection.execute(insert, row).rowcount == 1

        return await self._do(work)

    async def told(self, topic: str | None, after: int | None, limit: int) -> tuple[list[Kept], int]:
        """Deliveries from after a position, oldest first, and where to go on.

        Raises:
            LookupError: Some that followed the position have been dropped for their age, or it was never given.
        """

        def work(connection: sqlite3.Connection) -> tuple[list[Kept], int]:
            last = _last(connection)
            (first,) = connection.execute("SELECT min(position) FROM delivery").fetchone()
            if after is not None and not (last if first is None else first - 1) <= after <= last:
                raise LookupError
            rows = connection.execute(
                "SELECT * FROM delivery WHERE position > ? AND (? IS NULL OR topic = ?) ORDER BY position LIMIT ?",
                (after or 0, topic, topic, limit),
            )
            found = [Kept(*row) for row in rows]
            return found, found[-1].position if len(found) == limit else last

        return await self._do(work)

    async def last_position(self) -> int:
        """The position of the newest; 0 when there never was one."""
        return await self._do(_last)

    async def _do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        try:
            return await self._file.commit(work)
        except (sqlite3.OperationalError, OSError):
            raise BackendUnavailable("The file that keeps the shop's deliveries cannot be used.") from None


def _last(connection: sqlite3.Connection) -> int:
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'delivery'").fetchone()
    return row[0] if row else 0
