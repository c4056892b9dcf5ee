"""The Tooling API: SOQL over definitions, components one at a time, anonymous Apex."""

import re
from typing import Any

from sandboxes.salesforce.access.permissions import APEX, SETUP, VIEW_SETUP
from sandboxes.salesforce.faults import ApiError, bad_field, not_found, unknown_entity
from sandboxes.salesforce.http import Response, object_of, saved
from sandboxes.salesforce.metadata.definitions import Component
from sandboxes.salesforce.metadata.kinds import KINDS
from sandboxes.salesforce.metadata.markup import of_json, to_json
from sandboxes.salesforce.metadata.refusals import ComponentError
from sandboxes.salesforce.metadata.tooling import row_of
from sandboxes.salesforce.rest import Call, Route, permitted
from sandboxes.salesforce.schema.describe import describe, summary

_DEBUG = re.compile(r"\s*System\.debug\s*\(\s*(?:'(?:[^'\\\n]|\\.)*'|[0-9.]+|true|false|null)\s*\)\s*;", re.IGNORECASE)
_MOST_ROWS = 2_000
_NO_SETUP = "insufficient access rights on cross-reference id"


def _query(call: Call) -> Response:
    soql = call.request.query.get("q")
    if not soql:
        raise ApiError(400, "MALFORMED_QUERY", "a query string has to be specified")
    tooling = call.org.tooling
    tooling.refresh(call.org.catalogue)
    plan = tooling.queries.plan(soql, version=call.version)
    if plan.sobject.name in KINDS and not call.org.access.has(call.session.user_id, *VIEW_SETUP):
        raise ApiError(400, "INVALID_TYPE", unknown_entity(plan.sobject.name))
    found = tooling.queries.run(plan, f"{call.path}/tooling/sobjects/", call.session.user_id)
    answer = {"size": len(found.records[:_MOST_ROWS]), "totalSize": found.total, "done": True, "queryLocator": None}
    return Response(200, answer | {"entityTypeName": plan.sobject.name, "records": found.records[:_MOST_ROWS]})


def _sobjects(call: Call) -> Response:
    path = f"{call.path}/tooling"
    objects = [summary(each, path) for each in call.org.tooling.catalogue]
    return Response(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects})


def _describe(call: Call) -> Response:
    sobject = call.org.tooling.catalogue.get(call.params["type"])
    if sobject is None:
        raise not_found()
    return Response(200, describe(sobject, f"{call.path}/tooling"))


def _create(call: Call) -> Response:
    body, kind = call.request.json_object(), _kind(call)
    name = body.get("FullName")
    if not isinstance(name, str) or not name:
        raise bad_field("REQUIRED_FIELD_MISSING", "Required fields are missing: [FullName]", "FullName")
    metadata = of_json(object_of(body, "Metadata"))
    try:
        made = call.org.definitions.create(kind, name, metadata, call.session.user_id)
    except ComponentError as refused:
        raise bad_field(refused.code, refused.message, *refused.fields) from None
    result = saved(made.id, warnings=[], infos=[])
    return Response(201, result, {"Location": f"{call.path}/tooling/sobjects/{kind}/{made.id}"})


def _read(call: Call) -> Response:
    found = _component(call)
    url = f"{call.path}/tooling/sobjects/{found.kind}/{found.id}"
    stamps = {"CreatedDate": found.created, "LastModifiedDate": found.modified}
    metadata: Any = to_json(found.body)
    shown = {"attributes": {"type": found.kind, "url": url}, "Id": found.id, "FullName": found.name, **row_of(found)}
    return Response(200, shown | stamps | {"Metadata": metadata})


def _update(call: Call) -> Response:
    found = _component(call)
    metadata = of_json(object_of(call.request.json_object(), "Metadata"))
    try:
        call.org.definitions.update(found.kind, found.name, metadata, call.session.user_id)
    except ComponentError as refused:
        raise bad_field(refused.code, refused.message, *refused.fields) from None
    return Response(204)


def _delete(call: Call) -> Response:
    found = _component(call)
    try:
        call.org.definitions.delete(found.kind, found.name)
    except ComponentError as refused:
        raise bad_field(refused.code, refused.message, *refused.fields) from None
    return Response(204)


def _execute(call: Call) -> Response:
    """Runs `System.debug` of a literal; this org compiles no other Apex, and says so where the compiler would."""
    source = call.request.query.get("anonymousBody", "")
    at = 0
    while found := _DEBUG.match(source, at):
        at = found.end()
    rest = source[at:].strip()
    begin = len(source) - len(source[at:].lstrip())
    line = source.count("\n", 0, begin) + 1 if rest else -1
    column = begin - source.rfind("\n", 0, begin) if rest else -1
    problem = f"This org compiles no Apex but System.debug: unexpected token '{rest.split()[0]}'" if rest else None
    answer = {"line": line, "column": column, "compiled": not rest, "success": not rest, "compileProblem": problem}
    return Response(200, answer | {"exceptionStackTrace": None, "exceptionMessage": None})


def _kind(call: Call) -> str:
    wanted = call.params["type"].lower()
    kind = next((name for name in KINDS if name.lower() == wanted), None)
    if kind is None:
        raise ApiError(404, "NOT_FOUND", unknown_entity(call.params["type"]))
    return kind


def _component(call: Call) -> Component:
    kind = _kind(call)
    found = call.org.definitions.of_id(kind, call.params["id"])
    if found is None:
        raise not_found()
    return found


ROUTES = (
    Route("GET", "tooling/query", _query),
    Route("GET", "tooling/sobjects", _sobjects),
    Route("GET", "tooling/sobjects/{type}/describe", _describe),
    Route("POST", "tooling/sobjects/{type}", permitted(_create, SETUP, _NO_SETUP)),
    Route("GET", "tooling/sobjects/{type}/{id}", permitted(_read, VIEW_SETUP, _NO_SETUP)),
    Route("PATCH", "tooling/sobjects/{type}/{id}", permitted(_update, SETUP, _NO_SETUP)),
    Route("DELETE", "tooling/sobjects/{type}/{id}", permitted(_delete, SETUP, _NO_SETUP)),
    Route("GET", "tooling/executeanonymous", permitted(_execute, APEX, _NO_SETUP)),
)
