"""What became of the records of a load, page by page over Salesforce's three results."""

from collections.abc import Sequence
from contextlib import aclosing
from typing import Annotated, Final

import msgspec

from shared.binding.problems import Transient
from shared.contracts.system.salesforce_bulk import Became, RecordOutcome
from shared.contracts.system.salesforce_platform import FieldValue
from system_apis.salesforce.bulk.dialect import NULL, Line
from system_apis.salesforce.bulk.jobs import Jobs, JobView, Results
from system_apis.salesforce.bulk.outcomes import Header, code_of_job, worth_another_job
from system_apis.salesforce.bulk.typed import typed_columns
from system_apis.salesforce.platform.describe import Describe

_RESULTS: Final[dict[Became, Results]] = {
    "failed": "failedResults", "unprocessed": "unprocessedrecords", "successful": "successfulResults",
}  # fmt: skip
_ORDER: Final[tuple[Became, ...]] = tuple(_RESULTS)
_ADDED: Final = "sf__"


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where the results of a load go on.

    Attributes:
        job: Whose results.
        became: Which of them.
        offset: Records before.
    """

    job: str
    became: Became
    offset: Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)] = 0


class LoadResults:
    """Reads results of ended jobs. Each page of a result begins at its first line, which is all that Salesforce offers.

    Args:
        jobs: The org's jobs.
        describe: What it says of its objects.
    """

    def __init__(self, jobs: Jobs, describe: Describe) -> None:
        self._jobs, self._describe = jobs, describe

    async def page(
        self, view: JobView, only: Became | None, place: Place | None, most: int
    ) -> tuple[list[RecordOutcome], Place | None]:
        """Up to so many outcomes, and the place of the next, None after the last.

        Raises:
            NotFound: The job was deleted.
            Problem: See `faults`; the place stays good.
        """
        found: list[RecordOutcome] = []
        begin = place or Place(view.id, only or _ORDER[0])
        for became in (begin.became,) if only else _ORDER[_ORDER.index(begin.became) :]:
            offset = begin.offset if became == begin.became else 0
            if _empty(view, became):
                continue
            room = most - len(found)
            outcomes = await self._outcomes(view, became, offset, room + 1)  # one more tells that there is more
            found += outcomes[:room]
            if len(outcomes) > room:
                return found, Place(view.id, became, offset + room)
        return found, None

    async def _outcomes(self, view: JobView, became: Became, offset: int, most: int) -> list[RecordOutcome]:
        names, lines = await self._lines(view.id, _RESULTS[became], offset, most)
        if not lines:
            return []
        ours = [name for name in names if not name.startswith(_ADDED)]
        header = Header(names, ours)
        columns = await typed_columns(self._describe, view.object, ours)
        return [_outcome(view, became, header, line, columns.sent(header.ours(line), NULL)) for line in lines]

    async def _lines(self, job: str, kind: Results, offset: int, most: int) -> tuple[Line, list[Line]]:
        """The header and some lines of a result; read again if it breaks off."""
        left = self._jobs.settings.attempts
        while True:
            left -= 1
            try:
                return await self._read(job, kind, offset, most)
            except Transient:
                if not left:
                    raise

    async def _read(self, job: str, kind: Results, offset: int, most: int) -> tuple[Line, list[Line]]:
        names: Line = ()
        found: list[Line] = []
        async with aclosing(self._jobs.results(job, kind)) as batches:
            async for batch in batches:
                if not names:
                    names = batch.pop(0)
                skipped = min(offset, len(batch))
                offset -= skipped
                found += batch[skipped : skipped + most - len(found)]
                if len(found) == most:
                    break
        return names, found


def _empty(view: JobView, became: Became) -> bool:
    """Whether the counts say that there is nothing to read, which spares a call; they count only when all was done."""
    if view.state != "JobComplete":
        return False
    failed = view.number_records_failed
    return {"failed": failed, "unprocessed": 0}.get(became, view.number_records_processed - failed) == 0


def _outcome(
    view: JobView, became: Became, header: Header, line: Sequence[str], record: dict[str, FieldValue]
) -> RecordOutcome:
    if became == "unprocessed":
        code = "Aborted" if view.state == "Aborted" else code_of_job(view.error_message)
        return RecordOutcome(became, record, code=code, repeatable=worth_another_job(code))
    told = header.successful(line, 0, "") if became == "successful" else header.failed(line, 0, "")
    return RecordOutcome(became, record, told.record_id, told.created, told.code, list(told.fields), told.repeatable)
