"""Rows of the SQLite journal: columns in their order, and back to records."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from shared.durable.journal import FlowRecord, Save, StepRecord
from shared.durable.sqlite.outbox import insert_events

FLOW_COLUMNS = (
    "flow_id, key, attempt, kind, request, context, state, result, problem, compensating, cancel_requested, "
    "in_doubt, takeovers, fence, next_at, created_at, updated_at, priority, parent, archive"
)
STEP_COLUMNS = "seq, operation, arguments, state, outcome, attempts, parks, started_at, finished_at, retry_at"

_INSERT_FLOW = (
    "INSERT INTO flow (flow_id, key, attempt, kind, request, context, state, fence, owner, next_at, created_at, "
    "updated_at, priority, parent) VALUES {rows} ON CONFLICT (flow_id) DO NOTHING"
)
# The fence is checked by the join: a step of a flow claimed by someone else finds no row.
_UPSERT_STEP = (
    "INSERT INTO step (flow, seq, operation, arguments, state, outcome, attempts, parks, started_at, finished_at,"
    " retry_at) SELECT flow.number, v.column3, v.column4, v.column5, v.column6, v.column7, v.column8, v.column9,"
    " v.column10, v.column11, v.column12 FROM (VALUES {rows}) v CROSS JOIN flow"
    " WHERE flow.flow_id = v.column1 AND flow.fence = v.column2"
    " ON CONFLICT (flow, seq) DO UPDATE SET arguments = excluded.arguments, operation = excluded.operation,"
    " state = excluded.state, outcome = excluded.outcome, attempts = excluded.attempts, parks = excluded.parks,"
    " finished_at = excluded.finished_at, retry_at = excluded.retry_at"
)
_UPDATE_FLOW = (
    "UPDATE flow SET state = v.column3, result = v.column4, problem = v.column5, compensating = v.column6,"
    " in_doubt = v.column7, owner = CASE WHEN v.column9 THEN owner END,"
    " next_at = CASE WHEN woken AND v.column8 IS NOT NULL THEN min(v.column8, v.column10) ELSE v.column8 END,"
    " updated_at = v.column10 FROM (VALUES {rows}) v WHERE flow.flow_id = v.column1 AND flow.fence = v.column2"
)
_WAKE = (
    "UPDATE flow SET woken = owner IS NOT NULL, next_at = CASE WHEN owner IS NULL THEN ?1 END"
    " WHERE flow_id = ?2 AND state NOT IN ('completed', 'refused', 'cancelled', 'dead', 'discarded', 'retired')"
)
_KEPT = frozenset({"running", "compensating"})


def _texts(template: str, columns: int) -> dict[int, str]:
    row = "(" + ", ".join("?" * columns) + ")"
    return {size: template.format(rows=", ".join([row] * size)) for size in (64, 32, 16, 8, 4, 2, 1)}


_FLOW_TEXTS, _STEP_TEXTS, _CHANGE_TEXTS = _texts(_INSERT_FLOW, 14), _texts(_UPSERT_STEP, 12), _texts(_UPDATE_FLOW, 10)


def insert_flows(connection: sqlite3.Connection, starts: Sequence[tuple[FlowRecord, str | None]], now: float) -> int:
    """Insert flows whose id is free; returns how many were."""
    rows = [
        (
            f.flow_id, f.key, f.attempt, f.kind, f.request, f.context, "running" if worker else "pending",
            1 if worker else 0, worker, None if worker else now, now, now, f.priority, f.parent,
        )
        for f, worker in starts
    ]  # fmt: skip
    return _write(connection, _FLOW_TEXTS, rows)


def write_saves(connection: sqlite3.Connection, saves: Sequence[Save], now: float) -> bool:
    """Write steps and changes; False when some fence no longer held, and then only part is written."""
    steps = [
        (
            save.flow_id, save.fence, s.seq, s.operation, s.arguments, s.state, s.outcome, s.attempts, s.parks,
            s.started_at, s.finished_at, None if s.retry_in is None else now + s.retry_in,
        )
        for save in saves
        for s in save.steps
    ]  # fmt: skip
    changes = [
        (
            save.flow_id, save.fence, c.state, c.result, c.problem, c.compensating, c.in_doubt,
            None if c.next_in is None else now + c.next_in, c.next_in is None and c.state in _KEPT, now,
        )
        for save in saves
        if (c := save.change) is not None
    ]  # fmt: skip
    if _write(connection, _STEP_TEXTS, steps) != len(steps):
        return False
    if _write(connection, _CHANGE_TEXTS, changes) != len(changes):
        return False
    for save in saves:
        if save.change is not None and save.change.wakes is not None:
            wake(connection, save.change.wakes, now)
    if any(save.events for save in saves):
        insert_events(connection, [event for save in saves for event in save.events], now)
    return True


def wake(connection: sqlite3.Connection, flow_id: str | None, now: float) -> None:
    """Make a flow that has not ended due; while a worker has it, as soon as that lets go of it."""
    connection.execute(_WAKE, (now, flow_id))


def _write(connection: sqlite3.Connection, texts: dict[int, str], rows: list[tuple[Any, ...]]) -> int:
    """Many rows by few statements: each call into SQLite gives up the interpreter lock and must win it back."""
    written = start = 0
    for size, text in texts.items():
        while len(rows) - start >= size:
            values = [value for row in rows[start : start + size] for value in row]
            written += connection.execute(text, values).rowcount
            start += size
    return written


def find_flow(connection: sqlite3.Connection, where: str, values: tuple[Any, ...], now: float) -> FlowRecord | None:
    """The first flow that a condition finds."""
    row = connection.execute(f"SELECT {FLOW_COLUMNS} FROM flow WHERE {where}", values).fetchone()  # noqa: S608
    return flow_record(row, now) if row else None


def flow_record(row: Sequence[Any], now: float) -> FlowRecord:
    """The record in a row of FLOW_COLUMNS."""
    (flow_id, key, attempt, kind, request, context, state, result, problem, compensating, cancel, in_doubt,
     takeovers, fence, next_at, created_at, updated_at, priority, parent, archive) = row  # fmt: skip
    return FlowRecord(
        flow_id, key, attempt, kind, request, context, state, result, problem, bool(compensating), bool(cancel),
        bool(in_doubt), takeovers, fence, None if next_at is None else next_at - now, created_at, updated_at,
        priority, parent, archive,
    )  # fmt: skip


def step_record(row: Sequence[Any], now: float) -> StepRecord:
    """The record in a row of STEP_COLUMNS."""
    seq, operation, arguments, state, outcome, attempts, parks, started_at, finished_at, retry_at = row
    retry_in = None if retry_at is None else retry_at - now
    return StepRecord(seq, operation, arguments, state, outcome, attempts, parks, started_at, finished_at, retry_in)
