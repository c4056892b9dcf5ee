"""Claims in the PostgreSQL journal: which flows a worker may take, the taking, and what it then knows of them."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from shared.durable.journal import Claim, Claims, FlowRecord, StepRecord
from shared.durable.postgres.connection import Connection, PostgresServer
from shared.durable.postgres.rows import FLOW_COLUMNS, STEP_COLUMNS
from shared.durable.postgres.writer import Held

# Who owns flows is found by jumps through the index from one owner to the next; what another worker is about to
# take is skipped, and what it took meanwhile no longer matches once the row is locked.
_ABANDONED = """
WITH RECURSIVE owners AS (
  SELECT (SELECT min(owner) FROM flow WHERE owner IS NOT NULL) AS owner
  UNION ALL
  SELECT (SELECT min(flow.owner) FROM flow WHERE flow.owner > owners.owner) FROM owners WHERE owners.owner IS NOT NULL
), gone AS (
  SELECT owner FROM owners WHERE owner <> $1
  AND NOT EXISTS (SELECT FROM worker WHERE worker.worker = owners.owner AND lease_until > {now})
)
SELECT f.number FROM gone CROSS JOIN LATERAL (
  SELECT number FROM flow WHERE flow.owner = gone.owner AND kind = ANY($2::text[]) LIMIT $3 FOR UPDATE SKIP LOCKED
) f LIMIT $3"""
_DUE = """
SELECT f.number FROM (SELECT {now} AS now) moment, unnest($1::text[]) AS k (kind), generate_series(0, 2) AS p (priority)
CROSS JOIN LATERAL (
  SELECT number, next_at FROM flow WHERE flow.kind = k.kind AND flow.priority = p.priority AND next_at <= moment.now
  ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED
) f ORDER BY p.priority, f.next_at LIMIT $2"""
_SETTLED = "(SELECT count(*) FROM step s WHERE s.flow = flow.number AND s.state IN ('succeeded', 'refused'))"
# A worker that vanished counts against the flow, unless the flow had got further since the last time.
_TAKE_OVER = (
    f"UPDATE flow SET in_doubt = true, progress = {_SETTLED},"  # noqa: S608
    f" takeovers = CASE WHEN takeovers > 0 AND progress = {_SETTLED} THEN takeovers + 1 ELSE 1 END"
    " WHERE number = ANY($1::bigint[])"
)
_TAKE = (
    "UPDATE flow SET owner = $1, fence = fence + 1, next_at = NULL, woken = false, updated_at = {now},"  # noqa: S608
    " state = CASE WHEN compensating THEN 'compensating' ELSE 'running' END WHERE number = ANY($2::bigint[])"
    f" RETURNING number, {FLOW_COLUMNS}"
)
_STEPS = (
    f"SELECT flow, {STEP_COLUMNS} FROM step WHERE flow = ANY($1::bigint[])"  # noqa: S608
    " ORDER BY flow, started_at, abs(seq)"
)
# The end of another worker's lease counts as well, so that its flows are taken over the moment it is over.
_NEXT = """
SELECT least(min(f.next_at), (SELECT min(lease_until) FROM worker WHERE worker <> $1 AND lease_until > {now})) - {now}
FROM unnest($2::text[]) AS k (kind), generate_series(0, 2) AS p (priority) LEFT JOIN LATERAL (
  SELECT next_at FROM flow WHERE flow.kind = k.kind AND flow.priority = p.priority AND next_at IS NOT NULL
  ORDER BY next_at LIMIT 1
) f ON true"""
_STILL_HELD = (
    "SELECT flow.flow_id FROM unnest($1::text[], $2::bigint[]) AS v (flow_id, fence)"
    " JOIN flow ON flow.flow_id = v.flow_id AND flow.fence = v.fence WHERE flow.owner = $3"
)


class TakeFlows:
    """The task of one claim: up to `limit` flows for a worker, first abandoned ones, then due ones by priority.

    Args:
        server: Whose clock counts.
        worker: The new owner.
        kinds: What it can run.
        limit: At most so many.
    """

    def __init__(self, server: PostgresServer, worker: str, kinds: Collection[str], limit: int) -> None:
        self._server = server
        self._worker = worker
        self._kinds = sorted(kinds)
        self._limit = limit
        self._taken: tuple[Claim, ...] = ()

    def may_hold(self) -> Sequence[Held]:
        """What it took in a transaction whose commit was not answered."""
        return [Held(claim.flow.flow_id, claim.flow.fence, self._worker) for claim in self._taken]

    async def __call__(self, connection: Connection) -> Claims:
        """Take them; after a lost answer, what had been taken is found again."""
        if self._taken and (kept := await self._still_held(connection)):
            return Claims(kept, 0.0)
        async with connection.transaction():
            self._taken = await self._take(connection) if self._limit > 0 else ()
            next_in = await connection.fetchval(self._server.sql(_NEXT), self._worker, self._kinds)
        return Claims(self._taken, next_in)

    async def _take(self, connection: Connection) -> tuple[Claim, ...]:
        sql = self._server.sql
        gone = _numbers(await connection.fetch(sql(_ABANDONED), self._worker, self._kinds, self._limit))
        due: list[int] = []
        if len(gone) < self._limit:
            due = _numbers(await connection.fetch(sql(_DUE), self._kinds, self._limit - len(gone)))
        if gone:
            await connection.execute(_TAKE_OVER, gone)
        if not gone and not due:
            return ()
        rows = sorted(await connection.fetch(sql(_TAKE), self._worker, gone + due), key=lambda row: row[0])
        steps = await steps_of_flows(connection, self._server, [row[0] for row in rows])
        return tuple(Claim(FlowRecord(*tuple(row)[1:]), steps[row[0]]) for row in rows)

    async def _still_held(self, connection: Connection) -> tuple[Claim, ...]:
        ids = [claim.flow.flow_id for claim in self._taken]
        fences = [claim.flow.fence for claim in self._taken]
        held = {row[0] for row in await connection.fetch(_STILL_HELD, ids, fences, self._worker)}
        return tuple(claim for claim in self._taken if claim.flow.flow_id in held)


async def steps_of_flows(
    connection: Connection, server: PostgresServer, numbers: Sequence[int]
) -> dict[int, tuple[StepRecord, ...]]:
    """The steps of flows in the order they began, by the number of the flow; none for an unknown one."""
    found: dict[int, tuple[StepRecord, ...]] = defaultdict(tuple)
    for row in await connection.fetch(server.sql(_STEPS), numbers):
        found[row[0]] += (StepRecord(*tuple(row)[1:]),)
    return found


def _numbers(rows: Sequence[Any]) -> list[int]:
    return [row[0] for row in rows]
