"""Submissions: one flow for each business key, begun here if there is room."""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import msgspec

from shared.binding.call_context import CallContext, Priority
from shared.binding.operation import explain
from shared.binding.problems import Conflict, Invalid, Problem
from shared.durable.codec import PayloadCodec, open_claim, request_digest, request_place, seal_flow
from shared.durable.flow import Flow, FlowShape, shape_of
from shared.durable.journal import Claim, Consumption, FlowRecord, FlowState, Journal
from shared.durable.recorded import encode_problem
from shared.durable.worker import FlowWorker
from shared.telemetry.metrics import flow_event
from shared.telemetry.traceparent import format_traceparent, new_span_id, new_trace_id

VISIBLE = re.compile(r"[!-~]{1,200}")
"""What may name a flow or a signal."""

_LIKE_AN_ATTEMPT = re.compile(r".*\.\d+")
_STARTS_AGAIN: frozenset[FlowState] = frozenset({"refused", "cancelled", "retired"})
_PRIORITIES: dict[Priority, int] = {"interactive": 0, "order": 1, "batch": 2}


class Submitted(NamedTuple):
    """The flow that a key stands for, and whether this submission began it."""

    flow_id: str
    is_new: bool


class Submissions:
    """Takes requests for flows; what it took is durable.

    Args:
        journal: Where flows are remembered.
        shapes: What may be submitted, by kind.
        codec: Seals payloads.
        worker: Runs new flows if it has room.
        clock: Unix seconds for timelines.
        beginning: Called with the id of a flow before it begins here.
    """

    def __init__(
        self,
        journal: Journal,
        shapes: Mapping[str, FlowShape[Any, Any]],
        codec: PayloadCodec,
        worker: FlowWorker,
        clock: Callable[[], float],
        beginning: Callable[[str], None],
    ) -> None:
        self._journal = journal
        self._shapes = shapes
        self._codec = codec
        self._worker = worker
        self._clock = clock
        self._beginning = beginning

    async def submit(self, flow_type: type[Flow[Any, Any]], key: str, request: Any, context: CallContext) -> Submitted:
        """See `FlowRunner.submit`; the priority is the context's."""
        encoded = self._accept(flow_type, key, request)
        kind = shape_of(flow_type).kind
        if not self._worker.steps(key) and await self._start(_attempt(key, 1, kind, encoded), context):
            return Submitted(key, is_new=True)
        while True:
            latest = await self._journal.latest(key)
            if latest is None:
                raise Conflict(f"The key {key} cannot be used; choose another.")
            if latest.state not in _STARTS_AGAIN:
                self._expect_same(latest, kind, encoded)
                return Submitted(latest.flow_id, is_new=False)
            following = _attempt(key, latest.attempt + 1, kind, encoded)
            if await self._start(following, context):
                return Submitted(following.flow_id, is_new=True)

    def prepared(self, flow_type: type[Flow[Any, Any]], key: str, request: Any, context: CallContext) -> FlowRecord:
        """A flow as `submit` would write it; raises Invalid."""
        encoded = self._accept(flow_type, key, request)
        return _within(_attempt(key, 1, shape_of(flow_type).kind, encoded), context)

    def letter(
        self, flow_type: type[Flow[Any, Any]], flow_id: str, request: bytes, why: Problem, context: CallContext
    ) -> FlowRecord:
        """A dead letter for what could not become a flow; edited by an operator, it becomes one."""
        flow = msgspec.structs.replace(
            _attempt(flow_id, 1, shape_of(flow_type).kind, request), state="dead", problem=encode_problem(why)
        )
        return _within(flow, context)

    async def consume(self, consumption: Consumption) -> frozenset[str] | None:
        """See `FlowRunner.consume`."""
        sealed = tuple(seal_flow(flow, self._codec) for flow in consumption.starts)
        started = await self._journal.consume(msgspec.structs.replace(consumption, starts=sealed))
        for flow in consumption.starts if started else ():
            if flow.flow_id in (started or ()):
                flow_event(flow.kind.partition("@")[0], "dead" if flow.state == "dead" else "started")
        if started:
            self._worker.wake(backlog=True)
        return started

    def _accept(self, flow_type: type[Flow[Any, Any]], key: str, request: Any) -> bytes:
        shape = shape_of(flow_type)
        if shape.kind not in self._shapes:
            raise TypeError(f"This runner was not given {flow_type.__name__}; name it in its constructor.")
        if not VISIBLE.fullmatch(key) or _LIKE_AN_ATTEMPT.fullmatch(key):
            raise Invalid(
                f"The key {key[:200]!r} cannot name a flow; use 1 to 200 visible ASCII characters that do not end "
                "in a dot and digits."
            )
        encoded = msgspec.json.encode(request)
        try:
            shape.request.decode(encoded)
        except msgspec.MsgspecError as error:
            raise Invalid("The request does not fit the flow.", errors=[explain(error, shape.request.type)]) from None
        return encoded

    async def _start(self, flow: FlowRecord, context: CallContext) -> bool:
        """Write a new flow and run it here if there is room; False when its id is taken."""
        flow = _within(flow, context)
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
            self._beginning(flow.flow_id)
            self._worker.begin(
                Claim(msgspec.structs.replace(flow, state="running", fence=1, created_at=now, updated_at=now))
            )
        else:
            self._worker.wake(backlog=True)

    def _expect_same(self, known: FlowRecord, kind: str, encoded: bytes) -> None:
        same_flow = known.kind.partition("@")[0] == kind.partition("@")[0]
        if not same_flow or not self._asks_for(known, encoded):
            raise Conflict(
                f"The key {known.key} already stands for flow {known.flow_id} with another request; ask for that "
                "flow, or use another key."
            )

    def _asks_for(self, known: FlowRecord, encoded: bytes) -> bool:
        if known.archive is None:
            return open_claim(Claim(known), self._codec).flow.request == encoded
        digest = known.request and self._codec.open(known.request, request_place(known.flow_id))
        return digest == request_digest(encoded)


def _attempt(key: str, attempt: int, kind: str, request: bytes) -> FlowRecord:
    flow_id = key if attempt == 1 else f"{key}.{attempt}"
    return FlowRecord(flow_id, key, attempt, kind, request, b"")


def _within(flow: FlowRecord, context: CallContext) -> FlowRecord:
    kept = msgspec.json.encode(_kept(context, flow.flow_id))
    return msgspec.structs.replace(flow, context=kept, priority=_PRIORITIES[context.priority])


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
