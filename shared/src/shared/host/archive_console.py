"""The operator's side of the archive: moves old flows there, and looks into it without a running suite."""

import time
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import Progress

from shared.contracts.process.flow_operations import AuditRecord, FlowDetail, FlowStep, FlowSummary
from shared.durable.archive_folder import ArchiveBusy, ArchiveFolder
from shared.durable.archivist import Archivist
from shared.durable.codec import PayloadCodec
from shared.durable.flow_reader import opened, shown
from shared.durable.flow_view import moment
from shared.durable.journal import Claim
from shared.durable.journal_retention import ArchivedFlow
from shared.host.flow_journal import ages_of, archive_of, journal_of
from shared.host.operator_tables import standard_output, tell_flow
from shared.host.runtime import Runtime, read_runtime
from shared.host.sealing import open_key_ring
from shared.host.topology import load_topology


async def archive_flows(
    runtime: Runtime, older_than: float | None, *, dry_run: bool, console: Console | None = None
) -> int:
    """Archive what is old enough; returns an exit status. Stopped midway, what is not archived is as before.

    Args:
        runtime: The suite, running or not.
        older_than: Seconds; what the topology says by default.
        dry_run: Only count.
        console: Where it prints.
    """
    out = console or standard_output()
    topology, state = load_topology(Path(runtime.topology)), Path(runtime.state)
    folder, ages = archive_of(topology, state), ages_of(topology, older_than)
    journal = journal_of(topology, state / "journal.db")
    await journal.open()
    try:
        total = await journal.count_archivable(ages)
        if dry_run or not total:
            out.print(f"{total} flows would go into {folder.path}." if total else "No flow is old enough.")
            return 0
        archivist = Archivist(journal, folder, ages, open_key_ring(topology, state))
        with Progress(console=out) as progress:
            task = progress.add_task("archived", total=total)
            archived = await archivist.run(lambda count: progress.advance(task, count))
    except ArchiveBusy as busy:
        out.print(f"[yellow]{busy}[/]")
        return 1
    finally:
        await journal.close()
    out.print(f"{archived} flows are in {folder.path} now; their keys stay taken.")
    return 0


def show_archived(state: Path, folder: Path, flow_id: str, console: Console | None = None) -> int:
    """Print a flow out of an archive folder; returns an exit status. Payloads need the key ring of the state directory.

    Raises:
        NotRunning: No topology says where the keys are.
    """
    out = console or standard_output()
    kept = ArchiveFolder(folder).find(flow_id)
    if kept is None:
        out.print(f"No flow {flow_id} is in {folder}.", markup=False)
        return 1
    runtime = read_runtime(state)
    tell_flow(out, _detail(kept, open_key_ring(load_topology(Path(runtime.topology)), state)))
    return 0


def _detail(kept: ArchivedFlow, codec: PayloadCodec) -> FlowDetail:
    """In the operators' words, without the code that knows what its request and result mean."""
    claim = opened(Claim(kept.flow, kept.steps), codec)
    view = shown(claim, {}, time.time(), {})
    summary = FlowSummary(
        flow_id=view.flow_id, kind=view.kind, state=view.state, created=view.created, updated=view.updated,
        attempt=view.attempt, correlation_id=view.correlation_id, trace_id=view.trace_id,
        problem=view.problem.detail if view.problem else "", cancel_requested=view.cancel_requested,
        parent=view.parent or "",
    )  # fmt: skip
    return FlowDetail(
        flow=summary,
        problem=view.problem,
        timeline=[msgspec.convert(entry, FlowStep, from_attributes=True) for entry in view.timeline],
        audit=[AuditRecord(e.flow_id, e.who, e.act, moment(e.at), e.detail) for e in kept.audit],
    )
