"""Records one at a time: create, read, update, delete, by id, by external id, along relationships."""
# ruff: noqa: S608 - names come from the catalogue, values travel as parameters

import base64
from datetime import UTC, datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from sandboxes.salesforce.faults import ApiError, json_error, no_column, not_found
from sandboxes.salesforce.http import Response, saved
from sandboxes.salesforce.ids import to_18
from sandboxes.salesforce.multipart import parts_of
from sandboxes.salesforce.resources import conditional
from sandboxes.salesforce.resources.queries import answer
from sandboxes.salesforce.rest import Call, Route
from sandboxes.salesforce.schema import Child, Field, SObject
from sandboxes.salesforce.schema.values import stored_moment
from sandboxes.salesforce.soql.shapes import Record
from sandboxes.salesforce.storage import Row

_UPSERT_ANSWERS_SINCE = 46.0
_WINDOW_DAYS = 30
_ANY_ID = "000000000000000AAA"


def _create(call: Call) -> Response:
    record_id = call.org.saving.create(call.sobject, _sent(call), call.session.user_id)
    return Response(
        201, created(call, call.sobject, record_id), {"Location": f"{call.rows}{call.sobject.name}/{record_id}"}
    )


def _sent(call: Call) -> dict[str, Any]:
    """The record that was sent; with blobs as a multipart of an `entity_…` part in JSON and one part for each blob."""
    if not call.request.headers.get("content-type", "").startswith("multipart/"):
        return call.request.json_object()
    parts = parts_of(call.request)
    entity = next((name for name in parts if name.startswith("entity_")), None)
    if entity is None:
        raise json_error("Multipart message must include a non-binary part")
    try:
        record = msgspec.json.decode(parts.pop(entity), type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise json_error(f"Unexpected character or end of input: {error}") from None
    return record | {name: base64.b64encode(content).decode() for name, content in parts.items()}


def created(call: Call, sobject: SObject, record_id: str) -> dict[str, object]:
    """The result of a create; of a platform event it says that it was queued, and under which UUID."""
    result = saved(record_id)
    if sobject.event:
        uuid = call.org.bus.uuid_of(record_id)
        result["errors"] = [{"statusCode": "OPERATION_ENQUEUED", "message": uuid, "fields": []}]
    return result


def _read(call: Call) -> Response:
    return _shown(call, call.sobject, call.org.saving.existing(call.sobject, call.params["id"]))


def _shown(call: Call, sobject: SObject, row: Row) -> Response:
    tag = conditional.entity_tag(sobject.name, row["SystemModstamp"])
    if conditional.check(call.request, row["SystemModstamp"], tag):
        return Response(304)
    headers = {"Last-Modified": conditional.last_modified(row["SystemModstamp"])}
    if tag:
        headers["ETag"] = tag
    return Response(200, record(call, sobject, row["Id"], call.request.query.get("fields", "")), headers)


def record(call: Call, sobject: SObject, record_id: str, fields: str) -> Record:
    """A record with the wanted fields (comma-separated, all when empty)."""
    wanted = [name.strip() for name in fields.split(",") if name.strip()]
    for name in wanted:
        if "." not in name and name.lower() not in sobject.fields:
            raise no_column(name, sobject.name)
    names = list(dict.fromkeys(wanted)) or [field.name for field in sobject.fields.values()]
    # Compiled once for each object and list of fields, with the id as its only parameter.
    soql = f"SELECT {', '.join(names)} FROM {sobject.name} WHERE Id = '{_ANY_ID}'"
    plan = replace(call.org.queries.plan(soql, version=call.version), parameters=(record_id,))
    found = call.org.queries.run(plan, call.rows, call.session.user_id).records
    if not found:
        raise not_found()
    for field in sobject.fields.values():
        if field.type == "base64" and found[0].get(field.name):
            found[0][field.name] = f"{call.rows}{sobject.name}/{record_id}/{field.name}"
    return found[0]


def _update(call: Call) -> Response:
    row = call.org.saving.existing(call.sobject, call.params["id"])
    conditional.check(call.request, row["SystemModstamp"], _tag(call, row))
    call.org.saving.update(call.sobject, row["Id"], call.request.json_object(), call.session.user_id)
    return Response(204)


def _delete(call: Call) -> Response:
    row = call.org.saving.existing(call.sobject, call.params["id"])
    conditional.check(call.request, row["SystemModstamp"], _tag(call, row))
    call.org.saving.delete(call.sobject, row["Id"], call.session.user_id)
    return Response(204)


def _tag(call: Call, row: Row) -> str | None:
    return conditional.entity_tag(call.sobject.name, row["SystemModstamp"])


def _external(call: Call) -> Field | None:
    """The external id field the path names; None where it names a record id, so a relationship follows."""
    field = call.sobject.fields.get(call.params["key"].lower())
    if field and field.id_lookup:
        return field
    if field is None and to_18(call.params["key"]):
        return None
    name = call.params["key"]
    raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")


def _read_by(call: Call) -> Response:
    field = _external(call)
    if field is None:
        return _follow(call)
    return _shown(call, call.sobject, _found(call, field))


def _found(call: Call, field: Field) -> Row:
    rows = call.org.saving.lookup(call.sobject, field, call.params["value"])
    if not rows:
        raise not_found()
    return rows[0]


def _upsert(call: Call) -> Response:
    sobject, field = call.sobject, _external(call)
    if field is None:
        raise not_found()
    body = call.request.json_object()
    record_id, created = call.org.saving.upsert(sobject, field, call.params["value"], body, call.session.user_id)
    result = saved(record_id, created=created)
    if created:
        return Response(201, result, {"Location": f"{call.rows}{sobject.name}/{record_id}"})
    return Response(200, result) if call.version >= _UPSERT_ANSWERS_SINCE else Response(204)


def _delete_by(call: Call) -> Response:
    field = _external(call)
    if field is None:
        raise not_found()
    call.org.saving.delete(call.sobject, _found(call, field)["Id"], call.session.user_id)
    return Response(204)


def _follow(call: Call) -> Response:
    """Walk a relationship: up to the parent record, down to the children as a query result."""
    sobject = call.sobject
    row = call.org.saving.existing(sobject, call.params["key"])
    name = call.params["value"].lower()
    if (blob := sobject.fields.get(name)) and blob.type == "base64":
        return Response(200, base64.b64decode(row[blob.name] or ""), content_type="application/octet-stream")
    if child := sobject.children.get(name):
        return _descend(call, child, row["Id"])
    reference = sobject.parents.get(name)
    parent_id = row.get(reference.name) if reference else None
    parent = call.org.catalogue.of_id(parent_id) if parent_id else None
    if parent is None or parent_id is None:
        raise not_found()
    return Response(200, record(call, parent, parent_id, call.request.query.get("fields", "")))


def _descend(call: Call, child: Child, parent_id: str) -> Response:
    fields = call.request.query.get("fields", "")
    sobject = call.org.catalogue.sobjects[child.sobject.lower()]
    names = fields or ", ".join(field.name for field in sobject.fields.values())
    soql = f"SELECT {names} FROM {sobject.name} WHERE {child.field.name} = '{parent_id}'"
    return Response(200, answer(call, call.org.queries.plan(soql, version=call.version)))


def _updated(call: Call) -> Response:
    rows, _, end = _window(call, "IsDeleted = 0")
    return Response(200, {"ids": [row[0] for row in rows], "latestDateCovered": end})


def _deleted(call: Call) -> Response:
    rows, earliest, end = _window(call, "IsDeleted = 1")
    records = [{"id": row[0], "deletedDate": row[1]} for row in rows]
    covered = {"earliestDateAvailable": earliest, "latestDateCovered": end}
    return Response(200, {"deletedRecords": records, **covered})


def _window(call: Call, condition: str) -> tuple[list[tuple[Any, ...]], str, str]:
    """The records that changed between the start and end the query names."""
    start, end = _moment(call, "start"), _moment(call, "end")
    now = call.org.clock.now()
    if (now - start).days > _WINDOW_DAYS:
        raise ApiError(400, "INVALID_REPLICATION_DATE", "startDate before org replication enabled date")
    if end <= start:
        raise ApiError(400, "INVALID_REPLICATION_DATE", "endDate must be after startDate")
    sql = (
        f'SELECT "Id", "SystemModstamp" FROM "{call.sobject.name}" '
        f'WHERE {condition} AND "SystemModstamp" >= ? AND "SystemModstamp" < ? ORDER BY "SystemModstamp"'
    )
    until = stored_moment(min(end, now))
    rows = call.org.store.select(sql, (stored_moment(start), stored_moment(end)))
    return rows, "2026-01-05T08:00:00.000+0000", until


def _moment(call: Call, name: str) -> datetime:
    # An unencoded + in the query arrives as a blank.
    text = call.request.query.get(name, "").replace(" ", "+")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"{name} must be an ISO 8601 date and time with a time zone, encoded"
        raise ApiError(400, "INVALID_REPLICATION_DATE", message) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


ROUTES = (
    Route("POST", "sobjects/{type}", _create, ("application/json", "multipart/form-data")),
    Route("GET", "sobjects/{type}/updated", _updated),
    Route("GET", "sobjects/{type}/deleted", _deleted),
    Route("GET", "sobjects/{type}/{id}", _read),
    Route("PATCH", "sobjects/{type}/{id}", _update),
    Route("DELETE", "sobjects/{type}/{id}", _delete),
    Route("GET", "sobjects/{type}/{key}/{value}", _read_by),
    Route("PATCH", "sobjects/{type}/{key}/{value}", _upsert),
    Route("DELETE", "sobjects/{type}/{key}/{value}", _delete_by),
)
