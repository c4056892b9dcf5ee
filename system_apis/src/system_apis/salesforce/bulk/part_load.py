"""One part of a load: its job, what became of its records, and follow-up jobs for what was refused for now."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from typing import Any, Protocol

import msgspec

from shared.binding.problems import BackendFault, Conflict, NotFound, Transient
from system_apis.salesforce.bulk.checkpoint import PartMark
from system_apis.salesforce.bulk.jobs import Jobs, JobView, Results
from system_apis.salesforce.bulk.outcomes import Header, Outcome, code_of_job, worth_another_job
from system_apis.salesforce.bulk.parts import Cutter, Part

Note = Callable[[PartMark], Awaitable[None]]
Told = Callable[[Sequence[Outcome]], Awaitable[None]]
_Reading = Callable[[Header, Sequence[str], int, str], Outcome | None]


class Counting(Protocol):
    """Where jobs are counted."""

    jobs: int
    follow_ups: int


class PartLoad:
    """Brings one part to its end.

    Args:
        jobs: The org's jobs.
        wanted: What each job is to be.
        part: Its records.
        cutter: Encodes lines.
        mark: How far the part is; its jobs are looked up, not made again.
        note: Keeps a new mark before anything rests on it.
        told: Tells outcomes.
    """

    def __init__(
        self, jobs: Jobs, wanted: dict[str, Any], part: Part, cutter: Cutter, mark: PartMark, note: Note, told: Told
    ) -> None:
        self._jobs, self._wanted, self._part, self._cutter = jobs, wanted, part, cutter
        self._mark, self._note, self._told = mark, note, told
        self._delays = jobs.settings.follow_ups
        self._content: bytes = b""
        self._again = bytearray()
        self._kept: set[int] = set()

    async def run(self, counting: Counting) -> None:
        """Until every record is settled.

        Raises:
            Problem: The part could not be finished; its mark stays good.
        """
        self._content, self._part.content = bytes(self._part.content), bytearray()
        number = 0
        while self._content:
            view = await self._known_job(number) or await self._new_job(number, counting)
            self._content = b""
            await self._settle(view, last=number == len(self._delays))
            self._content = self._cutter.header + self._again if self._again else b""
            number += 1
        if self._part.places.untold:
            raise BackendFault("Salesforce says nothing about some records of a job that has ended.")
        await self._keep(msgspec.structs.replace(self._mark, settled=True))

    async def _known_job(self, number: int) -> JobView | None:
        """The job that an earlier run began for this, if Salesforce began it; else there is nothing of it."""
        if number >= len(self._mark.jobs):
            return None
        job = self._mark.jobs[number]
        try:
            view = await self._jobs.view("ingest", job)
        except NotFound:
            view = None
        if view is not None and view.state != "Open":
            return await self._jobs.ended("ingest", job)
        if view is None and self._wanted["operation"] == "insert":
            raise Conflict(
                f"The job {job} with the records from {self._mark.start} on is no longer there, so nobody can say "
                "which were inserted; compare them in Salesforce before you insert the rest."
            )
        if view is not None:  # its upload may be whole or not; an open job has written nothing
            await self._jobs.abort("ingest", job)
        self._mark = msgspec.structs.replace(self._mark, jobs=self._mark.jobs[:number])
        return None

    async def _new_job(self, number: int, counting: Counting) -> JobView:
        if number:
            delay = self._delays[number - 1]
            await asyncio.sleep(random.uniform(delay / 2, delay))  # noqa: S311 - jitter, not a secret
        job = await self._jobs.filled(self._wanted, self._content)
        await self._keep(msgspec.structs.replace(self._mark, jobs=(*self._mark.jobs, job)))
        self._content = b""
        await self._jobs.release(job)
        counting.jobs += 1
        counting.follow_ups += number > 0
        return await self._jobs.ended("ingest", job)

    async def _settle(self, view: JobView, *, last: bool) -> None:
        """Tell what is final and gather what goes into another job."""
        self._again, self._kept = bytearray(), set()
        self._part.places.next_job()
        complete = view.state == "JobComplete"  # only then its numbers are final
        failed = view.number_records_failed if complete else None
        good = view.number_records_processed - view.number_records_failed if complete else None
        await self._read(view.id, "successfulResults", _successful, good)
        await self._read(view.id, "failedResults", _final if last else _unless_repeatable, failed)
        if not complete:
            code = "Aborted" if view.state == "Aborted" else code_of_job(view.error_message)
            keep = worth_another_job(code) and not last

            def unprocessed(header: Header, line: Sequence[str], position: int, key: str) -> Outcome | None:
                del header, line
                outcome = Outcome(position, "unprocessed", key, code=code, repeatable=worth_another_job(code))
                return None if keep else outcome

            await self._read(view.id, "unprocessedrecords", unprocessed, None)
            await self._tell_silent(code)

    async def _tell_silent(self, code: str) -> None:
        """A job that ended early may not list what it never looked at, e.g. when its header is refused."""
        places = self._part.places
        silent = [
            (place, key) for place, key in places.untold_places() if place not in self._kept and places.tell(place)
        ]
        if silent:
            may = worth_another_job(code)
            await self._told(
                [Outcome(places.start + place, "unprocessed", key, code=code, repeatable=may) for place, key in silent]
            )

    async def _read(self, job: str, kind: Results, reading: _Reading, expected: int | None) -> None:
        """Every line of one result, told or kept; read again from its beginning if it breaks off."""
        if expected == 0:
            return
        before, kept = self._part.places.began(), len(self._again)
        for left in reversed(range(self._jobs.settings.attempts)):
            self._part.places.back_to(before)
            del self._again[kept:]
            try:
                count = await self._read_once(job, kind, reading)
            except Transient:
                if not left:
                    raise
            else:
                if expected is None or count == expected:
                    return
        raise BackendFault("Salesforce tells of another number of records than the job says it has.")

    async def _read_once(self, job: str, kind: Results, reading: _Reading) -> int:
        header: Header | None = None
        count = 0
        async with aclosing(self._jobs.results(job, kind)) as batches:
            async for lines in batches:
                if header is None:
                    header = Header(lines.pop(0), self._cutter.columns.names)
                count += len(lines)
                await self._take(header, lines, reading)
        return count

    async def _take(self, header: Header, lines: Sequence[Sequence[str]], reading: _Reading) -> None:
        places = self._part.places
        outcomes: list[Outcome] = []
        for line in lines:
            ours = header.ours(line)
            place = places.find(ours)
            outcome = reading(header, line, places.start + place, places.key_of(ours))
            if outcome is None:
                self._kept.add(place)
                self._again += self._cutter.line(list(ours), places.start + place)
            elif places.tell(place):
                outcomes.append(outcome)
        if outcomes:
            await self._told(outcomes)

    async def _keep(self, mark: PartMark) -> None:
        await self._note(mark)
        self._mark = mark


def _successful(header: Header, line: Sequence[str], position: int, key: str) -> Outcome:
    return header.successful(line, position, key)


def _final(header: Header, line: Sequence[str], position: int, key: str) -> Outcome:
    return header.failed(line, position, key)


def _unless_repeatable(header: Header, line: Sequence[str], position: int, key: str) -> Outcome | None:
    outcome = header.failed(line, position, key)
    return None if outcome.repeatable else outcome
