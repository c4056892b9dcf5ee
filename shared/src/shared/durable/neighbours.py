"""What the flows of a runner learn and ask of other flows, through the journal."""

from collections.abc import Callable

import msgspec

from shared.binding.call_context import CallContext
from shared.durable.codec import PayloadCodec, open_claim, open_signal, seal_flow
from shared.durable.journal import Claim, FlowRecord, Journal, Signal
from shared.telemetry.metrics import flow_event


class JournalNeighbours:
    """Implements `Neighbours`.

    Args:
        journal: Where flows are.
        codec: Seals payloads.
        wake: Called when there is a flow to claim.
    """

    def __init__(self, journal: Journal, codec: PayloadCodec, wake: Callable[[], None]) -> None:
        self._journal = journal
        self._codec = codec
        self._wake = wake

    async def signals(self, flow_id: str, name: str) -> list[Signal]:
        """See `Neighbours.signals`."""
        return [open_signal(flow_id, sealed, self._codec) for sealed in await self._journal.signals(flow_id, name)]

    async def start_child(self, child: FlowRecord, context: CallContext) -> None:
        """See `Neighbours.start_child`. Of the call context stays what outlives a call."""
        kept = context.replace(deadline=None, idempotency_key=None, wait=None)
        child = msgspec.structs.replace(child, context=msgspec.json.encode(kept))
        if await self._journal.start(seal_flow(child, self._codec), None):
            flow_event(child.kind.partition("@")[0], "started")
            self._wake()

    async def find(self, flow_id: str) -> FlowRecord | None:
        """See `Neighbours.find`."""
        found = await self._journal.find(flow_id)
        return None if found is None else open_claim(Claim(found.flow), self._codec).flow

    async def cancel(self, flow_id: str) -> None:
        """See `Neighbours.cancel`."""
        await self._journal.request_cancel(flow_id)
        self._wake()
