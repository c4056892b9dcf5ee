"""Rows of the PostgreSQL journal: many new flows and saves in few statements."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from shared.durable.journal import FenceLost, FlowRecord, Save
from shared.durable.postgres.connection import Connection, PostgresServer
from shared.durable.postgres.outbox import insert_events

FLOW_COLUMNS = (
    "flow_id, key, attempt, kind, request, context, state, result, problem, compensating, cancel_requested, "
    "in_doubt, takeovers, fence, next_at - {now}, created_at, updated_at, priority, parent, archive"
)
"""In the order of FlowRecord."""

STEP_COLUMNS = "seq, operation, arguments, state, outcome, attempts, parks, started_at, finished_at, retry_at - {now}"
"""In the order of StepRecord."""

_INSERT_FLOWS = """
INSERT INTO flow (flow_id, key, attempt, kind, request, context, owner, priority, parent, state, fence, next_at,
  created_at, updated_at)
SELECT v.*, CASE WHEN v.owner IS NULL THEN 'pending' ELSE 'running' END, (v.owner IS NOT NULL)::int,
  CASE WHEN v.owner IS NULL THEN moment.now END, moment.now, moment.now
FROM (SELECT {now} AS now) moment, unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::bytea[], $6::bytea[],
  $7::text[], $8::int[], $9::text[]) AS v (flow_id, key, attempt, kind, request, context, owner, priority, parent)
ON CONFLICT (flow_id) DO """
_NEW_FLOWS = _INSERT_FLOWS + "NOTHING RETURNING flow_id"
# The connection broke before the answer: what is there may be what we wrote. Its context, with the ids of the
# trace, and the worker's name tell.
_PERHAPS_NEW_FLOWS = (
    _INSERT_FLOWS + "UPDATE SET fence = flow.fence WHERE flow.context = excluded.context"
    " AND flow.fence = excluded.fence AND flow.owner IS NOT DISTINCT FROM excluded.owner RETURNING flow_id"
)
# Locks what is written, so that no claim comes between the check of the fence and the commit. Flows without a
# fence are those that a change wakes. In one order everywhere, so that writers wait for each other in line.
_LOCK = """
SELECT v.flow_id, v.fence, f.number, f.owner FROM unnest($1::text[], $2::bigint[]) AS v (flow_id, fence)
CROSS JOIN LATERAL (SELECT number, owner FROM flow WHERE flow.flow_id = v.flow_id
  AND (v.fence IS NULL OR flow.fence = v.fence) FOR NO KEY UPDATE) f"""
_UPSERT_STEPS = """
INSERT INTO step (flow, seq, operation, arguments, state, outcome, attempts, parks, started_at, finished_at, retry_at)
SELECT v.flow, v.seq, v.operation, v.arguments, v.state, v.outcome, v.attempts, v.parks, v.started_at, v.finished_at,
  v.retry_in + {now}
FROM unnest($1::bigint[], $2::int[], $3::text[], $4::bytea[], $5::text[], $6::bytea[], $7::int[], $8::int[],
  $9::float8[], $10::float8[], $11::float8[]) AS v (flow, seq, operation, arguments, state, outcome, attempts, parks,
  started_at, finished_at, retry_in)
ON CONFLICT (flow, seq) DO UPDATE SET operation = excluded.operation, arguments = excluded.arguments,
  state = excluded.state, outcome = excluded.outcome, attempts = excluded.attempts, parks = excluded.parks,
  finished_at = excluded.finished_at, retry_at = excluded.retry_at"""
_UPDATE_FLOWS = """
UPDATE flow SET state = v.state, result = v.result, problem = v.problem, compensating = v.compensating,
  in_doubt = v.in_doubt, owner = CASE WHEN v.kept THEN owner END, updated_at = moment.now,
  next_at = moment.now + CASE WHEN woken AND v.next_in > 0 THEN 0 ELSE v.next_in END
FROM (SELECT {now} AS now) moment, unnest($1::bigint[], $2::text[], $3::bytea[], $4::bytea[], $5::bool[], $6::bool[],
  $7::bool[], $8::float8[]) AS v (number, state, result, problem, compensating, in_doubt, kept, next_in)
WHERE flow.number = v.number"""
WAKE = """
UPDATE flow SET woken = owner IS NOT NULL, next_at = CASE WHEN owner IS NULL THEN {now} END
WHERE flow_id = ANY($1::text[])
  AND state NOT IN ('completed', 'refused', 'cancelled', 'dead', 'discarded', 'retired')"""
_KEPT = frozenset({"running", "compensating"})


class Start(NamedTuple):
    """A flow to add, and the worker that will run it at once, if any."""

    flow: FlowRecord
    worker: str | None


async def insert_flows(
    connection: Connection, server: PostgresServer, starts: Sequence[Start], *, again: bool
) -> set[str]:
    """Insert flows whose id is free; returns the ids that were.

    Args:
        connection: To write on.
        server: Whose clock counts.
        starts: With ids that differ.
        again: They may have been inserted before, by a transaction whose answer got lost.
    """
    ordered = sorted(starts, key=lambda start: start.flow.flow_id)
    rows = [
        (f.flow_id, f.key, f.attempt, f.kind, f.request, f.context, worker, f.priority, f.parent)
        for f, worker in ordered
    ]
    text = server.sql(_PERHAPS_NEW_FLOWS if again else _NEW_FLOWS)
    return {flow_id for (flow_id,) in await connection.fetch(text, *_columns(rows, 9))}


async def write_saves(
    connection: Connection, server: PostgresServer, saves: Sequence[Save], *, again: bool
) -> list[FenceLost | None]:
    """Write steps and changes of the saves whose fence holds; returns what each caller shall see.

    Args:
        connection: In a transaction.
        server: Whose clock counts.
        saves: Of flows that differ.
        again: They may have been written before, by a transaction whose answer got lost.
    """
    wakes = sorted({save.change.wakes for save in saves if save.change is not None and save.change.wakes is not None})
    wanted = [*((save.flow_id, save.fence) for save in saves), *((flow_id, None) for flow_id in wakes)]
    locked = await connection.fetch(_LOCK, *_columns(sorted(wanted, key=itemgetter(0)), 2))
    held: dict[str, Any] = {row["flow_id"]: row for row in locked if row["fence"] is not None}
    # Under one fence a worker writes nothing after it let go: without an owner, this save is in already.
    due = [
        (held[save.flow_id]["number"], save)
        for save in saves
        if save.flow_id in held and not (again and held[save.flow_id]["owner"] is None)
    ]
    await _write(connection, server, due)
    if wakes:
        await connection.execute(server.sql(WAKE), wakes)
    return [None if save.flow_id in held else _fence_lost(save) for save in saves]


async def _write(connection: Connection, server: PostgresServer, saves: Sequence[tuple[int, Save]]) -> None:
    steps = [
        (number, s.seq, s.operation, s.arguments, s.state, s.outcome, s.attempts, s.parks, s.started_at,
         s.finished_at, s.retry_in)
        for number, save in saves
        for s in save.steps
    ]  # fmt: skip
    changes = [
        (number, c.state, c.result, c.problem, c.compensating, c.in_doubt, c.next_in is None and c.state in _KEPT,
         c.next_in)
        for number, save in saves
        if (c := save.change) is not None
    ]  # fmt: skip
    if steps:
        await connection.execute(server.sql(_UPSERT_STEPS), *_columns(steps, 11))
    if changes:
        await connection.execute(server.sql(_UPDATE_FLOWS), *_columns(changes, 8))
    if events := [event for _, save in saves for event in save.events]:
        await insert_events(connection, server, events)


def _fence_lost(save: Save) -> FenceLost:
    return FenceLost(f"Flow {save.flow_id} is no longer held under fence {save.fence}.")


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
