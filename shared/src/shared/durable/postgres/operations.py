"""What others do to a flow in the PostgreSQL journal: cancelling, signals, amendments, and the audit trail."""

from collections.abc import Collection

from shared.durable.journal import FINAL_STATES, Amendment, AuditEntry, FlowRecord, Signal
from shared.durable.postgres.connection import Connection, PostgresServer
from shared.durable.postgres.rows import FLOW_COLUMNS, WAKE
from shared.durable.retry_schedule import LONGEST_PARK

LOCK_FLOW = f"SELECT {FLOW_COLUMNS} FROM flow WHERE flow_id = $1 FOR NO KEY UPDATE"  # noqa: S608
_CANCEL = """
UPDATE flow SET cancel_requested = true, updated_at = {now}, woken = owner IS NOT NULL,
  next_at = CASE WHEN owner IS NULL THEN {now} END WHERE flow_id = $1"""
# Locked, so that no worker lets go of the flow between the signal and the wake.
_NUMBER = "SELECT number FROM flow WHERE flow_id = $1 FOR NO KEY UPDATE"
_ADD_SIGNAL = (
    "INSERT INTO signal (flow, name, key, payload) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING RETURNING number"
)
_AMEND = """
UPDATE flow SET state = $1, request = coalesce($2, request), updated_at = {now}
WHERE flow_id = $3 AND state = 'dead' AND owner IS NULL AND next_at IS NULL RETURNING number, parent"""
_REVIVE = """
UPDATE flow SET state = CASE WHEN compensating THEN 'compensating' ELSE 'pending' END, next_at = {now},
  takeovers = 0, in_doubt = true, problem = CASE WHEN compensating THEN problem END WHERE number = $1"""
_TRY_AGAIN = """
UPDATE step SET state = 'waiting', attempts = 0, parks = 0, retry_at = {now}
WHERE flow = $1 AND (state = 'dead' OR (seq < 0 AND state = 'refused'))"""
WRITE_ENTRY = "INSERT INTO audit (flow_id, who, act, detail, at) VALUES ($1, $2, $3, $4, {now})"
_AUDIT = """
SELECT number, flow_id, who, act, detail, at FROM audit
WHERE number < coalesce($1, 9223372036854775807) ORDER BY number DESC LIMIT $2"""
_AUDIT_OF_FLOW = _AUDIT.replace("WHERE", "WHERE flow_id = $3 AND")
_SIGNALS = """
SELECT name, key, payload FROM signal
WHERE flow = (SELECT number FROM flow WHERE flow_id = $1) AND name = $2 ORDER BY number"""

# Nobody rests longer than `LONGEST_PARK`, so flows that wait for weeks are not looked at.
_PARKED_STEP = "parks > 0 AND step.state = 'waiting' AND starts_with(operation, $1)"
_UNPARK = f"""
WITH parked AS (
  SELECT number FROM flow WHERE kind = ANY($2::text[]) AND next_at > {{now}} AND next_at <= {{now}} + {LONGEST_PARK}
  AND EXISTS (SELECT FROM step WHERE flow = number AND {_PARKED_STEP})
  ORDER BY next_at LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED
), due AS (
  UPDATE step SET retry_at = {{now}} FROM parked WHERE flow = parked.number AND {_PARKED_STEP}
)
UPDATE flow SET next_at = {{now}} FROM parked WHERE flow.number = parked.number RETURNING flow.number"""  # noqa: S608


class PostgresOperations:
    """Each method is one transaction.

    Args:
        server: Whose clock counts.
    """

    def __init__(self, server: PostgresServer) -> None:
        self._sql = server.sql

    async def request_cancel(self, connection: Connection, flow_id: str, entry: AuditEntry | None) -> FlowRecord | None:
        """See `Journal.request_cancel`."""
        async with connection.transaction():
            row = await connection.fetchrow(self._sql(LOCK_FLOW), flow_id)
            found = FlowRecord(*row) if row else None
            if found and found.state not in FINAL_STATES - {"dead"}:
                await connection.execute(self._sql(_CANCEL), flow_id)
                if found.state == "dead":
                    await self._revive(connection, await connection.fetchval(_NUMBER, flow_id))
                if entry is not None:
                    await self._write_entry(connection, entry)
        return found

    async def unpark(self, connection: Connection, kinds: Collection[str], contract: str, limit: int) -> int:
        """See `Journal.unpark`."""
        return len(await connection.fetch(self._sql(_UNPARK), f"{contract}.", sorted(kinds), limit))

    async def add_signal(self, connection: Connection, flow_id: str, signal: Signal) -> bool | None:
        """See `Journal.signal`."""
        async with connection.transaction():
            number = await connection.fetchval(_NUMBER, flow_id)
            if number is None:
                return None
            added = await connection.fetchval(_ADD_SIGNAL, number, signal.name, signal.key, signal.payload)
            if added is None:
                return False
            await connection.execute(self._sql(WAKE), [flow_id])
        return True

    async def amend(self, connection: Connection, amendment: Amendment) -> bool:
        """See `Journal.amend`."""
        async with connection.transaction():
            row = await connection.fetchrow(
                self._sql(_AMEND), amendment.becomes, amendment.request, amendment.entry.flow_id
            )
            if row is None:
                return False
            number, parent = row
            if amendment.forget:
                await connection.execute("DELETE FROM step WHERE flow = $1", number)
            if amendment.becomes == "pending":
                await self._revive(connection, number)
            if amendment.becomes == "discarded" and parent is not None:
                await connection.execute(self._sql(WAKE), [parent])
            await self._write_entry(connection, amendment.entry)
        return True

    async def audit(
        self, connection: Connection, flow_id: str | None, limit: int, before: int | None
    ) -> tuple[list[AuditEntry], int | None]:
        """See `Journal.audit`."""
        if flow_id is None:
            rows = await connection.fetch(_AUDIT, before, limit + 1)
        else:
            rows = await connection.fetch(_AUDIT_OF_FLOW, before, limit + 1, flow_id)
        entries = [AuditEntry(*tuple(row)[1:]) for row in rows[:limit]]
        return entries, rows[limit - 1][0] if len(rows) > limit else None

    async def signals(self, connection: Connection, flow_id: str, name: str) -> list[Signal]:
        """See `Journal.signals`."""
        return [Signal(*row) for row in await connection.fetch(_SIGNALS, flow_id, name)]

    async def _revive(self, connection: Connection, number: int) -> None:
        await connection.execute(self._sql(_TRY_AGAIN), number)
        await connection.execute(self._sql(_REVIVE), number)

    async def _write_entry(self, connection: Connection, entry: AuditEntry) -> None:
        await connection.execute(self._sql(WRITE_ENTRY), entry.flow_id, entry.who, entry.act, entry.detail)
