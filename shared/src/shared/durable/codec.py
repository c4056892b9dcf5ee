"""How payloads become the opaque bytes a journal stores, and come back."""

import hashlib
from typing import Protocol

import msgspec

from shared.durable.journal import Claim, FlowRecord, Save, Signal, StepRecord


class PayloadCodec(Protocol):
    """Seals payloads on their way into the journal; what is sealed for one place opens only there."""

    def seal(self, payload: bytes, place: str) -> bytes:
        """Return the bytes to store. `place` names flow and column; bind the ciphertext to it."""
        ...

    def open(self, sealed: bytes, place: str) -> bytes:
        """Return what was sealed for this place; raises ValueError for anything else."""
        ...


class PlainCodec:
    """Stores payloads as they are: readable JSON."""

    def seal(self, payload: bytes, place: str) -> bytes:  # noqa: ARG002 - the port's signature
        """Return the payload."""
        return payload

    def open(self, sealed: bytes, place: str) -> bytes:  # noqa: ARG002 - the port's signature
        """Return the payload."""
        return sealed


def seal_flow(flow: FlowRecord, codec: PayloadCodec) -> FlowRecord:
    """A new flow as the journal stores it."""
    return msgspec.structs.replace(
        flow,
        request=codec.seal(flow.request, request_place(flow.flow_id)),
        context=codec.seal(flow.context, f"{flow.flow_id}:context"),
        problem=flow.problem and codec.seal(flow.problem, f"{flow.flow_id}:problem"),
    )


def request_place(flow_id: str) -> str:
    """Where a flow's request is sealed for."""
    return f"{flow_id}:request"


def request_digest(request: bytes) -> bytes:
    """What stays of a request once the archive has it: SHA-256 of it, to be sealed like the request."""
    return hashlib.sha256(request).digest()


def seal_save(save: Save, codec: PayloadCodec) -> Save:
    """A save as the journal stores it."""
    if isinstance(codec, PlainCodec):
        return save
    name, change = save.flow_id, save.change
    if change is not None:
        change = msgspec.structs.replace(
            change,
            result=change.result and codec.seal(change.result, f"{name}:result"),
            problem=change.problem and codec.seal(change.problem, f"{name}:problem"),
        )
    steps = tuple(
        msgspec.structs.replace(
            step,
            arguments=codec.seal(step.arguments, _arguments(name, step)),
            outcome=codec.seal(step.outcome, _outcome(name, step)),
        )
        for step in save.steps
    )
    events = tuple(
        msgspec.structs.replace(event, payload=codec.seal(event.payload, event_place(event.event_id)))
        for event in save.events
    )
    return Save(name, save.fence, steps, change, events)


def event_place(event_id: str) -> str:
    """Where the payload of an event is sealed for."""
    return f"{event_id}:event"


def open_claim(claim: Claim, codec: PayloadCodec) -> Claim:
    """A stored flow with readable payloads, or none if an archive has them; raises what the codec raises."""
    if isinstance(codec, PlainCodec) or claim.flow.archive is not None:
        return claim
    flow, name = claim.flow, claim.flow.flow_id
    opened = msgspec.structs.replace(
        flow,
        request=codec.open(flow.request, request_place(name)),
        context=codec.open(flow.context, f"{name}:context"),
        result=flow.result and codec.open(flow.result, f"{name}:result"),
        problem=flow.problem and codec.open(flow.problem, f"{name}:problem"),
    )
    steps = tuple(
        msgspec.structs.replace(
            step,
            arguments=codec.open(step.arguments, _arguments(name, step)),
            outcome=codec.open(step.outcome, _outcome(name, step)),
        )
        for step in claim.steps
    )
    return Claim(opened, steps)


def seal_signal(flow_id: str, signal: Signal, codec: PayloadCodec) -> Signal:
    """A signal as the journal stores it."""
    return Signal(signal.name, signal.key, codec.seal(signal.payload, _payload(flow_id, signal)))


def open_signal(flow_id: str, signal: Signal, codec: PayloadCodec) -> Signal:
    """A stored signal with a readable payload; raises what the codec raises."""
    return Signal(signal.name, signal.key, codec.open(signal.payload, _payload(flow_id, signal)))


def _payload(name: str, signal: Signal) -> str:
    return f"{name}:signal:{signal.name}:{signal.key}"


def _arguments(name: str, step: StepRecord) -> str:
    return f"{name}/{step.seq}:arguments"


def _outcome(name: str, step: StepRecord) -> str:
    return f"{name}/{step.seq}:outcome"
