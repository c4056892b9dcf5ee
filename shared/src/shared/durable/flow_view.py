"""What people see of a flow: its state, its outcome and its timeline."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Generic, Literal, TypeVar

import msgspec

from shared.binding.call_context import CallContext
from shared.binding.problems import ProblemDetails
from shared.durable.journal import FINAL_STATES, Claim, FlowRecord, FlowState, StepRecord

_T = TypeVar("_T")

EntryState = Literal["running", "done", "failed", "waiting", "undone"]

_problem = msgspec.json.Decoder(ProblemDetails)


class TimelineEntry(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One step as it went.

    Attributes:
        seq: The step's number; the negative of it for the step that undid it.
        step: Qualified operation name, `erp.create_order`.
        state: undone: it was done, and undone since.
        started: When it was first attempted.
        finished: When the last attempt ended.
        duration_ms: From the one to the other, waits included.
        attempts: How often it was tried.
        detail: Why the last attempt failed.
        next_attempt: When a waiting step is tried again.
    """

    seq: int
    step: str
    state: EntryState
    started: datetime
    finished: datetime | None = None
    duration_ms: float | None = None
    attempts: int = 1
    detail: str = ""
    next_attempt: datetime | None = None


class FlowView(msgspec.Struct, Generic[_T], frozen=True, rename="camel", omit_defaults=True):
    """A flow at one moment.

    Attributes:
        flow_id: The business key, with `.2`, `.3`, … for later attempts.
        key: The business key.
        attempt: 1, 2, ….
        kind: Name and version, `quote-to-order@1`.
        state: See `FlowState`.
        result: What the flow returned, once completed.
        problem: Why it was refused, or what stopped it.
        timeline: Its steps in the order they began; empty in lists.
        cancel_requested: Somebody asked to stop it.
        parent: The flow that awaits this one's end.
        archive: The file that holds it; empty while the journal does.
    """

    flow_id: str
    key: str
    attempt: int
    kind: str
    state: FlowState
    created: datetime
    updated: datetime
    correlation_id: str = ""
    trace_id: str = ""
    result: _T | None = None
    problem: ProblemDetails | None = None
    timeline: list[TimelineEntry] = []
    cancel_requested: bool = False
    parent: str | None = None
    archive: str = ""

    @property
    def ended(self) -> bool:
        """True once nothing more happens by itself."""
        return self.state in FINAL_STATES


def moment(at: float) -> datetime:
    """Unix seconds as a UTC datetime."""
    return datetime.fromtimestamp(at, UTC)


def file_of(place: str | None) -> str:
    """The archive file of a place, `FlowRecord.archive`."""
    return "" if place is None else place.rpartition(":")[0]


def flow_view(
    claim: Claim, context: CallContext, result: Any, now: float, under_way: Mapping[int, tuple[str, float]]
) -> FlowView[Any]:
    """Show a flow whose payloads are open.

    Args:
        claim: The flow and its steps.
        context: Its decoded call context.
        result: Its decoded result, if it has one.
        now: Unix seconds.
        under_way: Operation and begin of the steps being attempted now, by number.
    """
    flow = claim.flow
    timeline = [_running(seq, *begun) for seq, begun in under_way.items()]
    undone = {-step.seq for step in claim.steps if step.seq < 0 and step.state == "succeeded"}
    return FlowView(
        flow_id=flow.flow_id,
        key=flow.key,
        attempt=flow.attempt,
        kind=flow.kind,
        state=flow.state,
        created=moment(flow.created_at),
        updated=moment(flow.updated_at),
        correlation_id=context.correlation_id,
        trace_id=context.trace_id,
        result=result,
        problem=_problem_of(flow, claim.steps),
        timeline=[_entry(s, s.seq in undone, now) for s in claim.steps if s.seq not in under_way] + timeline,
        cancel_requested=flow.cancel_requested,
        parent=flow.parent,
        archive=file_of(flow.archive),
    )


def _problem_of(flow: FlowRecord, steps: tuple[StepRecord, ...]) -> ProblemDetails | None:
    """A flow that died undoing keeps the refusal it was undoing; what stopped it is the undo's problem."""
    if flow.state == "dead" and flow.compensating:
        for step in steps:
            if step.seq < 0 and step.state in ("dead", "refused"):
                return _problem.decode(step.outcome)
    return _problem.decode(flow.problem) if flow.problem else None


def _detail(step: StepRecord) -> str:
    """Why the last attempt failed; a wait that waits has none."""
    return "" if step.state == "succeeded" or not step.outcome else _problem.decode(step.outcome).detail


def _running(seq: int, step: str, began: float) -> TimelineEntry:
    return TimelineEntry(seq=seq, step=step, state="running", started=moment(began))


def _entry(step: StepRecord, undone: bool, now: float) -> TimelineEntry:
    state: EntryState = "done"
    if step.state != "succeeded":
        state = "waiting" if step.state == "waiting" else "failed"
    return TimelineEntry(
        seq=step.seq,
        step=step.operation,
        state="undone" if undone else state,
        started=moment(step.started_at),
        finished=moment(step.finished_at),
        duration_ms=round(max(0.0, step.finished_at - step.started_at) * 1000, 3),
        attempts=step.attempts,
        detail=_detail(step),
        next_attempt=None if step.retry_in is None else moment(now + step.retry_in),
    )
