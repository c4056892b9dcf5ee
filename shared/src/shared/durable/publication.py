"""The step that publishes an event: its record, and the row of the outbox that is written with it."""

import msgspec

from shared.binding.call_context import CallContext
from shared.durable.journal import FlowRecord, StepRecord
from shared.durable.outbox import OutboxRecord
from shared.messaging.event_source import event_type

PUBLISH = "flow.publish"
"""Name under which `Flow.publish` is recorded."""


class Publication(msgspec.Struct, frozen=True):
    """What a flow says to the world; a replay must say the same."""

    type: str
    version: int
    event: msgspec.Raw

    def arguments(self) -> bytes:
        """As the step's record keeps it."""
        return msgspec.json.encode(self)

    def step(self, seq: int, at: float) -> StepRecord:
        """The record of having said it."""
        return StepRecord(seq, PUBLISH, self.arguments(), "succeeded", b"null", 1, 0, at, at)

    def row(self, seq: int, at: float, flow: FlowRecord, context: CallContext) -> OutboxRecord:
        """The event itself."""
        return OutboxRecord(
            f"{flow.flow_id}/{seq}", self.type, self.version, bytes(self.event), at, flow.kind,
            context.traceparent, context.correlation_id,
        )  # fmt: skip


def publication_of(event: msgspec.Struct) -> Publication:
    """What is said by publishing an event; raises TypeError when that is no frozen Struct."""
    kind = event_type(type(event))
    return Publication(kind.name, kind.version, msgspec.Raw(msgspec.json.encode(event)))
