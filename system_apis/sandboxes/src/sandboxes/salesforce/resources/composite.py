"""Composite: up to 25 subrequests that may refer to one another, together or not at all."""

from typing import Any

from sandboxes.salesforce.faults import ApiError, json_error
from sandboxes.salesforce.http import Response, object_of, objects
from sandboxes.salesforce.resources.subrequests import References, halted, run, text_of
from sandboxes.salesforce.rest import Call, Route

_MOST = 25
_MOST_HEAVY = 5
_HEAVY = ("/query", "/composite/sobjects")
ROLLED_BACK = "The transaction was rolled back since another operation in the same transaction failed."


class Undone(Exception):  # noqa: N818 - a control flow signal to the savepoint
    """Takes a savepoint back after a subrequest failed."""


def _composite(call: Call) -> Response:
    envelope = call.request.json_object()
    requests = _subrequests(envelope)
    return Response(200, {"compositeResponse": run_all(call, requests, all_or_none=bool(envelope.get("allOrNone")))})


def _subrequests(envelope: dict[str, Any]) -> list[dict[str, Any]]:
    entries = objects(envelope, "compositeRequest")
    if not entries:
        raise json_error("The property 'compositeRequest' is empty")
    if len(entries) > _MOST:
        raise ApiError(400, "LIMIT_EXCEEDED", f"A composite request may have at most {_MOST} subrequests")
    heavy = sum(any(part in text_of(entry, "url").lower() for part in _HEAVY) for entry in entries)
    if heavy > _MOST_HEAVY:
        message = f"A composite request may have at most {_MOST_HEAVY} query or collection subrequests"
        raise ApiError(400, "LIMIT_EXCEEDED", message)
    return entries


def run_all(call: Call, requests: list[Any], *, all_or_none: bool) -> list[dict[str, Any]]:
    """Run subrequests in order and describe each result; ApiError when an entry is malformed or repeated."""
    names = [text_of(entry, "referenceId") for entry in requests]
    if len(set(names)) < len(names):
        raise ApiError(400, "INVALID_INPUT", "Duplicate referenceId in composite request")
    responses: dict[str, Response] = {}
    try:
        with call.org.store.savepoint():
            _run_each(call, requests, names, responses, all_or_none=all_or_none)
    except Undone:
        for name in names:
            if name not in responses or responses[name].status < 300:  # noqa: PLR2004 - success
                responses[name] = halted(ROLLED_BACK)
    return [_described(name, responses[name]) for name in names]


def _run_each(
    call: Call, requests: list[Any], names: list[str], responses: dict[str, Response], *, all_or_none: bool
) -> None:
    references = References()
    for name, entry in zip(names, requests, strict=True):
        responses[name] = _run_one(call, entry, references)
        references.keep(name, responses[name])
        if all_or_none and name in references.failed:
            raise Undone


def _run_one(call: Call, entry: dict[str, Any], references: References) -> Response:
    method, url = text_of(entry, "method"), text_of(entry, "url")
    try:
        url, body = str(references.fill(url)), references.fill(entry.get("body"))
    except LookupError as missing:
        return halted(str(missing.args[0]))
    return run(call, method, url, body, object_of(entry, "httpHeaders"))


def _described(name: str, response: Response) -> dict[str, Any]:
    headers = {key: value for key, value in response.headers.items() if key in ("Location", "ETag")}
    return {
        "body": response.body,
        "httpHeaders": headers,
        "httpStatusCode": response.status,
        "referenceId": name,
    }


def _resources(call: Call) -> Response:
    names = ("batch", "graph", "sobjects", "tree")
    return Response(200, {name: f"{call.path}/composite/{name}" for name in names})


ROUTES = (Route("POST", "composite", _composite), Route("GET", "composite", _resources))
