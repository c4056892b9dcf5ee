"""The schemas of events, for clients that decode them."""

from sandboxes.salesforce.events.avro import Schema, event_schema, expanded, schema_of_id
from sandboxes.salesforce.faults import ApiError, not_found
from sandboxes.salesforce.http import Response
from sandboxes.salesforce.rest import Call, Route
from sandboxes.salesforce.schema import SObject


def _of_object(call: Call) -> Response:
    if not call.sobject.event:
        raise not_found()
    whole = next(each for each in call.org.access.readable(call.session.user_id) if each.name == call.sobject.name)
    return Response(200, _formatted(call, event_schema(whole), whole))


def _of_id(call: Call) -> Response:
    schema = schema_of_id(call.org.access.readable(call.session.user_id), call.params["schema"])
    if schema is None:
        raise not_found()
    sobject = call.org.catalogue.get(schema["name"])
    return Response(200, schema if sobject is None else _formatted(call, schema, sobject))


def _formatted(call: Call, schema: Schema, sobject: SObject) -> Schema:
    wanted = call.request.query.get("payloadFormat", "EXPANDED").upper()
    if wanted not in ("EXPANDED", "COMPACT"):
        raise ApiError(400, "INVALID_FIELD", f"payloadFormat is EXPANDED or COMPACT, not {wanted}")
    return schema if wanted == "COMPACT" else expanded(schema, sobject)


ROUTES = (
    Route("GET", "sobjects/{type}/eventschema", _of_object),
    Route("GET", "event/eventschema/{schema}", _of_id),
)
