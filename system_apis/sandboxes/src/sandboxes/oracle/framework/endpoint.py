"""One version root: resources by path, reads, writes, actions and batches."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from urllib.parse import quote

from sandboxes.kit import Response
from sandboxes.oracle.framework.batch import answer_batch
from sandboxes.oracle.framework.declare import Resource, Row, Work
from sandboxes.oracle.framework.describe import description
from sandboxes.oracle.framework.effective import Range, day_asked
from sandboxes.oracle.framework.filter import Condition, parse_filter
from sandboxes.oracle.framework.payload import read_document
from sandboxes.oracle.framework.problems import refuse
from sandboxes.oracle.framework.records import change_indicator, held_on
from sandboxes.oracle.framework.rendering import Document, Rendering
from sandboxes.oracle.framework.request import COLLECTION, DEFAULT_VERSION, ITEM, VERSIONS, Call, Shape, media_type
from sandboxes.oracle.framework.shapes import depending, finder_condition, shape_of
from sandboxes.oracle.framework.values import encode_json
from sandboxes.oracle.framework.writing import Place, Writing, checked


class VersionRoot:
    """Answers below `/<api>/resources/<version>`.

    Args:
        resources: What is there.
        version: Its name, such as `11.13.18.05`.
    """

    def __init__(self, resources: Sequence[Resource], version: str) -> None:
        self._resources: Mapping[str, Resource] = {one.name: one for one in resources}
        self._version = version

    def answer(self, call: Call, work: Work) -> Response:
        """The answer to a call; the caller holds a transaction.

        Raises:
            RestError: The refusal.
        """
        if not call.path:
            return self._root(call, work)
        if call.path == ("describe",):
            described = {name: self._described(call, one) for name, one in self._resources.items()}
            return _document(call, {"Resources": described}, "description")
        place = self._place(call, work)
        if place.tail == ("describe",):
            described = {place.resource.name: self._described(call, place.resource)}
            return _document(call, {"Resources": described}, "description")
        if len(place.tail) == 2 and place.tail[0] == "action":  # noqa: PLR2004 - `action` and its name
            return self._act(call, work, place, place.tail[1])
        if place.tail:
            raise refuse(404, "The resource was not found.", "ADF-27004")
        if call.method == "GET":
            return self._read(call, work, place)
        if "/lov/" in place.path:
            raise refuse(405, "A list of values can only be read.", "ADF-27009")
        return self._write(call, work, place)

    def _root(self, call: Call, work: Work) -> Response:
        if call.method == "POST":
            return answer_batch(self.answer, call, work)
        if call.method != "GET":
            raise refuse(405, "The method is not allowed here.", "ADF-27009")
        links = [{"rel": "self", "href": call.root, "name": self._version, "kind": "item"}]
        links += [
            {"rel": "child", "href": f"{call.root}/{name}", "name": name, "kind": "collection"}
            for name in self._resources
        ]
        root: Document = {
            "version": self._version,
            "isLatest": True,
            "defaultFrameworkVersion": str(DEFAULT_VERSION),
            "allowedFrameworkVersions": [str(one) for one in VERSIONS],
            "links": links,
        }
        return _document(call, root, ITEM)

    def _place(self, call: Call, work: Work) -> Place:
        """What a path names; segments it does not know stay as its tail."""
        path, day = call.path, _day(call, work)
        resource = self._resources.get(path[0])
        if resource is None:
            raise refuse(404, f"The resource {path[0]} was not found.", "ADF-27004")
        place, rest = Place(resource, None, None, quote(path[0]), ()), list(path[1:])
        while rest and rest[0] not in ("describe", "action"):
            if place.row is None:
                place = _item(work, place, rest.pop(0), day)
            elif rest[0] == "child" and len(rest) > 1 and rest[1] in place.resource.below:
                child = place.resource.below[rest[1]]
                place = Place(child, None, place.row, f"{place.path}/child/{child.name}", ())
                del rest[:2]
            elif rest[0] == "lov" and len(rest) > 1 and rest[1] in place.resource.lists:
                listed = self._resources[place.resource.lists[rest[1]]]
                place = Place(listed, None, None, f"{place.path}/lov/{rest[1]}", ())
                del rest[:2]
            else:
                break
        return replace(place, tail=tuple(rest))

    def _described(self, call: Call, resource: Resource) -> Document:
        return description(resource, f"{call.root}/{resource.name}")

    def _read(self, call: Call, work: Work, place: Place) -> Response:
        shape, day = shape_of(call.query, place.resource), _day(call, work)
        if place.row is None:
            rendering = Rendering(call, work.records, day)
            found = rendering.collection(place.resource, _condition(call, place, day), shape, place.path)
            return _document(call, found, COLLECTION)
        row = place.row | depending(call.query.get("dependency", ""), place.resource)
        return _item_document(call, work, place, row, shape)

    def _write(self, call: Call, work: Work, place: Place) -> Response:
        made = Writing(work, call).write(place)
        if made.row is None:
            return Response(status=204)
        there = replace(place, path=made.path)
        response = _item_document(call, work, there, made.row, made.shape)
        response.status = made.status
        if made.status == 201:  # noqa: PLR2004 - created
            response.headers["location"] = f"{call.root}/{made.path}"
        return response

    def _act(self, call: Call, work: Work, place: Place, name: str) -> Response:
        behaviour = place.resource.behaviour
        known = behaviour.actions if place.row else behaviour.collection_actions
        if name not in known:
            raise refuse(404, f"The action {name} was not found.", "ADF-27004")
        if call.method != "POST":
            raise refuse(405, "An action must be called with POST.", "ADF-27009")
        call.sends("action")
        if place.row is not None:
            checked(call, place.resource, place.row)
        result = known[name](work, place.row, read_document(call.body) if call.body else {})
        return _document(call, {"result": result}, "actionresult", status=200)


def _day(call: Call, work: Work) -> str:
    """The day that records with dates are looked at from; a write looks from the first day of its range."""
    if "effectiveDate" in call.query:
        return day_asked(call.query["effectiveDate"])
    return (Range(call.headers.get("effective-of", "")).start if call.method != "GET" else "") or work.today


def _item(work: Work, place: Place, key: str, day: str) -> Place:
    row = work.records.by_path(place.resource, key, place.parent, day)
    if row is None:
        raise refuse(404, "The resource item was not found.", "ADF-27004")
    path = f"{place.path}/{quote(key, safe=':')}"
    return Place(place.resource, row, place.parent, path, ())


def _condition(call: Call, place: Place, day: str) -> Condition:
    found = [Condition(*held_on(place.resource, day))]
    if place.parent:
        found.append(Condition('t."@parent" = ?', [int(str(place.parent["@id"]))]))
    if "finder" in call.query:
        found.append(finder_condition(call.query["finder"], place.resource))
    if call.query.get("q", "").strip():
        found.append(parse_filter(call.query["q"], place.resource, call.version))
    sql = " AND ".join(f"({one.sql})" for one in found)
    return Condition(sql, [value for one in found for value in one.parameters])


def _item_document(call: Call, work: Work, place: Place, row: Row, shape: Shape) -> Response:
    indicator = f'"{change_indicator(place.resource, row)}"'
    if call.method == "GET" and call.headers.get("if-none-match") == indicator:
        return Response(status=304, headers={"etag": indicator})
    response = _document(
        call, Rendering(call, work.records, _day(call, work)).item(place.resource, row, shape, place.path), ITEM
    )
    response.headers["etag"] = indicator
    return response


def _document(call: Call, document: Document, kind: str, status: int = 200) -> Response:
    call.accepts(kind)
    asked = call.headers.get("accept", "")
    shown = media_type(kind) if media_type(kind) in asked or "application/json" not in asked else "application/json"
    return Response(encode_json(document), status, media_type=shown)
