"""A flow as a long-running operation of an API: submit and wait as long as the caller wants, look, cancel."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Generic, TypedDict, TypeVar

from shared.binding.call_context import current_context
from shared.binding.problems import Conflict, NotFound, Problem, ProblemDetails
from shared.contracts.process.flow_operations import FlowNotFound
from shared.contracts.process.progress import FlowState, TimelineEntry
from shared.durable.flow import Flow
from shared.durable.flow_view import FlowView
from shared.durable.outcomes import Outcomes
from shared.durable.runner import FlowHandle, FlowRunner

_Request = TypeVar("_Request")
_Result = TypeVar("_Result")

DEFAULT_WAIT_SECONDS = 10.0
_INTERNAL = "flow."  # what the engine records for itself, such as the time a flow was told


class LongRunning(Generic[_Request, _Result]):
    """One kind of flow as a Process API offers it; other flows in the same journal do not exist here.

    Args:
        flows: Runs it.
        flow_type: Which.
        noun: What its callers call it, `order`; a refusal carries its id as `orderId`.
        missing: The problem for an id that no such flow has.
        default_wait: Seconds for which a submission waits when its caller does not say (`Prefer: wait`).
    """

    def __init__(
        self,
        flows: FlowRunner,
        flow_type: type[Flow[_Request, _Result]],
        noun: str,
        missing: Callable[[str], NotFound],
        default_wait: float = DEFAULT_WAIT_SECONDS,
    ) -> None:
        self._flows = flows
        self._flow_type = flow_type
        self._noun = noun
        self._missing = missing
        self._default_wait = default_wait

    async def submit(self, key: str, request: _Request, *, first_stands: bool = False) -> FlowView[_Result]:
        """Start the flow of a business key, or find it; as it stands when it ends or the wait is over.

        Args:
            key: See `FlowRunner.submit`.
            request: What the flow takes.
            first_stands: A further request under the key that differs is answered with the first's flow.

        Raises:
            Problem: What the flow was refused with.
            Conflict: The key stands for another request, unless `first_stands`.
        """
        wait = current_context().wait
        handle = await self._submitted(key, request, first_stands=first_stands)
        view = await handle.result(self._default_wait if wait is None else wait)
        if view.state == "refused" and view.problem is not None:
            refusal = Problem.from_details(view.problem)
            refusal.extensions[f"{self._noun}Id"] = view.flow_id
            raise refusal
        return view

    async def view(self, flow_id: str) -> FlowView[_Result]:
        """The flow as it stands; raises `missing`."""
        try:
            view = await self._flows.view(flow_id)
        except FlowNotFound:
            raise self._missing(flow_id) from None
        if not self._is_mine(view):
            raise self._missing(flow_id)
        return view

    async def latest(self, key: str) -> FlowView[_Result]:
        """The flow that a business key stands for now; raises `missing`."""
        known = await self._flows.latest(key)
        if known is None:
            raise self._missing(key)
        return await self.view(known.flow_id)

    async def outcomes(self, flow_id: str) -> Outcomes:
        """What the flow's steps came to so far; raises `missing`."""
        await self.view(flow_id)
        return await self._flows.outcomes(flow_id)

    async def send(self, flow_id: str, name: str, payload: Any, *, key: str = "") -> bool:
        """Send the flow a signal, of which the first of a name, or of a name and `key`, stands; False for a repeat.

        Raises:
            NotFound: `missing`.
            FlowHasEnded: It takes no more signals.
        """
        await self.view(flow_id)
        return await self._flows.signal(flow_id, name, payload, key=key or name)

    async def cancel(self, flow_id: str) -> FlowView[_Result]:
        """Stop the flow at its next step and undo it; raises `missing`, and FlowHasEnded when it is too late."""
        await self.view(flow_id)
        return await self._flows.cancel(flow_id)

    async def retire(self, flow_id: str, reason: str) -> FlowView[_Result]:
        """What the flow did has been taken back; raises `missing`, and FlowNotCompleted. See `FlowRunner.retire`."""
        await self.view(flow_id)
        principal = current_context().principal
        return await self._flows.retire(flow_id, by=principal.subject if principal else "", reason=reason)

    async def _submitted(self, key: str, request: _Request, *, first_stands: bool) -> FlowHandle[_Result]:
        try:
            return await self._flows.submit(self._flow_type, key, request)
        except Conflict:
            known = await self._flows.latest(key) if first_stands else None
            if known is None or not self._is_mine(await self._flows.view(known.flow_id)):
                raise
            return known

    def _is_mine(self, view: FlowView[Any]) -> bool:
        return view.kind.partition("@")[0] == self._flow_type.name


class ProgressFields(TypedDict):
    """The fields of `FlowProgress`."""

    state: FlowState
    created: datetime
    updated: datetime
    correlation_id: str
    problem: ProblemDetails | None
    timeline: list[TimelineEntry]


def progress_of(view: FlowView[Any]) -> ProgressFields:
    """What a flow tells of itself, whatever it is about; steps of the engine's own left out.

    One that was retired is cancelled in the words of its callers, with what it had come to as its result.
    """
    return ProgressFields(
        state="cancelled" if view.state == "retired" else view.state,
        created=view.created,
        updated=view.updated,
        correlation_id=view.correlation_id,
        problem=view.problem,
        timeline=[
            TimelineEntry(
                step=entry.step,
                state=entry.state,
                started=entry.started,
                finished=entry.finished,
                duration_ms=entry.duration_ms,
                attempts=entry.attempts,
                detail=entry.detail,
            )
            for entry in view.timeline
            if not entry.step.startswith(_INTERNAL)
        ],
    )
