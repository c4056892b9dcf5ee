"""The dead letter channel: look at what could not finish, fix it, resume it, or settle it by hand.

A dead flow keeps everything it did. Resumed, it replays its record and tries the failed step again under the same
idempotency key, with the full schedule of retries, under whatever code its kind and version have now. Its request may
be edited if that leaves the record true: the replay must ask for the same steps with the same arguments. If it does
not and nothing but reads is recorded, the flow begins anew; if something was written, cancel the flow, which undoes
it, and submit again.
"""

from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, cast

import msgspec

from shared.binding.allowed_values import is_known
from shared.binding.operation import explain
from shared.binding.problems import Conflict, FieldError, Invalid, NotFound, Problem
from shared.contracts.process.flow_operations import (
    CannotGoOn,
    FlowNotFound,
    NoDeadLetter,
    PlannedWrite,
    ResumePreview,
)
from shared.durable.codec import PayloadCodec, open_claim, request_place
from shared.durable.flow import FlowShape
from shared.durable.journal import Amendment, AuditEntry, Claim, Journal, StepRecord
from shared.durable.publication import PUBLISH
from shared.durable.rehearsal import Rehearsal, rehearse
from shared.durable.step import Step
from shared.durable.step_sequence import Surroundings

_EFFECTS = frozenset({"flow.child", PUBLISH})


class Resumed(NamedTuple):
    """One flow of a bulk: resumed, or the problem that says why not."""

    flow_id: str
    problem: Problem | None


class _Plan(NamedTuple):
    claim: Claim
    request: bytes | None
    forget: bool
    rehearsal: Rehearsal | None


class DeadLetters:
    """Dead flows of the kinds that a runner knows.

    Args:
        journal: Where they are.
        shapes: Code by kind.
        codec: Seals payloads.
        around: What flows need to be replayed.
        quarantine_after: From so many lost workers on, code is not run to preview it.
        wake: Called when there is a flow to claim.
    """

    def __init__(
        self, journal: Journal, shapes: Mapping[str, FlowShape[Any, Any]], codec: PayloadCodec,
        around: Surroundings, quarantine_after: int, wake: Callable[[], None],
    ) -> None:  # fmt: skip
        self._journal = journal
        self._shapes = shapes
        self._codec = codec
        self._around = around
        self._quarantine_after = quarantine_after
        self._wake = wake

    async def preview(self, flow_id: str, *, patch: Any = None) -> ResumePreview:
        """What would follow if the flow were resumed now, its request patched or as it is.

        Raises what `resume` raises, except `CannotGoOn`: that is the preview's `obstacle`.
        """
        try:
            plan = await self._plan(flow_id, patch)
        except CannotGoOn as obstacle:
            return ResumePreview(flow_id, [], [], obstacle=obstacle.detail)
        steps = () if plan.forget else plan.claim.steps
        undone = {-step.seq for step in steps if step.seq < 0 and step.state == "succeeded"}
        stands = [s for s in steps if s.state == "succeeded" and s.seq > 0 and s.seq not in undone]
        kept = [step.operation for step in stands if not self._is_safe(plan.claim, step)]
        tried = {step.operation for step in steps if step.state == "dead"}
        rehearsal = plan.rehearsal or Rehearsal()
        return ResumePreview(flow_id, _writes(rehearsal, tried), kept, plan.forget, plan.rehearsal is not None)

    async def resume(self, flow_id: str, *, by: str, reason: str = "", patch: Any = None) -> None:
        """Let a dead flow go on from its failed step; when this returns, that is durable.

        Args:
            flow_id: The flow.
            by: Who does it, for the audit trail.
            reason: Why.
            patch: A JSON merge patch (RFC 7396) of its request.

        Raises:
            FlowNotFound: There is no such flow.
            NoDeadLetter: It is not dead, or somebody else resumed it just now.
            CannotGoOn: Its code or the patched request does not fit what it has done already.
            Invalid: The patched request does not fit the flow.
        """
        plan = await self._plan(flow_id, patch)
        entry = AuditEntry(flow_id, by, "resume", _detail(reason, plan))
        await self._amend(Amendment(entry, "pending", plan.request, plan.forget))
        self._wake()

    async def resume_all(self, flow_ids: Iterable[str], *, by: str, reason: str = "") -> AsyncIterator[Resumed]:
        """Resume one flow after the other and tell of each.

        Killed midway, those told of are resumed and the others are dead as before: repeat with what is still dead.
        """
        for flow_id in flow_ids:
            try:
                await self.resume(flow_id, by=by, reason=reason)
            except (NotFound, Conflict, Invalid) as problem:
                yield Resumed(flow_id, problem)
            else:
                yield Resumed(flow_id, None)

    async def edit(self, flow_id: str, patch: Any, *, by: str, reason: str = "") -> None:
        """Change the request of a dead flow, which stays dead; raises what `resume` raises."""
        plan = await self._plan(flow_id, patch)
        entry = AuditEntry(flow_id, by, "edit", _detail(reason, plan))
        await self._amend(Amendment(entry, "dead", plan.request, plan.forget))

    async def discard(self, flow_id: str, *, by: str, reason: str = "") -> None:
        """Settle a dead flow: nothing more is done or undone; raises FlowNotFound or NoDeadLetter."""
        await self._dead(flow_id)
        await self._amend(Amendment(AuditEntry(flow_id, by, "discard", reason), "discarded"))
        self._wake()

    # --- inside --------------------------------------------------------------------------------------

    async def _find(self, flow_id: str) -> Claim:
        found = await self._journal.find(flow_id)
        if found is None:
            raise FlowNotFound(f"There is no flow {flow_id}; check its id.")
        return open_claim(found, self._codec)

    async def _dead(self, flow_id: str) -> Claim:
        claim = await self._find(flow_id)
        if claim.flow.state != "dead" or claim.flow.next_in is not None:
            raise _not_dead(flow_id, claim.flow.state)
        return claim

    async def _plan(self, flow_id: str, patch: Any) -> _Plan:
        claim = await self._dead(flow_id)
        shape = self._shapes.get(claim.flow.kind)
        if shape is None:
            raise CannotGoOn(f"Nothing here runs {claim.flow.kind} any more; serve that version again, then resume.")
        request = None if patch is None else self._patched(shape, claim, patch)
        if request is not None:
            claim = Claim(msgspec.structs.replace(claim.flow, request=request), claim.steps)
        if claim.flow.takeovers >= self._quarantine_after:
            return _Plan(claim, self._sealed(flow_id, request), False, None)
        rehearsal = await self._rehearse(shape, claim)
        forget = bool(rehearsal.diverged) and request is not None and self._only_reads(claim)
        if forget:
            rehearsal = await self._rehearse(shape, Claim(claim.flow))
        if rehearsal.diverged:
            raise CannotGoOn(_obstacle(rehearsal.diverged, edited=request is not None))
        return _Plan(claim, self._sealed(flow_id, request), forget, rehearsal)

    async def _rehearse(self, shape: FlowShape[Any, Any], claim: Claim) -> Rehearsal:
        return await rehearse(shape, claim, self._journal, self._around)

    @staticmethod
    def _patched(shape: FlowShape[Any, Any], claim: Claim, patch: Any) -> bytes:
        if claim.flow.compensating:
            raise CannotGoOn(f"Flow {claim.flow.flow_id} is undoing what it did; its request no longer matters.")
        patched = msgspec.json.encode(merge_patch(msgspec.json.decode(claim.flow.request), patch))
        # A misspelt name would be dropped, and the operator told that the request is edited. Only the patch is looked
        # at: what an event's dead letter holds is the event, which may say more than its flow asks.
        if misspelt := _unknown_name(shape.request.type, patch, ""):
            name = misspelt.rpartition("/")[2]
            detail = f"There is no field `{name}` here; remove it or correct its name"
            raise _unfit(FieldError(detail=detail, pointer=misspelt))
        try:
            return msgspec.json.encode(shape.request.decode(patched))
        except msgspec.MsgspecError as error:
            raise _unfit(explain(error, shape.request.type)) from None

    def _sealed(self, flow_id: str, request: bytes | None) -> bytes | None:
        return None if request is None else self._codec.seal(request, request_place(flow_id))

    def _only_reads(self, claim: Claim) -> bool:
        return all(self._is_safe(claim, step) for step in claim.steps)

    def _is_safe(self, claim: Claim, step: StepRecord) -> bool:
        if step.operation.startswith("flow."):
            return step.operation not in _EFFECTS
        contracts = self._shapes[claim.flow.kind].dependencies.values()
        operations = {o.qualified_name: o for contract in contracts for o in contract.operations.values()}
        known = operations.get(step.operation)
        return known is not None and known.safe

    async def _amend(self, amendment: Amendment) -> None:
        if not await self._journal.amend(amendment):
            raise _not_dead(amendment.entry.flow_id, "resumed or settled already")


def _unknown_name(kind: Any, patch: Any, pointer: str) -> str:
    """Where a merge patch sets a name that the type has not, as a JSON Pointer; empty if nowhere."""
    if not isinstance(patch, dict):
        return ""
    for name, value in cast("dict[str, Any]", patch).items():
        below = f"{pointer}/{name.replace('~', '~0').replace('/', '~1')}"
        if value is not None and not is_known(kind, below):
            return below
        if found := _unknown_name(kind, value, below):
            return found
    return ""


def _unfit(found: FieldError) -> Invalid:
    where = f" (at {found.pointer})" if found.pointer else ""
    return Invalid(f"The patched request does not fit the flow: {found.detail}{where}.", errors=[found])


def merge_patch(target: Any, patch: Any) -> Any:
    """A JSON document with a merge patch applied (RFC 7396): members replace, null removes."""
    if not isinstance(patch, dict):
        return patch
    merged: dict[str, Any] = dict(cast("dict[str, Any]", target)) if isinstance(target, dict) else {}
    for name, value in cast("dict[str, Any]", patch).items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def _writes(rehearsal: Rehearsal, tried: set[str]) -> list[PlannedWrite]:
    def planned(steps: list[Step[Any]], certainty: Literal["next", "undo"]) -> list[PlannedWrite]:
        names = [step.operation.qualified_name for step in steps if not step.operation.safe]
        return [PlannedWrite(name, certainty, name in tried) for name in names]

    later = [PlannedWrite(name, "later") for name in rehearsal.later]
    return planned(rehearsal.next_steps, "next") + later + planned(rehearsal.undos, "undo")


def _detail(reason: str, plan: _Plan) -> str:
    done = "request edited, begins anew" if plan.forget else "request edited" if plan.request is not None else ""
    return "; ".join(part for part in (reason, done) if part)


def _obstacle(diverged: str, *, edited: bool) -> str:
    if edited:
        return (
            f"The edited request does not fit what the flow has done: {diverged} Cancel the flow, which undoes that, "
            "and submit the corrected request."
        )
    return f"The flow's code does not fit what it has done: {diverged} Serve the code that began it, then resume."


def _not_dead(flow_id: str, state: str) -> NoDeadLetter:
    return NoDeadLetter(f"Flow {flow_id} is no dead letter ({state}); only those can be edited, resumed or discarded.")
