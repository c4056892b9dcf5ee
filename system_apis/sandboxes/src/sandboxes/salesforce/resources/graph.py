"""Graph: many small composites in one call, each of them all or nothing."""

from typing import Any

from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.http import Response, objects
from sandboxes.salesforce.resources.composite import run_all
from sandboxes.salesforce.resources.subrequests import text_of
from sandboxes.salesforce.rest import Call, Route

_MOST_NODES = 500
_MOST_GRAPHS = 75
_MOST_FAILED = 14


def _graph(call: Call) -> Response:
    entries = objects(call.request.json_object(), "graphs")
    nodes = sum(len(_nodes(entry)) for entry in entries)
    if nodes > _MOST_NODES or len(entries) > _MOST_GRAPHS:
        message = f"A payload may have at most {_MOST_NODES} nodes in {_MOST_GRAPHS} graphs"
        raise ApiError(400, "LIMIT_EXCEEDED", message)
    results: list[dict[str, Any]] = []
    for entry in entries:
        failed = sum(not result["isSuccessful"] for result in results)
        results.append(_halted(entry) if failed > _MOST_FAILED else _run(call, entry))
    return Response(200, {"graphs": results})


def _nodes(entry: dict[str, Any]) -> list[Any]:
    return objects(entry, "compositeRequest")


def _run(call: Call, entry: dict[str, Any]) -> dict[str, Any]:
    responses = run_all(call, _nodes(entry), all_or_none=True)
    successful = all(each["httpStatusCode"] < 300 for each in responses)  # noqa: PLR2004 - success
    return _described(entry, responses, successful=successful)


def _halted(entry: dict[str, Any]) -> dict[str, Any]:
    body = [{"errorCode": "PROCESSING_HALTED", "message": "Too many graphs in this payload failed"}]
    responses: list[dict[str, Any]] = [
        {
            "body": body,
            "httpHeaders": {},
            "httpStatusCode": 400,
            "referenceId": text_of(each, "referenceId"),
        }
        for each in _nodes(entry)
    ]
    return _described(entry, responses, successful=False)


def _described(entry: dict[str, Any], responses: list[dict[str, Any]], *, successful: bool) -> dict[str, Any]:
    return {
        "graphId": text_of(entry, "graphId"),
        "graphResponse": {"compositeResponse": responses},
        "isSuccessful": successful,
    }


ROUTES = (Route("POST", "composite/graph", _graph),)
