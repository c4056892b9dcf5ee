"""The org's back office for Bulk API 1.0: one batch after the other, a slice between two requests."""

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any

from sandboxes.kit import Clock
from sandboxes.salesforce.async_api import formats
from sandboxes.salesforce.async_api.jobs import AsyncBatch, AsyncJob, AsyncJobs
from sandboxes.salesforce.bulk.columns import Body, HeaderRefused
from sandboxes.salesforce.bulk.extraction import refuse_unsupported
from sandboxes.salesforce.bulk.writing import AMBIGUOUS, Writing
from sandboxes.salesforce.errands import Errands
from sandboxes.salesforce.events import Changes
from sandboxes.salesforce.faults import ApiError, MultipleChoices
from sandboxes.salesforce.ids import new_id
from sandboxes.salesforce.saving import Saving
from sandboxes.salesforce.schema import Catalogue
from sandboxes.salesforce.soql.execution import Queries
from sandboxes.salesforce.storage import Store

_SLICE = 200
_RESULT = "752"
_log = logging.getLogger(__name__)


class AsyncApi:
    """Bulk API 1.0 of one org.

    Args:
        store: The records and the jobs.
        catalogue: The objects.
        queries: Runs SOQL.
        saving: Saves records.
        changes: Told through which door the records come.
        clock: Dates jobs.
    """

    def __init__(
        self, store: Store, catalogue: Catalogue, queries: Queries, saving: Saving, changes: Changes, clock: Clock
    ) -> None:
        self._store, self._catalogue, self._queries = store, catalogue, queries
        self._saving, self._changes = saving, changes
        self.jobs = AsyncJobs(store, clock)
        self.wake = Errands("bulk batches", self._waiting).wake

    def count(self, job: AsyncJob, soql: str) -> int:
        """The rows of a query; ApiError for one that Bulk cannot run."""
        plan = self._queries.plan(soql, deleted=job.operation == "queryAll", version=job.api_version)
        refuse_unsupported(plan)
        sql = f"SELECT count(*) FROM ({plan.sql})"  # noqa: S608 - made by the compiler, values travel as parameters
        return int(self._store.select(sql, self._queries.parameters(plan, job.user_id))[0][0])

    def _waiting(self) -> Coroutine[None, None, None] | None:
        batch = self.jobs.next_waiting()
        return None if batch is None else self._through(batch)

    async def _through(self, batch: AsyncBatch) -> None:
        job, began = self.jobs.get(batch.job), time.perf_counter()
        result: bytes | None = None
        try:
            if job.is_query:
                with self._saving.access.acting(job.user_id):
                    result = self._rows(job, batch)
            else:
                result = await self._written(job, batch)
            batch.state = "Completed"
        except (HeaderRefused, ApiError) as failure:
            batch.state, batch.message = "Failed", str(failure)
        except Exception:  # noqa: BLE001 - a batch that breaks must not take the others with it
            _log.exception("sandbox.salesforce.async %s", batch.id)
            batch.state, batch.message = "Failed", "InternalServerError : An unexpected error occurred"
        batch.milliseconds = round((time.perf_counter() - began) * 1000)
        self.jobs.save_batch(batch, result)
        await asyncio.sleep(0)

    def _rows(self, job: AsyncJob, batch: AsyncBatch) -> bytes:
        soql = self.jobs.content(batch).decode()
        plan = self._queries.plan(soql, deleted=job.operation == "queryAll", version=job.api_version)
        columns = [name for name, _ in refuse_unsupported(plan)]
        found = self._queries.run(plan, f"/services/data/v{job.api_version}/sobjects/", job.user_id).records
        if batch.rows:
            start, most = batch.rows
            found = found[start : start + most]
        batch.processed, batch.results = len(found), [new_id(_RESULT, self._store.next_number(_RESULT))]
        return formats.rows_of_query(found, columns, job.content_type, plan.sobject.name)

    async def _written(self, job: AsyncJob, batch: AsyncBatch) -> bytes:
        sobject = self._saving.access.of(job.user_id).get(job.object) or self._catalogue.sobjects[job.object.lower()]
        writing = Writing(self._store, self._saving, sobject, job.operation, job.external_id, job.user_id)
        bodies = formats.records(self.jobs.content(batch), job.content_type, sobject)
        batch.state = "InProgress"
        self.jobs.save_batch(batch)
        written: list[formats.Written] = []
        for start in range(0, len(bodies), _SLICE):
            self._changes.origin = f"com/salesforce/api/bulkapi/{job.api_version}"
            self._saving.in_turn = job.serial
            self._saving.duplicates.header = ""  # batches cannot ask to save all the same
            with self._store.savepoint():
                written += [_one(writing, body) for body in bodies[start : start + _SLICE]]
            self._saving.in_turn = False
            await asyncio.sleep(0)
        batch.processed, batch.failed = len(written), sum(each.fault is not None for each in written)
        return formats.results(written, job.content_type)


def _one(writing: Writing, body: Body | ApiError) -> formats.Written:
    if isinstance(body, ApiError):
        return formats.Written("", False, body)
    record_id: Any = body.get("Id")
    try:
        saved, created = writing.write(body)
    except ApiError as fault:
        return formats.Written(str(record_id or ""), False, fault)
    except MultipleChoices:
        return formats.Written("", False, AMBIGUOUS)
    return formats.Written(saved, created)
