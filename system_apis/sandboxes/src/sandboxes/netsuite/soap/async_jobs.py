"""Asynchronous operations of SOAP: taken in at once, done when they are due, their results read again and again.

Source: SuiteTalk SOAP "Asynchronous Operations": `asyncStatusResult` with a job id, `checkAsyncStatus`,
`getAsyncResult`; a fault of kind `async` where the job is unknown or not done.
"""

import secrets
import sqlite3
from collections.abc import Callable

from sandboxes.kit import Clock
from sandboxes.netsuite.auth.credentials import ACCOUNT
from sandboxes.netsuite.soap.faults import SoapFault

_OPERATIONS = ("addList", "updateList", "upsertList", "deleteList", "getList")
ASYNC_OPERATIONS = {f"async{name[0].upper()}{name[1:]}": name for name in _OPERATIONS}
"""Asynchronous operations and the ones that they stand for."""

SCHEMA = """
CREATE TABLE soap_job (
    id TEXT PRIMARY KEY, operation TEXT NOT NULL, version TEXT NOT NULL, envelope BLOB NOT NULL, due REAL NOT NULL,
    result TEXT, fault_code TEXT
);
"""

Perform = Callable[[str, str, bytes], str]
"""Does the operation of this name and version with an envelope; returns the content of its response."""


class SoapJobs:
    """The account's jobs by SOAP.

    Args:
        connection: Where they are kept.
        clock: Says what is due.
        perform: Does what is.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Clock, perform: Perform) -> None:
        self._connection, self._clock, self._perform = connection, clock, perform
        self.delay_seconds = 0.0

    def submit(self, operation: str, version: str, envelope: bytes) -> str:
        """Take an operation in; returns the job's id."""
        job = f"ASYNCWEBSERVICES_{ACCOUNT}_{secrets.token_hex(16)}"
        due = self._clock.timestamp() + self.delay_seconds
        row = (job, ASYNC_OPERATIONS[operation], version, envelope, due)
        self._connection.execute("INSERT INTO soap_job VALUES (?, ?, ?, ?, ?, NULL, NULL)", row)
        return job

    def work(self) -> None:
        """Do what is due, in the order it came."""
        due = self._connection.execute(
            "SELECT id, operation, version, envelope FROM soap_job WHERE result IS NULL AND due <= ? ORDER BY rowid",
            (self._clock.timestamp(),),
        ).fetchall()
        for job, operation, version, envelope in due:
            try:
                result, code = self._perform(operation, version, envelope), None
            except SoapFault as fault:
                result, code = fault.message, fault.code
            self._connection.execute("UPDATE soap_job SET result = ?, fault_code = ? WHERE id = ?", (result, code, job))

    def status(self, job: str) -> str:
        """How far a job is: pending, finished, finishedWithErrors, or failed as a whole.

        Raises:
            SoapFault: There is no such job.
        """
        _, result, code = self._job(job)
        if result is None:
            return "pending"
        if code is not None:
            return "failed"
        return "finishedWithErrors" if 'isSuccess="false"' in result else "finished"

    def result(self, job: str) -> tuple[str, str]:
        """The operation that a job did, and the content of its response.

        Raises:
            SoapFault: There is no such job, it is not done, or it failed as a whole.
        """
        operation, result, code = self._job(job)
        if result is None:
            raise SoapFault("async", "JOB_NOT_COMPLETE", f"Job {job} is not complete.")
        if code is not None:
            raise SoapFault("async", code, result)
        return operation, result

    def _job(self, job: str) -> tuple[str, str | None, str | None]:
        found = self._connection.execute(
            "SELECT operation, result, fault_code FROM soap_job WHERE id = ?", (job,)
        ).fetchone()
        if found is None:
            raise SoapFault("async", "INVALID_JOB_ID", f"Job {job} does not exist.")
        return found[0], found[1], found[2]
