"""What there is: resources, objects, describes, limits, recently used records."""
# ruff: noqa: S608 - names come from the catalogue, values travel as parameters

from collections.abc import Sequence

from sandboxes.salesforce.http import Response
from sandboxes.salesforce.resources import conditional
from sandboxes.salesforce.rest import Call, Route
from sandboxes.salesforce.schema.describe import describe, summary

_RESOURCES = (
    "composite",
    "limits",
    "metadata",
    "query",
    "queryAll",
    "parameterizedSearch",
    "recent",
    "search",
    "sobjects",
    "tooling",
    "wave",
)
_RECENT = ("Account", "Opportunity", "Quote", "Order")
_MOST_RECENT = 200
_LONGEST_LIMIT = 6


def _resources(call: Call) -> Response:
    paths = {name: f"{call.path}/{name}" for name in _RESOURCES}
    identity = f"{call.request.origin}/id/{call.org.id}/{call.session.user_id}"
    return Response(200, {**paths, "identity": identity})


def _sobjects(call: Call) -> Response:
    objects = [summary(sobject, call.path) for sobject in call.org.catalogue]
    return Response(200, {"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": objects})


def _sobject(call: Call) -> Response:
    described = summary(call.sobject, call.path)
    return Response(200, {"objectDescribe": described, "recentItems": _recently(call, [call.sobject.name], 10)})


def _describe(call: Call) -> Response:
    changed_at = call.org.definitions.changed_at
    if conditional.check(call.request, changed_at):
        return Response(304)
    modified = {"Last-Modified": conditional.last_modified(changed_at)}
    return Response(200, describe(call.sobject, call.path), modified)


def _limits(call: Call) -> Response:
    return Response(200, call.org.usage.limits())


def _recent(call: Call) -> Response:
    wanted = call.request.query.get("limit", "")
    limit = min(int(wanted), _MOST_RECENT) if wanted.isdecimal() and len(wanted) < _LONGEST_LIMIT else 10
    return Response(200, _recently(call, _RECENT, limit))


def _recently(call: Call, named: Sequence[str], limit: int) -> list[dict[str, object]]:
    """The records this user touched last."""
    names = [name for name in named if call.org.catalogue.get(name)]
    if not names:
        return []
    arms = " UNION ALL ".join(
        f'SELECT "Id", "{_display(call, name)}", \'{name}\', "LastModifiedDate" AS at FROM "{name}" '
        'WHERE "LastModifiedById" = ? AND "IsDeleted" = 0'
        for name in names
    )
    parameters = [call.session.user_id] * len(names)
    rows = call.org.store.select(f"{arms} ORDER BY at DESC LIMIT {limit}", parameters)
    return [
        {"attributes": {"type": kind, "url": f"{call.rows}{kind}/{key}"}, "Id": key, "Name": display}
        for key, display, kind, _ in rows
    ]


def _display(call: Call, name: str) -> str:
    return call.org.catalogue.sobjects[name.lower()].name_field.name


ROUTES = (
    Route("GET", "", _resources),
    Route("GET", "sobjects", _sobjects),
    Route("GET", "sobjects/{type}", _sobject),
    Route("GET", "sobjects/{type}/describe", _describe),
    Route("GET", "limits", _limits),
    Route("GET", "recent", _recent),
)
