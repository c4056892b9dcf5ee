"""The numbered steps of one run: replayed when recorded, attempted when not, side by side when asked."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from shared.binding.call_context import CallContext
from shared.binding.operation import Operation
from shared.binding.problems import Problem
from shared.durable.attempt import StepExecutor, attempt
from shared.durable.flow_log import FlowLog
from shared.durable.interruptions import (
    CancelRequested,
    FlowDiverged,
    FlowInterrupted,
    GaveUp,
    Rewound,
    Stopping,
    Suspended,
    Unrecorded,
)
from shared.durable.journal import FlowRecord, JournalUnavailable, StepRecord
from shared.durable.parking import Parking
from shared.durable.publication import PUBLISH, publication_of
from shared.durable.recorded import decode_problem, difference, may_change, seen
from shared.durable.step import Step, Wait
from shared.durable.waits import ChildEnded, ChildWait, Look, Neighbours, Outlook, SignalWait, taken_signal

_T = TypeVar("_T")

NOW = "flow.now"
"""Name under which `Flow.now` is recorded."""

_DUE = 0.02  # seconds: the two clocks (loop and journal) need not agree better
_SETTLED = frozenset({"succeeded", "refused"})
_time_decoder = msgspec.json.Decoder(datetime)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What runs of flows need from their worker.

    Attributes:
        execute: Performs a step.
        clock: Unix seconds for timelines.
        delays: Seconds between the attempts at a step.
        step_timeout: Seconds for one attempt, unless the operation names its own.
        neighbours: Other flows, and signals.
        parking: Told which steps an open circuit put off, and which got through.
    """

    execute: StepExecutor
    clock: Callable[[], float]
    delays: tuple[float, ...]
    step_timeout: float
    neighbours: Neighbours
    parking: Parking


class StepSequence:
    """The steps of one run of a flow, in the order its code awaits them.

    Attributes:
        flow_id: Also the stem of every idempotency key.
        context: Of the submission; steps derive theirs from it.
        log: What is recorded.
        cancel_requested: Set it to stop the flow at its next step boundary and undo it.
        stopping: Set it to release the flow at its next step boundary.
        in_doubt: A step may have happened without being recorded, and nobody has asked again yet.
        compensating: Set once the flow only undoes: replay ends where the record does.
        under_way: Steps being attempted now: operation and Unix seconds of the begin, by number.
        done_undoable: Steps that happened and can be undone, by number.
        clock: Unix seconds for timelines.
        interruption: Why the flow was stopped; stands whatever its code makes of it.
        reached: The steps at which a replay that may attempt none came to its end.
    """

    def __init__(self, flow: FlowRecord, log: FlowLog, context: CallContext, around: Surroundings) -> None:
        self.flow_id = flow.flow_id
        self.context = context
        self.log = log
        self.cancel_requested = flow.cancel_requested
        self.stopping = False
        self.compensating = flow.compensating
        self.in_doubt = flow.in_doubt
        self.under_way: dict[int, tuple[str, float]] = {}
        self.done_undoable: dict[int, Step[Any]] = {}
        self.interruption: FlowInterrupted | None = None
        self.reached: list[Step[Any]] = []
        self.clock = around.clock
        self._flow = flow
        self._around = around
        self._task: asyncio.Task[Any] | None = None
        self._seq = 0
        self._results: dict[int, Any] = {}
        began = time.monotonic()
        self._due_at = {s.seq: began + s.retry_in for s in log.steps.values() if s.retry_in is not None}
        self._taken = {
            taken_signal(s.arguments, s.outcome)
            for s in log.steps.values()
            if s.operation == SignalWait.qualified_name and s.state == "succeeded"
        }

    # --- what flow code calls ------------------------------------------------------------------------

    def now(self) -> datetime:
        """The time, recorded as a step of its own."""
        seq = self._next()
        known = self.log.steps.get(seq)
        if known is None:
            if self.compensating:
                raise self._interrupt(Rewound())
            at = self._around.clock()
            encoded = msgspec.json.encode(datetime.fromtimestamp(at, UTC))
            known = StepRecord(seq, NOW, b"{}", "succeeded", encoded, 1, 0, at, at)
            self.log.record(known, safe=True)
        elif known.operation != NOW:
            raise self._interrupt(FlowDiverged(seq, known.operation, NOW))
        return _time_decoder.decode(known.outcome)

    def publish(self, event: msgspec.Struct) -> None:
        """Write an event into the outbox, together with a step of its own."""
        seq, said = self._next(), publication_of(event)
        known = self.log.steps.get(seq)
        if known is None:
            if self.compensating:
                raise self._interrupt(Rewound())
            at = self._around.clock()
            self.log.record(said.step(seq, at), safe=True, event=said.row(seq, at, self._flow, self.context))
        elif known.operation != PUBLISH:
            raise self._interrupt(FlowDiverged(seq, known.operation, PUBLISH))
        elif known.arguments != said.arguments():
            raise self._interrupt(FlowDiverged(seq, PUBLISH, f"it with another {said.type}"))

    async def settle(self, step: Step[_T]) -> _T:
        """The result of one step; raises its problem."""
        return (await self.settle_all([step]))[0]

    async def settle_all(self, steps: Sequence[Step[Any]]) -> tuple[Any, ...]:
        """The results of steps run side by side; raises the first refusal once all have ended."""
        numbered = [self._number(step) for step in steps]
        pending = [(seq, step) for seq, step in numbered if not self._is_settled(seq, step)]
        self._note_undoable(numbered)
        if pending:
            self._at_boundary(pending)
            await self._attempt_due(pending)
            if self.interruption is not None:
                raise self.interruption
            # A step that an open circuit put off was not asked about: what a lost worker may have done stays in doubt.
            self.in_doubt = self.in_doubt and any(self.log.steps[seq].attempts == 0 for seq, _ in pending)
            self._note_undoable(pending)
            await self._rest_if_unsettled(numbered)
        return self._deliver(numbered)

    # --- what the run calls ----------------------------------------------------------------------------

    def begin(self) -> None:
        """From now on the current task is the flow's own."""
        self._task = asyncio.current_task()

    def end(self) -> None:
        """The flow's code has ended; raises FlowDiverged when the record says it had gone further."""
        missed = self.log.steps.get(self._seq + 1)
        if missed is not None and not self.compensating:
            raise FlowDiverged(missed.seq, missed.operation, "nothing: it has ended")

    async def undo(self, seq: int, step: Step[Any]) -> None:
        """Attempt the step that undoes step `seq`; raises why it is not done yet."""
        if self.stopping:
            raise Stopping
        await self._attempt_due([(-seq, step)])
        record = self.log.steps[-seq]
        if record.state == "refused":
            raise GaveUp(decode_problem(record.outcome))
        if record.state != "succeeded":
            raise self._why_unsettled([-seq])

    # --- inside ----------------------------------------------------------------------------------------

    def _next(self) -> int:
        if self.interruption is not None:
            raise self.interruption
        if asyncio.current_task() is not self._task:
            raise TypeError("A flow's steps are awaited in its own task; run several with self.together(...).")
        self._seq += 1
        return self._seq

    def _number(self, step: Step[Any]) -> tuple[int, Step[Any]]:
        if step.awaited:
            raise TypeError(f"This call of {step.operation.qualified_name} was awaited before; call it again.")
        step.awaited = True
        return self._next(), step

    def _is_settled(self, seq: int, step: Step[Any]) -> bool:
        known = self.log.steps.get(seq)
        if known is None:
            return False
        same = known.operation == step.operation.qualified_name
        if not same or (known.arguments != step.arguments and not may_change(known)):
            expected, came = difference(known, step)
            raise self._interrupt(FlowDiverged(seq, expected, came))
        return known.state in _SETTLED

    def _at_boundary(self, pending: list[tuple[int, Step[Any]]]) -> None:
        if self.compensating:
            self.reached = [step for _, step in pending]
            raise self._interrupt(Rewound())
        if self.stopping:
            raise self._interrupt(Stopping())
        if self.cancel_requested and not any(self._may_have_happened(*one) for one in pending):
            raise self._interrupt(CancelRequested())

    def _may_have_happened(self, seq: int, step: Step[Any]) -> bool:
        """True for a step that would have to be undone, were it known whether it took effect."""
        known = self.log.steps.get(seq)
        undoable = step.undo is not None or isinstance(step.operation, ChildWait)
        return undoable and (self.in_doubt or (known is not None and known.attempts > 0))

    async def _attempt_due(self, pending: list[tuple[int, Step[Any]]]) -> None:
        due = [one for one in pending if self._is_due(*one)]
        if not all(step.operation.safe for _, step in due):
            await self._durable()
        if len(due) == 1:
            await self._attempt(*due[0])
            return
        async with asyncio.TaskGroup() as group:
            for seq, step in due:
                group.create_task(self._attempt(seq, step))

    def _is_due(self, seq: int, step: Step[Any]) -> bool:
        """A step that was given up stays so until an operator resumes the flow, also if the flow's end was lost."""
        known = self.log.steps.get(seq)
        if known is not None and (known.state == "dead" or (seq < 0 and known.state == "refused")):
            return False
        return isinstance(step.operation, Wait) or self._seconds_left(seq) <= _DUE

    async def _attempt(self, seq: int, step: Step[Any]) -> None:
        if isinstance(step.operation, Look):
            await self._look(seq, step, step.operation)
        elif isinstance(step.operation, Operation):
            await self._call(seq, step, step.operation)

    async def _look(self, seq: int, step: Step[Any], wait: Look) -> None:
        known, at = self.log.steps.get(seq), self._around.clock()
        left = None if known is None or known.retry_in is None else self._seconds_left(seq)
        left = 0.0 if left is not None and left <= _DUE else left
        outlook = Outlook(
            self._flow, self.context, self._around.neighbours, at, left, self._taken, self.cancel_requested
        )  # fmt: skip
        try:
            state, outcome, after = await seen(wait, outlook)
        except JournalUnavailable as problem:  # not raised here, where other steps may be under way beside this one
            self._interrupt(Unrecorded(problem))
            return
        if known is not None and left and after == left:
            return  # it waits as recorded
        first = known.started_at if known else at
        if after is not None:
            self._due_at[seq] = time.monotonic() + after
        record = StepRecord(seq, wait.qualified_name, step.arguments, state, outcome, 1, 0, first, at, after)
        self.log.record(record, safe=wait.safe)

    async def _call(self, seq: int, step: Step[Any], operation: Operation) -> None:
        key = f"{self.flow_id}/{seq}" if seq > 0 else f"{self.flow_id}/{-seq}/undo"
        around = self._around
        context = self.context.replace(
            idempotency_key=key, deadline=time.monotonic() + (operation.route.timeout or around.step_timeout)
        )
        delays = around.delays if step.delays is None else step.delays
        known = self.log.steps.get(seq)
        self.under_way[seq] = operation.qualified_name, around.clock()
        try:
            record, result = await attempt(
                seq,
                step,
                operation,
                known,
                context,
                around.execute,
                around.clock,
                delays,
                self._flow.kind,
            )
        finally:
            del self.under_way[seq]
        if record.state == "succeeded":
            self._results[seq] = result
        elif record.retry_in is not None:
            self._due_at[seq] = time.monotonic() + record.retry_in
        self.log.record(record, safe=operation.safe)
        self._tell_parking(operation, record, was_parked=known is not None and known.parks > 0)

    def _tell_parking(self, operation: Operation, record: StepRecord, *, was_parked: bool) -> None:
        contract = operation.qualified_name.partition(".")[0]
        if record.parks:
            self._around.parking.refused(contract, decode_problem(record.outcome).retry_after)
        elif record.state in _SETTLED:
            self._around.parking.passed(contract, was_parked=was_parked)

    async def _durable(self) -> None:
        try:
            await self.log.durable()
        except FlowInterrupted as interruption:
            raise self._interrupt(interruption) from None

    def _seconds_left(self, seq: int) -> float:
        return self._due_at.get(seq, 0.0) - time.monotonic()

    async def _rest_if_unsettled(self, numbered: list[tuple[int, Step[Any]]]) -> None:
        records = [self.log.steps[seq] for seq, _ in numbered]
        unsettled = [(seq, step) for seq, step in numbered if self.log.steps[seq].state not in _SETTLED]
        if not unsettled:
            return
        refused = any(record.state == "refused" for record in records)
        operations: list[Any] = [step.operation for _, step in unsettled]
        children: list[ChildWait[Any]] = [each for each in operations if isinstance(each, ChildWait)]
        if refused and children:
            await self._stop_children(children)
        elif refused and all(step.undo is None for _, step in unsettled):
            # The flow is refused whatever becomes of these, and nothing of them could be undone.
            for seq, _ in unsettled:
                self.log.record(msgspec.structs.replace(self.log.steps[seq], state="refused", retry_in=None), safe=True)
            return
        raise self._interrupt(self._why_unsettled([seq for seq, _ in unsettled]))

    async def _stop_children(self, children: "list[ChildWait[Any]]") -> None:
        """The flow is refused, so what its children do has to be undone; it hears of their end."""
        try:
            for child in children:
                await self._around.neighbours.cancel(child.flow_id(self.flow_id))
        except JournalUnavailable as problem:
            raise self._interrupt(Unrecorded(problem)) from None

    def _why_unsettled(self, seqs: list[int]) -> FlowInterrupted:
        for seq in seqs:
            if self.log.steps[seq].state == "dead":
                return GaveUp(decode_problem(self.log.steps[seq].outcome))
        return Suspended(max(0.0, min(self._seconds_left(seq) for seq in seqs)))

    def _deliver(self, numbered: list[tuple[int, Step[Any]]]) -> tuple[Any, ...]:
        results: list[Any] = []
        problems: list[Problem] = []
        for seq, step in numbered:
            record = self.log.steps[seq]
            if record.state == "refused":
                problems.append(decode_problem(record.outcome))
            elif seq in self._results:
                results.append(self._results.pop(seq))
            else:
                results.append(step.operation.decode_result(record.outcome))
        if self.cancel_requested and any(isinstance(problem, ChildEnded) for problem in problems):
            raise self._interrupt(CancelRequested())
        if problems:
            raise next((problem for problem in problems if not problem.transient), problems[0])
        return tuple(results)

    def _note_undoable(self, numbered: list[tuple[int, Step[Any]]]) -> None:
        for seq, step in numbered:
            record = self.log.steps.get(seq)
            if step.undo is not None and record is not None and record.state == "succeeded":
                self.done_undoable[seq] = step

    def _interrupt(self, interruption: FlowInterrupted) -> FlowInterrupted:
        self.interruption = interruption
        return interruption
