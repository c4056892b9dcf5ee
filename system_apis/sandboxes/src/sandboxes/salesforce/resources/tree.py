"""sObject trees: parents with their children, all or nothing."""

from collections.abc import Iterator
from typing import Any

from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.http import Response, object_of, objects
from sandboxes.salesforce.rest import Call, Route
from sandboxes.salesforce.schema import SObject

_MOST_RECORDS = 200
_DEEPEST = 5
_MOST_TYPES = 5


def _tree(call: Call) -> Response:
    roots = objects(call.request.json_object(), "records")
    _check_size(roots)
    results: list[dict[str, object]] = []
    faults: list[dict[str, object]] = []
    try:
        with call.org.store.savepoint():
            for root in roots:
                _create(call, call.sobject, root, {}, results, faults)
            if faults:
                raise _Refused
    except _Refused:
        return Response(400, {"hasErrors": True, "results": faults})
    return Response(201, {"hasErrors": False, "results": results})


class _Refused(Exception):  # noqa: N818 - a control flow signal to the savepoint
    """Some record of the tree was refused."""


def _check_size(roots: list[Any]) -> None:
    every = [each for root in roots for each in _walk(root, 1)]
    types = {object_of(record, "attributes").get("type") for record, _ in every}
    if len(every) > _MOST_RECORDS:
        raise ApiError(400, "LIMIT_EXCEEDED", f"A tree may have at most {_MOST_RECORDS} records")
    if max((depth for _, depth in every), default=0) > _DEEPEST or len(types) > _MOST_TYPES:
        raise ApiError(400, "LIMIT_EXCEEDED", f"A tree may be {_DEEPEST} deep with {_MOST_TYPES} types")


def _walk(record: dict[str, Any], depth: int) -> Iterator[tuple[dict[str, Any], int]]:
    yield record, depth
    for value in record.values():
        if _is_children(value):
            for child in objects(value, "records"):
                yield from _walk(child, depth + 1)


def _is_children(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("records"), list)  # pyright: ignore[reportUnknownMemberType]


def _create(
    call: Call,
    sobject: SObject,
    record: dict[str, Any],
    parent: dict[str, str],
    results: list[dict[str, object]],
    faults: list[dict[str, object]],
) -> None:
    name = object_of(record, "attributes").get("referenceId")
    if not name:
        raise ApiError(400, "INVALID_INPUT", "Include a referenceId in the attributes of each record")
    body = {key: value for key, value in record.items() if not _is_children(value)}
    try:
        record_id = call.org.saving.create(sobject, body | parent, call.session.user_id)
    except ApiError as fault:
        faults.append({"referenceId": name, "errors": [fault.as_save_error()]})
        return
    results.append({"referenceId": name, "id": record_id})
    for key, value in record.items():
        if _is_children(value):
            link = sobject.children.get(key.lower())
            child = call.org.catalogue.get(link.sobject) if link else None
            if link is None or child is None:
                raise ApiError(400, "INVALID_FIELD", f"No such relationship '{key}' on {sobject.name}")
            for each in value["records"]:
                _create(call, child, each, {link.field.name: record_id}, results, faults)


ROUTES = (Route("POST", "composite/tree/{type}", _tree),)
