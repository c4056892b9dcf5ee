"""Asynchronous requests: NetSuite accepts a write at once and does it when it can, at most once for each key."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

import msgspec

from shared.binding.problems import BackendFault, Conflict, NotFound, PreconditionFailed, Problem
from shared.contracts.system.erp import OrderRejected
from shared.resilience.outbound_faults import decode_json
from shared.resilience.wire import WireReply
from system_apis.netsuite.connector import NetSuiteConnector, made_id
from system_apis.netsuite.faults import NAME

_JOBS = "/services/rest/async/v1/job"
_COLLECTION = "application/vnd.oracle.resource+json; type=collection"
MOST_RECORDS: Final = 100
"""Records of one batch."""


class Job(msgspec.Struct, frozen=True):
    """How far an asynchronous request is."""

    id: str
    completed: bool = False
    progress: str = ""


def idempotency_key(reference: str) -> str:
    """The key of a request, the same for the same reference: NetSuite takes UUIDs."""
    return str(uuid5(NAMESPACE_URL, f"urn:triptych:netsuite:{reference}"))


class Jobs:
    """Asynchronous writes of one account.

    Args:
        netsuite: The account.
        pause: Waits between two looks at a job, for seconds.
    """

    def __init__(self, netsuite: NetSuiteConnector, pause: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._netsuite = netsuite
        self._pause = pause

    async def submit(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any],
        reference: str,
        operation: str,
        content_type: str = "application/json",
    ) -> str:
        """Hand in a write; returns the job's id. The same reference always answers with the same job.

        Args:
            method: POST, PUT or PATCH.
            path: Below the record service.
            body: A record.
            reference: Of the caller; becomes the idempotency key.
            operation: Names the span.
            content_type: Of the body.

        Raises:
            Problem: As `NetSuiteConnector.write`.
        """
        headers = {
            "prefer": "respond-async",
            "x-netsuite-idempotency-key": idempotency_key(reference),
            "content-type": content_type,
        }
        reply = await self._netsuite.write(method, path, body, operation, headers=headers, answers=_is_known_job)
        return _job_id(reply)

    async def submit_batch(
        self,
        record_type: str,
        records: Sequence[Mapping[str, Any]],
        reference: str,
        operation: str,
        *,
        upsert: bool = False,
    ) -> str:
        """Hand in up to a hundred records as one job, a task for each; returns its id.

        Args:
            record_type: E.g. `customer`.
            records: Their contents.
            reference: Of the caller, as in `submit`.
            operation: Names the span.
            upsert: Change those whose `externalId` is known; else all of them are new.

        Raises:
            ValueError: There are more, or none, or one to upsert has no `externalId`.
            Problem: As `submit`.
        """
        if not 0 < len(records) <= MOST_RECORDS:
            raise ValueError(f"A batch has 1 to {MOST_RECORDS} records; cut it into several.")
        if upsert and not all(one.get("externalId") for one in records):
            raise ValueError("A batch of upserts finds its records by `externalId`; give each of them one.")
        method, body = "PUT" if upsert else "POST", {"items": list(records)}
        return await self.submit(method, f"/{record_type}", body, reference, operation, _COLLECTION)

    async def look(self, job: str) -> Job:
        """How far a job is.

        Raises:
            NotFound: There is no such job (any more).
        """
        return decode_json(await self._netsuite.send("GET", f"{_JOBS}/{job}", "look_at_job"), Job, backend=NAME)

    async def result(self, job: str, task: int = 1) -> WireReply:
        """What the write would have answered, had it not been asynchronous; waits until it is done.

        The caller's deadline bounds the wait.

        Raises:
            Problem: What the write was refused with, by `faults`.
        """
        await self._done(job)
        return await self._read(job, task)

    async def outcomes(self, job: str, count: int) -> list[str | Problem]:
        """What became of each record of a batch, in order: its internal id, or why NetSuite refused it.

        Args:
            job: Of `submit_batch`; waits until it is done.
            count: How many records it had.

        Raises:
            Problem: The outcomes cannot be read now.
        """
        await self._done(job)
        return [await self._outcome(job, task) for task in range(1, count + 1)]

    async def _outcome(self, job: str, task: int) -> str | Problem:
        try:
            return made_id(await self._read(job, task))
        except (OrderRejected, Conflict, NotFound, PreconditionFailed) as refused:
            return refused

    async def _read(self, job: str, task: int) -> WireReply:
        return await self._netsuite.send("GET", f"{_JOBS}/{job}/task/{task}/result", "read_job_result")

    async def _done(self, job: str) -> None:
        wait = 0.2
        while not (await self.look(job)).completed:
            await self._pause(wait)
            wait = min(wait * 2, 5.0)


def _is_known_job(reply: WireReply) -> bool:
    return b"IDEMPOTENCY_ERROR" in reply.body and "location" in reply.headers


def _job_id(reply: WireReply) -> str:
    key = (reply.headers.get("location") or "").rstrip("/").rpartition("/")[2]
    if not key:
        raise BackendFault("NetSuite took an asynchronous request and does not say where its job is.")
    return key
