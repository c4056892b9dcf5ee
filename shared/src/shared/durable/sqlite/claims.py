"""Claims in the SQLite journal: which flows a worker may take, and the taking."""

import json
import sqlite3
from typing import Any

from shared.durable.journal import Claim, StepRecord
from shared.durable.sqlite.rows import FLOW_COLUMNS, STEP_COLUMNS, flow_record, step_record

_ABANDONED = (
    "SELECT flow_id FROM flow WHERE owner IS NOT NULL AND owner <> ?"
    " AND owner NOT IN (SELECT worker FROM worker WHERE lease_until > ?)"
    " AND kind IN (SELECT value FROM json_each(?)) LIMIT ?"
)
_PRIORITIES = (0, 1, 2)
_DUE = (
    "SELECT flow_id FROM flow WHERE priority = ? AND next_at <= ? AND kind IN (SELECT value FROM json_each(?))"
    " ORDER BY next_at LIMIT ?"
)
_NEXT = (
    "SELECT next_at FROM flow WHERE priority = ? AND next_at IS NOT NULL"
    " AND kind IN (SELECT value FROM json_each(?)) ORDER BY next_at LIMIT 1"
)
_SETTLED = "(SELECT count(*) FROM step s WHERE s.flow = flow.number AND s.state IN ('succeeded', 'refused'))"
# A worker that vanished counts against the flow, unless the flow had got further since the last time.
_TAKE_OVER = (
    f"UPDATE flow SET in_doubt = 1, progress = {_SETTLED},"  # noqa: S608
    f" takeovers = CASE WHEN takeovers > 0 AND progress = {_SETTLED} THEN takeovers + 1 ELSE 1 END"
    " WHERE flow_id IN (SELECT value FROM json_each(?))"
)
_TAKE = (
    "UPDATE flow SET owner = ?, fence = fence + 1, next_at = NULL, woken = 0, updated_at = ?,"
    " state = CASE WHEN compensating THEN 'compensating' ELSE 'running' END"
    " WHERE flow_id IN (SELECT value FROM json_each(?))"
)
_OURS = f"SELECT {FLOW_COLUMNS} FROM flow WHERE flow_id IN (SELECT value FROM json_each(?)) ORDER BY number"  # noqa: S608


def claim(connection: sqlite3.Connection, worker: str, kinds: str, limit: int, now: float) -> tuple[Claim, ...]:
    """Take up to `limit` flows for a worker: first those whose worker is gone, then those that are due, by priority.

    Args:
        connection: In a write transaction.
        worker: The new owner.
        kinds: JSON array of the kinds it can run.
        limit: At most so many.
        now: Unix seconds.
    """
    abandoned = _ids(connection, _ABANDONED, (worker, now, kinds, limit))
    due: list[str] = []
    for priority in _PRIORITIES:  # one by one, so that what waits in one is not scanned to find what is due in the next
        due += _ids(connection, _DUE, (priority, now, kinds, limit - len(abandoned) - len(due)))
    if not abandoned and not due:
        return ()
    if abandoned:
        connection.execute(_TAKE_OVER, (json.dumps(abandoned),))
    ours = json.dumps(abandoned + due)
    connection.execute(_TAKE, (worker, now, ours))
    rows = connection.execute(_OURS, (ours,)).fetchall()
    return tuple(Claim(flow_record(row, now), steps(connection, row[0], now)) for row in rows)


def steps(connection: sqlite3.Connection, flow_id: str, now: float) -> tuple[StepRecord, ...]:
    """The steps of a flow in the order they began."""
    found = connection.execute(
        f"SELECT {STEP_COLUMNS} FROM step WHERE flow = (SELECT number FROM flow WHERE flow_id = ?)"  # noqa: S608
        " ORDER BY started_at, abs(seq)",
        (flow_id,),
    )
    return tuple(step_record(row, now) for row in found.fetchall())


def next_due(connection: sqlite3.Connection, kinds: str, now: float) -> float | None:
    """Seconds until the next flow of these kinds is due."""
    found = [
        row[0] - now
        for priority in _PRIORITIES
        if (row := connection.execute(_NEXT, (priority, kinds)).fetchone()) is not None
    ]
    return min(found, default=None)


def _ids(connection: sqlite3.Connection, query: str, values: tuple[Any, ...]) -> list[str]:
    return [flow_id for (flow_id,) in connection.execute(query, values).fetchall()]
