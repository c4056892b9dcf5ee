"""Jobs of Bulk API 2.0 one call at a time: made, filled, released, watched, read and removed."""

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Final, Literal
from urllib.parse import quote

import msgspec

from shared.binding.call_context import calling, current_context
from shared.binding.problems import BackendFault, Invalid, Problem, QuotaExceeded, Transient
from shared.resilience.outbound_faults import decode_json, in_doubt
from system_apis.salesforce.bulk.dialect import Line
from system_apis.salesforce.bulk.settings import BulkSettings
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.faults import BACKEND, problem_of_bulk_reply

Operation = Literal["insert", "update", "upsert", "delete", "hardDelete"]
State = Literal["Open", "UploadComplete", "InProgress", "JobComplete", "Failed", "Aborted"]
Kind = Literal["ingest", "query"]
Results = Literal["successfulResults", "failedResults", "unprocessedrecords"]
ENDED: Final = frozenset({"JobComplete", "Failed", "Aborted"})
_GROWTH: Final = 1.5
_CREATED: Final = 201


def as_batch() -> calling:
    """Spend calls as batch work: it is the first to wait when the org's allowance runs short."""
    return calling(current_context().replace(priority="batch"))


class JobView(msgspec.Struct, frozen=True, rename="camel"):
    """A job as Salesforce shows it.

    Attributes:
        object: API name of its records.
        operation: What it does.
        number_records_processed: Records done, the failed ones among them.
        error_message: Why the job as a whole failed.
    """

    id: str
    state: State
    object: str = ""
    operation: str = ""
    number_records_processed: int = 0
    number_records_failed: int = 0
    error_message: str = ""


class Jobs:
    """The bulk jobs of one org.

    Args:
        salesforce: The org.
        settings: Sizes and patience.
    """

    def __init__(self, salesforce: SalesforceConnector, settings: BulkSettings) -> None:
        self.settings = settings
        self._root = f"{salesforce.root}/jobs"
        options = {"sforce-call-options": f"client={salesforce.settings.client_name}"}
        self._json = {**options, "accept": "application/json"}
        self._write = {**self._json, "content-type": "application/json"}
        self._csv = {**options, "accept": "text/csv"}
        self._upload = {**options, "content-type": "text/csv; charset=UTF-8"}
        lines = f"{BACKEND}-bulk"
        self._line = salesforce.line(lines, timeout=settings.reply_seconds, classify=problem_of_bulk_reply)
        self._uploads = salesforce.line(
            f"{lines}-uploads", timeout=settings.upload_seconds, classify=problem_of_bulk_reply
        )

    async def create(self, kind: Kind, **wanted: str) -> str:
        """Make a job and return its id; if the reply is lost, another, since a job that nobody knows of writes nothing.

        Raises:
            Problem: See `faults`; `QuotaExceeded` when the org has no jobs left today.
        """
        dialect = self.settings.dialect
        body = {**wanted, "contentType": "CSV", "columnDelimiter": dialect.delimiter, "lineEnding": dialect.line_ending}
        return (await self._sent("POST", f"/{kind}", body, repeatable=True)).id

    async def upload(self, job: str, content: bytes) -> None:
        """Fill a job that is open; one upload a job, so after a lost reply another job is the way on.

        Raises:
            OutcomeUnknown: There was no answer, or none of Salesforce: a job released like this may be empty.
        """
        reply = await self._uploads.send(
            "PUT",
            f"{self._root}/ingest/{job}/batches",
            headers=self._upload,
            body=content,
            repeatable=False,
            operation="salesforce.bulk.upload",
        )
        if reply.status != _CREATED:
            raise in_doubt(f"{BACKEND}-bulk-uploads")

    async def filled(self, wanted: dict[str, str], content: bytes) -> str:
        """A new ingest job with this content, not released; after an upload of unknown outcome another one.

        Raises:
            Problem: The last attempt's; the jobs of all attempts are aborted if they can be.
        """
        left = self.settings.attempts
        while True:
            left -= 1
            job = await self.create("ingest", **wanted)
            try:
                await self.upload(job, content)
            except Problem as problem:
                await self.abort_quietly(job)
                # Invalid: the wire sent it again over another connection, and Salesforce had it already.
                if not left or isinstance(problem, QuotaExceeded) or not isinstance(problem, Transient | Invalid):
                    raise
            else:
                return job

    async def release(self, job: str) -> None:
        """Let Salesforce begin: from here on records are written. May be said again."""
        for left in reversed(range(self.settings.attempts)):
            try:
                await self._sent("PATCH", f"/ingest/{job}", {"state": "UploadComplete"})
            except Transient:
                if (await self.view("ingest", job)).state != "Open":
                    return
                if not left:
                    raise
            else:
                return

    async def view(self, kind: Kind, job: str) -> JobView:
        """The job as it stands.

        Raises:
            NotFound: It was deleted, after seven days at the latest.
        """
        return await self._sent("GET", f"/{kind}/{job}", None)

    async def ended(self, kind: Kind, job: str) -> JobView:
        """The job when it has ended, well or not; looks at it ever less often, through passing failures.

        The caller bounds the time.
        """
        pause = self.settings.first_poll
        while True:
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - jitter, not a secret
            pause = min(pause * _GROWTH, self.settings.longest_poll)
            try:
                view = await self.view(kind, job)
            except Transient:
                continue
            if view.state in ENDED:
                return view

    async def abort(self, kind: Kind, job: str) -> None:
        """End a job that has not ended; what it has written stays written.

        Raises:
            Conflict: It has ended already.
        """
        await self._sent("PATCH", f"/{kind}/{job}", {"state": "Aborted"})

    async def abort_quietly(self, job: str) -> None:
        """End an ingest job if it can be ended; one that stays open is empty to everybody, and goes after a week."""
        with contextlib.suppress(Problem):
            await self.abort("ingest", job)

    async def delete(self, kind: Kind, job: str) -> None:
        """Remove a job that has ended, with its results."""
        path = f"{self._root}/{kind}/{job}"
        await self._line.send("DELETE", path, headers=self._json, operation="salesforce.bulk.delete")

    async def results(self, job: str, kind: Results) -> AsyncGenerator[list[Line]]:
        """Rows of a result as they arrive, the header first."""
        path = f"{self._root}/ingest/{job}/{kind}"
        async with (
            self._line.stream("GET", path, headers=self._csv, operation="salesforce.bulk.results") as arriving,
            aclosing(self.settings.dialect.rows(arriving.chunks())) as batches,
        ):
            async for rows in batches:
                yield rows

    async def page(self, job: str, locator: str, most: int) -> tuple[list[Line], str]:
        """One page of a query's rows, the header first, and the locator of the next, empty after the last.

        Raises:
            LocatorRefused: The locator is none of this job.
            BackendFault: Salesforce does not say what comes next, or sent another number of rows than it says.
        """
        path = f"{self._root}/query/{job}/results?maxRecords={most}"
        path += f"&locator={quote(locator, safe='')}" if locator else ""
        rows: list[Line] = []
        async with self._line.stream("GET", path, headers=self._csv, operation="salesforce.bulk.rows") as arriving:
            following = arriving.headers.get("sforce-locator")
            promised = arriving.headers.get("sforce-numberofrecords", "")
            async with aclosing(self.settings.dialect.rows(arriving.chunks())) as batches:
                async for batch in batches:
                    rows += batch
        if following is None or following == locator:
            raise BackendFault("Salesforce does not say which page of the rows comes next; the page was not used.")
        if promised.isdecimal() and int(promised) != max(0, len(rows) - 1):
            raise BackendFault("Salesforce sent another number of rows than it says; the page was not used.")
        return rows, "" if following == "null" else following

    async def _sent(self, method: str, path: str, body: dict[str, Any] | None, *, repeatable: bool = False) -> JobView:
        reply = await self._line.send(
            method,
            f"{self._root}{path}",
            headers=self._json if body is None else self._write,
            body=None if body is None else msgspec.json.encode(body),
            repeatable=repeatable or method == "GET",
            operation="salesforce.bulk.job",
        )
        return decode_json(reply, JobView, backend=BACKEND)
