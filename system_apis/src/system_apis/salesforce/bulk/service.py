"""The bulk contract on Bulk API 2.0."""

import asyncio
import contextlib
from collections.abc import Generator
from typing import Final

import msgspec

from shared.binding.call_context import current_context
from shared.binding.paging import decode_cursor, encode_cursor
from shared.binding.problems import BackendFault, FieldError, Invalid, NotFound, QuotaExceeded
from shared.contracts.system.salesforce_bulk import (
    Became,
    BulkJobNotFound,
    Extract,
    JobState,
    Load,
    NewExtract,
    NewLoad,
    SalesforceBulk,
)
from shared.contracts.system.salesforce_platform import ObjectNotFound
from system_apis.salesforce.bulk.checkpoint import ExtractMark
from system_apis.salesforce.bulk.drafts import Drafts
from system_apis.salesforce.bulk.extraction import BulkExtracts, ExtractPage
from system_apis.salesforce.bulk.jobs import ENDED, JobView, Kind, State, as_batch
from system_apis.salesforce.bulk.outcomes import code_of_job
from system_apis.salesforce.bulk.results import LoadResults, Place
from system_apis.salesforce.bulk.starting import later, start
from system_apis.salesforce.bulk.typed import typed_columns
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.faults import LocatorRefused
from system_apis.salesforce.platform.describe import Describe

_MARGIN = 5.0  # seconds of a caller's deadline that waiting for a job leaves for reading it
_STATES: Final[dict[State, JobState]] = {
    "Open": "pending", "UploadComplete": "running", "InProgress": "running", "JobComplete": "completed",
    "Failed": "failed", "Aborted": "aborted",
}  # fmt: skip


class OrgBulk(SalesforceBulk):
    """Loads and extracts of one Salesforce org.

    Args:
        salesforce: The org.
        describe: What it says of its objects.
    """

    def __init__(self, salesforce: SalesforceConnector, describe: Describe) -> None:
        self._describe = describe
        self._drafts = Drafts(describe, salesforce.settings.bulk)
        self._extracts = BulkExtracts(salesforce)
        self._jobs = self._extracts.jobs
        self._results = LoadResults(self._jobs, describe)

    async def start_load(self, load: NewLoad) -> Load:
        """See `SalesforceBulk.start_load`; three API calls."""
        draft = await self._drafts.load(load)
        with self._doubting(load.sobject):
            job = await start(self._jobs, draft)
        return Load(job, "running", draft.wanted["object"], load.operation)

    async def get_load(
        self, load_id: str, became: Became | None = None, cursor: str | None = None, limit: int = 500
    ) -> Load:
        """See `SalesforceBulk.get_load`; one API call, and one for each result that the page touches."""
        place = None if cursor is None else decode_cursor(cursor, Place)
        if place is not None and (place.job != load_id or became not in (None, place.became)):
            raise _no_cursor()
        with as_batch(), _named(load_id):
            view = await self._looked_up("ingest", load_id)
            ended = view.state in ENDED
            results, following = await self._results.page(view, became, place, limit) if ended else ([], None)
        return Load(
            load_id, _STATES[view.state], view.object, view.operation, view.number_records_processed,
            view.number_records_failed, _code(view), results, following and encode_cursor(following),
        )  # fmt: skip

    async def start_extract(self, extract: NewExtract) -> Extract:
        """See `SalesforceBulk.start_extract`; one API call."""
        soql = await self._drafts.soql(extract)
        with self._doubting(extract.sobject):
            try:
                mark = await self._extracts.begin(soql, deleted=extract.deleted)
            except QuotaExceeded as refused:
                raise later(refused) from None
        return Extract(mark.job, "running")

    async def get_extract(self, extract_id: str, cursor: str | None = None, limit: int = 1_000) -> Extract:
        """See `SalesforceBulk.get_extract`; two API calls."""
        mark = ExtractMark(extract_id) if cursor is None else ExtractMark(*decode_cursor(cursor, tuple[str, str]))
        if mark.job != extract_id:
            raise _no_cursor()
        with as_batch(), _named(extract_id):
            view = await self._looked_up("query", extract_id)
            told = Extract(extract_id, _STATES[view.state], view.object, view.number_records_processed, _code(view))
            if view.state != "JobComplete":
                return told
            page = await self._page(mark, limit)
        columns = await typed_columns(self._describe, view.object, page.columns)
        following = page.following and encode_cursor((extract_id, page.following.locator))
        rows = [columns.row(row) for row in page.rows]
        return msgspec.structs.replace(told, rows=rows, next_cursor=following)

    async def _looked_up(self, kind: Kind, job: str) -> JobView:
        """The job as it stands, or as it ends within the time that the caller is ready to wait."""
        view = await self._jobs.view(kind, job)
        patience = current_context().patience(_MARGIN)
        if view.state not in ENDED and patience:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    return await self._jobs.ended(kind, job)
        return view

    async def _page(self, mark: ExtractMark, most: int) -> ExtractPage:
        try:
            return await self._extracts.page(mark, most=most)
        except LocatorRefused:
            raise _no_cursor() from None

    @contextlib.contextmanager
    def _doubting(self, sobject: str) -> Generator[None]:
        """If the org does not understand a job, ask it anew what the object is like: it may have changed since."""
        try:
            yield
        except BackendFault:
            self._describe.forget(sobject)
            raise


@contextlib.contextmanager
def _named(job: str) -> Generator[None]:
    try:
        yield
    except NotFound as gone:
        if isinstance(gone, ObjectNotFound):
            raise
        raise BulkJobNotFound(f"Salesforce has no job {job} of this kind; it keeps jobs for seven days.") from None


def _code(view: JobView) -> str:
    return code_of_job(view.error_message) if view.error_message else ""


def _no_cursor() -> Invalid:
    fault = FieldError(detail="Not a cursor of this job and these records", parameter="cursor")
    return Invalid("The cursor is not one of this job; begin without it.", errors=[fault])
