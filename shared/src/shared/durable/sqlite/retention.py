"""What becomes of flows that have ended, in the SQLite journal: retired, and archived."""

import json
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeVar

from shared.durable.journal import AuditEntry, FlowRecord, Signal
from shared.durable.journal_retention import Ages, ArchivedFlow, Burial
from shared.durable.sqlite.claims import steps
from shared.durable.sqlite.operations import write_entry
from shared.durable.sqlite.rows import FLOW_COLUMNS, find_flow, flow_record

_T = TypeVar("_T")

_OVER = "('completed', 'refused', 'cancelled', 'discarded', 'retired')"
_OLD = (
    "FROM flow WHERE owner IS NULL AND next_at IS NULL AND archive IS NULL AND updated_at >= ? AND updated_at < ?"  # noqa: S608
    " AND updated_at < ? - coalesce("
    "(SELECT value FROM json_each(?) WHERE key = substr(flow.kind, 1, instr(flow.kind, '@') - 1)), ?)"
    f" AND state IN {_OVER}"
    f" AND NOT EXISTS (SELECT 1 FROM flow p WHERE p.flow_id = flow.parent AND p.state NOT IN {_OVER})"
    f" AND NOT EXISTS (SELECT 1 FROM flow c WHERE c.parent = flow.flow_id AND c.state NOT IN {_OVER})"
)
_AS_IT_IS = (
    "SELECT flow_id, number, state, updated_at FROM flow WHERE flow_id IN (SELECT value FROM json_each(?))"
    " AND archive IS NULL AND owner IS NULL AND next_at IS NULL"
)
_FORGET = (
    "DELETE FROM step WHERE flow IN (SELECT value FROM json_each(?))",
    "DELETE FROM signal WHERE flow IN (SELECT value FROM json_each(?))",
)
_FORGET_ENTRIES = "DELETE FROM audit WHERE flow_id IN (SELECT value FROM json_each(?))"
# Moved to where the other tombstones are, so that the pages they leave are free for other flows.
_BURY = (
    "UPDATE flow SET number = v.column2, request = v.column3, archive = v.column4, context = x'', result = NULL,"
    " problem = NULL FROM (VALUES {rows}) v WHERE flow.number = v.column1"
)


class SqliteRetention(ABC):
    """Implements what the port promises of flows that have ended, on the reader and the writer of a driver."""

    async def retire(self, flow_id: str, entry: AuditEntry) -> FlowRecord | None:
        """See `Journal.retire`."""
        return await self._write(lambda connection, now: _retire(connection, flow_id, entry, now))

    async def archivable(self, ages: Ages, limit: int, since: float = 0.0) -> list[ArchivedFlow]:
        """See `RetentionJournal.archivable`."""

        def look(connection: sqlite3.Connection, now: float) -> list[ArchivedFlow]:
            query = f"SELECT number, {FLOW_COLUMNS} {_OLD} ORDER BY updated_at LIMIT ?"
            rows = connection.execute(query, (*_limits(ages, since, now), limit)).fetchall()
            return [_whole(connection, row, now) for row in rows]

        return await self._read(look)

    async def count_archivable(self, ages: Ages) -> int:
        """See `RetentionJournal.count_archivable`."""

        def count(connection: sqlite3.Connection, now: float) -> int:
            return connection.execute(f"SELECT count(*) {_OLD}", _limits(ages, 0.0, now)).fetchone()[0]

        return await self._read(count)

    async def archive_files(self) -> dict[str, int]:
        """See `RetentionJournal.archive_files`."""
        query = "SELECT name, length FROM archive_file"
        return await self._write(lambda connection, _: dict(connection.execute(query).fetchall()))

    async def add_archive_file(self, name: str) -> None:
        """See `RetentionJournal.add_archive_file`."""
        add = "INSERT INTO archive_file VALUES (?, 0) ON CONFLICT DO NOTHING"
        await self._write(lambda connection, _: connection.execute(add, (name,)))

    async def bury(self, burial: Burial) -> bool:
        """See `RetentionJournal.bury`."""
        return await self._write(lambda connection, _: _bury(connection, burial))

    @abstractmethod
    async def _write(self, task: Callable[[sqlite3.Connection, float], _T]) -> _T: ...

    @abstractmethod
    async def _read(self, look: Callable[[sqlite3.Connection, float], _T]) -> _T: ...


def _retire(connection: sqlite3.Connection, flow_id: str, entry: AuditEntry, now: float) -> FlowRecord | None:
    found = find_flow(connection, "flow_id = ?", (flow_id,), now)
    if found is not None and found.state == "completed":
        connection.execute("UPDATE flow SET state = 'retired', updated_at = ? WHERE flow_id = ?", (now, flow_id))
        write_entry(connection, entry, now)
    return found


def _limits(ages: Ages, since: float, now: float) -> tuple[Any, ...]:
    return since, now - ages.shortest, now, json.dumps(dict(ages.kinds)), ages.default


def _whole(connection: sqlite3.Connection, row: tuple[Any, ...], now: float) -> ArchivedFlow:
    flow = flow_record(row[1:], now)
    signals = connection.execute(
        "SELECT name, key, payload FROM signal WHERE flow = ? ORDER BY number", (row[0],)
    ).fetchall()
    entries = connection.execute(
        "SELECT flow_id, who, act, detail, at FROM audit WHERE flow_id = ? ORDER BY number DESC", (flow.flow_id,)
    ).fetchall()
    return ArchivedFlow(
        flow,
        steps(connection, flow.flow_id, now),
        tuple(Signal(*signal) for signal in signals),
        tuple(AuditEntry(*entry) for entry in entries),
    )


def _bury(connection: sqlite3.Connection, burial: Burial) -> bool:
    row = connection.execute("SELECT length FROM archive_file WHERE name = ?", (burial.file,)).fetchone()
    if row is None or row[0] != burial.start:
        return False
    ids = json.dumps([flow.flow_id for flow in burial.flows])
    found = {flow_id: rest for flow_id, *rest in connection.execute(_AS_IT_IS, (ids,)).fetchall()}
    if any(found.get(flow.flow_id, [])[1:] != [flow.state, flow.updated_at] for flow in burial.flows):
        return False
    numbers = [found[flow.flow_id][0] for flow in burial.flows]
    for forget in _FORGET:
        connection.execute(forget, (json.dumps(numbers),))
    connection.execute(_FORGET_ENTRIES, (ids,))
    lowest = min(connection.execute("SELECT min(number) FROM flow").fetchone()[0], 0)
    rows = [
        (number, lowest - place, flow.digest, burial.place)
        for place, (number, flow) in enumerate(zip(numbers, burial.flows, strict=True), 1)
    ]
    text = _BURY.format(rows=", ".join(["(?, ?, ?, ?)"] * len(rows)))
    connection.execute(text, [value for row in rows for value in row])
    connection.execute("UPDATE archive_file SET length = ? WHERE name = ?", (burial.end, burial.file))
    return True
