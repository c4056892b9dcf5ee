"""Batch: up to 25 independent subrequests; each counts against the allowance."""

from sandboxes.salesforce.faults import ApiError
from sandboxes.salesforce.http import Response, objects
from sandboxes.salesforce.resources.subrequests import run, text_of
from sandboxes.salesforce.rest import Call, Route

_MOST = 25
_HALTED: dict[str, object] = {
    "statusCode": 412,
    "result": [
        {"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch processing halted per request"},
    ],
}


def _batch(call: Call) -> Response:
    envelope = call.request.json_object()
    entries = objects(envelope, "batchRequests")
    if len(entries) > _MOST:
        raise ApiError(400, "LIMIT_EXCEEDED", f"A batch request may have at most {_MOST} subrequests")
    results: list[dict[str, object]] = []
    failed = False
    for entry in entries:
        if failed and envelope.get("haltOnError"):
            results.append(_HALTED)
            continue
        call.org.usage.add(1)
        response = run(call, text_of(entry, "method"), text_of(entry, "url"), entry.get("richInput"), {})
        failed = failed or response.status >= 300  # noqa: PLR2004 - anything but success
        results.append({"statusCode": response.status, "result": response.body})
    call.org.usage.add(-1)  # the envelope itself is free
    return Response(200, {"hasErrors": failed, "results": results})


ROUTES = (Route("POST", "composite/batch", _batch),)
