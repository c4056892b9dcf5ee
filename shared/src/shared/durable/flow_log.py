"""What one run of a flow remembers and writes: recorded steps, and saves on their way into the journal.

No effect leaves before everything it rests on is durable: a step that writes waits for `durable()`, and so
does the end of the flow. Outcomes of reads go along with the next save (or after `READS_WAIT`), so they cost
no commit of their own; outcomes of writes go out as soon as the flow's code pauses. Saves of one run go out
one after the other, so the journal never has a gap: what came after a failed save is not written either.
"""

import asyncio

from shared.durable.codec import PayloadCodec, seal_save
from shared.durable.interruptions import Disowned, Unrecorded
from shared.durable.journal import Change, Claim, FenceLost, Journal, JournalUnavailable, Save, StepRecord
from shared.durable.outbox import OutboxRecord

READS_WAIT = 0.02
"""Seconds after which the outcome of a read is saved on its own, if nothing took it along by then."""


class FlowLog:
    """The record of one run under one fence.

    Args:
        journal: Where saves go.
        codec: Seals what is saved.
        claim: The flow, with what earlier runs recorded, readable.

    Attributes:
        steps: Everything recorded, by number.
    """

    def __init__(self, journal: Journal, codec: PayloadCodec, claim: Claim) -> None:
        self.steps: dict[int, StepRecord] = {step.seq: step for step in claim.steps}
        self._journal = journal
        self._codec = codec
        self._flow_id = claim.flow.flow_id
        self._fence = claim.flow.fence
        self._unsaved: list[StepRecord] = []
        self._events: tuple[OutboxRecord, ...] = ()
        self._change: Change | None = None
        self._saving: asyncio.Future[None] | None = None
        self._failure: BaseException | None = None
        self._flushing: asyncio.Handle | None = None
        self._waiter: asyncio.Future[None] | None = None

    def in_order(self) -> tuple[StepRecord, ...]:
        """The steps in the order they began."""
        return tuple(sorted(self.steps.values(), key=lambda step: (step.started_at, abs(step.seq))))

    def record(self, step: StepRecord, *, safe: bool, event: OutboxRecord | None = None) -> None:
        """Remember a step and send it to the journal: soon when it was a read, else with the next pause.

        The event, if the step published one, goes into the same save.
        """
        self.steps[step.seq] = step
        if event is not None:
            self._events += (event,)
        self._unsaved.append(step)
        if not safe:
            self._stop_flushing()
            self._flushing = asyncio.get_running_loop().call_soon(self._flush)
        elif self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(READS_WAIT, self._flush)

    def change(self, change: Change) -> None:
        """Send a change of state to the journal, in one save with the steps not sent yet."""
        self._change = change
        self._flush()

    async def durable(self) -> None:
        """Return once everything recorded is in the journal.

        Raises:
            Disowned: Another worker has the flow.
            Unrecorded: The journal cannot be written.
        """
        self._flush()
        while self._saving is not None:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        if isinstance(self._failure, FenceLost):
            raise Disowned from self._failure
        if isinstance(self._failure, JournalUnavailable):
            raise Unrecorded(self._failure) from self._failure
        if self._failure is not None:
            raise self._failure

    def _stop_flushing(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None

    def _flush(self) -> None:
        self._stop_flushing()
        if self._saving is None and self._failure is None and (self._unsaved or self._change):
            save = Save(self._flow_id, self._fence, tuple(self._unsaved), self._change, self._events)
            self._unsaved, self._change, self._events = [], None, ()
            self._saving = self._journal.save(seal_save(save, self._codec))
            self._saving.add_done_callback(self._saved)

    def _saved(self, future: "asyncio.Future[None]") -> None:
        self._saving = None
        self._failure = future.exception()
        self._flush()
        if self._saving is None and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
