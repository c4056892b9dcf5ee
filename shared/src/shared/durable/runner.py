"""The runner: submit flows, wait for them, look at them, stop them."""

import asyncio
import re
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import msgspec

from shared.binding.call_context import CallContext, Priority, current_context
from shared.binding.operation import explain
from shared.binding.problems import Conflict, InternalFault, Invalid
from shared.contracts.process.flow_operations import FlowHasEnded, FlowNotFound
from shared.durable.attempt import StepExecutor
from shared.durable.codec import PayloadCodec, PlainCodec, open_claim, seal_flow, seal_signal
from shared.durable.dead_letters import DeadLetters
from shared.durable.flow import Flow, FlowShape, shape_of
from shared.durable.flow_view import FlowView, flow_view
from shared.durable.journal import FINAL_STATES, AuditEntry, Claim, FlowRecord, FlowState, Journal, Signal
from shared.durable.recorded import encode_problem
from shared.durable.worker import FlowWorker, WorkerSettings
from shared.telemetry.metrics import flow_event
from shared.telemetry.traceparent import format_traceparent, new_span_id, new_trace_id

_Request = TypeVar("_Request")
_Result = TypeVar("_Result")

_KEY = re.compile(r"[!-~]{1,200}")
_LIKE_AN_ATTEMPT = re.compile(r".*\.\d+")
_STARTS_AGAIN: frozenset[FlowState] = frozenset({"refused", "cancelled"})
_PRIORITIES: dict[Priority, int] = {"interactive": 0, "order": 1, "batch": 2}
_LOOK_AGAIN = 0.25  # seconds, for flows that another process runs
_contexts = msgspec.json.Decoder(CallContext)


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
    ) -> None:
        self._journal = journal
        self._shapes: dict[str, FlowShape[Any, Any]] = {}
        for flow_type in flows:
            shape: FlowShape[Any, Any] = shape_of(flow_type)
            if self._shapes.setdefault(shape.kind, shape) is not shape:
                raise TypeError(f"Two flows are called {shape.kind}; give one another name or version.")
        self._codec = codec or PlainCodec()
        self._clock = clock
        settings = settings or WorkerSettings()
        self._worker = FlowWorker(journal, self._shapes, execute, self._codec, settings, clock, self._ended)
        self.dead_letters = DeadLetters(
            journal, self._shapes, self._codec, self._worker.around, settings.quarantine_after, self._worker.wake
        )
        self._awaited: dict[str, asyncio.Future[FlowView[Any]]] = {}

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
        After a refusal or cancellation a new attempt starts.

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
        encoded = self._accept(flow_type, key, request)
        context = (context or current_context()).replace(priority=priority)
        kind = shape_of(flow_type).kind
        if not self._worker.steps(key) and await self._start(_attempt(key, 1, kind, encoded), context):
            return self._handle(key, is_new=True)
        while True:
            latest = await self._journal.latest(key)
            if latest is None:
                raise Conflict(f"The key {key} cannot be used; choose another.")
            if latest.state not in _STARTS_AGAIN:
                self._expect_same(latest, kind, encoded)
                return self._handle(latest.flow_id, is_new=False)
            following = _attempt(key, latest.attempt + 1, kind, encoded)
            if await self._start(following, context):
                return self._handle(following.flow_id, is_new=True)

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
        """The flow as it stands, with its timeline; raises FlowNotFound."""
        claim = await self._journal.find(flow_id)
        if claim is None:
            raise FlowNotFound(f"There is no flow {flow_id}; check its id.")
        claim = self._opened(claim)
        steps = self._worker.steps(flow_id)
        if steps is None or claim.flow.state in FINAL_STATES:
            return self._show(claim)
        return self._show(Claim(claim.flow, steps.log.in_order()), steps.under_way)

    async def page(
        self,
        *,
        states: Sequence[FlowState] = (),
        kind: str | None = None,
        limit: int = 50,
        before: int | None = None,
    ) -> tuple[list[FlowView[Any]], int | None]:
        """Flows, newest first, without timelines, and where the next page begins (None on the last).

        Args:
            states: Only these; all by default.
            kind: Only this flow and version, `order-quote@1`.
            limit: At most so many.
            before: Where the previous page said the next begins.
        """
        records, following = await self._journal.page(states=states, kind=kind, limit=limit, before=before)
        return [self._show(self._opened(Claim(record))) for record in records], following

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

    async def audit(
        self, flow_id: str | None = None, *, limit: int = 50, before: int | None = None
    ) -> tuple[list[AuditEntry], int | None]:
        """Who did what to a flow, or to all; newest first, and where the next page begins (None on the last)."""
        return await self._journal.audit(flow_id, limit=limit, before=before)

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
            if not _KEY.fullmatch(text):
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

    def _handle(self, flow_id: str, *, is_new: bool) -> FlowHandle[Any]:
        return FlowHandle(self, flow_id, is_new, self._awaited.get(flow_id))

    def _accept(self, flow_type: type[Flow[_Request, Any]], key: str, request: _Request) -> bytes:
        shape = shape_of(flow_type)
        if shape.kind not in self._shapes:
            raise TypeError(f"This runner was not given {flow_type.__name__}; name it in its constructor.")
        if not _KEY.fullmatch(key) or _LIKE_AN_ATTEMPT.fullmatch(key):
            raise Invalid(
                f"The key {key[:200]!r} cannot name a flow; use 1 to 200 visible ASCII characters that do not end "
                "in a dot and digits."
            )
        encoded = msgspec.json.encode(request)
        try:
            shape.request.decode(encoded)
        except msgspec.MsgspecError as error:
            raise Invalid("The request does not fit the flow.", errors=[explain(error)]) from None
        return encoded

    async def _start(self, flow: FlowRecord, context: CallContext) -> bool:
        """Write a new flow and run it here if there is room; False when its id is taken."""
        kept = msgspec.json.encode(_kept(context, flow.flow_id))
        flow = msgspec.structs.replace(flow, context=kept, priority=_PRIORITIES[context.priority])
        here = self._worker.reserve()
        try:
            starting = self._journal.start(seal_flow(flow, self._codec), self._worker.name if here else None)
        except BaseException:
            if here:
                self._worker.release_place()
            raise
        # As a callback, so that a caller who gives up waiting cannot leave a durable flow with nobody running it.
        starting.add_done_callback(lambda done: self._started(flow, here, done))
        return await asyncio.shield(starting)

    def _started(self, flow: FlowRecord, here: bool, done: "asyncio.Future[bool]") -> None:
        if here:
            self._worker.release_place()
        if done.cancelled() or done.exception() is not None or not done.result():
            return
        flow_event(flow.kind.partition("@")[0], "started")
        if here:
            now = self._clock()
            self._awaited[flow.flow_id] = done.get_loop().create_future()
            self._worker.begin(
                Claim(msgspec.structs.replace(flow, state="running", fence=1, created_at=now, updated_at=now))
            )
        else:
            self._worker.wake(backlog=True)

    def _expect_same(self, known: FlowRecord, kind: str, encoded: bytes) -> None:
        same_flow = known.kind.partition("@")[0] == kind.partition("@")[0]
        if not same_flow or open_claim(Claim(known), self._codec).flow.request != encoded:
            raise Conflict(
                f"The key {known.key} already stands for flow {known.flow_id} with another request; ask for that "
                "flow, or use another key."
            )

    def _ended(self, claim: Claim) -> None:
        awaited = self._awaited.pop(claim.flow.flow_id, None)
        if awaited is not None and not awaited.done():
            awaited.set_result(self._show(claim))

    def _opened(self, claim: Claim) -> Claim:
        """With readable payloads, or with none where they cannot be opened: an operator must still see the flow."""
        try:
            return open_claim(claim, self._codec)
        except ValueError:
            problem = encode_problem(InternalFault("What this flow holds cannot be opened; bring its key back."))
            kept = msgspec.json.encode(CallContext())
            flow = msgspec.structs.replace(claim.flow, request=b"null", context=kept, result=None, problem=problem)
            return Claim(flow, tuple(msgspec.structs.replace(s, arguments=b"{}", outcome=b"") for s in claim.steps))

    def _show(self, claim: Claim, under_way: Mapping[int, tuple[str, float]] | None = None) -> FlowView[Any]:
        flow = claim.flow
        context = _contexts.decode(flow.context)
        result = None
        if flow.result is not None:
            shape = self._shapes.get(flow.kind)
            result = shape.result.decode(flow.result) if shape else msgspec.json.decode(flow.result)
        return flow_view(claim, context, result, self._clock(), under_way or {})


def _attempt(key: str, attempt: int, kind: str, request: bytes) -> FlowRecord:
    flow_id = key if attempt == 1 else f"{key}.{attempt}"
    return FlowRecord(flow_id, key, attempt, kind, request, b"")


def _kept(context: CallContext, flow_id: str) -> CallContext:
    """What of a call outlives it: not its deadline, not the fingerprint of its token."""
    principal = context.principal and msgspec.structs.replace(context.principal, token_digest="")
    return CallContext(
        principal=principal,
        traceparent=context.traceparent or format_traceparent(new_trace_id(), new_span_id(), sampled=True),
        tracestate=context.tracestate,
        correlation_id=context.correlation_id or flow_id,
        priority=context.priority,
    )
