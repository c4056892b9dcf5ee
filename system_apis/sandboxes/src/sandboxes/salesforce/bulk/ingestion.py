"""An ingest job at work: a slice of its records at a time, each with its own result."""

import csv
from collections.abc import Iterator
from itertools import islice

from sandboxes.salesforce.bulk.columns import Body, HeaderRefused, Put, setters
from sandboxes.salesforce.bulk.jobs import Job, Jobs
from sandboxes.salesforce.bulk.writing import AMBIGUOUS, Writing, told
from sandboxes.salesforce.faults import ApiError, MultipleChoices
from sandboxes.salesforce.saving import Saving
from sandboxes.salesforce.schema import Catalogue, SObject
from sandboxes.salesforce.storage import Store

SUCCESSFUL, FAILED, UNPROCESSED = "successful", "failed", "unprocessed"
_ID_ONLY = frozenset({"delete", "hardDelete"})


class JobFailed(Exception):  # noqa: N818 - the state a job ends in
    """The job as a whole cannot go on; the message becomes its errorMessage."""


class Ingestion:
    """One ingest job under way; picks up after the records that are done.

    Args:
        job: What to do.
        jobs: Keeps results.
        store: Groups a slice into one transaction.
        saving: Saves records as every door does.
        catalogue: The org's objects.

    Raises:
        JobFailed: The upload is no CSV that fits the job.
    """

    def __init__(self, job: Job, jobs: Jobs, store: Store, saving: Saving, catalogue: Catalogue) -> None:
        self.job = job
        self._jobs, self._store = jobs, store
        sobject = catalogue.get(job.object)
        if sobject is None:
            raise JobFailed(f"InvalidEntity : {job.object}")
        self._sobject: SObject = sobject
        self._write = Writing(store, saving, sobject, job.operation, job.external_id, job.user_id).write
        self._rows = self._read()
        self._put = self._columns()
        for _ in islice(self._rows, job.processed):
            pass

    def step(self, most: int) -> bool:
        """Do up to `most` records, all results or none kept; False when nothing is left.

        Raises:
            JobFailed: The rest is no CSV.
        """
        try:
            rows = list(islice(self._rows, most))
        except csv.Error as error:
            raise JobFailed(f"ClientInputError : Invalid CSV: {error}") from None
        job, good, bad = self.job, list[list[str]](), list[list[str]]()
        with self._store.savepoint():
            for row in rows:
                self._one(row, good, bad)
            self._jobs.add_part(job, SUCCESSFUL, job.processed - job.failed, good)
            self._jobs.add_part(job, FAILED, job.failed, bad)
            job.processed += len(rows)
            job.failed += len(bad)
            self._jobs.save(job)
        return len(rows) == most

    def give_up(self) -> None:
        """Keep what is left as unprocessed."""
        rows = list(self._rows)
        self._jobs.add_part(self.job, UNPROCESSED, 0, rows)

    def _read(self) -> Iterator[list[str]]:
        content = self._jobs.uploaded(self.job)
        if not content:
            raise JobFailed("InvalidBatch : No records were uploaded for this job")
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise JobFailed("ClientInputError : The records are not UTF-8") from None
        if not self.job.dialect.fits(text):
            ending = self.job.dialect.line_ending
            message = f"LineEnding is invalid on user data. Current LineEnding setting is {ending}"
            raise JobFailed(f"ClientInputError : {message}")
        return self.job.dialect.rows(text)

    def _columns(self) -> list[Put]:
        try:
            header = next(self._rows, None)
        except csv.Error as error:
            raise JobFailed(f"ClientInputError : Invalid CSV: {error}") from None
        if header is None:
            raise JobFailed("InvalidBatch : No header line")
        if self.job.operation in _ID_ONLY and [name.lower() for name in header] != ["id"]:
            raise JobFailed(f"InvalidBatch : A {self.job.operation} job takes one column, Id")
        self.job.columns = header
        try:
            return setters(self._sobject, header)
        except HeaderRefused as refused:
            raise JobFailed(str(refused)) from None

    def _one(self, row: list[str], good: list[list[str]], bad: list[list[str]]) -> None:
        record_id = ""
        try:
            if len(row) != len(self._put):
                message = f"The record has {len(row)} values, the header {len(self._put)} columns"
                raise ApiError(400, "INVALID_CSV_RECORD", message)
            body: Body = {}
            for put, text in zip(self._put, row, strict=True):
                put(body, text)
            record_id = str(body.get("Id") or "")
            saved, created = self._write(body)
        except ApiError as fault:
            bad.append([record_id, told(fault), *row])
        except MultipleChoices:
            bad.append([record_id, told(AMBIGUOUS), *row])
        else:
            good.append([saved, "true" if created else "false", *row])
