"""What webhooks told, kept in a SQLite file and told on as events: what it is about, and nothing else of what it says.

What a method returned is on the disk.
"""

import asyncio
import hashlib
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import NamedTuple, TypeVar

from shared.binding.call_context import current_context
from shared.binding.paging import decode_cursor, encode_cursor
from shared.binding.problems import BackendUnavailable
from shared.contracts.canonical.event_feed import CursorExpired, EventFeed, EventRecord
from shared.sql.sqlite_thread import SqliteThread, open_own_file

_T = TypeVar("_T")
_DAY = 86_400.0
_MARGIN = 0.5
"""Seconds of the caller's deadline left for the answer itself."""
_LOOK = 0.25
"""Seconds between looks for news, which another process may have taken in."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS message (
  position INTEGER PRIMARY KEY AUTOINCREMENT, message_id TEXT NOT NULL, type TEXT NOT NULL,
  payload TEXT NOT NULL, digest TEXT NOT NULL, at REAL NOT NULL);
CREATE INDEX IF NOT EXISTS message_at ON message (at);
CREATE TABLE IF NOT EXISTS known (mark TEXT PRIMARY KEY, at REAL NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS known_at ON known (at);
INSERT OR IGNORE INTO known SELECT digest, at FROM message UNION ALL SELECT 'id:' || message_id, at FROM message;
"""
"""`known` outlives `message`; the last statement is for files that were made without it."""


class Kept(NamedTuple):
    """A message; `at` in Unix seconds."""

    position: int
    message_id: str
    type: str
    payload: str
    digest: str
    at: float


class MessageStore:
    """The messages of one backend.

    A message is known again by what its sender signed, and by nothing else: whoever caught one may send it under any id
    and any topic that is outside of the signature. What was signed is remembered, as a digest, for much longer than the
    message.

    Args:
        path: The file; made, readable by its owner only, if it is not there.
        producer: Who told, for the events.
        keep_days: How long messages stay.
        known_days: How long they are known again; at least as long as they stay.
    """

    def __init__(self, path: Path, producer: str, *, keep_days: float, known_days: float) -> None:
        self._file = SqliteThread(partial(open_own_file, path, _SCHEMA), f"{producer}-messages")
        self._keep_seconds = keep_days * _DAY
        self._known_seconds = max(keep_days, known_days) * _DAY
        self._producer = producer
        self._news = asyncio.Event()

    async def aclose(self) -> None:
        """Close the file."""
        await self._file.aclose()

    async def add(self, message_id: str | None, event_type: str, payload: str, content: bytes) -> bool:
        """Keep one; False if it was kept before, under whatever type.

        Args:
            message_id: The sender's, if it is signed, to know other attempts by; otherwise None, and the event has the
                digest of the content for its id.
            event_type: Kebab case.
            payload: JSON that the event tells.
            content: What was signed, to know it again.
        """
        digest = hashlib.sha256(content).hexdigest()
        marks = [digest] if message_id is None else [digest, f"id:{message_id}"]

        def work(connection: sqlite3.Connection) -> bool:
            now = time.time()
            connection.execute("DELETE FROM message WHERE at < ?", (now - self._keep_seconds,))
            connection.execute("DELETE FROM known WHERE at < ?", (now - self._known_seconds,))
            note = "INSERT OR IGNORE INTO known VALUES (?, ?)"
            new = [connection.execute(note, (mark, now)).rowcount for mark in marks]  # a further attempt's body as well
            if not all(new):
                return False
            insert = "INSERT INTO message (message_id, type, payload, digest, at) VALUES (?, ?, ?, ?, ?)"
            connection.execute(insert, (message_id or digest, event_type, payload, digest, now))
            return True

        kept = await self._do(work)
        self._news.set()
        return kept

    async def feed(self, channel: str, after: str | None, begin: str, limit: int) -> EventFeed:
        """The events of a type, of all types that begin with it, or of `all`, from a cursor on.

        They are waited for as long as the caller prefers.

        Raises:
            CursorExpired: Some that followed have been dropped for their age.
        """
        if after is None and begin == "latest":
            return EventFeed([], encode_cursor(await self._do(_last)))
        position = decode_cursor(after, int, "after") if after is not None else None
        told, reached = await self._awaited(None if channel == "all" else channel, position, limit)
        return EventFeed([self._event(kept) for kept in told], encode_cursor(reached))

    async def _awaited(self, event_type: str | None, after: int | None, limit: int) -> tuple[list[Kept], int]:
        until = time.monotonic() + current_context().patience(_MARGIN)
        while True:
            self._news.clear()
            try:
                told, reached = await self._do(lambda connection: _told(connection, event_type, after, limit))
            except (LookupError, OverflowError):
                raise CursorExpired(
                    "What followed this cursor is not kept any more; begin without one, and expect a gap."
                ) from None
            left = until - time.monotonic()
            if told or left <= 0:
                return told, reached
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), min(_LOOK, left))

    def _event(self, kept: Kept) -> EventRecord:
        occurred = datetime.fromtimestamp(kept.at, UTC)
        return EventRecord(kept.message_id, kept.type, 1, occurred, kept.payload, producer=self._producer)

    async def _do(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        try:
            return await self._file.commit(work)
        except (sqlite3.OperationalError, OSError):
            raise BackendUnavailable(f"The file that keeps what {self._producer} told cannot be used.") from None


def _told(
    connection: sqlite3.Connection, event_type: str | None, after: int | None, limit: int
) -> tuple[list[Kept], int]:
    """Messages from after a position, oldest first, and where to go on; LookupError where some are gone."""
    last = _last(connection)
    (first,) = connection.execute("SELECT min(position) FROM message").fetchone()
    if after is not None and not (last if first is None else first - 1) <= after <= last:
        raise LookupError
    rows = connection.execute(
        "SELECT * FROM message WHERE position > ?1 AND (?2 IS NULL OR type = ?2 OR type GLOB ?2 || '-*')"
        " ORDER BY position LIMIT ?3",
        (after or 0, event_type, limit),
    )
    found = [Kept(*row) for row in rows]
    return found, found[-1].position if len(found) == limit else last


def _last(connection: sqlite3.Connection) -> int:
    """The position of the newest; 0 when there never was one."""
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'message'").fetchone()
    return row[0] if row else 0
