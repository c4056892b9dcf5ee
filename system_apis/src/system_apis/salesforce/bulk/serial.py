"""Bulk API 1.0 as far as it does what 2.0 cannot: batches that follow one another, for records that lock each other.

Jobs of Bulk API 2.0 always write side by side; children of one parent then wait for its lock, and fail. Here a job is
`concurrencyMode: Serial`, batches are at most 10,000 records, and results come in the order of the records
(Salesforce, "Bulk API 2.0 and Bulk API Developer Guide", part Bulk API).
"""

import asyncio
import random
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import suppress
from typing import Annotated, Any, Final, Literal

import msgspec

from shared.binding.problems import BackendFault, Invalid, Problem, Transient
from shared.resilience.credentials import Credentials
from shared.resilience.deadline import Deadline
from shared.resilience.outbound_faults import decode_json
from shared.resilience.wire import WireReply
from system_apis.salesforce.bulk.jobs import as_batch
from system_apis.salesforce.bulk.loading import LoadSpec
from system_apis.salesforce.bulk.outcomes import Outcome
from system_apis.salesforce.bulk.parts import Records, each
from system_apis.salesforce.bulk.settings import BulkSettings
from system_apis.salesforce.bulk.values import Record, fields_of
from system_apis.salesforce.connector import SalesforceConnector
from system_apis.salesforce.faults import BACKEND, code_of, is_session_ended, is_transient, problem_of_async_reply
from system_apis.salesforce.records import SaveError

_MOST_BYTES: Final = 9_500_000
_GROWTH: Final = 1.5
Mode = Literal["Serial", "Parallel"]


class _Job(msgspec.Struct, frozen=True):
    id: str


class _Batch(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    state: Literal["Queued", "InProgress", "Completed", "Failed", "NotProcessed"]
    state_message: str | None = None


class _Result(msgspec.Struct, frozen=True):
    success: bool
    id: str | None = None
    created: bool = False
    errors: list[SaveError] = []


class SerialSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How records are cut into batches.

    Attributes:
        mode: Whether batches follow one another.
        records_per_batch: Fewer make shorter transactions, which lock less.
    """

    mode: Mode = "Serial"
    records_per_batch: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 2_000


class AsyncSession:
    """The org's session as Bulk API 1.0 wants it: `X-SFDC-Session`, and ended when a 400 says so."""

    def __init__(self, session: Credentials) -> None:
        self._session = session
        self._made: tuple[Mapping[str, str], Mapping[str, str]] | None = None

    async def headers(self) -> Mapping[str, str]:
        """The access token in its own header."""
        known = await self._session.headers()
        if self._made is None or self._made[0] is not known:
            token = known["authorization"].partition(" ")[2]
            self._made = (known, {"x-sfdc-session": token})
        return self._made[1]

    def refused(self, reply: WireReply) -> bool:
        """Whether the session has ended."""
        return is_session_ended(reply) or self._session.refused(reply)

    async def renew(self, used: Mapping[str, str]) -> bool:
        """A new session, unless somebody has fetched one since."""
        if self._made is not None and self._made[1] is used:
            await self._session.renew(self._made[0])
        return await self.headers() is not used


class BulkSerial:
    """Writes and reads records of one org over Bulk API 1.0.

    Args:
        salesforce: The org.
        settings: Patience.
        batches: How records are cut.
    """

    def __init__(
        self,
        salesforce: SalesforceConnector,
        settings: BulkSettings | None = None,
        batches: SerialSettings | None = None,
    ) -> None:
        self._settings = settings or salesforce.settings.bulk
        self._batches = batches or SerialSettings()
        self._root = f"/services/async/{salesforce.settings.api_version}/job"
        self._line = salesforce.line(
            f"{BACKEND}-bulk-serial",
            timeout=self._settings.upload_seconds,
            classify=problem_of_async_reply,
            credentials=AsyncSession(salesforce.credentials),
        )
        options = f"client={salesforce.settings.client_name}"
        self._headers = {
            "accept": "application/json",
            "content-type": "application/json",
            "sforce-call-options": options,
        }

    async def load(
        self, spec: LoadSpec, records: Records, *, seconds: float = 3_600.0
    ) -> AsyncGenerator[list[Outcome]]:
        """Write records batch by batch, and tell of each batch in the order of its records.

        Close the generator if you stop early (`contextlib.aclosing`). There is no checkpoint: what a killed load
        had not told may be written, so this is for updates, upserts and deletes, or for few inserts.

        Args:
            spec: What to do; `columns` is not used, every record says its own fields.
            records: Mappings or Structs. None clears a field.
            seconds: Longest wait for each batch; the caller's deadline may be sooner.

        Raises:
            Invalid: A record is larger than a batch may be.
            QuotaExceeded: The org has no batches left today.
            Problem: See `faults`.
        """
        job = await self._job(
            operation=spec.operation, object=spec.sobject, externalIdFieldName=spec.external_id or None
        )
        position = 0
        try:
            async for batch in _batches(records, self._batches.records_per_batch):
                async with Deadline(f"{BACKEND}-bulk-serial", seconds):
                    outcomes = await self._written(job, batch, position, spec.key)
                position += len(batch)
                yield outcomes
        finally:
            await self._close(job)

    async def query(self, sobject: str, soql: str, *, seconds: float = 3_600.0) -> AsyncGenerator[list[dict[str, Any]]]:
        """The rows of a query as JSON tells them, one result of at most 1 GB after the other.

        Raises:
            Invalid: Salesforce cannot run it in bulk.
            Problem: See `faults`.
        """
        job = await self._job(operation="query", object=sobject)
        async with Deadline(f"{BACKEND}-bulk-serial", seconds):
            batch = decode_json(await self._send("POST", f"/{job}/batch", soql.encode()), _Batch, backend=BACKEND)
            await self._close(job)
            batch = await self._ended(job, batch.id)
            if batch.state != "Completed":
                raise Invalid(f"Salesforce ended the query's batch as {batch.state}; check the query.")
            path = f"/{job}/batch/{batch.id}/result"
            ids = decode_json(await self._send("GET", path), list[str], backend=BACKEND)
        for result in ids:
            yield decode_json(await self._send("GET", f"{path}/{result}"), list[dict[str, Any]], backend=BACKEND)

    async def _job(self, **wanted: str | None) -> str:
        body = {name: value for name, value in wanted.items() if value is not None}
        body |= {"contentType": "JSON", "concurrencyMode": self._batches.mode}
        # A job that is made twice for a lost reply stays empty and harms nobody.
        reply = await self._send("POST", "", msgspec.json.encode(body), repeatable=True)
        return decode_json(reply, _Job, backend=BACKEND).id

    async def _close(self, job: str) -> None:
        """No more batches come. A job that stays open harms nobody; Salesforce ends it after a day."""
        with suppress(Problem):
            await self._send("POST", f"/{job}", b'{"state":"Closed"}', repeatable=True)

    async def _written(self, job: str, batch: Sequence[Record], start: int, key: str) -> list[Outcome]:
        content = b"[" + b",".join(msgspec.json.encode(record) for record in batch) + b"]"
        reply = await self._send("POST", f"/{job}/batch", content)
        added = decode_json(reply, _Batch, backend=BACKEND, repeatable=False)
        ended = await self._ended(job, added.id)
        keys = [str(fields_of(record).get(key) or "") if key else "" for record in batch]
        if ended.state != "Completed":
            code = (ended.state_message or ended.state).partition(":")[0].strip()
            code = code if code.isalnum() else "UNKNOWN"
            return [Outcome(start + at, "unprocessed", each, code=code) for at, each in enumerate(keys)]
        reply = await self._send("GET", f"/{job}/batch/{added.id}/result")
        results = decode_json(reply, list[_Result], backend=BACKEND)
        if len(results) != len(batch):
            raise BackendFault("Salesforce tells of another number of records than the batch has; nothing was used.")
        return [_outcome(result, start + at, keys[at]) for at, result in enumerate(results)]

    async def _ended(self, job: str, batch: str) -> _Batch:
        pause = self._settings.first_poll
        while True:
            await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - jitter, not a secret
            pause = min(pause * _GROWTH, self._settings.longest_poll)
            try:
                told = decode_json(await self._send("GET", f"/{job}/batch/{batch}"), _Batch, backend=BACKEND)
            except Transient:
                continue
            if told.state not in ("Queued", "InProgress"):
                return told

    async def _send(self, method: str, path: str, body: bytes | None = None, *, repeatable: bool = False) -> WireReply:
        with as_batch():
            return await self._line.send(
                method,
                f"{self._root}{path}",
                headers=self._headers,
                body=body,
                repeatable=repeatable or method == "GET",
                operation="salesforce.bulk.serial",
            )


def _outcome(result: _Result, position: int, key: str) -> Outcome:
    if result.success:
        return Outcome(position, "successful", key, result.id or "", result.created)
    error = result.errors[0] if result.errors else SaveError()
    code = code_of(error)
    fields = tuple(error.fields or ())
    return Outcome(position, "failed", key, result.id or "", code=code, fields=fields, repeatable=is_transient(code))


async def _batches(records: Records, most: int) -> AsyncGenerator[list[Record]]:
    batch: list[Record] = []
    size = 0
    async for record in each(records):
        length = len(msgspec.json.encode(record)) + 1
        if length > _MOST_BYTES:
            raise Invalid("A record is larger than one batch may be (10 MB).")
        if batch and (len(batch) == most or size + length > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += length
    if batch:
        yield batch
