"""The runner: submit flows, wait for them, look at them, stop them."""

import asyncio
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import msgspec

from shared.binding.call_context import CallContext, Priority, current_context
from shared.binding.problems import Invalid, Problem
from shared.contracts.process.flow_operations import FlowHasEnded, FlowNotCompleted, FlowNotFound
from shared.durable.archive_folder import ArchiveFolder
from shared.durable.attempt import StepExecutor
from shared.durable.codec import PayloadCodec, PlainCodec, seal_signal
from shared.durable.dead_letters import DeadLetters
from shared.durable.flow import Flow, FlowShape, shape_of
from shared.durable.flow_reader import FlowReader
from shared.durable.flow_view import FlowView
from shared.durable.journal import FINAL_STATES, AuditEntry, Claim, Consumption, FlowRecord, FlowState, Journal, Signal
from shared.durable.outcomes import Outcomes
from shared.durable.submission import VISIBLE, Submissions
from shared.durable.worker import FlowWorker, WorkerSettings

_Request = TypeVar("_Request")
_Result = TypeVar("_Result")

_LOOK_AGAIN = 0.25  # seconds, for flows that another process runs


class FlowHandle(Generic[_Result]):
    """A submitted flow.

    Attributes:
        flow_id: Under which it can be asked for at any time, in any process.
        is_new: False when the key was known and this is the flow it stands for.
    """

    __slots__ = ("_ended", "_runner", "flow_id", "is_new")

    def __init__(
        self, runner: "FlowRunner", flow_id: str, is_new: bool, ended: "asyncio.Future[FlowView[Any]] | None"
    ) -> None:
        self._runner = runner
        self._ended = ended
        self.flow_id = flow_id
        self.is_new = is_new

    async def result(self, wait: float) -> FlowView[_Result]:
        """The flow once it has ended, or as it stands after `wait` seconds."""
        if self._ended is not None and self._ended.done() and not self._ended.cancelled():
            return self._ended.result()
        return await self._runner.result(self.flow_id, wait)


class FlowRunner:
    """Flows of one process. Use as an async context manager, or `start` and `stop` it.

    Args:
        journal: An open journal, which the caller closes after `stop`.
        flows: What this process can run; list old versions that may have unfinished runs as well.
        execute: Performs a step under the identity of the API that owns the flows.
        settings: See `WorkerSettings`.
        codec: Seals payloads; plain JSON by default.
        clock: Unix seconds for timelines.
        archive: Where flows are that the journal no longer holds, if they can be read here.

    Attributes:
        dead_letters: What could not finish, to be fixed and resumed.
    """

    def __init__(
        self,
        journal: Journal,
        flows: Sequence[type[Flow[Any, Any]]],
        execute: StepExecutor,
        *,
        settings: WorkerSettings | None = None,
        codec: PayloadCodec | None = None,
        clock: Callable[[], float] = time.time,
        archive: ArchiveFolder | None = None,
    ) -> None:
        self._journal = journal
        self._shapes: dict[str, FlowShape[Any, Any]] = {}
        for flow_type in flows:
            shape: FlowShape[Any, Any] = shape_of(flow_type)
            if self._shapes.setdefault(shape.kind, shape) is not shape:
                raise TypeError(f"Two flows are called {shape.kind}; give one another name or version.")
        self._codec = codec or PlainCodec()
        settings = settings or WorkerSettings()
        self._worker = FlowWorker(journal, self._shapes, execute, self._codec, settings, clock, self._ended)
        self.dead_letters = DeadLetters(
            journal, self._shapes, self._codec, self._worker.around, settings.quarantine_after, self._worker.wake
        )
        self._awaited: dict[str, asyncio.Future[FlowView[Any]]] = {}
        self._reader = FlowReader(journal, self._shapes, self._codec, clock, archive)
        self._submissions = Submissions(journal, self._shapes, self._codec, self._worker, clock, self._await)

    @property
    def kinds(self) -> frozenset[str]:
        """Names and versions of the flows that this runner runs."""
        return frozenset(self._shapes)

    async def start(self) -> None:
        """Begin to work: on new flows, and on what an earlier process left unfinished."""
        await self._worker.start()

    async def stop(self, grace: float = 5.0) -> None:
        """Stop at step boundaries, after `grace` seconds anywhere; the next start carries on."""
        await self._worker.stop(grace)
        for awaited in self._awaited.values():
            awaited.cancel()
        self._awaited.clear()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def submit(
        self,
        flow_type: type[Flow[_Request, _Result]],
        key: str,
        request: _Request,
        *,
        context: CallContext | None = None,
        priority: Priority = "order",
    ) -> FlowHandle[_Result]:
        """Start a flow under a business key; when this returns, it is durable.

        A key stands for one flow: while that runs, or once it completed or died, the same flow is returned.
        After a refusal or cancellation, or once it was retired, a new attempt starts.

        Args:
            flow_type: One of the flows this runner was given.
            key: 1 to 200 visible ASCII characters, not ending in `.` and digits.
            request: What the flow's `run` takes.
            context: Who asks; the current call's by default.
            priority: Which flows go first when more are due than there is room for, and at backends.

        Raises:
            Invalid: The key or the request cannot be accepted.
            Conflict: The key stands for a flow with another request.
            JournalUnavailable: Nothing was accepted; try again.
        """
        context = (context or current_context()).replace(priority=priority)
        flow_id, is_new = await self._submissions.submit(flow_type, key, request, context)
        return self._handle(flow_id, is_new=is_new)

    def prepared(
        self, flow_type: type[Flow[_Request, Any]], key: str, request: _Request, context: CallContext
    ) -> FlowRecord:
        """A flow for `consume`, as `submit` would write it; raises Invalid when that would refuse it."""
        return self._submissions.prepared(flow_type, key, request, context.replace(priority="order"))

    def letter(
        self, flow_type: type[Flow[Any, Any]], flow_id: str, request: bytes, why: Problem, context: CallContext
    ) -> FlowRecord:
        """A dead letter for `consume`: what could not become such a flow, for an operator to edit and resume."""
        return self._submissions.letter(flow_type, flow_id, request, why, context.replace(priority="order"))

    async def consume(self, consumption: Consumption) -> frozenset[str] | None:
        """Start flows and move a consumer, together: see `Journal.consume`. The flows run as soon as there is room.

        Args:
            consumption: With flows that `prepared` and `letter` made.
        """
        return await self._submissions.consume(consumption)

    async def result(self, flow_id: str, wait: float) -> FlowView[Any]:
        """The flow once it has ended, or as it stands after `wait` seconds (look at `ended`).

        Raises:
            FlowNotFound: There is no such flow.
        """
        until = time.monotonic() + wait
        while (left := until - time.monotonic()) > 0:
            awaited = self._awaited.get(flow_id)
            if awaited is None:
                view = await self.view(flow_id)
                if view.ended:
                    return view
                awaited = self._awaited.setdefault(flow_id, asyncio.get_running_loop().create_future())
            await asyncio.wait([awaited], timeout=min(left, _LOOK_AGAIN))
            if awaited.done() and not awaited.cancelled():
                return awaited.result()
            if self._worker.steps(flow_id) is None:
                self._awaited.pop(flow_id, None)
        return await self.view(flow_id)

    async def latest(self, key: str) -> FlowHandle[Any] | None:
        """The flow that a business key stands for now; None if there is none."""
        record = await self._journal.latest(key)
        return None if record is None else self._handle(record.flow_id, is_new=False)

    async def view(self, flow_id: str) -> FlowView[Any]:
        """The flow as it stands, with its timeline, out of the archive if it is there.

        Raises:
            FlowNotFound: There is no such flow.
            FlowArchived: It is in an archive that cannot be read here; says how it ended.
        """
        claim, under_way = await self._found(flow_id)
        return self._reader.show(claim, under_way)

    async def outcomes(self, flow_id: str) -> Outcomes:
        """What the steps of a flow came to so far. Raises what `view` raises."""
        claim, _ = await self._found(flow_id)
        return Outcomes(claim.steps)

    async def request(self, flow_id: str) -> Any:
        """What a flow was asked for, as JSON values, sensitive ones masked; None when nobody here can read it.

        Raises what `view` raises.
        """
        return await self._reader.request(flow_id)

    async def page(
        self,
        *,
        states: Sequence[FlowState] = (),
        kind: str | None = None,
        limit: int = 50,
        before: int | None = None,
    ) -> tuple[list[FlowView[Any]], int | None]:
        """Flows in the journal, newest first, without timelines, and where the next page begins (None on the last).

        Args:
            states: Only these; all by default.
            kind: Only this flow and version, `order-quote@1`.
            limit: At most so many.
            before: Where the previous page said the next begins.
        """
        records, following = await self._journal.page(states=states, kind=kind, limit=limit, before=before)
        return [self._reader.show(self._reader.opened(Claim(record))) for record in records], following

    async def counts(self) -> dict[FlowState, int]:
        """How many flows are in each state, apart from those that ended well: the queue depths to watch."""
        return await self._journal.counts()

    async def cancel(self, flow_id: str, *, by: str = "", reason: str = "") -> FlowView[Any]:
        """Stop a flow at its next step and undo what it did; repeating changes nothing.

        Args:
            flow_id: The flow. A dead letter may be cancelled too.
            by: Who does it; goes into the audit trail, if given.
            reason: Why.

        Raises:
            FlowNotFound: There is no such flow.
            FlowHasEnded: It has completed, or somebody settled it.
        """
        found = await self._journal.request_cancel(flow_id, AuditEntry(flow_id, by, "cancel", reason) if by else None)
        if found is None:
            raise FlowNotFound(f"There is no flow {flow_id}; check its id.")
        if found.state in ("completed", "discarded"):
            raise FlowHasEnded(f"Flow {flow_id} has been {found.state}; what it did can no longer be cancelled.")
        self._worker.cancel(flow_id)
        self._worker.wake()
        return await self.view(flow_id)

    async def retire(self, flow_id: str, *, by: str, reason: str = "") -> FlowView[Any]:
        """Say of a completed flow that what it did has been taken back; its key may then begin anew.

        When this returns, that is durable; repeating changes nothing.

        Args:
            flow_id: The flow.
            by: Who does it; goes into the audit trail.
            reason: Why.

        Raises:
            FlowNotFound: There is no such flow.
            FlowNotCompleted: It is under way, or ended otherwise.
        """
        found = await self._journal.retire(flow_id, AuditEntry(flow_id, by, "retire", reason))
        if found is None:
            raise FlowNotFound(f"There is no flow {flow_id}; check its id.")
        if found.state not in ("completed", "retired"):
            raise FlowNotCompleted(f"Flow {flow_id} is {found.state}; only one that completed can be retired.")
        return await self.view(flow_id)

    async def audit(
        self, flow_id: str | None = None, *, limit: int = 50, before: int | None = None
    ) -> tuple[list[AuditEntry], int | None]:
        """Who did what to a flow, or to all; newest first, and where the next page begins (None on the last)."""
        entries, following = await self._journal.audit(flow_id, limit=limit, before=before)
        if flow_id is not None and following is None:
            entries += await self._reader.audit(flow_id)
        return entries, following

    async def resume(self, flow_id: str, *, by: str, reason: str = "", patch: Any = None) -> FlowView[Any]:
        """Let a dead flow go on; see `DeadLetters.resume`."""
        await self.dead_letters.resume(flow_id, by=by, reason=reason, patch=patch)
        return await self.view(flow_id)

    async def signal(self, flow_id: str, name: str, payload: Any, *, key: str) -> bool:
        """Send a flow what it waits for, or will wait for; when this returns, it is durable.

        Args:
            flow_id: The flow.
            name: What it waits for, as in `Flow.wait_for`.
            payload: Encoded as JSON; it must fit the type that the flow waits for.
            key: Recognises a repeat: the first signal of a flow, name and key stands.

        Returns:
            False for a repeat, which changed nothing.

        Raises:
            FlowNotFound: There is no such flow.
            FlowHasEnded: It has ended.
            Invalid: The name or the key cannot be accepted.
        """
        for text in (name, key):
            if not VISIBLE.fullmatch(text):
                raise Invalid(f"{text[:200]!r} cannot name a signal; use 1 to 200 visible ASCII characters.")
        sealed = seal_signal(flow_id, Signal(name, key, msgspec.json.encode(payload)), self._codec)
        found = await self._journal.find(flow_id)
        if found is not None and found.flow.state in FINAL_STATES - {"dead"}:
            raise FlowHasEnded(f"Flow {flow_id} has ended ({found.flow.state}); it takes no more signals.")
        is_new = await self._journal.signal(flow_id, sealed)
        if is_new is None:
            raise FlowNotFound(f"There is no flow {flow_id}; check its id.")
        self._worker.wake()
        return is_new

    # --- inside --------------------------------------------------------------------------------------

    async def _found(self, flow_id: str) -> tuple[Claim, dict[int, tuple[str, float]]]:
        """A flow with readable payloads, as far as it has come in this process, and the steps being attempted now."""
        claim = await self._reader.find(flow_id)
        steps = self._worker.steps(flow_id)
        if steps is None or claim.flow.state in FINAL_STATES:
            return claim, {}
        return Claim(claim.flow, steps.log.in_order()), steps.under_way

    def _handle(self, flow_id: str, *, is_new: bool) -> FlowHandle[Any]:
        return FlowHandle(self, flow_id, is_new, self._awaited.get(flow_id))

    def _await(self, flow_id: str) -> None:
        """Wait here for the end of a flow that begins here; its record need not be read again then."""
        self._awaited[flow_id] = asyncio.get_running_loop().create_future()

    def _ended(self, claim: Claim) -> None:
        awaited = self._awaited.pop(claim.flow.flow_id, None)
        if awaited is not None and not awaited.done():
            awaited.set_result(self._reader.show(claim))
