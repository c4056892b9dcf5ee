"""Boundaries around each commit of a journal, and a look for saves that a lost fence should have refused."""

import sqlite3
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from shared.durable.endangered.boundaries import Boundaries, current_fence
from shared.durable.endangered.trail import Trail
from shared.durable.journal import FINAL_STATES, Claim, Claims, Save, StepRecord
from shared.durable.sqlite.group_commit import GroupCommit
from shared.durable.worker import FlowWorker

_CLAIMS = frozenset({"take", "TakeFlows"})
_OUTCOMES = frozenset({"succeeded", "refused", "dead"})
_Fences = dict[str, int]


class Commits:
    """The commits of one process.

    Args:
        boundaries: Crossed before and after each.
        trail: Told what each made durable, and which flows it handed out.
        reads: Operations that change nothing; a save of these alone is called `reads`.
    """

    def __init__(self, boundaries: Boundaries, trail: Trail, reads: frozenset[str]) -> None:
        self._boundaries = boundaries
        self._trail = trail
        self._reads = reads | {"flow.now"}

    @contextmanager
    def between_boundaries(self, *, postgres: bool) -> Generator[None]:
        """Every commit in this block, of any SQLite journal, and of any in PostgreSQL if that is wanted."""
        commit = GroupCommit._commit  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

        def committed(writer: GroupCommit, connection: sqlite3.Connection, items: list[Any]) -> list[Any]:
            names = self._before(items)
            held = _sqlite_fences(connection, _flows(items))
            outcomes = commit(writer, connection, items)
            self._after(names, items, outcomes, held)
            return outcomes

        with patch.object(GroupCommit, "_commit", committed), _runs_that_know_their_fence():
            if not postgres:
                yield
                return
            from shared.durable.postgres.writer import PostgresWriter  # noqa: PLC0415 - its driver is optional

            wrapped = self._around_postgres(PostgresWriter._write)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            with patch.object(PostgresWriter, "_write", wrapped):
                yield

    def _around_postgres(self, write: Callable[..., Awaitable[list[Any]]]) -> Callable[..., Awaitable[list[Any]]]:
        async def written(writer: Any, items: Sequence[Any], again: bool) -> list[Any]:
            names = self._before(items)
            held = await _postgres_fences(writer._connection, _flows(items))  # noqa: SLF001 - looks through its eyes
            outcomes = await write(writer, items, again)
            self._after(names, items, outcomes, held)
            return outcomes

        return written

    def _before(self, items: Sequence[Any]) -> list[str]:
        names = [self._name(item) for item in items]
        self._boundaries.cross(*(f"before-commit:{name}" for name in names))
        return names

    def _after(self, names: Sequence[str], items: Sequence[Any], outcomes: Sequence[Any], held: _Fences) -> None:
        for item, outcome in zip(items, outcomes, strict=True):
            if isinstance(outcome, Claims):
                self._tell_claims(outcome)
            elif isinstance(item, Save) and outcome is None:
                if held.get(item.flow_id) != item.fence:
                    self._trail.write("stale", item.flow_id, item.fence)
                for step in item.steps:
                    if step.state in _OUTCOMES:
                        self._trail.write("durable", key_of(item.flow_id, step), item.fence)
        self._boundaries.cross(*(f"after-commit:{name}" for name in names))

    def _tell_claims(self, claims: Claims) -> None:
        for claim in claims.claimed:
            known = (key_of(claim.flow.flow_id, step) for step in claim.steps if step.state in _OUTCOMES)
            self._trail.write("claimed", claim.flow.flow_id, claim.flow.fence, *known)

    def _name(self, item: Any) -> str:
        if isinstance(item, Save):
            if item.change is not None and item.change.state in FINAL_STATES | {"compensating"}:
                return item.change.state
            writes = [step.operation for step in item.steps if step.operation not in self._reads]
            return writes[-1] if writes else "reads" if item.steps else "rest"
        if isinstance(item, tuple):
            return "start"
        return "claim" if getattr(item, "__name__", type(item).__name__) in _CLAIMS else "other"


@contextmanager
def _runs_that_know_their_fence() -> Generator[None]:
    run = FlowWorker._run  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    async def fenced(worker: FlowWorker, claim: Claim, unreadable: Exception | None) -> None:
        current_fence.set(claim.flow.fence)
        await run(worker, claim, unreadable)

    with patch.object(FlowWorker, "_run", fenced):
        yield


def key_of(flow_id: str, step: StepRecord) -> str:
    """The idempotency key of a step's calls."""
    return f"{flow_id}/{step.seq}" if step.seq > 0 else f"{flow_id}/{-step.seq}/undo"


def _flows(items: Sequence[Any]) -> list[str]:
    return [item.flow_id for item in items if isinstance(item, Save)]


def _sqlite_fences(connection: sqlite3.Connection, flows: list[str]) -> _Fences:
    marks = ", ".join("?" * len(flows))
    return dict(connection.execute(f"SELECT flow_id, fence FROM flow WHERE flow_id IN ({marks})", flows).fetchall())  # noqa: S608


async def _postgres_fences(connection: Any, flows: list[str]) -> _Fences:
    if not flows:
        return {}
    found = await connection.fetch("SELECT flow_id, fence FROM flow WHERE flow_id = ANY($1::text[])", flows)
    return dict(map(tuple, found))
