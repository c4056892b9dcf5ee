"""What becomes of flows that have ended, in the PostgreSQL journal: retired, and archived."""

import json
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from shared.durable.journal import AuditEntry, FlowRecord, Signal
from shared.durable.journal_retention import Ages, ArchivedFlow, Burial
from shared.durable.postgres.claims import steps_of_flows
from shared.durable.postgres.connection import Connection, PostgresServer
from shared.durable.postgres.operations import LOCK_FLOW, WRITE_ENTRY
from shared.durable.postgres.rows import FLOW_COLUMNS

_T = TypeVar("_T")

_RETIRE = "UPDATE flow SET state = 'retired', updated_at = {now} WHERE flow_id = $1"
_OVER = "('completed', 'refused', 'cancelled', 'discarded', 'retired')"
_OLD = f"""
FROM flow WHERE owner IS NULL AND next_at IS NULL AND archive IS NULL
  AND updated_at >= $1 AND updated_at < {{now}} - $2::float8
  AND updated_at < {{now}} - coalesce(($3::jsonb ->> split_part(kind, '@', 1))::float8, $4::float8)
  AND state IN {_OVER}
  AND NOT EXISTS (SELECT 1 FROM flow p WHERE p.flow_id = flow.parent AND p.state NOT IN {_OVER})
  AND NOT EXISTS (SELECT 1 FROM flow c WHERE c.parent = flow.flow_id AND c.state NOT IN {_OVER})"""  # noqa: S608
_SIGNALS = "SELECT flow, name, key, payload FROM signal WHERE flow = ANY($1::bigint[]) ORDER BY number"
_ENTRIES = (
    "SELECT flow_id, who, act, detail, at FROM audit WHERE flow_id = ANY($1::text[]) ORDER BY flow_id, number DESC"
)
_ADD = "INSERT INTO archive_file VALUES ($1, 0) ON CONFLICT DO NOTHING"
_LENGTH = "SELECT length FROM archive_file WHERE name = $1 FOR UPDATE"
# Locked in the order in which all writers lock flows.
_AS_IT_WAS = """
SELECT f.number FROM unnest($1::text[], $2::text[], $3::float8[]) AS v (flow_id, state, updated_at)
CROSS JOIN LATERAL (SELECT number FROM flow WHERE flow.flow_id = v.flow_id AND flow.state = v.state
  AND flow.updated_at = v.updated_at AND archive IS NULL AND owner IS NULL AND next_at IS NULL FOR UPDATE) f"""
_BURY = """
UPDATE flow SET number = -flow.number, archive = $1, request = v.digest, context = '', result = NULL, problem = NULL
FROM unnest($2::text[], $3::bytea[]) AS v (flow_id, digest) WHERE flow.flow_id = v.flow_id"""


class PostgresRetention(ABC):
    """Implements what the port promises of flows that have ended, on the readers and the writer of a driver."""

    _server: PostgresServer

    async def retire(self, flow_id: str, entry: AuditEntry) -> FlowRecord | None:
        """See `Journal.retire`."""

        async def change(connection: Connection) -> FlowRecord | None:
            sql = self._server.sql
            async with connection.transaction():
                row = await connection.fetchrow(sql(LOCK_FLOW), flow_id)
                found = FlowRecord(*row) if row else None
                if found is not None and found.state == "completed":
                    await connection.execute(sql(_RETIRE), flow_id)
                    await connection.execute(sql(WRITE_ENTRY), flow_id, entry.who, entry.act, entry.detail)
            return found

        return await self._write(change)

    async def archivable(self, ages: Ages, limit: int, since: float = 0.0) -> list[ArchivedFlow]:
        """See `RetentionJournal.archivable`."""
        query = self._server.sql(f"SELECT number, {FLOW_COLUMNS} {_OLD} ORDER BY updated_at LIMIT $5")

        async def look(connection: Connection) -> list[ArchivedFlow]:
            rows = await connection.fetch(query, *_limits(ages, since), limit)
            return await _whole(connection, self._server, rows)

        return await self._read(look)

    async def count_archivable(self, ages: Ages) -> int:
        """See `RetentionJournal.count_archivable`."""
        query = self._server.sql(f"SELECT count(*) {_OLD}")
        return await self._read(lambda connection: connection.fetchval(query, *_limits(ages, 0.0)))

    async def archive_files(self) -> dict[str, int]:
        """See `RetentionJournal.archive_files`."""

        async def look(connection: Connection) -> dict[str, int]:
            return dict(await connection.fetch("SELECT name, length FROM archive_file ORDER BY name FOR UPDATE"))

        return await self._write(look)

    async def add_archive_file(self, name: str) -> None:
        """See `RetentionJournal.add_archive_file`."""
        await self._write(lambda connection: connection.execute(_ADD, name))

    async def bury(self, burial: Burial) -> bool:
        """See `RetentionJournal.bury`. Only one process writes a file, so where it ends tells what was done already."""
        return await self._write(lambda connection: _bury(connection, burial))

    @abstractmethod
    async def _write(self, run: Callable[[Connection], Awaitable[_T]]) -> _T: ...

    @abstractmethod
    async def _read(self, look: Callable[[Connection], Awaitable[_T]]) -> _T: ...


def _limits(ages: Ages, since: float) -> tuple[Any, ...]:
    return since, ages.shortest, json.dumps(dict(ages.kinds)), ages.default


async def _whole(connection: Connection, server: PostgresServer, rows: list[Any]) -> list[ArchivedFlow]:
    flows = {row[0]: FlowRecord(*tuple(row)[1:]) for row in rows}
    steps = await steps_of_flows(connection, server, [*flows])
    signals: dict[int, tuple[Signal, ...]] = defaultdict(tuple)
    for number, *signal in await connection.fetch(_SIGNALS, [*flows]):
        signals[number] += (Signal(*signal),)
    entries: dict[str, tuple[AuditEntry, ...]] = defaultdict(tuple)
    for entry in await connection.fetch(_ENTRIES, [flow.flow_id for flow in flows.values()]):
        entries[entry[0]] += (AuditEntry(*entry),)
    return [ArchivedFlow(flow, steps[number], signals[number], entries[flow.flow_id]) for number, flow in flows.items()]


async def _bury(connection: Connection, burial: Burial) -> bool:
    async with connection.transaction():
        length = await connection.fetchval(_LENGTH, burial.file)
        if length == burial.end:
            return True  # it was done; the answer got lost
        if length != burial.start:
            return False
        flows = sorted(burial.flows, key=lambda flow: flow.flow_id)
        ids = [flow.flow_id for flow in flows]
        found = await connection.fetch(
            _AS_IT_WAS, ids, [flow.state for flow in flows], [flow.updated_at for flow in flows]
        )
        if len(found) != len(flows):
            return False
        numbers = [number for (number,) in found]
        await connection.execute("DELETE FROM step WHERE flow = ANY($1::bigint[])", numbers)
        await connection.execute("DELETE FROM signal WHERE flow = ANY($1::bigint[])", numbers)
        await connection.execute("DELETE FROM audit WHERE flow_id = ANY($1::text[])", ids)
        await connection.execute(_BURY, burial.place, ids, [flow.digest for flow in flows])
        await connection.execute("UPDATE archive_file SET length = $2 WHERE name = $1", burial.file, burial.end)
    return True
