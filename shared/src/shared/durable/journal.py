"""The journal port: where flows are remembered. SQLite on one machine, PostgreSQL for many workers.

What every driver promises, and the flows rely on:

- `start` and `save` queue at once and are made durable in the order of the calls; the future they return
  resolves after the commit, so many flows share one. A save is atomic: all of it or nothing.
- A save names the fence it was claimed under. Once another worker claimed the flow, it raises `FenceLost`.
- Times are the database's own. Callers pass and receive durations in seconds, never points in time,
  except `started_at`/`finished_at`, which are only shown to people.
- Payloads are opaque bytes: the codec above the port decides what they hold and whether they are sealed.
- Nobody is woken in vain or missed: what wakes a flow (`Change.wakes`, `signal`, `request_cancel`) while a worker has
  it, makes it due at once when that worker lets go of it, however long it meant to rest.
- What an operator does to a flow is written together with its audit entry, or not at all.
- An event is written together with the step that published it, a consumer's position with what it consumed.
"""

import asyncio
from collections.abc import Collection, Sequence
from typing import Literal, Protocol

import msgspec

from shared.binding.problems import Transient
from shared.durable.outbox import Outbox, OutboxRecord

FlowState = Literal[
    "pending", "running", "waiting", "compensating", "completed", "refused", "cancelled", "dead", "discarded", "retired"
]
"""pending: not yet begun; waiting: between two attempts at a step; refused: a business rule said no and what
was done is undone; dead: given up, nothing undone, resumable; discarded: dead, and somebody settled it by hand;
retired: completed, and what it did has been taken back since, so that its key may begin anew."""

StepState = Literal["succeeded", "refused", "waiting", "dead"]
"""succeeded and refused are outcomes a replay returns; waiting and dead are tried again."""

FINAL_STATES: frozenset[FlowState] = frozenset({"completed", "refused", "cancelled", "dead", "discarded", "retired"})


class JournalUnavailable(Transient):
    """The journal cannot be written now, so nothing was accepted; send the same request again later."""


class FenceLost(Exception):  # noqa: N818 - the field's word for it
    """Another worker has claimed this flow since; what this one still wants to write must not count."""


class StepRecord(msgspec.Struct, frozen=True):
    """What is known about one step.

    Attributes:
        seq: 1, 2, … in the order of the flow's calls; the negative of a step's number undoes that step.
        operation: Qualified name, `erp.create_order`.
        arguments: Encoded arguments (sealed).
        state: See `StepState`.
        outcome: The encoded result of a success, else the encoded problem of the last attempt (sealed).
        attempts: How often it was tried; times spent waiting for an open circuit do not count.
        parks: How often it was put off in a row by an open circuit.
        started_at: Unix seconds, of the first attempt.
        finished_at: Unix seconds, of the last attempt.
        retry_in: Seconds until the next attempt is due; may be negative when read.
    """

    seq: int
    operation: str
    arguments: bytes
    state: StepState
    outcome: bytes
    attempts: int
    parks: int
    started_at: float
    finished_at: float
    retry_in: float | None = None


class FlowRecord(msgspec.Struct, frozen=True):
    """One flow as the journal holds it.

    Attributes:
        flow_id: The business key, with `.2`, `.3`, … for a new attempt after a refusal or cancellation.
        key: The business key.
        attempt: 1, 2, ….
        kind: Name and version of the flow's code, `quote-to-order@1`.
        request: Encoded request (sealed).
        context: Encoded call context of the submission (sealed).
        state: See `FlowState`.
        result: Encoded result, once completed (sealed).
        problem: Encoded problem, once refused or dead (sealed).
        compensating: It has turned to undoing what it did; stays set when that gets stuck.
        cancel_requested: Someone asked to stop it at its next step.
        in_doubt: Its last worker vanished, so a step may have happened without being recorded.
        takeovers: Workers lost in a row without one step of progress.
        fence: Counts the claims; see `FenceLost`.
        next_in: Seconds until it is due; None while a worker has it and once it has ended.
        created_at: Unix seconds.
        updated_at: Unix seconds.
        priority: 0 goes before 1, 1 before 2, when more is due than a worker has room for.
        parent: The flow that awaits this one's end, if any.
        archive: Where an archive has it, `file:offset`; then `request` is a digest (sealed) or empty, and there are no
            other payloads.
    """

    flow_id: str
    key: str
    attempt: int
    kind: str
    request: bytes
    context: bytes
    state: FlowState = "pending"
    result: bytes | None = None
    problem: bytes | None = None
    compensating: bool = False
    cancel_requested: bool = False
    in_doubt: bool = False
    takeovers: int = 0
    fence: int = 0
    next_in: float | None = None
    created_at: float = 0.0
    updated_at: float = 0.0
    priority: int = 1
    parent: str | None = None
    archive: str | None = None


class Change(msgspec.Struct, frozen=True):
    """What becomes of a flow: its new state, and for how long its worker lets go of it.

    `next_in` None keeps a running or compensating flow with its worker; an ended one has no worker.
    `wakes` names a flow that this change makes due, in the same transaction, unless that one has ended.
    """

    state: FlowState
    result: bytes | None = None
    problem: bytes | None = None
    compensating: bool = False
    in_doubt: bool = False
    next_in: float | None = None
    wakes: str | None = None


class Save(msgspec.Struct, frozen=True):
    """Steps, events that they published and, if any, a change of state, to be written together under a fence."""

    flow_id: str
    fence: int
    steps: tuple[StepRecord, ...] = ()
    change: Change | None = None
    events: tuple[OutboxRecord, ...] = ()


class Consumption(msgspec.Struct, frozen=True):
    """What a consumer makes of some events, and how far that brings it.

    Attributes:
        consumer: Its name, under which its position is kept.
        source: Name of the event source.
        expected: The position it started from; None to register it.
        position: Of the last event dealt with.
        starts: Flows to start (sealed). In state `pending` they are due at once; in state `dead`, with a problem, they
            are events that could not be understood, for an operator to repair.
    """

    consumer: str
    source: str
    expected: str | None
    position: str
    starts: tuple[FlowRecord, ...] = ()


class Claim(msgspec.Struct, frozen=True):
    """A flow handed to a worker, with everything recorded so far."""

    flow: FlowRecord
    steps: tuple[StepRecord, ...] = ()


class Claims(msgspec.Struct, frozen=True):
    """The answer to `claim`: flows now owned, and seconds until the next one is due (None: nothing waits)."""

    claimed: tuple[Claim, ...]
    next_in: float | None


class Signal(msgspec.Struct, frozen=True):
    """A message to a flow.

    Attributes:
        name: What the flow waits for.
        key: Under which a repeat is recognised, among signals of this flow and name.
        payload: Encoded (sealed).
    """

    name: str
    key: str
    payload: bytes


class AuditEntry(msgspec.Struct, frozen=True):
    """Who did what to a flow, and when.

    Attributes:
        flow_id: The flow.
        who: Subject and client of the caller.
        act: `cancel`, `edit`, `resume`, `discard` or `retire`.
        detail: The reason given, and what else a reader should know; holds no payload.
        at: Unix seconds; the journal sets it.
    """

    flow_id: str
    who: str
    act: str
    detail: str = ""
    at: float = 0.0


class Amendment(msgspec.Struct, frozen=True):
    """What an operator does to a dead flow.

    Attributes:
        entry: Names the flow, and goes into the audit trail.
        becomes: `pending` makes the flow due at once, as if no worker ever had trouble with it: `takeovers` 0, in
            doubt, no problem; if it was compensating it stays so, `compensating`, and keeps its problem. Its steps
            in state dead, and its refused undos (`seq` below 0), are then waiting and due, with 0 attempts and
            parks. `discarded` wakes the parent, if any. `dead` changes nothing else.
        request: A new request (sealed), if it was edited.
        forget: Drop all steps, so that the flow begins anew.
    """

    entry: AuditEntry
    becomes: Literal["pending", "dead", "discarded"]
    request: bytes | None = None
    forget: bool = False


class Journal(Outbox, Protocol):
    """Where flows are remembered. Every method raises `JournalUnavailable` when the store cannot serve."""

    async def open(self) -> None:
        """Connect and bring the schema up to date; raises RuntimeError for a schema from the future."""
        ...

    async def close(self) -> None:
        """Finish what is queued and let go of the store."""
        ...

    def start(self, flow: FlowRecord, worker: str | None) -> "asyncio.Future[bool]":
        """Add a flow. With a worker, it starts running there under `fence` 1; without, it is due at once.

        Resolves to False, and nothing is written, when the flow's id is taken.
        """
        ...

    def save(self, save: Save) -> "asyncio.Future[None]":
        """Write steps and a change; the future raises `FenceLost` when another worker has the flow."""
        ...

    async def consume(self, consumption: Consumption) -> frozenset[str] | None:
        """Start flows whose id is free and move a consumer's position, together; returns the ids that were started.

        Returns None, and nothing is written, when the consumer does not stand where it was expected.
        """
        ...

    async def release(self, flow_id: str, fence: int) -> None:
        """Let go of a flow whose save failed: what is recorded stands, the rest is in doubt, it is due at once.

        Does nothing when the fence no longer holds.
        """
        ...

    async def claim(self, worker: str, kinds: Collection[str], limit: int) -> Claims:
        """Take up to `limit` flows whose worker's lease is over, or that are due: by priority, then oldest first.

        Raises the fence of each. Only flows whose `kind` is among `kinds` are taken.
        """
        ...

    async def register(self, worker: str, lease: float) -> None:
        """Announce a worker, alive for `lease` seconds unless it renews."""
        ...

    async def renew(self, worker: str, lease: float) -> frozenset[str]:
        """Stay alive for `lease` more seconds; returns the worker's flows that were asked to stop."""
        ...

    async def leave(self, worker: str) -> None:
        """Sign off: whatever the worker still has may be taken over at once."""
        ...

    async def request_cancel(self, flow_id: str, entry: AuditEntry | None = None) -> FlowRecord | None:
        """Ask a flow that has not ended to stop, and make it due; one that is dead is revived to do so, as by `amend`.

        Returns it as it was, None if unknown. The entry, if any, is written when the flow was asked.
        """
        ...

    async def unpark(self, kinds: Collection[str], contract: str, limit: int) -> int:
        """Make up to `limit` flows of these kinds due that rest at a step which an open circuit put off.

        Their parked steps of the contract (its slug, `erp`) are due too. The flows that would have asked soonest go
        first, so that one which asks in vain and is parked again goes to the end. Returns how many there were.
        """
        ...

    async def signal(self, flow_id: str, signal: Signal) -> bool | None:
        """Keep a signal for a flow and make the flow due, unless it has ended.

        Returns False, and changes nothing, when that flow has one of this name and key; None if unknown.
        """
        ...

    async def signals(self, flow_id: str, name: str) -> list[Signal]:
        """Return a flow's signals of a name in the order in which they came."""
        ...

    async def amend(self, amendment: Amendment) -> bool:
        """Do what an operator decided about a flow; False, and nothing is written, unless it is dead and at rest.

        At rest: no worker has it and it is not due, so of several who resume it at once one succeeds.
        """
        ...

    async def retire(self, flow_id: str, entry: AuditEntry) -> FlowRecord | None:
        """Let a completed flow be retired and write the entry; one in another state stays as it is.

        Returns it as it was, None if unknown. Of several who retire it at once one finds it completed.
        """
        ...

    async def audit(
        self, flow_id: str | None = None, *, limit: int = 50, before: int | None = None
    ) -> tuple[list[AuditEntry], int | None]:
        """Return audit entries, of one flow or all, newest first, and where the next page begins."""
        ...

    async def find(self, flow_id: str) -> Claim | None:
        """Return a flow with its steps in order of `started_at`."""
        ...

    async def latest(self, key: str) -> FlowRecord | None:
        """Return the newest attempt under a business key."""
        ...

    async def page(
        self, *, states: Sequence[FlowState] = (), kind: str | None = None, limit: int = 50, before: int | None = None
    ) -> tuple[list[FlowRecord], int | None]:
        """Return flows, newest first, and where the next page begins (None on the last). Archived ones are left out."""
        ...

    async def counts(self) -> dict[FlowState, int]:
        """Return how many flows are in each state, apart from those that ended well."""
        ...
