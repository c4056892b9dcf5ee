"""The org's back office: works on bulk jobs beside everything else, a slice between two requests."""

import asyncio
import logging
import time
from collections.abc import Coroutine

from sandboxes.kit import Clock
from sandboxes.salesforce.bulk.extraction import Extraction
from sandboxes.salesforce.bulk.ingestion import Ingestion, JobFailed
from sandboxes.salesforce.bulk.jobs import ENDED, Job, Jobs
from sandboxes.salesforce.errands import Errands
from sandboxes.salesforce.events import Changes
from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.saving import Saving
from sandboxes.salesforce.schema import Catalogue
from sandboxes.salesforce.soql.execution import Queries
from sandboxes.salesforce.storage import Store

_SLICE = 200
_log = logging.getLogger(__name__)


class Bulk:
    """Bulk jobs of one org.

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
        self._changes = changes
        self._store, self._catalogue, self._queries, self._saving = store, catalogue, queries, saving
        self.jobs = Jobs(store, clock)
        self.wake = Errands("bulk jobs", self._waiting).wake

    def _waiting(self) -> Coroutine[None, None, None] | None:
        waiting = self.jobs.waiting()
        return self._through(waiting[0]) if waiting else None

    async def _through(self, job: Job) -> None:
        under_way: Ingestion | Extraction | None = None
        try:
            job.state = "InProgress"
            self.jobs.save(job)
            with self._saving.access.acting(job.user_id):
                under_way = self._begun(job)
            origin = f"com/salesforce/api/bulkapi/{job.api_version}"
            more = True
            while more and not self._aborted(job):
                began = time.perf_counter()
                self._changes.origin = origin
                self._saving.duplicates.header = ""  # jobs cannot ask to save all the same
                with self._saving.access.acting(job.user_id):
                    more = under_way.step(_SLICE)
                job.milliseconds += round((time.perf_counter() - began) * 1000)
                await asyncio.sleep(0)
            if more:
                under_way.give_up()
                return
            job.state = "JobComplete"
        except (JobFailed, ApiError) as failure:
            job.state, job.error = "Failed", str(failure)
            if isinstance(under_way, Ingestion):
                under_way.give_up()
        except Exception:  # noqa: BLE001 - a job that breaks must not take the others with it
            _log.exception("sandbox.salesforce.bulk %s", job.id)
            job.state, job.error = "Failed", "InternalServerError : An unexpected error occurred"
        self.jobs.save(job)

    def _begun(self, job: Job) -> Ingestion | Extraction:
        if job.kind == "V2Query":
            return Extraction(job, self.jobs, self._store, self._queries)
        return Ingestion(job, self.jobs, self._store, self._saving, self._saving.access.catalogue)

    def _aborted(self, job: Job) -> bool:
        """Whether somebody ended or deleted the job meanwhile; its own copy then stands."""
        try:
            return self.jobs.get(job.kind, job.id).state in ENDED
        except ApiError:
            return True
