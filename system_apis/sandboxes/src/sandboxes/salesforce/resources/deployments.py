"""Deploying over REST (Metadata API Developer Guide, "Deploying with REST")."""

from typing import Any

import msgspec

from sandboxes.salesforce.access.permissions import METADATA
from sandboxes.salesforce.faults import ApiError, json_error
from sandboxes.salesforce.http import Response, object_of
from sandboxes.salesforce.metadata.markup import of_json
from sandboxes.salesforce.metadata.soap import NO_METADATA
from sandboxes.salesforce.multipart import parts_of
from sandboxes.salesforce.rest import Call, Route, permitted


def _deploy(call: Call) -> Response:
    parts = parts_of(call.request)
    described = parts.get("json", parts.get("entity_content"))
    if described is None or "file" not in parts:
        raise json_error("Multipart message: send the parts json and file")
    try:
        options = object_of(msgspec.json.decode(described, type=dict[str, Any]), "deployOptions")
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise json_error("Multipart message: the part json is not a JSON object") from None
    texts = {name: value for name, value in of_json(options).items() if isinstance(value, str)}
    made = call.org.deployments.begin(parts["file"], texts, call.session.user_id)
    answer = {"id": made.id, "validatedDeployRequestId": None, "deployOptions": options}
    return Response(201, answer | {"deployResult": made.result(details=False)})


def _status(call: Call) -> Response:
    details = call.request.query.get("includeDetails", "").lower() == "true"
    found = call.org.deployments.find(call.params["id"])
    return Response(200, {"id": found.id, "deployResult": found.result(details=details)})


def _cancel(call: Call) -> Response:
    wanted = object_of(call.request.json_object(), "deployResult").get("status")
    if wanted != "Canceling":
        raise ApiError(400, "INVALID_FIELD", "deployResult.status may only be set to Canceling")
    found = call.org.deployments.cancel(call.params["id"], call.session.user_id)
    return Response(202, {"id": found.id, "deployResult": found.result(details=False)})


ROUTES = (
    Route("POST", "metadata/deployrequest", permitted(_deploy, METADATA, NO_METADATA), ("multipart/form-data",)),
    Route("GET", "metadata/deployrequest/{id}", permitted(_status, METADATA, NO_METADATA)),
    Route("PATCH", "metadata/deployrequest/{id}", permitted(_cancel, METADATA, NO_METADATA)),
)
