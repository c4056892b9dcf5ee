"""The door of Bulk API 1.0: /services/async/XX.0/job…, X-SFDC-Session, refusals as exceptionCode."""

import re
from typing import Any

from sandboxes.salesforce.async_api import formats
from sandboxes.salesforce.async_api.jobs import WAITING, AsyncBatch, AsyncJob
from sandboxes.salesforce.bulk.columns import HeaderRefused
from sandboxes.salesforce.bulk.writing import OPERATIONS
from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.http import Request, Response
from sandboxes.salesforce.org import Org
from sandboxes.salesforce.sessions import Session
from sandboxes.salesforce.usage import BULK_BATCHES

_PATH = re.compile(
    r"/services/async/(\d+)\.0/job(?:/(\w+)(/batch(?:/(\w+)(/result|/request)?(?:/(\w+))?)?)?)?", re.IGNORECASE
)
_CHUNK = re.compile(r"chunksize\s*=\s*(\d+)", re.IGNORECASE)
_DEFAULT_CHUNK, _LARGEST_CHUNK = 100_000, 250_000
_MOST_RECORDS, _MOST_BYTES = 10_000, 10_000_000
_RENAMED = {"LIMIT_EXCEEDED": "ExceededQuota", "JSON_PARSER_ERROR": "InvalidJob", "MALFORMED_QUERY": "InvalidBatch"}


class AsyncDoor:
    """Answers everything below /services/async.

    Args:
        org: The org.
    """

    def __init__(self, org: Org) -> None:
        self._org = org
        self._api = org.async_api

    def answer(self, request: Request) -> Response:
        """The response to one call; never raises ApiError."""
        try:
            return self._admitted(request)
        except ApiError as fault:
            code = _RENAMED.get(fault.code, fault.code)
            told = {"exceptionCode": code, "exceptionMessage": fault.message}
            return _told(request, fault.status, "error", told)

    def _admitted(self, request: Request) -> Response:
        path = _PATH.fullmatch(request.path)
        if path is None:
            raise ApiError(404, "InvalidUrl", f"Invalid url path: {request.path}")
        session = self._session(request)
        self._org.usage.count()
        self._api.wake()
        with self._org.access.acting(session.user_id):
            return self._served(request, session, path)

    def _served(self, request: Request, session: Session, path: re.Match[str]) -> Response:
        version, job_id, batches, batch_id, part, result = path.groups()
        if job_id is None:
            return self._create(request, session, float(version))
        job = self._api.jobs.get(job_id)
        if batches is None:
            return self._change(request, job) if request.method == "POST" else self._job(request, job)
        if batch_id is None:
            return self._add(request, job) if request.method == "POST" else self._batches(request, job)
        batch = self._api.jobs.batch(job, batch_id)
        if part is None:
            return _told(request, 200, "batchInfo", batch.told())
        if part.lower() == "/request":
            return Response(200, self._api.jobs.content(batch), {}, formats.MEDIA_TYPES[job.content_type])
        return self._result(request, job, batch, result)

    def _session(self, request: Request) -> Session:
        bearer = request.headers.get("authorization", "").partition(" ")[2]
        session = self._org.sessions.find(request.headers.get("x-sfdc-session", bearer).strip())
        if session is None:
            raise ApiError(400, "InvalidSessionId", "Invalid session id")
        return session

    def _create(self, request: Request, session: Session, version: float) -> Response:
        asked = _asked(request)
        operation, name = str(asked.get("operation", "")), str(asked.get("object", ""))
        sobject = self._org.catalogue.get(name)
        if sobject is None:
            raise ApiError(400, "InvalidJob", f"InvalidEntity : Unable to find object: {name}")
        if operation not in OPERATIONS | {"query", "queryAll"}:
            raise ApiError(400, "InvalidJob", f"Unknown operation: {operation or 'none'}")
        content_type = str(asked.get("contentType") or "XML").upper()
        if content_type not in formats.MEDIA_TYPES:
            raise ApiError(400, "InvalidJob", f"Unsupported content type: {content_type}")
        external = sobject.fields.get(str(asked.get("externalIdFieldName") or "").lower())
        if operation == "upsert" and (external is None or not external.id_lookup):
            raise ApiError(400, "InvalidJob", "External ID was blank or is no external id; an upsert needs one")
        serial = str(asked.get("concurrencyMode", "0")).lower() in ("1", "serial")
        job = AsyncJob(
            "", operation, sobject.name, content_type, version, session.user_id, self._api.jobs.now(), serial
        )
        job.external_id = external.name if external and operation == "upsert" else ""
        job.chunk = _chunk(request.headers.get("sforce-enable-pkchunking", "")) if job.is_query else 0
        return _told(request, 201, "jobInfo", self._api.jobs.add(job).told([]))

    def _change(self, request: Request, job: AsyncJob) -> Response:
        wanted = str(_asked(request).get("state", ""))
        if wanted not in ("Closed", "Aborted") or job.state in ("Aborted", wanted):
            raise ApiError(400, "InvalidJobState", f"A job that is {job.state} cannot become {wanted or 'nothing'}")
        job.state = wanted
        self._api.jobs.save(job)
        for batch in self._api.jobs.batches(job) if wanted == "Aborted" else ():
            if batch.state == "Queued":
                batch.state = "NotProcessed"
                self._api.jobs.save_batch(batch)
        return self._job(request, job)

    def _job(self, request: Request, job: AsyncJob) -> Response:
        return _told(request, 200, "jobInfo", job.told(self._api.jobs.batches(job)))

    def _add(self, request: Request, job: AsyncJob) -> Response:
        jobs, content = self._api.jobs, request.body
        if job.state != "Open":
            raise ApiError(400, "InvalidJobState", f"The job is {job.state}; batches are added to open jobs only")
        if len(content) > _MOST_BYTES:
            raise ApiError(400, "InvalidBatch", f"Exceeded max size limit of {_MOST_BYTES} bytes")
        self._org.usage.spend(BULK_BATCHES, 1)
        if job.chunk:
            first = jobs.add_batch(job, content, state="NotProcessed")
            self._add_chunks(job, content)
        elif not job.is_query and self._too_many(job, content):
            message = f"InvalidBatch : Records per batch: at most {_MOST_RECORDS}"
            first = jobs.add_batch(job, content, state="Failed", message=message)
        else:
            first = jobs.add_batch(job, content)
        self._api.wake()
        return _told(request, 201, "batchInfo", first.told())

    def _add_chunks(self, job: AsyncJob, content: bytes) -> None:
        """A batch for every chunk; chunks are rows of the result here, not ranges of ids."""
        for start in range(0, self._api.count(job, content.decode()), job.chunk):
            batch = self._api.jobs.add_batch(job, content)
            batch.rows = (start, job.chunk)
            self._api.jobs.save_batch(batch)

    def _too_many(self, job: AsyncJob, content: bytes) -> bool:
        if content.count(b"\n" if job.content_type == "CSV" else b"{" if job.content_type == "JSON" else b"<") < (
            _MOST_RECORDS
        ):
            return False
        try:
            found = formats.records(content, job.content_type, self._org.catalogue.sobjects[job.object.lower()])
        except HeaderRefused:
            return False
        return len(found) > _MOST_RECORDS

    def _batches(self, request: Request, job: AsyncJob) -> Response:
        told = [batch.told() for batch in self._api.jobs.batches(job)]
        if _is_json(request):
            return Response(200, {"batchInfo": told})
        many = formats.document_of_many("batchInfoList", "batchInfo", told)
        return Response(200, many, {}, formats.MEDIA_TYPES["XML"])

    def _result(self, request: Request, job: AsyncJob, batch: AsyncBatch, result: str | None) -> Response:
        if batch.state in WAITING:
            raise ApiError(400, "InvalidBatch", f"Batch not completed: {batch.id} is {batch.state}")
        if job.is_query and result is None:
            if job.content_type == "JSON" or _is_json(request):
                return Response(200, batch.results)
            return Response(200, formats.document_of_ids(batch.results), {}, formats.MEDIA_TYPES["XML"])
        if result is not None and result not in batch.results:
            raise ApiError(404, "InvalidBatch", f"Unable to find result for id: {result}")
        body = self._api.jobs.result(batch)
        return Response(200, body, {}, f"{formats.MEDIA_TYPES[job.content_type]}; charset=UTF-8")


def _asked(request: Request) -> dict[str, Any]:
    return request.json_object() if _is_json(request) else formats.asked(request.body)


def _is_json(request: Request) -> bool:
    return "json" in request.headers.get("content-type", "") or "json" in request.headers.get("accept", "")


def _told(request: Request, status: int, root: str, told: dict[str, Any]) -> Response:
    if _is_json(request):
        return Response(status, told)
    return Response(status, formats.document(root, told), {}, formats.MEDIA_TYPES["XML"])


def _chunk(header: str) -> int:
    """Rows of a chunk that `Sforce-Enable-PKChunking` asks for, 0 for none."""
    if header.strip().lower() in ("", "false"):
        return 0
    size = _CHUNK.search(header)
    if size is None:
        return _DEFAULT_CHUNK
    if not 0 < int(size[1]) <= _LARGEST_CHUNK:
        raise ApiError(400, "InvalidJob", f"PK chunking: chunkSize is at most {_LARGEST_CHUNK}")
    return int(size[1])
