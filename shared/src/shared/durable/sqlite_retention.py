"""What becomes of flows that have ended, in the SQLite journal: retired, and archived."""

import sqlite3
from abc import abstractmethod
from collections.abc import Callable
from typing import TypeVar

from shared.durable.journal import AuditEntry, FlowRecord
from shared.durable.sqlite_operations import write_entry
from shared.durable.sqlite_rows import find_flow

_T = TypeVar("_T")


class SqliteRetention:
    """The part of `SqliteJournal` that deals with flows that have ended."""

    async def retire(self, flow_id: str, entry: AuditEntry) -> FlowRecord | None:
        """See `Journal.retire`."""

        def change(connection: sqlite3.Connection, now: float) -> FlowRecord | None:
            found = find_flow(connection, "flow_id = ?", (flow_id,), now)
            if found is not None and found.state == "completed":
                connection.execute(
                    "UPDATE flow SET state = 'retired', updated_at = ? WHERE flow_id = ?", (now, flow_id)
                )
                write_entry(connection, entry, now)
            return found

        return await self._write(change)

    @abstractmethod
    async def _write(self, task: Callable[[sqlite3.Connection, float], _T]) -> _T: ...
