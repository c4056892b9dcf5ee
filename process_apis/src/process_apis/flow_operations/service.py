"""The operators' API over all flows of this process."""

from typing import Literal

from process_apis.flow_operations.views import (
    audit_record,
    consumer_summary,
    detail,
    event_record,
    patch_of,
    summary,
)
from shared.binding.call_context import current_context
from shared.binding.declare import Page
from shared.binding.paging import decode_cursor, encode_cursor
from shared.binding.problems import Problem
from shared.contracts.canonical.event_feed import CursorExpired, EventFeed
from shared.contracts.process.flow_operations import (
    AuditRecord,
    BulkResumption,
    ConsumerNotFound,
    ConsumerSummary,
    EditToPreview,
    FlowDetail,
    FlowOperations,
    FlowState,
    FlowSummary,
    OperatorAct,
    RequestEdit,
    ResumeOutcome,
    ResumePreview,
    Resumption,
)
from shared.durable.directory import FlowDirectory
from shared.durable.event_log import EventLog
from shared.messaging.event_source import OLDEST, PositionExpired


class OperatedFlows(FlowOperations):
    """Sees every flow in the journal of its process, whichever API runs it."""

    def __init__(self, flows: FlowDirectory, events: EventLog) -> None:
        self._flows = flows
        self._events = events

    async def list_flows(
        self, state: FlowState | None = None, kind: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page[FlowSummary]:
        """See FlowOperations."""
        before = None if cursor is None else decode_cursor(cursor, int)
        states = () if state is None else (state,)
        views, following = await self._flows.page(states=states, kind=kind, limit=limit, before=before)
        return Page([summary(view) for view in views], None if following is None else encode_cursor(following))

    async def get_flow(self, flow_id: str) -> FlowDetail:
        """See FlowOperations."""
        runner = await self._flows.runner_of(flow_id)
        entries, _ = await runner.audit(flow_id)
        return detail(await runner.view(flow_id), await runner.request(flow_id), entries)

    async def cancel_flow(self, flow_id: str, act: OperatorAct) -> FlowDetail:
        """See FlowOperations."""
        runner = await self._flows.runner_of(flow_id)
        await runner.cancel(flow_id, by=_operator(), reason=act.reason)
        return await self.get_flow(flow_id)

    async def preview_resumption(self, flow_id: str, edit: EditToPreview) -> ResumePreview:
        """See FlowOperations."""
        channel = await self._flows.dead_letters_of(flow_id)
        return await channel.preview(flow_id, patch=patch_of(edit.patch))

    async def edit_dead_letter(self, flow_id: str, edit: RequestEdit) -> FlowDetail:
        """See FlowOperations."""
        channel = await self._flows.dead_letters_of(flow_id)
        await channel.edit(flow_id, patch_of(edit.patch), by=_operator(), reason=edit.reason)
        return await self.get_flow(flow_id)

    async def resume_dead_letter(self, flow_id: str, resumption: Resumption) -> FlowDetail:
        """See FlowOperations."""
        channel = await self._flows.dead_letters_of(flow_id)
        await channel.resume(flow_id, by=_operator(), reason=resumption.reason, patch=patch_of(resumption.patch))
        return await self.get_flow(flow_id)

    async def resume_dead_letters(self, resumption: BulkResumption) -> list[ResumeOutcome]:
        """See FlowOperations."""
        return [await self._resumed(flow_id, resumption.reason) for flow_id in resumption.flow_ids]

    async def discard_dead_letter(self, flow_id: str, act: OperatorAct) -> FlowDetail:
        """See FlowOperations."""
        channel = await self._flows.dead_letters_of(flow_id)
        await channel.discard(flow_id, by=_operator(), reason=act.reason)
        return await self.get_flow(flow_id)

    async def list_audit(
        self, flow_id: str | None = None, cursor: str | None = None, limit: int = 50
    ) -> Page[AuditRecord]:
        """See FlowOperations."""
        before = None if cursor is None else decode_cursor(cursor, int)
        entries, following = await self._flows.audit(flow_id, limit=limit, before=before)
        return Page([audit_record(e) for e in entries], None if following is None else encode_cursor(following))

    async def list_events(
        self,
        after: str | None = None,
        types: list[str] | None = None,
        begin: Literal["oldest", "latest"] = "oldest",
        limit: int = 50,
    ) -> EventFeed:
        """See FlowOperations."""
        position = None if after is None else decode_cursor(after, str, "after")
        if position is None:
            position = await self._events.latest() if begin == "latest" else OLDEST
        try:
            page = await self._events.page(position, types or (), limit, current_context().wait or 0.0)
        except PositionExpired as problem:
            raise CursorExpired(problem.detail) from None
        return EventFeed([event_record(event) for event in page.events], encode_cursor(page.position))

    async def list_consumers(self) -> list[ConsumerSummary]:
        """See FlowOperations."""
        return [consumer_summary(state) for state in await self._events.consumers()]

    async def forget_consumer(self, consumer: str) -> None:
        """See FlowOperations."""
        if not await self._events.forget(consumer, by=_operator()):
            raise ConsumerNotFound(f"No consumer is called {consumer}; list them to see who is.")

    async def _resumed(self, flow_id: str, reason: str) -> ResumeOutcome:
        try:
            channel = await self._flows.dead_letters_of(flow_id)
            await channel.resume(flow_id, by=_operator(), reason=reason)
        except Problem as problem:
            if problem.transient:
                raise
            return ResumeOutcome(flow_id, resumed=False, obstacle=problem.detail)
        return ResumeOutcome(flow_id, resumed=True)


def _operator() -> str:
    """Subject and application of the caller."""
    principal = current_context().principal
    return "nobody" if principal is None else f"{principal.subject} ({principal.client_id})"
