"""What becomes of flows that have ended, in the PostgreSQL journal: retired, and archived."""

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.durable.journal import AuditEntry, FlowRecord
from shared.durable.postgres_connection import Connection, PostgresServer
from shared.durable.postgres_operations import LOCK_FLOW, WRITE_ENTRY

_T = TypeVar("_T")

_RETIRE = "UPDATE flow SET state = 'retired', updated_at = {now} WHERE flow_id = $1"


class PostgresRetention:
    """The part of `PostgresJournal` that deals with flows that have ended."""

    _server: PostgresServer

    async def retire(self, flow_id: str, entry: AuditEntry) -> FlowRecord | None:
        """See `Journal.retire`. Whether an answer that got lost had retired it, its caller need not know."""
        sql = self._server.sql

        async def change(connection: Connection) -> FlowRecord | None:
            async with connection.transaction():
                row = await connection.fetchrow(sql(LOCK_FLOW), flow_id)
                found = FlowRecord(*row) if row else None
                if found is not None and found.state == "completed":
                    await connection.execute(sql(_RETIRE), flow_id)
                    await connection.execute(sql(WRITE_ENTRY), flow_id, entry.who, entry.act, entry.detail)
            return found

        return await self._write(change)

    @abstractmethod
    async def _write(self, run: Callable[[Connection], Awaitable[_T]]) -> _T: ...
