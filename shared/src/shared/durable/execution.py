"""One worker's run of one flow: forward, or back, and how it ended."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

import msgspec

from shared.binding.problems import InternalFault, Problem
from shared.durable.attempt import fault
from shared.durable.interruptions import CancelRequested, FlowDiverged, GaveUp, Rewound, Stopping, Suspended
from shared.durable.journal import FINAL_STATES, Change, FlowRecord, FlowState, StepRecord
from shared.durable.recorded import decode_problem, encode_problem
from shared.durable.step import Step
from shared.durable.step_sequence import StepSequence

UNDO = "flow.undo"
"""Name under which an undo is recorded that could not even be called."""

_NOT_RUN = "notRun"  # marks why a cancelled flow was given up: once resumed, it is no reason to call it refused

FlowCode = Callable[[], Awaitable[bytes]]
"""A flow's code, ready to run from its beginning; gives the encoded result."""


class Execution:
    """A flow in the hands of a worker, from its claim until it rests or ends.

    Args:
        flow: As claimed, payloads readable.
        steps: Its steps.
    """

    def __init__(self, flow: FlowRecord, steps: StepSequence) -> None:
        self.steps = steps
        self._kind = flow.kind
        self._parent = flow.parent
        self._problem = _own_problem(flow)

    async def carry_on(self, code: FlowCode) -> Change:
        """Run until the flow ends or must rest; when this returns, the change is in the journal.

        Raises:
            Disowned: Another worker has the flow.
            Unrecorded: The journal cannot be written; release the flow once it can.
        """
        self.steps.begin()
        try:
            change = await self._forward_then_back(code)
        except Suspended as rest:
            change = self._resting(rest.after)
        except Stopping:
            change = self._resting(0.0)
        except GaveUp as end:  # while undoing, the flow's own problem stays; the stuck step tells the rest
            change = self._ending("dead", self._problem if self.steps.compensating else end.problem)
        except FlowDiverged as end:
            change = self._ending("dead", InternalFault(f"FlowDiverged: {end}"))
        except asyncio.CancelledError:  # shutdown would not wait for the step
            change = msgspec.structs.replace(self._resting(0.0), in_doubt=True)
        return await self._close(change)

    async def give_up(self, problem: Problem) -> Change:
        """Send the flow to the dead letters without running it; otherwise like `carry_on`."""
        if self.steps.compensating:
            problem.extensions[_NOT_RUN] = True
            problem = self._problem or problem
        return await self._close(self._ending("dead", problem))

    async def _close(self, change: Change) -> Change:
        if self._parent is not None and change.state in FINAL_STATES:
            change = msgspec.structs.replace(change, wakes=self._parent)
        self.steps.log.change(change)
        await self.steps.log.durable()
        return change

    # --- forward -------------------------------------------------------------------------------------

    async def _forward_then_back(self, code: FlowCode) -> Change:
        ending = await self._forward(code)
        if isinstance(ending, bytes) and not self.steps.compensating:
            return Change("completed", result=ending)
        if not self.steps.compensating:
            if isinstance(ending, Problem) and ending.transient:
                raise GaveUp(ending)
            self._problem = ending if isinstance(ending, Problem) else None
            self.steps.compensating = True
            if self.steps.done_undoable:
                self.steps.log.change(self._ending("compensating", self._problem))
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
            ending = fault("flow.fault", error, flow_id=self.steps.flow_id, kind=self._kind)
        # Whatever the code made of an interruption, it stands.
        if self.steps.interruption is None:
            self.steps.end()
        if isinstance(self.steps.interruption, (CancelRequested, Rewound)):
            return None
        if self.steps.interruption is not None:
            raise self.steps.interruption
        return ending

    # --- back ----------------------------------------------------------------------------------------

    async def _compensate(self) -> None:
        for seq in sorted(self.steps.done_undoable, reverse=True):
            undone = self.steps.log.steps.get(-seq)
            if undone is None or undone.state != "succeeded":
                await self.steps.undo(seq, self._undo_of(seq))

    def _undo_of(self, seq: int) -> Step[Any]:
        """The step that undoes step `seq`, made from a fresh copy of its result."""
        done, log = self.steps.done_undoable[seq], self.steps.log
        try:
            step = done.undo and done.undo(done.operation.decode_result(log.steps[seq].outcome))
            if not isinstance(step, Step):
                raise TypeError(f"The undo of step {seq} is not one contract call, so it cannot be durable.")
        except Exception as error:  # noqa: BLE001 - the user's code
            problem, at = fault("flow.undo_fault", error, flow_id=self.steps.flow_id, seq=seq), self.steps.clock()
            log.record(StepRecord(-seq, UNDO, b"{}", "dead", encode_problem(problem), 1, 0, at, at), safe=True)
            raise GaveUp(problem) from None
        return cast("Step[Any]", step)

    # --- rest and end --------------------------------------------------------------------------------

    def _resting(self, after: float) -> Change:
        state = "compensating" if self.steps.compensating else "waiting" if after else "running"
        return msgspec.structs.replace(self._ending(state, self._problem), next_in=after, in_doubt=self.steps.in_doubt)

    def _ending(self, state: FlowState, problem: Problem | None) -> Change:
        encoded = encode_problem(problem) if problem else None
        return Change(state, problem=encoded, compensating=self.steps.compensating)


def _own_problem(flow: FlowRecord) -> Problem | None:
    """What the flow was refused for, when it is undoing that."""
    if not flow.compensating or flow.problem is None:
        return None
    problem = decode_problem(flow.problem)
    return None if problem.extensions.get(_NOT_RUN) else problem
