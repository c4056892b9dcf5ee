"""Bulk jobs as the org remembers them: what was asked, how far it is, what came out."""

from typing import Any

import msgspec
from msgspec import Struct

from sandboxes.kit import Clock
from sandboxes.salesforce.bulk.csv_text import CsvDialect
from sandboxes.salesforce.faults import ApiError, not_found
from sandboxes.salesforce.ids import new_id, to_18
from sandboxes.salesforce.schema.values import stored_moment
from sandboxes.salesforce.storage import Store

ENDED = frozenset({"JobComplete", "Failed", "Aborted"})
_PREFIX = "750"
_KEPT_SECONDS = 7 * 86_400
_PAGE = 1_000


class Job(Struct):
    """A job, `V2Ingest` or `V2Query`.

    Attributes:
        operation: insert, update, upsert, delete, hardDelete, query or queryAll.
        external_id: The field that an upsert looks records up by.
        query: The SOQL of a query job.
        processed: Records done, failed ones among them.
        columns: The header of what was uploaded, or of what comes out.
    """

    id: str
    kind: str
    operation: str
    object: str
    api_version: float
    user_id: str
    created: str
    modified: str
    dialect: CsvDialect = CsvDialect()
    external_id: str = ""
    query: str = ""
    state: str = "Open"
    processed: int = 0
    failed: int = 0
    milliseconds: int = 0
    error: str = ""
    columns: list[str] = []

    def told(self, *, whole: bool = False) -> dict[str, Any]:
        """The job as the API shows it; `whole` adds its progress."""
        shown: dict[str, Any] = {
            "id": self.id, "operation": self.operation, "object": self.object, "createdById": self.user_id,
            "createdDate": self.created, "systemModstamp": self.modified, "state": self.state,
            "concurrencyMode": "Parallel", "contentType": "CSV", "apiVersion": self.api_version,
            "lineEnding": self.dialect.line_ending, "columnDelimiter": self.dialect.delimiter,
        }  # fmt: skip
        if self.kind == "V2Ingest":
            shown["contentUrl"] = f"services/data/v{self.api_version}/jobs/ingest/{self.id}/batches"
            shown |= {"externalIdFieldName": self.external_id} if self.external_id else {}
        if whole:
            shown |= {"jobType": self.kind, "numberRecordsProcessed": self.processed, "retries": 0}
            shown["totalProcessingTime"] = self.milliseconds
            if self.kind == "V2Ingest":
                shown |= {"numberRecordsFailed": self.failed, "apexProcessingTime": 0}
                shown["apiActiveProcessingTime"] = self.milliseconds
            else:
                shown["isPkChunkingSupported"] = True
            shown |= {"errorMessage": self.error} if self.error else {}
        return shown


class Jobs:
    """The jobs of one org.

    Args:
        store: Where they are kept.
        clock: Dates them, and drops what is older than seven days.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    def add(self, job: Job) -> Job:
        """Keep a new job under an id of its own."""
        number = self._store.next_number(_PREFIX)
        job.id = new_id(_PREFIX, number)
        self._forget_old()
        self._store.execute(
            "INSERT INTO _job (number, id, job, open, created) VALUES (?, ?, ?, 0, ?)",
            (number, job.id, msgspec.json.encode(job), self._clock.timestamp()),
        )
        return job

    def get(self, kind: str, job_id: str) -> Job:
        """The job of this kind; ApiError NOT_FOUND."""
        full = to_18(job_id)
        rows = self._store.select("SELECT job FROM _job WHERE id = ?", (full,)) if full else []
        job = msgspec.json.decode(rows[0][0], type=Job) if rows else None
        if job is None or job.kind != kind:
            raise not_found()
        return job

    def save(self, job: Job) -> None:
        """Write down how far a job is."""
        job.modified = stored_moment(self._clock.now())
        open_ = int(job.state in ("UploadComplete", "InProgress"))
        self._store.execute("UPDATE _job SET job = ?, open = ? WHERE id = ?", (msgspec.json.encode(job), open_, job.id))

    def upload(self, job: Job, content: bytes) -> None:
        """Keep the records of a job; ApiError when there are some already."""
        if self._store.select("SELECT 1 FROM _job_upload WHERE job = ?", (job.id,)):
            message = (
                f"Found multiple contents for job: <{job.id}>, please 'Close' / 'Abort' / 'Delete' the current Job "
                "then create a new Job and make sure you only do 'PUT' once on a given Job."
            )
            raise ApiError(400, "ClientInputError", message)
        # Apart from the job, whose row is written anew with each slice of its records.
        self._store.execute("INSERT INTO _job_upload VALUES (?, ?)", (job.id, content))

    def uploaded(self, job: Job) -> bytes | None:
        """The records of a job as they came."""
        rows = self._store.select("SELECT content FROM _job_upload WHERE job = ?", (job.id,))
        return rows[0][0] if rows else None

    def waiting(self) -> list[Job]:
        """Jobs with work left, oldest first."""
        rows = self._store.select("SELECT job FROM _job WHERE open = 1 ORDER BY number")
        return [msgspec.json.decode(row[0], type=Job) for row in rows]

    def page(self, kind: str, after: int) -> tuple[list[Job], int | None]:
        """Jobs of a kind, newest first, and where the next page begins."""
        rows = self._store.select("SELECT number, job FROM _job WHERE number < ? ORDER BY number DESC", (after,))
        found = [(number, job) for number, raw in rows if (job := msgspec.json.decode(raw, type=Job)).kind == kind]
        return [job for _, job in found[:_PAGE]], found[_PAGE - 1][0] if len(found) > _PAGE else None

    def remove(self, job: Job) -> None:
        """Forget a job with everything of it."""
        self._store.execute("DELETE FROM _job WHERE id = ?", (job.id,))
        self._store.execute("DELETE FROM _job_upload WHERE job = ?", (job.id,))
        self._store.execute("DELETE FROM _job_part WHERE job = ?", (job.id,))

    def add_part(self, job: Job, kind: str, start: int, rows: list[list[str]]) -> None:
        """Keep rows of a result, beginning with the `start`th."""
        if rows:
            lines = msgspec.json.encode([job.dialect.written([row]) for row in rows])
            self._store.execute("INSERT INTO _job_part VALUES (?, ?, ?, ?, ?)", (job.id, kind, start, len(rows), lines))

    def lines(self, job: Job, kind: str, start: int, most: int) -> list[str]:
        """Up to `most` lines of a result, from the `start`th."""
        sql = (
            "SELECT start, lines FROM _job_part WHERE job = ? AND kind = ? AND start + count > ? AND start < ?"
            " ORDER BY start"
        )
        found: list[str] = []
        for begins, raw in self._store.select(sql, (job.id, kind, start, start + most)):
            part = msgspec.json.decode(raw, type=list[str])
            found += part[max(0, start - begins) : start + most - begins]
        return found

    def _forget_old(self) -> None:
        oldest = self._clock.timestamp() - _KEPT_SECONDS
        for (raw,) in self._store.select("SELECT job FROM _job WHERE created < ? AND open = 0", (oldest,)):
            self.remove(msgspec.json.decode(raw, type=Job))
