"""The worker: claims flows that are due and runs them side by side, each in a task of its own."""

import asyncio
import uuid
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from itertools import chain
from typing import Any

import msgspec

from shared.binding.call_context import CallContext
from shared.binding.problems import InternalFault
from shared.durable.attempt import StepExecutor, fault
from shared.durable.codec import PayloadCodec, open_claim
from shared.durable.execution import Execution
from shared.durable.flow import FlowShape
from shared.durable.flow_log import FlowLog
from shared.durable.interruptions import Disowned, Unrecorded
from shared.durable.journal import (
    FINAL_STATES,
    Change,
    Claim,
    FenceLost,
    FlowRecord,
    Journal,
    JournalUnavailable,
)
from shared.durable.neighbours import JournalNeighbours
from shared.durable.parking import Parking
from shared.durable.retry_schedule import RETRY_DELAYS
from shared.durable.step_sequence import StepSequence, Surroundings
from shared.durable.suspects import put_back, suspects_at
from shared.telemetry.logging import get_logger
from shared.telemetry.metrics import flow_event
from shared.telemetry.tracing import start_span

_log = get_logger("durable")
_contexts = msgspec.json.Decoder(CallContext)
_RELEASE_PAUSE = 1.0
_SHORTEST_PAUSE = 0.005


class WorkerSettings(msgspec.Struct, frozen=True):
    """How a worker behaves.

    Attributes:
        in_flight: Flows run side by side; more wait in the journal.
        lease: Seconds after which a silent worker's flows are taken over; renewed three times as often.
        poll: Seconds between looks for due flows, when nothing calls for one earlier.
        delays: Seconds between the attempts at a step.
        step_timeout: Seconds for one attempt, unless the operation names its own.
        quarantine_after: Workers a flow may take down without progress before it is a dead letter.
    """

    in_flight: int = 64
    lease: float = 4.0
    poll: float = 0.5
    delays: tuple[float, ...] = RETRY_DELAYS
    step_timeout: float = 30.0
    quarantine_after: int = 5


class FlowWorker:
    """Runs flows of the given kinds until stopped.

    Args:
        journal: Open for as long as the worker runs.
        shapes: What it can run, by kind.
        execute: Performs a step.
        codec: Seals payloads.
        settings: See `WorkerSettings`.
        clock: Unix seconds for timelines.
        on_end: Called with each flow that ended here, payloads open.

    Attributes:
        name: Under which it holds flows.
        around: What its flows need.
    """

    def __init__(
        self,
        journal: Journal,
        shapes: Mapping[str, FlowShape[Any, Any]],
        execute: StepExecutor,
        codec: PayloadCodec,
        settings: WorkerSettings,
        clock: Callable[[], float],
        on_end: Callable[[Claim], None],
    ) -> None:
        self.name = uuid.uuid4().hex
        self._journal = journal
        self._shapes = shapes
        self._codec = codec
        self._settings = settings
        neighbours = JournalNeighbours(journal, codec, lambda: self.wake(backlog=True))
        self._parking = Parking(journal, shapes.keys(), settings.in_flight, lambda: self.wake(backlog=True))
        self.around = Surroundings(
            execute, clock, settings.delays, settings.step_timeout, neighbours, self._parking
        )  # fmt: skip
        self._on_end = on_end
        self._suspects = suspects_at(journal)
        self._running: dict[str, StepSequence] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._wakened = asyncio.Event()
        self._reserved = 0
        self._backlog = False
        self._working = False

    async def start(self) -> None:
        """Announce the worker and begin to claim: first what a worker that is gone left behind."""
        await self._journal.register(self.name, self._settings.lease)
        self._working = True
        self._loops = [asyncio.create_task(self._claim_forever()), asyncio.create_task(self._renew_forever())]
        called = (shape.dependencies.values() for shape in self._shapes.values())
        self._parking.look({contract.slug for contract in chain.from_iterable(called)})

    async def stop(self, grace: float) -> None:
        """Let flows come to their next step boundary, for `grace` seconds at most; the rest is released as it is."""
        self._working = False
        self._loops[0].cancel()
        for steps in self._running.values():
            steps.stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=grace)
        for task in self._tasks:
            task.cancel()
        self._loops[1].cancel()
        await asyncio.gather(*self._tasks, *self._loops, self._parking.stop(), return_exceptions=True)
        with suppress(JournalUnavailable):
            await self._journal.leave(self.name)

    def reserve(self) -> bool:
        """Take a place for a flow that is about to start here; False when it has to queue in the journal."""
        if not self._working or self._backlog or self._room() <= 0:
            return False
        self._reserved += 1
        return True

    def release_place(self) -> None:
        """Give back a place whose flow did not start."""
        self._reserved -= 1

    def begin(self, claim: Claim, unreadable: Exception | None = None) -> None:
        """Run a flow this worker owns, payloads readable; or give it up as the reason says."""
        self._spawn(self._run(claim, unreadable))

    def steps(self, flow_id: str) -> StepSequence | None:
        """The steps of a flow, while it runs here."""
        return self._running.get(flow_id)

    def cancel(self, flow_id: str) -> None:
        """Have a flow that runs here stop at its next step boundary."""
        if steps := self._running.get(flow_id):
            steps.cancel_requested = True

    def wake(self, *, backlog: bool = False) -> None:
        """Look for due flows now."""
        self._backlog = self._backlog or backlog
        self._wakened.set()

    # --- one flow ------------------------------------------------------------------------------------

    async def _run(self, claim: Claim, unreadable: Exception | None) -> None:
        flow = claim.flow
        context = CallContext() if unreadable else _contexts.decode(flow.context)
        span = start_span(
            f"flow {flow.kind.partition('@')[0]}", kind="internal", parent=context.traceparent,
            tracestate=context.tracestate,
            attributes={"triptych.flow.id": flow.flow_id, "triptych.flow.kind": flow.kind},
        )  # fmt: skip
        log = FlowLog(self._journal, self._codec, claim)
        steps = StepSequence(flow, log, context.replace(traceparent=span.traceparent), self.around)
        steps.stopping = not self._working
        execution = Execution(flow, steps)
        self._running[flow.flow_id] = steps
        error: str | None = None
        try:
            change = await self._carry_on(claim, execution, unreadable)
            error = change.state if change.state in ("dead", "refused") else None
            self._report(claim, execution, change)
        except Disowned:
            error = "disowned"
            _log.warning("flow.disowned", flow_id=flow.flow_id, fence=flow.fence)
        except (Unrecorded, Exception) as end:  # noqa: BLE001 - whatever it was, the flow must not be stranded
            error = "unrecorded"
            _log.error("flow.unrecorded", flow_id=flow.flow_id, error=str(end))
            await self._release(flow.flow_id, flow.fence)
        finally:
            span.end(error)
            self._suspects.leave(flow.flow_id)
            steps.interruption = None  # its traceback holds the run: a circle that only the collector would open
            if self._running.get(flow.flow_id) is steps:
                del self._running[flow.flow_id]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._vacate)

    def _vacate(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._backlog:
            self._wakened.set()

    async def _carry_on(self, claim: Claim, execution: Execution, unreadable: Exception | None) -> Change:
        flow, shape = claim.flow, self._shapes[claim.flow.kind]
        if flow.takeovers >= self._settings.quarantine_after:
            return await execution.give_up(
                InternalFault(f"{flow.takeovers} workers in a row ended while they ran this flow's next step.")
            )
        try:
            if unreadable is not None:
                raise unreadable
            request = shape.request.decode(flow.request)
            code = shape.build(execution.steps).run
        except Exception as error:  # noqa: BLE001 - a payload or constructor that no longer fits must not be lost
            return await execution.give_up(fault("flow.unreadable", error, flow_id=flow.flow_id, kind=flow.kind))
        return await execution.carry_on(lambda: shape.encoded(code(request)))

    def _report(self, claim: Claim, execution: Execution, change: Change) -> None:
        name = claim.flow.kind.partition("@")[0]
        if change.state in FINAL_STATES:
            flow_event(name, change.state)
            ended = msgspec.structs.replace(
                claim.flow, state=change.state, result=change.result, problem=change.problem,
                compensating=change.compensating, updated_at=self.around.clock(), next_in=None,
                cancel_requested=execution.steps.cancel_requested,
            )  # fmt: skip
            self._on_end(Claim(ended, execution.steps.log.in_order()))
            if claim.flow.parent is not None:
                self._wakened.set()
        elif change.next_in is not None:  # 0 for what has become due meanwhile
            flow_event(name, "waiting")
            self._wakened.set()
        if change.state == "dead":
            _log.error("flow.dead", flow_id=claim.flow.flow_id, kind=claim.flow.kind, undoing=change.compensating)

    async def _put_back(self, flow: FlowRecord) -> None:
        try:
            await self._journal.save(put_back(flow))
        except FenceLost:
            return
        except JournalUnavailable:
            await self._release(flow.flow_id, flow.fence)

    async def _release(self, flow_id: str, fence: int) -> None:
        while self._working:
            await asyncio.sleep(_RELEASE_PAUSE)
            with suppress(JournalUnavailable):
                await self._journal.release(flow_id, fence)
                self._wakened.set()
                return

    # --- loops ---------------------------------------------------------------------------------------

    def _room(self) -> int:
        return self._settings.in_flight - len(self._tasks) - self._reserved

    async def _claim_forever(self) -> None:
        while True:
            self._wakened.clear()
            pause = self._settings.poll
            try:
                pause = await self._claim_once()
            except JournalUnavailable as problem:
                _log.error("flow.claim_failed", detail=problem.detail)
            await self._rest(pause)

    async def _rest(self, seconds: float) -> None:
        """Rest until woken, `seconds` at most. Done after every look for work, so without the cost of a timeout."""
        alarm = asyncio.get_running_loop().call_later(seconds, self._wakened.set)
        try:
            await self._wakened.wait()
        finally:
            alarm.cancel()

    async def _claim_once(self) -> float:
        """Claim what there is room for; returns the seconds until the next look is worth it."""
        room, poll = self._room(), self._settings.poll
        if room <= 0:
            return poll
        self._backlog = False
        self._reserved += room
        try:
            claims = await self._journal.claim(self.name, self._shapes.keys(), room)
        finally:
            self._reserved -= room
        for claim in claims.claimed:
            if self._suspects.admits(claim.flow, self._settings.quarantine_after):
                self._begin_sealed(claim)
            else:
                self._spawn(self._put_back(claim.flow))
        if claims.next_in is None:
            return poll
        if claims.next_in <= 0:
            self._backlog = True
        return max(_SHORTEST_PAUSE, min(poll, claims.next_in))

    def _begin_sealed(self, claim: Claim) -> None:
        try:
            self.begin(open_claim(claim, self._codec))
        except Exception as error:  # noqa: BLE001 - a codec's, e.g. a key that is gone
            self.begin(Claim(msgspec.structs.replace(claim.flow, problem=None)), error)

    async def _renew_forever(self) -> None:
        while True:
            await asyncio.sleep(self._settings.lease / 3)
            try:
                for flow_id in await self._journal.renew(self.name, self._settings.lease):
                    self.cancel(flow_id)
            except JournalUnavailable as problem:
                _log.error("flow.renew_failed", detail=problem.detail)
