"""sObject collections: up to 200 records in one call, each with its own result."""

from collections.abc import Callable
from typing import Any

from sandboxes.salesforce.faults import ApiError, MultipleChoices, json_error, not_found
from sandboxes.salesforce.http import Response, object_of, objects, saved
from sandboxes.salesforce.ids import to_18
from sandboxes.salesforce.resources.rows import created, record
from sandboxes.salesforce.rest import Call, Route
from sandboxes.salesforce.schema import SObject

_MOST = 200
_MOST_READ = 2_000
_MOST_CHUNKS = 10
_NO_FIELDS: list[str] = []
_ROLLED_BACK: dict[str, object] = {
    "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "message": "Record rolled back because not all records were valid and the request was using AllOrNone header",
    "fields": _NO_FIELDS,
}
Save = Callable[[Any], dict[str, object]]


def _create(call: Call) -> Response:
    def save(body: Any) -> dict[str, object]:
        sobject = _type_of(call, body)
        return created(call, sobject, call.org.saving.create(sobject, body, call.session.user_id))

    return _write(call, save)


def _update(call: Call) -> Response:
    def save(body: Any) -> dict[str, object]:
        sobject = _type_of(call, body)
        record_id = next((value for key, value in body.items() if key.lower() == "id"), None)
        if not isinstance(record_id, str):
            raise ApiError(400, "MISSING_ARGUMENT", "Id not specified in an update call", [])
        changes = {key: value for key, value in body.items() if key.lower() != "id"}
        found = _existing(call, sobject, record_id)
        call.org.saving.update(sobject, found, changes, call.session.user_id)
        return saved(found)

    return _write(call, save)


def _upsert(call: Call) -> Response:
    sobject = call.sobject
    field = sobject.fields.get(call.params["field"].lower())
    if field is None or not field.id_lookup:
        name = call.params["field"]
        raise not_found(f"Provided external ID field does not exist or is not accessible: {name}")

    def save(body: Any) -> dict[str, object]:
        key = next((name for name in body if name.lower() == field.name.lower()), None)
        if key is None or body[key] in (None, ""):
            raise ApiError(400, "MISSING_ARGUMENT", f"{field.name} not specified", [])
        rest = {name: value for name, value in body.items() if name != key}
        record_id, created = call.org.saving.upsert(sobject, field, str(body[key]), rest, call.session.user_id)
        return saved(record_id, created=created)

    return _write(call, save)


def _write(call: Call, save: Save) -> Response:
    envelope = call.request.json_object()
    bodies = objects(envelope, "records")
    if len(bodies) > _MOST:
        raise ApiError(400, "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {_MOST} records")
    _check_chunks(bodies)
    return Response(200, _save_each(call, bodies, save, all_or_none=bool(envelope.get("allOrNone"))))


def _check_chunks(bodies: list[Any]) -> None:
    types = [_type_name(body) for body in bodies]
    chunks = sum(now != before for now, before in zip(types, ["", *types], strict=False))
    if chunks > _MOST_CHUNKS:
        message = f"Records must not change type more than {_MOST_CHUNKS} times"
        raise ApiError(400, "LIMIT_EXCEEDED", message)


class _Undone(Exception):  # noqa: N818 - a control flow signal to the savepoint
    """One record failed and all have to go."""


def _save_each(call: Call, items: list[Any], save: Save, *, all_or_none: bool) -> list[dict[str, object]]:
    results: list[dict[str, object]] = []
    try:
        with call.org.store.savepoint():
            results += [_save_one(call, item, save) for item in items]
            if all_or_none and not all(result["success"] for result in results):
                raise _Undone
    except _Undone:
        results = [{"success": False, "errors": [_ROLLED_BACK]} if result["success"] else result for result in results]
    return results


def _save_one(call: Call, item: Any, save: Save) -> dict[str, object]:
    try:
        with call.org.store.savepoint():
            return save(item)
    except ApiError as fault:
        return {"success": False, "errors": [fault.as_save_error()]}
    except MultipleChoices:
        fault = ApiError(300, "DUPLICATE_EXTERNAL_ID", "more than one record has this external id")
        return {"success": False, "errors": [fault.as_save_error()]}


def _type_name(body: dict[str, Any]) -> str:
    return str(object_of(body, "attributes").get("type", ""))


def _type_of(call: Call, body: Any) -> SObject:
    name = _type_name(body)
    sobject = call.org.catalogue.get(name)
    if sobject is None:
        raise ApiError(400, "INVALID_TYPE", f"sObject type '{name}' is not supported.", [])
    return sobject


def _existing(call: Call, sobject: SObject, record_id: str) -> str:
    """The record's id; in a collection an unknown one is a bad cross reference, not a missing resource."""
    if to_18(record_id) is None:
        raise ApiError(400, "MALFORMED_ID", f"malformed id {record_id}", ["Id"])
    try:
        return str(call.org.saving.existing(sobject, record_id)["Id"])
    except ApiError as fault:
        if fault.code == "ENTITY_IS_DELETED":
            raise
        raise ApiError(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", []) from None


def _delete(call: Call) -> Response:
    query = call.request.query
    ids = [each.strip() for each in query.get("ids", "").split(",") if each.strip()]
    if not ids or len(ids) > _MOST:
        raise ApiError(400, "EXCEEDED_ID_LIMIT", f"Name 1 to {_MOST} ids in the parameter ids")

    def remove(record_id: Any) -> dict[str, object]:
        full = to_18(record_id)
        sobject = call.org.catalogue.of_id(full) if full else None
        if sobject is None:
            raise ApiError(400, "MALFORMED_ID", f"malformed id {record_id}", [])
        found = _existing(call, sobject, record_id)
        call.org.saving.delete(sobject, found, call.session.user_id)
        return saved(found)

    all_or_none = query.get("allOrNone", "").lower() == "true"
    return Response(200, _save_each(call, ids, remove, all_or_none=all_or_none))


def _read_get(call: Call) -> Response:
    query = call.request.query
    return _read(call, query.get("ids", "").split(","), query.get("fields", "").split(","))


def _read_post(call: Call) -> Response:
    body = call.request.json_object()
    return _read(call, _texts(body, "ids"), _texts(body, "fields"))


def _texts(body: dict[str, Any], name: str) -> list[str]:
    values = body.get(name)
    if not isinstance(values, list):
        raise json_error(f"Missing or malformed property '{name}': expected a list of strings")
    return [str(each) for each in values]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _read(call: Call, ids: list[str], fields: list[str]) -> Response:
    """The records in order, null where there is none."""
    if len(ids) > _MOST_READ:
        raise ApiError(400, "EXCEEDED_ID_LIMIT", f"A read may name at most {_MOST_READ} ids")
    if not [name for name in fields if name]:
        raise ApiError(400, "MISSING_ARGUMENT", "Name the fields to read in the parameter fields")
    sobject = call.sobject
    return Response(200, [_one(call, sobject, each, ",".join(fields)) for each in ids])


def _one(call: Call, sobject: SObject, record_id: str, fields: str) -> object:
    full = to_18(record_id.strip())
    row = call.org.store.fetch(sobject, full) if full else None
    if full is None or row is None or row["IsDeleted"]:
        return None
    return record(call, sobject, full, fields)


ROUTES = (
    Route("POST", "composite/sobjects", _create),
    Route("PATCH", "composite/sobjects", _update),
    Route("DELETE", "composite/sobjects", _delete),
    Route("GET", "composite/sobjects/{type}", _read_get),
    Route("POST", "composite/sobjects/{type}", _read_post),
    Route("PATCH", "composite/sobjects/{type}/{field}", _upsert),
)
