"""Jobs and batches of Bulk API 1.0 as the org remembers them."""

from typing import Any

import msgspec
from msgspec import Struct

from sandboxes.kit import Clock
from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.ids import new_id, to_18
from sandboxes.salesforce.schema.values import stored_moment
from sandboxes.salesforce.storage import Store

_JOB, _BATCH = "750", "751"
WAITING = ("Queued", "InProgress")


class AsyncBatch(Struct):
    """Some records of a job, or one query.

    Attributes:
        rows: Of a query under PK chunking: the first row it reads and how many; else empty.
        results: Ids of the results of a query.
    """

    id: str
    job: str
    created: str
    modified: str
    state: str = "Queued"
    message: str = ""
    processed: int = 0
    failed: int = 0
    milliseconds: int = 0
    rows: tuple[int, ...] = ()
    results: list[str] = []

    def told(self) -> dict[str, Any]:
        """The batch as the API shows it."""
        return {
            "id": self.id, "jobId": self.job, "state": self.state, "stateMessage": self.message or None,
            "createdDate": self.created, "systemModstamp": self.modified, "numberRecordsProcessed": self.processed,
            "numberRecordsFailed": self.failed, "totalProcessingTime": self.milliseconds,
            "apiActiveProcessingTime": self.milliseconds, "apexProcessingTime": 0,
        }  # fmt: skip


class AsyncJob(Struct):
    """A job; `chunk` is how many rows a batch of its query reads under PK chunking, 0 without."""

    id: str
    operation: str
    object: str
    content_type: str
    api_version: float
    user_id: str
    created: str
    serial: bool = False
    external_id: str = ""
    state: str = "Open"
    chunk: int = 0

    @property
    def is_query(self) -> bool:
        """Whether it reads."""
        return self.operation in ("query", "queryAll")

    def told(self, batches: list[AsyncBatch]) -> dict[str, Any]:
        """The job as the API shows it."""
        states = [batch.state for batch in batches]
        spent = sum(batch.milliseconds for batch in batches)
        return {
            "id": self.id, "operation": self.operation, "object": self.object, "createdById": self.user_id,
            "createdDate": self.created, "systemModstamp": self.created, "state": self.state,
            "externalIdFieldName": self.external_id or None,
            "concurrencyMode": "Serial" if self.serial else "Parallel", "contentType": self.content_type,
            "numberBatchesQueued": states.count("Queued"), "numberBatchesInProgress": states.count("InProgress"),
            "numberBatchesCompleted": states.count("Completed"), "numberBatchesFailed": states.count("Failed"),
            "numberBatchesTotal": len(states), "numberRecordsProcessed": sum(batch.processed for batch in batches),
            "numberRetries": 0, "apiVersion": self.api_version, "assignmentRuleId": None,
            "numberRecordsFailed": sum(batch.failed for batch in batches), "totalProcessingTime": spent,
            "apiActiveProcessingTime": spent, "apexProcessingTime": 0, "fastPathEnabled": False,
        }  # fmt: skip


class AsyncJobs:
    """The jobs of one org.

    Args:
        store: Where they are kept.
        clock: Dates them.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def now(self) -> str:
        """This moment as records tell it."""
        return stored_moment(self._clock.now())

    def add(self, job: AsyncJob) -> AsyncJob:
        """Keep a new job under an id of its own."""
        job.id = new_id(_JOB, self._store.next_number(_JOB))
        self._store.execute("INSERT INTO _async_job VALUES (?, ?)", (job.id, msgspec.json.encode(job)))
        return job

    def get(self, job_id: str) -> AsyncJob:
        """The job; ApiError InvalidJob."""
        rows = self._store.select("SELECT job FROM _async_job WHERE id = ?", (to_18(job_id),))
        if not rows:
            raise ApiError(404, "InvalidJob", f"Unable to find job for id: {job_id}")
        return msgspec.json.decode(rows[0][0], type=AsyncJob)

    def save(self, job: AsyncJob) -> None:
        """Keep a change."""
        self._store.execute("UPDATE _async_job SET job = ? WHERE id = ?", (msgspec.json.encode(job), job.id))

    def add_batch(self, job: AsyncJob, content: bytes, *, state: str = "Queued", message: str = "") -> AsyncBatch:
        """Keep a new batch of a job."""
        number, now = self._store.next_number(_BATCH), self.now()
        batch = AsyncBatch(new_id(_BATCH, number), job.id, now, now, state, message)
        self._store.execute(
            "INSERT INTO _async_batch VALUES (?, ?, ?, ?, ?, NULL, ?)",
            (number, batch.id, job.id, msgspec.json.encode(batch), content, int(state in WAITING)),
        )
        return batch

    def batch(self, job: AsyncJob, batch_id: str) -> AsyncBatch:
        """A batch of this job; ApiError InvalidBatch."""
        found = [batch for batch in self.batches(job) if batch.id == to_18(batch_id)]
        if not found:
            raise ApiError(404, "InvalidBatch", f"Unable to find batch for id: {batch_id}")
        return found[0]

    def batches(self, job: AsyncJob) -> list[AsyncBatch]:
        """The batches of a job, oldest first."""
        rows = self._store.select("SELECT batch FROM _async_batch WHERE job = ? ORDER BY number", (job.id,))
        return [msgspec.json.decode(row[0], type=AsyncBatch) for row in rows]

    def save_batch(self, batch: AsyncBatch, result: bytes | None = None) -> None:
        """Keep how far a batch is, and what came out of it."""
        batch.modified = self.now()
        self._store.execute(
            "UPDATE _async_batch SET batch = ?, open = ?, result = coalesce(?, result) WHERE id = ?",
            (msgspec.json.encode(batch), int(batch.state in WAITING), result, batch.id),
        )

    def content(self, batch: AsyncBatch) -> bytes:
        """What was uploaded."""
        return self._store.select("SELECT content FROM _async_batch WHERE id = ?", (batch.id,))[0][0]

    def result(self, batch: AsyncBatch) -> bytes:
        """What came out."""
        return self._store.select("SELECT result FROM _async_batch WHERE id = ?", (batch.id,))[0][0] or b""

    def next_waiting(self) -> AsyncBatch | None:
        """The oldest batch with work left."""
        rows = self._store.select("SELECT batch FROM _async_batch WHERE open = 1 ORDER BY number LIMIT 1")
        return msgspec.json.decode(rows[0][0], type=AsyncBatch) if rows else None
