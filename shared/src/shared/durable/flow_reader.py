"""Reads flows, out of the journal or the archive, as people see them."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from shared.binding.call_context import CallContext
from shared.binding.problems import InternalFault
from shared.contracts.process.flow_operations import FlowArchived, FlowNotFound
from shared.durable.archive_folder import ArchiveFolder
from shared.durable.codec import PayloadCodec, open_claim
from shared.durable.flow import FlowShape
from shared.durable.flow_view import FlowView, file_of, flow_view, moment
from shared.durable.journal import AuditEntry, Claim, FlowRecord, Journal
from shared.durable.journal_retention import ArchivedFlow
from shared.durable.recorded import encode_problem
from shared.security.sensitive import masked

_contexts = msgspec.json.Decoder(CallContext)


class FlowReader:
    """Finds flows, opens payloads and shows them; what cannot be opened is shown without them.

    Args:
        journal: Where flows are, or where it says that the archive has them.
        shapes: Code by kind: what it takes and returns.
        codec: Opens payloads.
        clock: Unix seconds.
        archive: Where old flows are; None when none can be read here.
    """

    def __init__(
        self,
        journal: Journal,
        shapes: Mapping[str, FlowShape[Any, Any]],
        codec: PayloadCodec,
        clock: Callable[[], float],
        archive: ArchiveFolder | None,
    ) -> None:
        self._journal = journal
        self._shapes = shapes
        self._codec = codec
        self._clock = clock
        self._archive = archive

    async def find(self, flow_id: str) -> Claim:
        """The flow with readable payloads, wherever it is.

        Raises:
            FlowNotFound: There is no such flow.
            FlowArchived: It is in an archive that is not here.
        """
        found = await self._journal.find(flow_id)
        if found is None:
            raise FlowNotFound(f"There is no flow {flow_id}; check its id.")
        if found.flow.archive is None:
            return self.opened(found)
        kept = await self._archived(found.flow)
        if kept is None:
            raise _elsewhere(found.flow)
        opened = self.opened(Claim(kept.flow, kept.steps))
        known = found.flow  # it may have been retired since
        flow = msgspec.structs.replace(
            opened.flow, state=known.state, updated_at=known.updated_at, archive=known.archive
        )
        return Claim(flow, opened.steps)

    async def request(self, flow_id: str) -> Any:
        """What a flow was asked for, as JSON values, sensitive ones masked; None when nobody here can read it.

        Raises what `find` raises.
        """
        flow = (await self.find(flow_id)).flow
        shape = self._shapes.get(flow.kind)
        try:
            return masked(shape.request.decode(flow.request)) if shape else None
        except msgspec.MsgspecError:
            return None

    async def audit(self, flow_id: str) -> tuple[AuditEntry, ...]:
        """What the archive knows of what operators did to a flow, newest first."""
        found = await self._journal.find(flow_id)
        kept = await self._archived(found.flow) if found is not None and found.flow.archive is not None else None
        return () if kept is None else kept.audit

    def opened(self, claim: Claim) -> Claim:
        """See `opened`."""
        return opened(claim, self._codec)

    def show(self, claim: Claim, under_way: Mapping[int, tuple[str, float]] | None = None) -> FlowView[Any]:
        """A flow with readable payloads, and the steps being attempted now."""
        return shown(claim, self._shapes, self._clock(), under_way or {})

    async def _archived(self, flow: FlowRecord) -> ArchivedFlow | None:
        if self._archive is None or flow.archive is None:
            return None
        return await asyncio.to_thread(self._archive.read, flow.archive, flow.flow_id)


def opened(claim: Claim, codec: PayloadCodec) -> Claim:
    """With readable payloads, or with none where they cannot be opened: an operator must still see the flow."""
    try:
        return open_claim(claim, codec)
    except ValueError:
        problem = encode_problem(InternalFault("What this flow holds cannot be opened; bring its key back."))
        kept = msgspec.json.encode(CallContext())
        flow = msgspec.structs.replace(claim.flow, request=b"null", context=kept, result=None, problem=problem)
        return Claim(flow, tuple(msgspec.structs.replace(s, arguments=b"{}", outcome=b"") for s in claim.steps))


def shown(
    claim: Claim, shapes: Mapping[str, FlowShape[Any, Any]], now: float, under_way: Mapping[int, tuple[str, float]]
) -> FlowView[Any]:
    """A flow with readable payloads, its result in the type that its code says, if that is known.

    Args:
        claim: The flow and its steps.
        shapes: Code by kind.
        now: Unix seconds.
        under_way: Operation and begin of the steps being attempted now, by number.
    """
    flow, result = claim.flow, None
    if flow.result is not None:
        shape = shapes.get(flow.kind)
        result = shape.result.decode(flow.result) if shape else msgspec.json.decode(flow.result)
    return flow_view(claim, _contexts.decode(flow.context), result, now, under_way)


def _elsewhere(flow: FlowRecord) -> FlowArchived:
    ended, file = moment(flow.updated_at), file_of(flow.archive)
    return FlowArchived(
        f"Flow {flow.flow_id} ({flow.kind}) was {flow.state} on {ended:%Y-%m-%d} and is in the archive file {file}, "
        f"which is not here; look into it with `triptych flows show {flow.flow_id} --archive FOLDER`.",
        extensions={"flowId": flow.flow_id, "state": flow.state, "ended": ended.isoformat(), "archive": file},
    )
