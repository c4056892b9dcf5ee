"""Loads: any number of records written by jobs side by side, each record accounted for."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from shared.resilience.deadline import Deadline
from system_apis.salesforce.bulk.checkpoint import LoadCheckpoint, PartMark
from system_apis.salesforce.bulk.jobs import Jobs, Operation, as_batch
from system_apis.salesforce.bulk.outcomes import Outcome
from system_apis.salesforce.bulk.part_load import PartLoad
from system_apis.salesforce.bulk.parts import Cutter, Part, Records, check_reached, check_same, each
from system_apis.salesforce.bulk.settings import BulkSettings
from system_apis.salesforce.bulk.values import Columns, Record, columns_of
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.faults import BACKEND

Tell = Callable[[Sequence[Outcome]], Awaitable[None]]
Keep = Callable[[LoadCheckpoint], Awaitable[None]]
_BREATH = 500
"""Records encoded between two looks at everything else that runs here."""


class LoadSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be done with the records.

    Attributes:
        sobject: API name of the object.
        operation: What each record is for.
        external_id: Upsert: the field that records are looked up by.
        columns: The header; by default the fields of the first record.
    """

    sobject: str
    operation: Operation
    external_id: str = ""
    columns: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The column that tells records apart, empty for inserts."""
        return self.external_id if self.operation == "upsert" else "" if self.operation == "insert" else "Id"

    def job(self) -> dict[str, Any]:
        """The job to make."""
        wanted = {"object": self.sobject, "operation": self.operation}
        return wanted | ({"externalIdFieldName": self.external_id} if self.operation == "upsert" else {})


class LoadReport(msgspec.Struct, kw_only=True):
    """How a load went, in records, as told in this run.

    Attributes:
        successful: Written.
        created: New among them.
        failed: Refused.
        unprocessed: Not looked at, because their job ended before.
        jobs: Jobs made in this run.
        follow_ups: Those among them that carried what was refused for now.
    """

    successful: int = 0
    created: int = 0
    failed: int = 0
    unprocessed: int = 0
    jobs: int = 0
    follow_ups: int = 0

    def count(self, outcomes: Sequence[Outcome]) -> None:
        """Add outcomes."""
        for outcome in outcomes:
            match outcome.became:
                case "successful":
                    self.successful += 1
                    self.created += outcome.created
                case "failed":
                    self.failed += 1
                case _:
                    self.unprocessed += 1


async def _forget(checkpoint: LoadCheckpoint) -> None:
    del checkpoint


class BulkLoads:
    """Writes records of one org in bulk.

    Args:
        salesforce: The org.
        settings: Sizes and patience.
    """

    def __init__(self, salesforce: SalesforceConnector, settings: BulkSettings | None = None) -> None:
        self.jobs = Jobs(salesforce, settings or salesforce.settings.bulk)

    async def load(
        self,
        spec: LoadSpec,
        records: Records,
        tell: Tell,
        *,
        keep: Keep = _forget,
        checkpoint: LoadCheckpoint | None = None,
        seconds: float = 3_600.0,
    ) -> LoadReport:
        """Write every record and tell what became of each.

        Args:
            spec: What to do.
            records: Mappings or Structs; see `values.Record`. After a kill: the same ones in the same order.
            tell: Gets outcomes as they are known, in any order, one call at a time. A part that was not wholly
                told when the process ended is told again from its beginning.
            keep: Stores the checkpoint durably. A job begins only after a checkpoint that names it was kept.
            checkpoint: Where to go on; what it names is looked up, not written again.
            seconds: Longest duration; the caller's deadline may be sooner.

        Raises:
            Invalid: A record does not fit the columns, or CSV. Parts before it are finished first.
            Conflict: Other records than those of the checkpoint, or a job of an insert that is no longer there.
            QuotaExceeded: The org has no batches left today; go on with the checkpoint tomorrow.
            DeadlineExceeded: The time is over; jobs go on in Salesforce, and the checkpoint finds them.
            Problem: See `faults`. The checkpoint stays good in every case.
        """
        with as_batch():
            async with Deadline(f"{BACKEND}-bulk", seconds):
                return await _Load(self.jobs, spec, tell, keep, checkpoint or LoadCheckpoint(spec.columns)).run(records)

    async def abandon(self, checkpoint: LoadCheckpoint) -> None:
        """Abort the jobs of a load that are still under way; what they have written stays written."""
        for part in checkpoint.parts:
            for job in () if part.settled else part.jobs[-1:]:
                await self.jobs.abort_quietly(job)


class _Load:
    def __init__(self, jobs: Jobs, spec: LoadSpec, tell: Tell, keep: Keep, checkpoint: LoadCheckpoint) -> None:
        self._jobs, self._spec, self._tell, self._keep = jobs, spec, tell, keep
        self._checkpoint = checkpoint
        self._from = checkpoint.settled
        self._known = {mark.start: mark for mark in checkpoint.parts}
        self._places = asyncio.Semaphore(jobs.settings.jobs_at_once)
        self._telling, self._keeping = asyncio.Lock(), asyncio.Lock()
        self._failure: Exception | None = None
        self.report = LoadReport()

    async def run(self, records: Records) -> LoadReport:
        async with asyncio.TaskGroup() as group:
            try:
                await self._begin_parts(records, group)
            except Exception as failure:  # noqa: BLE001 - raised below, when what was begun has ended
                self._failure = self._failure or failure
        if self._failure is not None:
            raise self._failure
        return self.report

    async def _begin_parts(self, records: Records, group: asyncio.TaskGroup) -> None:
        await self._places.acquire()
        try:
            async with aclosing(each(records)) as arriving, aclosing(self._parts(arriving)) as parts:
                async for part, cutter in parts:
                    group.create_task(self._finish(part, cutter))
                    await self._places.acquire()
                    if self._failure is not None:
                        return
        finally:
            self._places.release()

    async def _parts(self, records: AsyncIterable[Record]) -> AsyncGenerator[tuple[Part, Cutter]]:
        """The parts that are not settled, in order."""
        cutter: Cutter | None = None
        part: Part | None = None
        position = -1
        async for record in records:
            position += 1
            if not position % _BREATH:
                await asyncio.sleep(0)
            if position < self._from:
                continue
            if cutter is None:
                cutter = self._cutter(columns_of(record))
            row = cutter.columns.row(record, position)
            line = cutter.line(row, position)
            if part is not None and (
                position in self._known or cutter.full(part, line, self._known.get(part.places.start))
            ):
                yield part, cutter
                part = None
            if part is None:
                part = cutter.part(position)
            part.add(line, row)
        if part is not None and cutter is not None:
            yield part, cutter
        check_reached(position + 1, self._from, self._known.values())

    def _cutter(self, found: Columns) -> Cutter:
        columns = self._checkpoint.columns or self._spec.columns
        cutter = Cutter(Columns(columns) if columns else found, self._spec.key, self._jobs.settings)
        self._checkpoint = msgspec.structs.replace(self._checkpoint, columns=cutter.columns.names)
        return cutter

    async def _finish(self, part: Part, cutter: Cutter) -> None:
        try:
            mark, known = part.mark(), self._known.get(part.places.start)
            if known is not None:
                check_same(mark, known)
                mark = known
            if not mark.settled:
                await PartLoad(self._jobs, self._spec.job(), part, cutter, mark, self._note, self._told).run(
                    self.report
                )
        except Exception as failure:  # noqa: BLE001 - raised by run, when what else was begun has ended
            self._failure = self._failure or failure
        finally:
            self._places.release()

    async def _note(self, mark: PartMark) -> None:
        async with self._keeping:
            self._checkpoint = self._checkpoint.with_part(mark)
            await self._keep(self._checkpoint)

    async def _told(self, outcomes: Sequence[Outcome]) -> None:
        async with self._telling:
            await self._tell(outcomes)
        self.report.count(outcomes)
