"""Defects put into the engine on purpose, to see that a proof finds them. Nothing imports this but proofs and tests."""

# pyright: reportPrivateUsage=false
# ruff: noqa: SLF001
# a defect lies inside

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from typing import Any, Literal, cast
from unittest.mock import patch

import msgspec

from shared.binding.call_context import CallContext
from shared.binding.operation import Operation
from shared.binding.problems import Problem
from shared.durable import attempt, execution, retry_schedule, step_sequence
from shared.durable.execution import Execution
from shared.durable.journal import Change, FenceLost, Save, StepRecord
from shared.durable.retry_schedule import Retry
from shared.durable.simulation.memory_tables import MemoryTables, Row
from shared.durable.sqlite import claims as sqlite_claims
from shared.durable.sqlite import journal as journal_sqlite
from shared.durable.sqlite import rows as sqlite_rows
from shared.durable.step import Step
from shared.durable.step_sequence import StepSequence
from shared.durable.waits import Came, ChildWait, NotYet, Outlook

Bug = Literal[
    "fence", "attempt", "doubt", "retry", "park", "undo", "order", "timer", "signal", "wake", "child", "key",
    "twice", "unsaved",
]  # fmt: skip
"""fence: a worker that lost a flow may still write. attempt: a flow's lost workers are not counted when it is claimed.
doubt: a takeover forgets that a step may have happened. retry: an attempt is counted one attempt late. park: an open
circuit costs an attempt. undo: who took a flow over does not undo what others did. order: undos go from first to last.
timer: a restart forgets what a step waits for. signal: what comes while a worker has the flow wakes nobody. wake: the
end of a child wakes nobody. child: who took a flow over starts its child again. key: each attempt has another
idempotency key. twice: a step is called two times in a row. unsaved: a save says that it is durable, and its steps are
not."""

_Patch = tuple[Any, str, Any]


@contextmanager
def planted(bug: Bug | None) -> Generator[None]:
    """The engine with this defect, for the length of the block; as it is for None."""
    with ExitStack() as stack:
        if bug == "fence":
            for texts in (sqlite_rows._STEP_TEXTS, sqlite_rows._CHANGE_TEXTS):
                unfenced = {size: text.replace(" AND flow.fence = v.column2", "") for size, text in texts.items()}
                stack.enter_context(patch.dict(texts, unfenced))
        if bug is not None:
            for target, name, defect in _DEFECTS[bug]():
                stack.enter_context(patch.object(target, name, defect, create=name == "sorted"))
        if find_spec("asyncpg") is not None:
            stack.enter_context(_planted_in_postgres(bug))
        yield


@contextmanager
def _planted_in_postgres(bug: Bug | None) -> Generator[None]:
    from shared.durable.postgres import claims as postgres_claims  # noqa: PLC0415 - the driver is optional
    from shared.durable.postgres import rows as postgres_rows  # noqa: PLC0415 - the same
    from shared.durable.postgres import writer as postgres_writer  # noqa: PLC0415 - the same

    uncounted = "UPDATE flow SET in_doubt = true WHERE number = ANY($1::bigint[])"
    certain = postgres_claims._TAKE_OVER.replace("in_doubt = true", "in_doubt = false")
    lock = postgres_rows._LOCK.replace("(v.fence IS NULL OR flow.fence = v.fence)", "true")
    places: dict[str | None, _Patch] = {
        "fence": (postgres_rows, "_LOCK", lock),
        "attempt": (postgres_claims, "_TAKE_OVER", uncounted),
        "doubt": (postgres_claims, "_TAKE_OVER", certain),
        "unsaved": (postgres_writer, "write_saves", _without_steps_in_postgres),
    }
    if bug not in places:
        yield
        return
    with patch.object(*places[bug]):
        yield


async def _without_steps_in_postgres(connection: Any, server: Any, saves: Sequence[Save], **again: bool) -> list[Any]:
    from shared.durable.postgres.rows import write_saves  # noqa: PLC0415 - the driver is optional

    return await write_saves(connection, server, _stepless(saves), **again)


def _stepless(saves: Sequence[Save]) -> list[Save]:
    return [msgspec.structs.replace(save, steps=()) for save in saves]


def _fence() -> list[_Patch]:
    def holds(_self: MemoryTables, _row: Row, _fence: int) -> bool:
        return True

    return [(MemoryTables, "holds", holds)]


def _attempt() -> list[_Patch]:
    uncounted = "UPDATE flow SET in_doubt = 1 WHERE flow_id IN (SELECT value FROM json_each(?))"

    def take_over(_self: MemoryTables, row: Row) -> None:
        row.flow = msgspec.structs.replace(row.flow, in_doubt=True)

    return [(sqlite_claims, "_TAKE_OVER", uncounted), (MemoryTables, "take_over", take_over)]


def _doubt() -> list[_Patch]:
    right = MemoryTables.take_over

    def take_over(self: MemoryTables, row: Row) -> None:
        right(self, row)
        row.flow = msgspec.structs.replace(row.flow, in_doubt=False)

    certain = sqlite_claims._TAKE_OVER.replace("in_doubt = 1", "in_doubt = 0")
    return [(sqlite_claims, "_TAKE_OVER", certain), (MemoryTables, "take_over", take_over)]


def _retry() -> list[_Patch]:
    def late(problem: Problem, attempts: int, parks: int, delays: tuple[float, ...], rest: float) -> Retry | None:
        return retry_schedule.next_try(problem, max(1, attempts - 1), parks, delays, rest)

    return [(attempt, "next_try", late)]


def _park() -> list[_Patch]:
    def costly(problem: Problem, attempts: int, parks: int, delays: tuple[float, ...], rest: float) -> Retry | None:
        retry = retry_schedule.next_try(problem, attempts, parks, delays, rest)
        return retry and retry._replace(attempts=attempts)

    return [(attempt, "next_try", costly)]


def _undo() -> list[_Patch]:
    right = StepSequence._note_undoable

    def note(self: StepSequence, numbered: list[tuple[int, Step[Any]]]) -> None:
        right(self, [one for one in numbered if not self._flow.takeovers or one[0] in self._results])

    return [(StepSequence, "_note_undoable", note)]


def _order() -> list[_Patch]:
    def forward(steps: dict[int, Any], **_: Any) -> list[int]:
        return sorted(steps)

    return [(execution, "sorted", forward)]


def _timer() -> list[_Patch]:
    right = StepSequence.__init__

    def begin(self: StepSequence, *arguments: Any) -> None:
        right(self, *arguments)
        self._due_at.clear()

    return [(StepSequence, "__init__", begin)]


def _signal() -> list[_Patch]:
    def make_due(_self: MemoryTables, row: Row, now: float) -> None:
        row.next_at = None if row.owner is not None else now

    deaf = sqlite_rows._WAKE.replace("woken = owner IS NOT NULL", "woken = 0")
    return [(sqlite_rows, "_WAKE", deaf), (MemoryTables, "make_due", make_due)]


def _wake() -> list[_Patch]:
    right = Execution._close

    async def close(self: Execution, change: Change) -> Change:
        self._parent = None
        return await right(self, change)

    return [(Execution, "_close", close)]


def _child() -> list[_Patch]:
    right = cast("Any", ChildWait).look

    async def look(self: "ChildWait[Any]", outlook: Outlook) -> Came | NotYet:
        if outlook.flow.takeovers:
            self._key = f"{self._key}-{outlook.flow.fence}"
        return await right(self, outlook)

    return [(ChildWait, "look", look)]


def _key() -> list[_Patch]:
    right = attempt.attempt

    async def again(
        seq: int, step: Step[Any], operation: Operation, known: StepRecord | None, context: CallContext, *others: Any
    ) -> tuple[StepRecord, Any]:
        if known is not None and known.attempts and seq > 0:
            flow_id, _, number = str(context.idempotency_key).rpartition("/")
            context = context.replace(idempotency_key=f"{flow_id}/{int(number) + 1000 * known.attempts}")
        return await right(seq, step, operation, known, context, *others)

    return [(step_sequence, "attempt", again)]


def _twice() -> list[_Patch]:
    right = attempt._call

    async def call(*step: Any) -> tuple[bytes, Any]:
        await right(*step)
        return await right(*step)

    return [(attempt, "_call", call)]


def _unsaved() -> list[_Patch]:
    in_sqlite, in_memory = sqlite_rows.write_saves, MemoryTables.save

    def write(connection: Any, saves: Sequence[Save], now: float) -> bool:
        return in_sqlite(connection, _stepless(saves), now)

    def save(self: MemoryTables, save: Save, now: float) -> FenceLost | None:
        return in_memory(self, _stepless([save])[0], now)

    return [(journal_sqlite, "write_saves", write), (MemoryTables, "save", save)]


_DEFECTS: dict[Bug, Callable[[], list[_Patch]]] = {
    "fence": _fence, "attempt": _attempt, "doubt": _doubt, "retry": _retry, "park": _park, "undo": _undo,
    "order": _order, "timer": _timer, "signal": _signal, "wake": _wake, "child": _child, "key": _key,
    "twice": _twice, "unsaved": _unsaved,
}  # fmt: skip
