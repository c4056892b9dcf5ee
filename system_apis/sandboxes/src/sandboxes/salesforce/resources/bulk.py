"""jobs/ingest and jobs/query: Bulk API 2.0."""

import email
import email.policy
import sys
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from functools import partial
from typing import Any

import msgspec

from sandboxes.salesforce.bulk.csv_text import DELIMITERS, LINE_ENDINGS, CsvDialect
from sandboxes.salesforce.bulk.extraction import RESULTS, refuse_unsupported
from sandboxes.salesforce.bulk.ingestion import FAILED, SUCCESSFUL, UNPROCESSED
from sandboxes.salesforce.bulk.jobs import ENDED, Job
from sandboxes.salesforce.bulk.writing import OPERATIONS
from sandboxes.salesforce.faults import ApiError, json_error
from sandboxes.salesforce.http import Response
from sandboxes.salesforce.rest import Call, Route
from sandboxes.salesforce.schema.values import stored_moment
from sandboxes.salesforce.usage import BULK_BATCHES, BULK_QUERIES

_INGEST, _QUERY = "V2Ingest", "V2Query"
_MOST_BYTES = 150 * 1024 * 1024
_MOST_MULTIPART = 100_000
_BATCH = 10_000
_PAGE = 50_000
_CSV = "text/csv"
_ADDED: dict[str, list[str]] = {
    SUCCESSFUL: ["sf__Id", "sf__Created"], FAILED: ["sf__Id", "sf__Error"], UNPROCESSED: [],
}  # fmt: skip


def _create_ingest(call: Call) -> Response:
    if call.request.headers.get("content-type", "").startswith("multipart/"):
        return _create_with_content(call)
    return Response(200, _ingest_job(call, call.request.json_object()).told())


def _create_with_content(call: Call) -> Response:
    head = f"Content-Type: {call.request.headers['content-type']}\r\n\r\n".encode("latin-1")
    message: Any = email.message_from_bytes(head + call.request.body, policy=email.policy.HTTP)
    parts = {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}
    if parts.keys() != {"job", "content"}:
        raise ApiError(400, "INVALIDJOB", "InvalidJob : A multipart request has the parts job and content")
    try:
        body = msgspec.json.decode(parts["job"].get_payload(decode=True), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise json_error(f"The part job is no JSON object: {error}") from None
    content = parts["content"].get_payload(decode=True)
    if len(content) > _MOST_MULTIPART:
        raise ApiError(400, "INVALIDJOB", f"InvalidJob : content may have {_MOST_MULTIPART} characters")
    job = _ingest_job(call, body)
    call.org.bulk.jobs.upload(job, content)
    return Response(200, _released(call, job).told())


def _ingest_job(call: Call, body: dict[str, Any]) -> Job:
    operation, name = str(body.get("operation", "")), str(body.get("object", ""))
    if operation not in OPERATIONS:
        raise ApiError(400, "INVALIDJOB", f"InvalidJob : Unknown operation: {operation or 'none'}")
    sobject = call.org.catalogue.get(name)
    if sobject is None:
        raise ApiError(400, "INVALIDJOB", f"InvalidEntity : Entity '{name}' is not supported by the Bulk API.")
    key = str(body.get("externalIdFieldName") or "")
    if operation == "upsert":
        field = sobject.fields.get(key.lower())
        if field is None or not field.id_lookup:
            message = f"Field name provided, {key} does not match an External ID, Salesforce Id, or indexed field"
            raise ApiError(400, "INVALIDJOB", f"InvalidJob : {message} for {sobject.name}")
        key = field.name
    job = _job(call, _INGEST, operation, sobject.name, body)
    job.external_id = key if operation == "upsert" else ""
    return call.org.bulk.jobs.add(job)


def _job(call: Call, kind: str, operation: str, name: str, body: dict[str, Any]) -> Job:
    dialect = CsvDialect(str(body.get("columnDelimiter") or "COMMA"), str(body.get("lineEnding") or "LF"))
    if dialect.delimiter not in DELIMITERS or dialect.line_ending not in LINE_ENDINGS:
        raise ApiError(400, "INVALIDJOB", "InvalidJob : Unknown columnDelimiter or lineEnding")
    if str(body.get("contentType") or "CSV") != "CSV":
        raise ApiError(400, "INVALIDJOB", "InvalidJob : The only contentType is CSV")
    now = stored_moment(call.org.clock.now())
    return Job("", kind, operation, name, call.version, call.session.user_id, now, now, dialect)


def _create_query(call: Call) -> Response:
    body = call.request.json_object()
    operation, soql = str(body.get("operation", "")), str(body.get("query", ""))
    if operation not in ("query", "queryAll"):
        raise ApiError(400, "INVALIDJOB", f"InvalidJob : Unknown operation: {operation or 'none'}")
    plan = call.org.queries.plan(soql, deleted=operation == "queryAll", version=call.version)
    refuse_unsupported(plan)
    job = _job(call, _QUERY, operation, plan.sobject.name, body)
    job.query, job.state = soql, "UploadComplete"
    call.org.usage.spend(BULK_QUERIES, 1)
    call.org.bulk.jobs.add(job)
    call.org.bulk.jobs.save(job)
    call.org.bulk.wake()
    return Response(200, job.told())


def _upload(call: Call) -> Response:
    job = _found(call, _INGEST)
    if job.state != "Open":
        raise ApiError(400, "INVALIDJOBSTATE", f"InvalidJobState : The job is {job.state}, not Open")
    if len(call.request.body) > _MOST_BYTES:
        raise ApiError(413, "REQUEST_ENTITY_TOO_LARGE", f"An upload may have at most {_MOST_BYTES} bytes")
    call.org.bulk.jobs.upload(job, call.request.body)
    return Response(201)


def _change(call: Call, kind: str) -> Response:
    job, wanted = _found(call, kind), str(call.request.json_object().get("state", ""))
    if wanted == "UploadComplete" and kind == _INGEST and job.state == "Open":
        return Response(200, _released(call, job).told())
    if wanted == "Aborted" and job.state not in ENDED:
        job.state = "Aborted"
        call.org.bulk.jobs.save(job)
        return Response(200, job.told())
    message = f"InvalidJobState : A job that is {job.state} cannot become {wanted or 'nothing'}"
    raise ApiError(400, "INVALIDJOBSTATE", message)


def _released(call: Call, job: Job) -> Job:
    lines = (call.org.bulk.jobs.uploaded(job) or b"").count(b"\n")
    call.org.usage.spend(BULK_BATCHES, -(-max(lines, 1) // _BATCH))
    job.state = "UploadComplete"
    call.org.bulk.jobs.save(job)
    call.org.bulk.wake()
    return job


def _tell(call: Call, kind: str) -> Response:
    call.org.bulk.wake()
    return Response(200, _found(call, kind).told(whole=True))


def _list(call: Call, kind: str) -> Response:
    after = int(_place(call.request.query.get("queryLocator", "")) or sys.maxsize)
    jobs, following = call.org.bulk.jobs.page(kind, after)
    path = f"{call.path}/jobs/{'ingest' if kind == _INGEST else 'query'}"
    url = None if following is None else f"{path}?queryLocator={_locator(following)}"
    records = [{**job.told(), "jobType": kind} for job in jobs]
    return Response(200, {"done": following is None, "records": records, "nextRecordsUrl": url})


def _delete(call: Call, kind: str) -> Response:
    job = _found(call, kind)
    if job.state == "InProgress":
        raise ApiError(400, "INVALIDJOBSTATE", "InvalidJobState : Abort the job before you delete it")
    call.org.bulk.jobs.remove(job)
    return Response(204)


def _ingest_results(call: Call, kind: str) -> Response:
    job = _found(call, _INGEST)
    if job.state not in ENDED:
        raise ApiError(400, "INVALIDJOBSTATE", f"InvalidJobState : The job is {job.state}; wait until it has ended")
    return _csv(job, _ADDED[kind] + job.columns, call.org.bulk.jobs.lines(job, kind, 0, sys.maxsize), {})


def _query_results(call: Call) -> Response:
    job = _found(call, _QUERY)
    if job.state != "JobComplete":
        raise ApiError(400, "INVALIDJOBSTATE", f"InvalidJobState : The job is {job.state}, not JobComplete")
    start = int(_place(call.request.query.get("locator", "")) or 0)
    wanted = call.request.query.get("maxRecords", str(_PAGE))
    if not wanted.isdecimal() or int(wanted) < 1 or start > max(job.processed - 1, 0):
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator or maxRecords")
    lines = call.org.bulk.jobs.lines(job, RESULTS, start, int(wanted))
    end = start + len(lines)
    locator = _locator(end) if end < job.processed else "null"
    return _csv(job, job.columns, lines, {"Sforce-Locator": locator, "Sforce-NumberOfRecords": str(len(lines))})


def _csv(job: Job, header: list[str], lines: list[str], headers: dict[str, str]) -> Response:
    text = job.dialect.written([header]) + "".join(lines)
    return Response(200, text.encode(), headers, f"{_CSV}; charset=UTF-8")


def _found(call: Call, kind: str) -> Job:
    return call.org.bulk.jobs.get(kind, call.params["job"])


def _locator(place: int) -> str:
    return urlsafe_b64encode(str(place).encode()).decode().rstrip("=")


def _place(locator: str) -> str:
    """The number in a locator of ours, empty when there is none; ApiError when it is none of ours."""
    try:
        place = urlsafe_b64decode(locator + "=" * (-len(locator) % 4)).decode()
    except (NotBase64, ValueError):
        place = "?"
    if locator and not place.isdecimal():
        raise ApiError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
    return place


ROUTES = (
    Route("POST", "jobs/ingest", _create_ingest, ("application/json", "multipart/form-data")),
    Route("GET", "jobs/ingest", partial(_list, kind=_INGEST)),
    Route("GET", "jobs/ingest/{job}", partial(_tell, kind=_INGEST)),
    Route("PATCH", "jobs/ingest/{job}", partial(_change, kind=_INGEST)),
    Route("DELETE", "jobs/ingest/{job}", partial(_delete, kind=_INGEST)),
    Route("PUT", "jobs/ingest/{job}/batches", _upload, (_CSV,)),
    Route("GET", "jobs/ingest/{job}/successfulresults", partial(_ingest_results, kind=SUCCESSFUL)),
    Route("GET", "jobs/ingest/{job}/failedresults", partial(_ingest_results, kind=FAILED)),
    Route("GET", "jobs/ingest/{job}/unprocessedrecords", partial(_ingest_results, kind=UNPROCESSED)),
    Route("POST", "jobs/query", _create_query),
    Route("GET", "jobs/query", partial(_list, kind=_QUERY)),
    Route("GET", "jobs/query/{job}", partial(_tell, kind=_QUERY)),
    Route("PATCH", "jobs/query/{job}", partial(_change, kind=_QUERY)),
    Route("DELETE", "jobs/query/{job}", partial(_delete, kind=_QUERY)),
    Route("GET", "jobs/query/{job}/results", _query_results),
)
