"""One worker's run of one flow: replay what is recorded, do what is not, undo what must be undone."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar, cast

import msgspec

from shared.binding.call_context import CallContext
from shared.binding.problems import InternalFault, Problem, ProblemDetails
from shared.durable.attempt import StepExecutor, attempt, fault
from shared.durable.flow_log import FlowLog
from shared.durable.interruptions import (
    CancelRequested,
    FlowDiverged,
    FlowInterrupted,
    GaveUp,
    Rewound,
    Stopping,
    Suspended,
)  # fmt: skip
from shared.durable.journal import Change, FlowRecord, StepRecord
from shared.durable.step import Step

_T = TypeVar("_T")

NOW = "flow.now"
"""Name under which `Flow.now` is recorded."""

UNDO = "flow.undo"
"""Name under which an undo is recorded that could not even be called."""

_DUE = 0.02  # seconds: the two clocks (loop and journal) need not agree better
_SETTLED = frozenset({"succeeded", "refused"})
_problem_decoder = msgspec.json.Decoder(ProblemDetails)
_time_decoder = msgspec.json.Decoder(datetime)


FlowCode = Callable[[], Awaitable[bytes]]
"""A flow's code, ready to run from its beginning; gives the encoded result."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What executions need from the worker.

    Attributes:
        execute: Performs a step.
        clock: Unix seconds for timelines.
        delays: Seconds between the attempts at a step.
        step_timeout: Seconds for one attempt, unless the operation names its own.
    """

    execute: StepExecutor
    clock: Callable[[], float]
    delays: tuple[float, ...]
    step_timeout: float


def encode_problem(problem: Problem) -> bytes:
    """A problem as the journal keeps it."""
    return msgspec.json.encode(problem.details())


def decode_problem(encoded: bytes) -> Problem:
    """The inverse of `encode_problem`."""
    return Problem.from_details(_problem_decoder.decode(encoded))


class Execution:
    """A flow in the hands of a worker, from its claim until it rests or ends.

    Attributes:
        flow_id: Also the stem of every idempotency key.
        context: Of the submission; steps derive theirs from it.
        cancel_requested: Set it to stop the flow at its next step boundary and undo it.
        stopping: Set it to release the flow at its next step boundary.
        under_way: Steps being attempted now: operation and Unix seconds of the begin, by number.
    """

    def __init__(self, flow: FlowRecord, log: FlowLog, context: CallContext, around: Surroundings) -> None:
        self.flow_id = flow.flow_id
        self.context = context
        self.log = log
        self.cancel_requested = flow.cancel_requested
        self.stopping = False
        self.under_way: dict[int, tuple[str, float]] = {}
        self._kind = flow.kind
        self._around = around
        self._compensating = flow.compensating
        self._in_doubt = flow.in_doubt
        self._problem = decode_problem(flow.problem) if flow.compensating and flow.problem else None
        self._task: asyncio.Task[Any] | None = None
        self._seq = 0
        self._undos: dict[int, Callable[[], Any]] = {}
        self._results: dict[int, Any] = {}
        self._interruption: FlowInterrupted | None = None
        began = time.monotonic()
        self._due_at = {s.seq: began + s.retry_in for s in log.steps.values() if s.retry_in is not None}

    # --- what flow code calls ------------------------------------------------------------------------

    def now(self) -> datetime:
        """The time, recorded as a step of its own."""
        seq = self._next()
        known = self.log.steps.get(seq)
        if known is None:
            if self._compensating:
                raise self._interrupt(Rewound())
            at = self._around.clock()
            encoded = msgspec.json.encode(datetime.fromtimestamp(at, UTC))
            known = StepRecord(seq, NOW, b"{}", "succeeded", encoded, 1, 0, at, at)
            self.log.record(known, safe=True)
        elif known.operation != NOW:
            raise self._interrupt(FlowDiverged(seq, known.operation, NOW))
        return _time_decoder.decode(known.outcome)

    async def settle(self, step: Step[_T]) -> _T:
        """The result of one step; raises its problem."""
        return (await self.settle_all([step]))[0]

    async def settle_all(self, steps: Sequence[Step[Any]]) -> tuple[Any, ...]:
        """The results of steps run side by side; raises the first refusal once all have ended."""
        numbered = [self._number(step) for step in steps]
        pending = [(seq, step) for seq, step in numbered if not self._is_settled(seq, step)]
        self._register_undos(numbered)
        if pending:
            self._at_boundary(pending)
            await self._attempt_due(pending)
            self._in_doubt = False
            self._register_undos(pending)
            self._rest_if_unsettled(numbered)
        return self._deliver(numbered)

    # --- what the worker calls -----------------------------------------------------------------------

    async def carry_on(self, code: FlowCode) -> Change:
        """Run until the flow ends or must rest; when this returns, the change is in the journal.

        Raises:
            Disowned: Another worker has the flow.
            Unrecorded: The journal cannot be written; release the flow once it can.
        """
        self._task = asyncio.current_task()
        try:
            change = await self._forward_then_back(code)
        except Suspended as rest:
            change = self._resting(rest.after)
        except Stopping:
            change = self._resting(0.0)
        except GaveUp as end:  # while undoing, the flow's own problem stays; the stuck step tells the rest
            change = self._ending("dead", self._problem if self._compensating else end.problem)
        except FlowDiverged as end:
            change = self._ending("dead", InternalFault(f"FlowDiverged: {end}"))
        except asyncio.CancelledError:  # shutdown would not wait for the step
            change = msgspec.structs.replace(self._resting(0.0), in_doubt=True)
        return await self._close(change)

    async def give_up(self, problem: Problem) -> Change:
        """Send the flow to the dead letters without running it; otherwise like `carry_on`."""
        return await self._close(self._ending("dead", self._problem if self._compensating else problem))

    async def _close(self, change: Change) -> Change:
        self.log.change(change)
        await self.log.durable()
        return change

    # --- forward -------------------------------------------------------------------------------------

    async def _forward_then_back(self, code: FlowCode) -> Change:
        ending = await self._forward(code)
        if isinstance(ending, bytes) and not self._compensating:
            return Change("completed", result=ending)
        if not self._compensating:
            if isinstance(ending, Problem) and ending.transient:
                raise GaveUp(ending)
            self._problem = ending if isinstance(ending, Problem) else None
            self._compensating = True
            if self._undos:
                self.log.change(self._ending("compensating", self._problem))
        await self._compensate()
        return self._ending("refused" if self._problem else "cancelled", self._problem)

    async def _forward(self, code: FlowCode) -> bytes | Problem | None:
        """Run the flow's code: an encoded result, the problem it ended with, None when it was stopped."""
        ending: bytes | Problem | None
        try:
            ending = await code()
        except Problem as problem:
            ending = problem
        except (CancelRequested, Rewound):
            ending = None
        except Exception as error:  # noqa: BLE001 - flow code is the user's; whatever it raises ends the flow
            ending = fault("flow.fault", error, flow_id=self.flow_id, kind=self._kind)
        # Whatever the code made of an interruption, it stands.
        if self._interruption is None:
            self._expect_no_more_steps()
        if isinstance(self._interruption, (CancelRequested, Rewound)):
            return None
        if self._interruption is not None:
            raise self._interruption
        return ending

    def _expect_no_more_steps(self) -> None:
        missed = self.log.steps.get(self._seq + 1)
        if missed is not None and not self._compensating:
            raise FlowDiverged(missed.seq, missed.operation, "nothing: it has ended")

    # --- steps ---------------------------------------------------------------------------------------

    def _next(self) -> int:
        if self._interruption is not None:
            raise self._interruption
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
        if (known.operation, known.arguments) != (step.operation.qualified_name, step.arguments):
            expected, came = _difference(known, step)
            raise self._interrupt(FlowDiverged(seq, expected, came))
        return known.state in _SETTLED

    def _at_boundary(self, pending: list[tuple[int, Step[Any]]]) -> None:
        if self._compensating:
            raise self._interrupt(Rewound())
        if self.stopping:
            raise self._interrupt(Stopping())
        if self.cancel_requested and not any(self._may_have_happened(*one) for one in pending):
            raise self._interrupt(CancelRequested())

    def _may_have_happened(self, seq: int, step: Step[Any]) -> bool:
        """True for a step that would have to be undone, were it known whether it took effect."""
        known = self.log.steps.get(seq)
        return step.undo is not None and (self._in_doubt or (known is not None and known.attempts > 0))

    async def _attempt_due(self, pending: list[tuple[int, Step[Any]]]) -> None:
        due = [(seq, step) for seq, step in pending if self._seconds_left(seq) <= _DUE]
        if not all(step.operation.safe for _, step in due):
            await self._durable()
        if len(due) == 1:
            await self._attempt(*due[0])
            return
        async with asyncio.TaskGroup() as group:
            for seq, step in due:
                group.create_task(self._attempt(seq, step))

    async def _attempt(self, seq: int, step: Step[Any]) -> None:
        key = f"{self.flow_id}/{seq}" if seq > 0 else f"{self.flow_id}/{-seq}/undo"
        around = self._around
        context = self.context.replace(
            idempotency_key=key, deadline=time.monotonic() + (step.operation.route.timeout or around.step_timeout)
        )
        delays = around.delays if step.delays is None else step.delays
        self.under_way[seq] = step.operation.qualified_name, around.clock()
        try:
            record, result = await attempt(
                seq, step, self.log.steps.get(seq), context, around.execute, around.clock, delays, self._kind
            )
        finally:
            del self.under_way[seq]
        if record.state == "succeeded":
            self._results[seq] = result
        elif record.retry_in is not None:
            self._due_at[seq] = time.monotonic() + record.retry_in
        self.log.record(record, safe=step.operation.safe)

    async def _durable(self) -> None:
        try:
            await self.log.durable()
        except FlowInterrupted as interruption:
            raise self._interrupt(interruption) from None

    def _seconds_left(self, seq: int) -> float:
        return self._due_at.get(seq, 0.0) - time.monotonic()

    def _rest_if_unsettled(self, numbered: list[tuple[int, Step[Any]]]) -> None:
        records = [self.log.steps[seq] for seq, _ in numbered]
        unsettled = [(seq, step) for seq, step in numbered if self.log.steps[seq].state not in _SETTLED]
        if not unsettled:
            return
        if any(r.state == "refused" for r in records) and all(step.undo is None for _, step in unsettled):
            # The flow is refused whatever becomes of these, and nothing of them could be undone.
            for seq, _ in unsettled:
                self.log.record(msgspec.structs.replace(self.log.steps[seq], state="refused", retry_in=None), safe=True)
            return
        raise self._interrupt(self._why_unsettled([seq for seq, _ in unsettled]))

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
        if problems:
            raise next((problem for problem in problems if not problem.transient), problems[0])
        return tuple(results)

    # --- back ----------------------------------------------------------------------------------------

    def _register_undos(self, numbered: list[tuple[int, Step[Any]]]) -> None:
        for seq, step in numbered:
            record = self.log.steps.get(seq)
            if step.undo is not None and record is not None and record.state == "succeeded":
                self._undos[seq] = partial(_undo_from, step, record.outcome)

    async def _compensate(self) -> None:
        for seq in sorted(self._undos, reverse=True):
            known = self.log.steps.get(-seq)
            if known is None or known.state != "succeeded":
                await self._undo(-seq, self._undo_step(seq))

    def _undo_step(self, seq: int) -> Step[Any]:
        try:
            step = self._undos[seq]()
            if not isinstance(step, Step):
                raise TypeError(f"The undo of step {seq} is not one contract call, so it cannot be durable.")
        except Exception as error:  # noqa: BLE001 - the user's code
            problem, at = fault("flow.undo_fault", error, flow_id=self.flow_id, seq=seq), self._around.clock()
            self.log.record(StepRecord(-seq, UNDO, b"{}", "dead", encode_problem(problem), 1, 0, at, at), safe=True)
            raise GaveUp(problem) from None
        return cast("Step[Any]", step)

    async def _undo(self, seq: int, step: Step[Any]) -> None:
        if self.stopping:
            raise Stopping
        await self._attempt_due([(seq, step)])
        record = self.log.steps[seq]
        if record.state == "refused":
            raise GaveUp(decode_problem(record.outcome))
        if record.state != "succeeded":
            raise self._why_unsettled([seq])

    # --- rest and end --------------------------------------------------------------------------------

    def _interrupt(self, interruption: FlowInterrupted) -> FlowInterrupted:
        self._interruption = interruption
        return interruption

    def _resting(self, after: float) -> Change:
        state = "compensating" if self._compensating else "waiting" if after else "running"
        return msgspec.structs.replace(self._ending(state, self._problem), next_in=after)

    def _ending(self, state: Any, problem: Problem | None) -> Change:
        encoded = encode_problem(problem) if problem else None
        return Change(state, problem=encoded, compensating=self._compensating)


def _undo_from(step: Step[Any], outcome: bytes) -> Any:
    """The step that undoes `step`, made from a fresh copy of its result."""
    return step.undo(step.operation.decode_result(outcome)) if step.undo else None


def _difference(known: StepRecord, step: Step[Any]) -> tuple[str, str]:
    """What was recorded and what came, without quoting arguments: they may hold personal details."""
    if known.operation != step.operation.qualified_name:
        return known.operation, step.operation.qualified_name
    return f"{known.operation} with other arguments", f"it with {len(step.arguments)} bytes of new ones"
