"""The journal in PostgreSQL: for any number of processes and machines, through restarts and failovers.

Workers elsewhere learn of new work when they next look (`WorkerSettings.poll`): a look costs one probe of an index,
where a notification would make all commits of the database wait for each other.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, TypeVar

from shared.durable.journal import (
    Amendment,
    AuditEntry,
    Claim,
    Claims,
    FlowRecord,
    FlowState,
    JournalUnavailable,
    Save,
    Signal,
)
from shared.durable.postgres.claims import TakeFlows, steps_of_flows
from shared.durable.postgres.connection import (
    SERVER_CLOCK,
    Connection,
    PostgresServer,
    is_lost,
    pauses,
    unavailable,
)
from shared.durable.postgres.consumers import PostgresConsumers
from shared.durable.postgres.operations import PostgresOperations
from shared.durable.postgres.retention import PostgresRetention
from shared.durable.postgres.rows import FLOW_COLUMNS, Start
from shared.durable.postgres.schema import migrate
from shared.durable.postgres.workers import PostgresWorkers
from shared.durable.postgres.writer import Once, PostgresWriter
from shared.messaging.event_source import PositionExpired

_T = TypeVar("_T")

_PATIENCE = 5.0
_READERS = 4
_CLOSE_SECONDS = 5.0
_RELEASE = """
UPDATE flow SET owner = NULL, woken = false, next_at = {now}, in_doubt = true
WHERE flow_id = $1 AND fence = $2 AND owner IS NOT NULL"""
_FIND = f"SELECT number, {FLOW_COLUMNS} FROM flow WHERE flow_id = $1"  # noqa: S608
_LATEST = f"""
SELECT * FROM (
  (SELECT {FLOW_COLUMNS} FROM flow WHERE key = $1 AND attempt > 1 ORDER BY attempt DESC LIMIT 1)
  UNION ALL (SELECT {FLOW_COLUMNS} FROM flow WHERE flow_id = $1)
) found ORDER BY attempt DESC LIMIT 1"""  # noqa: S608
_COUNTS = """
SELECT state, count(*) FROM (
  SELECT state FROM flow WHERE next_at IS NOT NULL AND state <> 'dead'
  UNION ALL SELECT state FROM flow WHERE owner IS NOT NULL
  UNION ALL SELECT state FROM flow WHERE state = 'dead'
) found GROUP BY state"""


class PostgresJournal(PostgresConsumers, PostgresRetention):
    """Implements `Journal` on a PostgreSQL database.

    Args:
        url: `postgresql://user@host/database` without a password. Several hosts (`host1,host2`) make a failover
            group, of which the one that takes writes is used. Connect directly, or through a pooler in session mode.
        password: Asked for at each connection; None if the server wants none.
        patience: Seconds for which callers wait while the server is away, before they get `JournalUnavailable`.
        clock: SQL for Unix seconds on the server.

    Raises:
        ValueError: The URL holds a password.
    """

    def __init__(
        self,
        url: str,
        password: Callable[[], str] | None = None,
        *,
        patience: float = _PATIENCE,
        clock: str = SERVER_CLOCK,
    ) -> None:
        self._server = PostgresServer(url, password, clock)
        self._patience = patience
        self._writer = PostgresWriter(self._server, patience)
        self._workers = PostgresWorkers(self._server)
        self._operations = PostgresOperations(self._server)
        self._readers: Any = None

    async def open(self) -> None:
        """Connect, and create or update the tables in the schema `triptych`."""
        await self._writer.open(migrate)
        self._readers = await self._server.pool("triptych-journal-reader", _READERS)

    async def close(self) -> None:
        """Write what is queued and disconnect."""
        await self._writer.close()
        if self._readers is not None:
            readers, self._readers = self._readers, None
            try:
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await readers.close()
            except Exception:  # noqa: BLE001 - connections to a server that is gone close as they can
                readers.terminate()

    # --- writes --------------------------------------------------------------------------------------

    def start(self, flow: FlowRecord, worker: str | None) -> "asyncio.Future[bool]":
        """See `Journal.start`."""
        return self._writer.submit(Start(flow, worker))

    def save(self, save: Save) -> "asyncio.Future[None]":
        """See `Journal.save`."""
        return self._writer.submit(save)

    async def release(self, flow_id: str, fence: int) -> None:
        """See `Journal.release`."""
        await self._write(lambda connection: connection.execute(self._server.sql(_RELEASE), flow_id, fence))

    async def claim(self, worker: str, kinds: Collection[str], limit: int) -> Claims:
        """See `Journal.claim`."""
        return await self._writer.submit(TakeFlows(self._server, worker, kinds, limit))

    async def register(self, worker: str, lease: float) -> None:
        """See `Journal.register`. Workers of this machine whose process is gone lose their lease at once."""
        await self.renew(worker, lease)

    async def renew(self, worker: str, lease: float) -> frozenset[str]:
        """See `Journal.renew`."""
        return await self._write(lambda connection: self._workers.renew(connection, worker, lease))

    async def leave(self, worker: str) -> None:
        """See `Journal.leave`."""
        await self._write(lambda connection: self._workers.leave(connection, worker))

    async def request_cancel(self, flow_id: str, entry: AuditEntry | None = None) -> FlowRecord | None:
        """See `Journal.request_cancel`."""
        return await self._write(lambda connection: self._operations.request_cancel(connection, flow_id, entry))

    async def unpark(self, kinds: Collection[str], contract: str, limit: int) -> int:
        """See `Journal.unpark`."""
        return await self._write(lambda connection: self._operations.unpark(connection, kinds, contract, limit))

    async def signal(self, flow_id: str, signal: Signal) -> bool | None:
        """See `Journal.signal`."""
        return await self._write(lambda connection: self._operations.add_signal(connection, flow_id, signal))

    async def amend(self, amendment: Amendment) -> bool:
        """See `Journal.amend`."""
        return await self._write(lambda connection: self._operations.amend(connection, amendment))

    # --- reads ---------------------------------------------------------------------------------------

    async def find(self, flow_id: str) -> Claim | None:
        """See `Journal.find`."""

        async def look(connection: Connection) -> Claim | None:
            row = await connection.fetchrow(self._server.sql(_FIND), flow_id)
            if row is None:
                return None
            steps = await steps_of_flows(connection, self._server, [row[0]])
            return Claim(FlowRecord(*tuple(row)[1:]), steps[row[0]])

        return await self._read(look)

    async def latest(self, key: str) -> FlowRecord | None:
        """See `Journal.latest`."""

        async def look(connection: Connection) -> FlowRecord | None:
            row = await connection.fetchrow(self._server.sql(_LATEST), key)
            return FlowRecord(*row) if row else None

        return await self._read(look)

    async def signals(self, flow_id: str, name: str) -> list[Signal]:
        """See `Journal.signals`."""
        return await self._read(lambda connection: self._operations.signals(connection, flow_id, name))

    async def audit(
        self, flow_id: str | None = None, *, limit: int = 50, before: int | None = None
    ) -> tuple[list[AuditEntry], int | None]:
        """See `Journal.audit`."""
        return await self._read(lambda connection: self._operations.audit(connection, flow_id, limit, before))

    async def page(
        self, *, states: Sequence[FlowState] = (), kind: str | None = None, limit: int = 50, before: int | None = None
    ) -> tuple[list[FlowRecord], int | None]:
        """See `Journal.page`."""
        wanted = ", ".join(f"'{state}'" for state in states)  # literals, so that the index of the dead is used
        where = f"state IN ({wanted})" if states else "true"

        async def look(connection: Connection) -> tuple[list[FlowRecord], int | None]:
            text = (
                f"SELECT number, {FLOW_COLUMNS} FROM flow WHERE {where} AND number >= 0"  # noqa: S608
                " AND number < coalesce($1, 9223372036854775807) AND ($2::text IS NULL OR kind = $2)"
                " ORDER BY number DESC LIMIT $3"
            )
            rows = await connection.fetch(self._server.sql(text), before, kind, limit + 1)
            records = [FlowRecord(*tuple(row)[1:]) for row in rows[:limit]]
            return records, rows[limit - 1][0] if len(rows) > limit else None

        return await self._read(look)

    async def counts(self) -> dict[FlowState, int]:
        """See `Journal.counts`."""

        async def count(connection: Connection) -> dict[FlowState, int]:
            return dict(await connection.fetch(_COUNTS))

        return await self._read(count)

    # --- inside --------------------------------------------------------------------------------------

    async def _write(self, run: Callable[[Connection], Awaitable[_T]]) -> _T:
        return await self._writer.submit(Once(run))

    async def _read(self, look: Callable[[Connection], Awaitable[_T]]) -> _T:
        if self._readers is None:
            raise JournalUnavailable("The journal is closed; open it before reading.", retry_after=1)
        until = time.monotonic() + (0.0 if self._writer.gone_too_long else self._patience)
        for pause in pauses():
            try:
                async with self._readers.acquire() as connection:
                    return await look(connection)
            except PositionExpired:
                raise
            except Exception as error:  # noqa: BLE001 - told apart below
                if not is_lost(error) or time.monotonic() + pause > until:
                    raise unavailable(error) from None
            await asyncio.sleep(pause)
        raise AssertionError
