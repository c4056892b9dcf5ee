"""Flows in the words of the operators' contract."""

from collections.abc import Iterable
from typing import Any

import msgspec

from shared.binding.problems import FieldError, Invalid
from shared.contracts.canonical.event_feed import EventRecord
from shared.contracts.process.flow_operations import (
    AuditRecord,
    ConsumerSummary,
    FlowDetail,
    FlowStep,
    FlowSummary,
)
from shared.durable.flow_view import FlowView, TimelineEntry, moment
from shared.durable.journal import AuditEntry
from shared.durable.outbox import ConsumerState
from shared.messaging.event_source import Event


def summary(view: FlowView[Any]) -> FlowSummary:
    """A flow in a list."""
    return FlowSummary(
        flow_id=view.flow_id,
        kind=view.kind,
        state=view.state,
        created=view.created,
        updated=view.updated,
        attempt=view.attempt,
        correlation_id=view.correlation_id,
        trace_id=view.trace_id,
        problem=view.problem.detail if view.problem else "",
        cancel_requested=view.cancel_requested,
        parent=view.parent or "",
        archive=view.archive,
    )


def detail(view: FlowView[Any], request: Any, entries: Iterable[AuditEntry]) -> FlowDetail:
    """A flow with everything known of it; `request` is masked."""
    return FlowDetail(
        flow=summary(view),
        request=msgspec.json.encode(request).decode(),
        problem=view.problem,
        timeline=[_step(entry) for entry in view.timeline],
        audit=[audit_record(entry) for entry in entries],
    )


def audit_record(entry: AuditEntry) -> AuditRecord:
    """An act of an operator."""
    return AuditRecord(entry.flow_id, entry.who, entry.act, moment(entry.at), entry.detail)


def event_record(event: Event) -> EventRecord:
    """An event as consumers elsewhere see it."""
    return EventRecord(
        event_id=event.id,
        type=event.type,
        version=event.version,
        occurred=event.occurred_at,
        payload=event.payload.decode(),
        producer=event.producer,
        correlation_id=event.correlation_id,
        trace_id=event.traceparent[3:35],
    )


def consumer_summary(state: ConsumerState) -> ConsumerSummary:
    """How far a consumer is."""
    return ConsumerSummary(state.consumer, state.source, state.behind, round(state.lag, 3), round(state.moved, 3))


def patch_of(text: str) -> Any:
    """The merge patch in a text, None for an empty one; raises Invalid for what is no JSON object."""
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        fault = FieldError(detail="A merge patch is a JSON object", pointer="/patch")
        raise Invalid('The patch is no JSON object; send one such as {"name": "value"}.', errors=[fault]) from None


def _step(entry: TimelineEntry) -> FlowStep:
    return FlowStep(
        seq=entry.seq,
        step=entry.step,
        state=entry.state,
        started=entry.started,
        finished=entry.finished,
        duration_ms=entry.duration_ms,
        attempts=entry.attempts,
        detail=entry.detail,
        next_attempt=entry.next_attempt,
    )
