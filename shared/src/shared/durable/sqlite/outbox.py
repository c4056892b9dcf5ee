"""The outbox and its consumers in the SQLite journal. One writer at a time: numbers are in the order of commits."""

import sqlite3
from collections.abc import Sequence
from itertools import takewhile

from shared.durable.outbox import OUTBOX, ConsumerState, OutboxRecord
from shared.messaging.event_source import PositionExpired

MOST_COUNTED = 10_000
"""So far it is counted how much a consumer has before it."""

_MOST_TRIMMED = 2_000
_INSERT = (
    "INSERT INTO outbox (event_id, type, version, payload, occurred_at, producer, traceparent, correlation_id,"
    " published_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (event_id) DO NOTHING"
)
_READ = (
    "SELECT event_id, type, version, payload, occurred_at, producer, traceparent, correlation_id,"
    " CAST(number AS TEXT) FROM outbox WHERE number > ? ORDER BY number LIMIT ?"
)
_LAST = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'outbox'), 0)"
_OLDEST_NEEDED = f"SELECT min(CAST(position AS INTEGER)) FROM consumer WHERE source = '{OUTBOX}'"  # noqa: S608
_AHEAD = (
    "SELECT count(*), min(published_at) FROM (SELECT published_at FROM outbox WHERE number > ? ORDER BY number LIMIT ?)"
)


def insert_events(connection: sqlite3.Connection, events: Sequence[OutboxRecord], now: float) -> None:
    """Add events to the outbox."""
    rows = [
        (e.event_id, e.type, e.version, e.payload, e.occurred_at, e.producer, e.traceparent, e.correlation_id, now)
        for e in events
    ]
    connection.executemany(_INSERT, rows)


def read_events(connection: sqlite3.Connection, after: str, limit: int) -> list[OutboxRecord]:
    """See `Outbox.outbox`."""
    return [OutboxRecord(*row) for row in connection.execute(_READ, (_number(connection, after), limit)).fetchall()]


def newest_event(connection: sqlite3.Connection) -> str:
    """See `Outbox.newest_event`."""
    (number,) = connection.execute(_LAST).fetchone()
    return str(number) if number else ""


def move_consumer(
    connection: sqlite3.Connection, consumer: str, source: str, expected: str | None, position: str, now: float
) -> bool:
    """Move or register a consumer; False when it stands elsewhere."""
    if expected is None:
        moved = connection.execute(
            "INSERT INTO consumer VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING", (consumer, source, position, now)
        )
    else:
        moved = connection.execute(
            "UPDATE consumer SET position = ?, moved_at = ? WHERE consumer = ? AND source = ? AND position = ?",
            (position, now, consumer, source, expected),
        )
    return moved.rowcount == 1


def consumers(connection: sqlite3.Connection, now: float) -> list[ConsumerState]:
    """See `Outbox.consumers`."""
    rows = connection.execute("SELECT consumer, source, position, moved_at FROM consumer ORDER BY consumer").fetchall()
    return [
        _state(connection, consumer, source, position, now - moved_at, now)
        for consumer, source, position, moved_at in rows
    ]


def forget_consumer(connection: sqlite3.Connection, consumer: str) -> bool:
    """See `Outbox.forget_consumer`."""
    return connection.execute("DELETE FROM consumer WHERE consumer = ?", (consumer,)).rowcount == 1


def trim(connection: sqlite3.Connection, before: float) -> int:
    """See `Outbox.trim_outbox`; `before` is a point in time."""
    (needed,) = connection.execute(_OLDEST_NEEDED).fetchone()
    rows = connection.execute(
        "SELECT number, published_at FROM outbox WHERE number <= ? ORDER BY number LIMIT ?",
        (2**62 if needed is None else needed, _MOST_TRIMMED),
    ).fetchall()
    old = [number for number, _ in takewhile(lambda row: row[1] < before, rows)]
    if old:
        connection.execute("DELETE FROM outbox WHERE number <= ?", (old[-1],))
        connection.execute("UPDATE outbox_trimmed SET number = ?", (old[-1],))
    return len(old)


def _state(
    connection: sqlite3.Connection, consumer: str, source: str, position: str, moved: float, now: float
) -> ConsumerState:
    behind, oldest = 0, None
    if source == OUTBOX:
        behind, oldest = connection.execute(_AHEAD, (int(position or 0), MOST_COUNTED)).fetchone()
    lag = 0.0 if oldest is None else max(0.0, now - oldest)
    return ConsumerState(consumer, source, position, behind, lag, max(0.0, moved))


def _number(connection: sqlite3.Connection, after: str) -> int:
    """The number in a position; raises PositionExpired."""
    if after == "":
        return 0
    (trimmed,), (last,) = (
        connection.execute("SELECT number FROM outbox_trimmed").fetchone(),
        connection.execute(_LAST).fetchone(),
    )
    if not after.isdecimal() or int(after) > last:
        raise PositionExpired("This outbox never gave that position; begin with the oldest event, or the latest.")
    if int(after) < trimmed:
        raise PositionExpired(
            "The events after that position have been dropped for their age; begin with the oldest that is left, or "
            "the latest."
        )
    return int(after)
