"""Extracts: the rows of any query, read page by page from a job (Bulk API 2.0 query jobs)."""

from collections.abc import AsyncGenerator
from typing import TypeVar

import msgspec

from shared.binding.problems import BackendFault, Refused, Transient
from shared.resilience.deadline import Deadline
from system_apis.salesforce.bulk.checkpoint import ExtractMark
from system_apis.salesforce.bulk.dialect import Line
from system_apis.salesforce.bulk.jobs import Jobs, as_batch
from system_apis.salesforce.bulk.outcomes import code_of_job
from system_apis.salesforce.bulk.settings import BulkSettings
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.faults import BACKEND

_Row = TypeVar("_Row")


class ExtractPage(msgspec.Struct, frozen=True):
    """Some rows of a query.

    Attributes:
        columns: Their header, parents spelt `Account.Name`.
        rows: Their values as text; an empty one is null.
        following: Where the extract goes on after these rows; None after the last.
    """

    columns: tuple[str, ...]
    rows: list[Line]
    following: ExtractMark | None

    def records(self, kind: type[_Row]) -> list[_Row]:
        """The rows as Structs with the columns for names on the wire, or as `dict[str, str | None]`.

        Raises:
            BackendFault: A row does not fit.
        """
        rows = [dict(zip(self.columns, (value or None for value in row), strict=True)) for row in self.rows]
        try:
            return msgspec.convert(rows, list[kind], strict=False)
        except msgspec.ValidationError:
            raise BackendFault("A row of the query has another shape than agreed; compare the query with it.") from None


class BulkExtracts:
    """Reads records of one org in bulk.

    Args:
        salesforce: The org.
        settings: Sizes and patience.
    """

    def __init__(self, salesforce: SalesforceConnector, settings: BulkSettings | None = None) -> None:
        self.jobs = Jobs(salesforce, settings or salesforce.settings.bulk)

    async def begin(self, soql: str, *, deleted: bool = False) -> ExtractMark:
        """Make the job that runs a query.

        Args:
            soql: Without aggregates, OFFSET, TYPEOF, child queries, compound and binary fields.
            deleted: Whether to read deleted and archived rows too.

        Raises:
            BackendFault, Invalid: The query cannot be run in bulk.
            QuotaExceeded: The org has no query jobs left today.
        """
        with as_batch():
            job = await self.jobs.create("query", operation="queryAll" if deleted else "query", query=soql)
        return ExtractMark(job)

    async def pages(self, mark: ExtractMark, *, seconds: float = 3_600.0) -> AsyncGenerator[ExtractPage]:
        """The rows from a mark on, a page of `page_records` at a time; a page that breaks off is read again whole.

        Close the generator if you stop early (`contextlib.aclosing`).

        Args:
            mark: From `begin`, or of the last page that was used, also by another process.
            seconds: Longest wait for the job, and for each page; the caller's deadline may be sooner.

        Raises:
            Refused: The job failed or was aborted.
            NotFound: The job was deleted, after seven days at the latest.
            Problem: See `faults`; the mark stays good.
        """
        await self._completed(mark.job, seconds)
        following: ExtractMark | None = mark
        while following is not None:
            page = await self.page(following, seconds=seconds)
            following = page.following
            yield page

    async def _completed(self, job: str, seconds: float) -> None:
        with as_batch():
            async with Deadline(f"{BACKEND}-bulk", seconds):
                view = await self.jobs.view("query", job)
                if view.state in ("UploadComplete", "InProgress"):
                    view = await self.jobs.ended("query", job)
        if view.state != "JobComplete":
            raise Refused(f"Salesforce ended the query job as {view.state} ({code_of_job(view.error_message)}).")

    async def page(self, mark: ExtractMark, *, most: int = 0, seconds: float = 3_600.0) -> ExtractPage:
        """The page at a mark, of a job that is complete.

        Args:
            mark: Where it begins.
            most: Its rows at most; as many as the settings say by default.
            seconds: Longest wait; the caller's deadline may be sooner.

        Raises:
            LocatorRefused: The mark is none of this job.
            Problem: See `faults`; the mark stays good.
        """
        most = most or self.jobs.settings.page_records
        left = self.jobs.settings.attempts
        while True:
            left -= 1
            try:
                with as_batch():
                    async with Deadline(f"{BACKEND}-bulk", seconds):
                        lines, locator = await self.jobs.page(mark.job, mark.locator, most)
            except Transient:
                if not left:
                    raise
            else:
                break
        if len(set(map(len, lines))) != 1:
            raise BackendFault("Salesforce sent rows that do not fit their header; the page was not used.")
        header, *rows = lines
        following = ExtractMark(mark.job, locator, mark.rows + len(rows)) if locator else None
        return ExtractPage(tuple(header), rows, following)
