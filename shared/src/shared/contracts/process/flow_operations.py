"""What operators see of durable flows, and what they may do to them."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from shared.binding.declare import Contract, Cursor, Page, PageSize, delete, get, post
from shared.binding.problems import Conflict, Gone, NotFound, ProblemDetails
from shared.contracts.canonical.event_feed import CursorExpired, EventFeed, EventType

FlowId = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[A-Za-z0-9][A-Za-z0-9._~:\-]*$")]
"""A flow's business key, with `.2`, `.3`, … for later attempts and `:key` for child flows."""

FlowKind = Annotated[str, msgspec.Meta(min_length=3, max_length=120, pattern=r"^[a-z0-9\-]+@[0-9]+$")]
"""Name and version of a flow's code, `order-quote@1`."""

FlowState = Literal[
    "pending", "running", "waiting", "compensating", "completed", "refused", "cancelled", "dead", "discarded", "retired"
]
ConsumerName = Annotated[str, msgspec.Meta(min_length=1, max_length=80, pattern=r"^[a-z][a-z0-9\-]*$")]
EventTypes = Annotated[list[EventType], msgspec.Meta(max_length=20)]
Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
MergePatch = Annotated[str, msgspec.Meta(max_length=64_000, description="A JSON merge patch (RFC 7396), as text")]


class FlowNotFound(NotFound):
    """No flow has this id."""


class FlowHasEnded(Conflict):
    """The flow has ended; what it did can no longer be cancelled, and it takes no more signals."""


class FlowArchived(Gone):
    """The flow ended long ago and is in an archive that is not here; the problem says how it ended and where it is."""


class FlowNotCompleted(Conflict):
    """Only a flow that completed can be retired."""


class NoDeadLetter(Conflict):
    """Only a flow that is a dead letter, and that nobody resumed yet, can be edited, resumed or discarded."""


class CannotGoOn(Conflict):
    """The flow's code, or its edited request, does not fit what the flow has done already."""


class ConsumerNotFound(NotFound):
    """No consumer of this name has a position here."""


class FlowSummary(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A flow in a list. `problem` says why it was refused, or what stopped it; `archive`, which file holds it."""

    flow_id: str
    kind: str
    state: FlowState
    created: datetime
    updated: datetime
    attempt: int = 1
    correlation_id: str = ""
    trace_id: str = ""
    problem: str = ""
    cancel_requested: bool = False
    parent: str = ""
    archive: str = ""


class FlowStep(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One step of a flow. The number of an undo is the negative of the step it undid."""

    seq: int
    step: str
    state: Literal["running", "done", "failed", "waiting", "undone"]
    started: datetime
    finished: datetime | None = None
    duration_ms: float | None = None
    attempts: int = 1
    detail: str = ""
    next_attempt: datetime | None = None


class AuditRecord(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Who did what to a flow, and when."""

    flow_id: str
    who: str
    act: str
    at: datetime
    detail: str = ""


class FlowDetail(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Everything an operator needs about one flow.

    `request` is what it was asked for, as JSON text with sensitive fields masked.
    """

    flow: FlowSummary
    request: str = ""
    problem: ProblemDetails | None = None
    timeline: list[FlowStep] = []
    audit: list[AuditRecord] = []


class PlannedWrite(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A backend write that would follow: at once (next), if answers lead there (later), or to take back (undo).

    `repeated`: it was tried before and may have happened; it is sent again under the same idempotency key.
    """

    step: str
    certainty: Literal["next", "later", "undo"]
    repeated: bool = False


class ResumePreview(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What resuming a dead letter would do.

    Attributes:
        flow_id: The flow.
        writes: Backend writes that would follow.
        kept: Writes on record, which are not repeated.
        begins_anew: The edited request makes the flow start from its beginning.
        rehearsed: False when the flow took workers down, so its code was not run to see what comes next.
        obstacle: Why it cannot be resumed so; empty when it can.
    """

    flow_id: str
    writes: list[PlannedWrite] = []
    kept: list[str] = []
    begins_anew: bool = False
    rehearsed: bool = True
    obstacle: str = ""


class OperatorAct(msgspec.Struct, frozen=True, rename="camel"):
    """Why an operator does it; goes into the audit trail."""

    reason: Reason


class RequestEdit(msgspec.Struct, frozen=True, rename="camel"):
    """A change of what a flow was asked for, and why."""

    patch: MergePatch
    reason: Reason


class Resumption(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """Why a dead letter is resumed, and a change of its request, if any."""

    reason: Reason
    patch: MergePatch = ""


class EditToPreview(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A change of the request to be tried out, if any."""

    patch: MergePatch = ""


class BulkResumption(msgspec.Struct, frozen=True, rename="camel"):
    """Which dead letters are resumed, and why."""

    flow_ids: Annotated[list[FlowId], msgspec.Meta(min_length=1, max_length=200)]
    reason: Reason


class ResumeOutcome(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """One flow of a bulk; `obstacle` says why it was not resumed."""

    flow_id: str
    resumed: bool
    obstacle: str = ""


class ConsumerSummary(msgspec.Struct, frozen=True, rename="camel"):
    """A consumer of events whose position is kept here.

    Attributes:
        consumer: Its name.
        source: What it reads; `outbox` is the feed of this suite.
        behind: Events it has not dealt with, counted up to 10,000; 0 for other sources.
        lag_seconds: Age of the oldest of them.
        moved_seconds: How long ago it last moved.
    """

    consumer: str
    source: str
    behind: int
    lag_seconds: float
    moved_seconds: float


class FlowOperations(Contract, tier="process", version="v1"):
    """Durable flows as operators see them: find out what could not finish, fix it, resume it."""

    @get("/flows", scope="flow-operations:read")
    async def list_flows(
        self,
        state: FlowState | None = None,
        kind: FlowKind | None = None,
        cursor: Cursor | None = None,
        limit: PageSize = 50,
    ) -> Page[FlowSummary]:
        """List flows, newest first, apart from archived ones; those in state `dead` are the dead letters."""
        ...

    @get("/flows/{flow_id}", scope="flow-operations:read", raises=[FlowNotFound, FlowArchived])
    async def get_flow(self, flow_id: FlowId) -> FlowDetail:
        """Return a flow with its input, timeline, problem and audit trail, out of the archive if it is there."""
        ...

    @post(
        "/flows/{flow_id}/cancellation", scope="flow-operations:write", status=200, repeatable=True,
        raises=[FlowNotFound, FlowHasEnded],
    )  # fmt: skip
    async def cancel_flow(self, flow_id: FlowId, act: OperatorAct) -> FlowDetail:
        """Stop a flow at its next step and undo what it did; a dead letter too."""
        ...

    @post(
        "/dead-letters/{flow_id}/preview", scope="flow-operations:read", safe=True,
        raises=[FlowNotFound, NoDeadLetter],
    )  # fmt: skip
    async def preview_resumption(self, flow_id: FlowId, edit: EditToPreview) -> ResumePreview:
        """Say which backend writes would follow if a dead letter were resumed now. Nothing is called."""
        ...

    @post(
        "/dead-letters/{flow_id}/edit", scope="flow-operations:write", status=200, repeatable=True,
        raises=[FlowNotFound, NoDeadLetter, CannotGoOn],
    )  # fmt: skip
    async def edit_dead_letter(self, flow_id: FlowId, edit: RequestEdit) -> FlowDetail:
        """Change what a dead letter was asked for; it stays dead until it is resumed."""
        ...

    @post(
        "/dead-letters/{flow_id}/resumption", scope="flow-operations:write", status=200, repeatable=True,
        raises=[FlowNotFound, NoDeadLetter, CannotGoOn],
    )  # fmt: skip
    async def resume_dead_letter(self, flow_id: FlowId, resumption: Resumption) -> FlowDetail:
        """Let a dead letter go on from its failed step, under today's code, its request edited or not."""
        ...

    @post("/dead-letters/resumption", scope="flow-operations:write", status=200, repeatable=True, timeout=30.0)
    async def resume_dead_letters(self, resumption: BulkResumption) -> list[ResumeOutcome]:
        """Resume many, each once: what was resumed already, or cannot be, is told and left as it is."""
        ...

    @post(
        "/dead-letters/{flow_id}/discard", scope="flow-operations:write", status=200, repeatable=True,
        raises=[FlowNotFound, NoDeadLetter],
    )  # fmt: skip
    async def discard_dead_letter(self, flow_id: FlowId, act: OperatorAct) -> FlowDetail:
        """Settle a dead letter by hand: nothing more is done, nothing undone."""
        ...

    @get("/audit", scope="flow-operations:read")
    async def list_audit(
        self, flow_id: FlowId | None = None, cursor: Cursor | None = None, limit: PageSize = 50
    ) -> Page[AuditRecord]:
        """List what operators did, newest first."""
        ...

    @get("/events", scope="flow-operations:events", raises=[CursorExpired], timeout=30.0, waits=True)
    async def list_events(
        self,
        after: Cursor | None = None,
        types: EventTypes | None = None,
        begin: Literal["oldest", "latest"] = "oldest",
        limit: PageSize = 50,
    ) -> EventFeed:
        """Return what happened, oldest first, with personal details unmasked.

        With `Prefer: wait=n` an answer without any event waits for the first.

        Args:
            after: The `cursor` of the previous answer.
            types: Only these.
            begin: Where to begin without a cursor: with the oldest event that is kept, or with the next to come.
            limit: At most so many.
        """
        ...

    @get("/consumers", scope="flow-operations:read")
    async def list_consumers(self) -> list[ConsumerSummary]:
        """List who reads events with a position that is kept here, and how far behind each is."""
        ...

    @delete("/consumers/{consumer}", scope="flow-operations:write", raises=[ConsumerNotFound])
    async def forget_consumer(self, consumer: ConsumerName) -> None:
        """Forget a consumer that does not come any more, so that events are no longer kept for it.

        One that does come is registered anew, and begins where its subscription says.
        """
        ...
