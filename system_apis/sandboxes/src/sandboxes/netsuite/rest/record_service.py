"""The record service: instances of records, their sublists, and what can be made from them."""

from typing import Any

import msgspec

from sandboxes.kit import Request, Response, State
from sandboxes.netsuite.records.content import Content
from sandboxes.netsuite.records.merging import line_key
from sandboxes.netsuite.records.showing import Showing
from sandboxes.netsuite.records.store import Document, Records, lines_of
from sandboxes.netsuite.refusals import Refusal, invalid_header, invalid_parameter, no_record
from sandboxes.netsuite.rest.collections_ import collection
from sandboxes.netsuite.rules.saving import Saving
from sandboxes.netsuite.schema import BY_LOWER_CASE, RecordType
from sandboxes.netsuite.schema.model import Field

RECORD = "/services/rest/record/v1"
SINGULAR = "application/vnd.oracle.resource+json; type=singular; charset=UTF-8"
VALIDATIONS = ("error", "warning", "ignore")
VALIDATION_DEFAULT = "warning"
_FORM = "type=create-form"
_BODIES = frozenset({"application/json", "application/vnd.oracle.resource+json", "application/swagger+json", ""})
_PARAMETERS = frozenset({"expandSubResources", "fields", "replace", "simpleEnumFormat", "replaceSelectedFields"})


class _UndoneError(Exception):
    """A form was filled in, to be looked at only."""

    def __init__(self, document: Document) -> None:
        super().__init__("not saved")
        self.document = document


class RecordService:
    """Answers requests for records; refusals are raised.

    Args:
        state: Holds the transactions.
        records: Reads.
        saving: Writes.
    """

    def __init__(self, state: State, records: Records, saving: Saving) -> None:
        self._state, self._records, self._saving = state, records, saving

    def page(self, request: Request) -> Response:
        """`GET /<type>`: ids and links of a page."""
        record_type = record_type_of(request)
        return collection(self._records, record_type, request, f"{base_url(request)}/{record_type.name}")

    def create(self, request: Request) -> Response:
        """`POST /<type>`: 204 and where it is; asked for a form, what it would be."""
        record_type = record_type_of(request)
        content, warnings = self._content(request, record_type)
        return self._made(
            request, record_type, lambda: self._saving.create(record_type, content), warnings
        )  # fmt: skip

    def transform(self, request: Request) -> Response:
        """`POST /<type>/<id>/!transform/<target>`: 204 and where the new record is."""
        source, target = record_type_of(request), record_type_of(request, "target")
        content, warnings = self._content(request, target) if request.body else ({}, [])
        key, replaced = request.params["id"], _replaced(request)
        return self._made(
            request, target, lambda: self._saving.transform(source, key, target, content, replaced), warnings
        )  # fmt: skip

    def get(self, request: Request) -> Response:
        """`GET /<type>/<id>`."""
        record_type = record_type_of(request)
        query = _query(request)
        document = self._saving.held(record_type, request.params["id"])
        only = frozenset(one.strip() for one in query.get("fields", "").split(",") if one.strip())
        if unknown := sorted(only - record_type.by_name.keys() - {"id"}):
            raise invalid_parameter("fields", f"Field {unknown[0]} does not exist on {record_type.name}.")
        showing = Showing(self._records, base_url(request))
        shown = showing.record(record_type, document, expand=_flag(query, "expandSubResources"), only=only)
        return Response(shown, media_type=SINGULAR)

    def change(self, request: Request) -> Response:
        """`PATCH /<type>/<id>`: 204."""
        record_type = record_type_of(request)
        content, warnings = self._content(request, record_type)
        with self._state.transaction():
            key = self._saving.held(record_type, request.params["id"])["id"]
            self._saving.change(record_type, str(key), content, _replaced(request))
        return _saved(f"{base_url(request)}/{record_type.name}/{key}", warnings)

    def upsert(self, request: Request) -> Response:
        """`PUT /<type>/eid:<external id>`: 204, whether it was there or not."""
        record_type = record_type_of(request)
        key = request.params["id"]
        if not key.startswith("eid:") or len(key) == len("eid:"):
            raise Refusal("INVALID_REQUEST", "PUT needs an external id: /eid:<id>.", 405, path=key, where="o:urlPath")
        content, warnings = self._content(request, record_type)
        with self._state.transaction():
            made, _ = self._saving.upsert(record_type, key[4:], content, _replaced(request))
        return _saved(f"{base_url(request)}/{record_type.name}/{made}", warnings)

    def remove(self, request: Request) -> Response:
        """`DELETE /<type>/<id>`: 204."""
        record_type = record_type_of(request)
        with self._state.transaction():
            self._saving.remove(record_type, request.params["id"])
        return Response(None, 204)

    def part(self, request: Request) -> Response:
        """`GET /<type>/<id>/<sublist or subrecord>[/<line>[/<subrecord>]]`."""
        record_type, document, field = self._part(request)
        url = f"{base_url(request)}/{record_type.name}/{document['id']}/{field.name}"
        showing, expand = Showing(self._records, base_url(request)), _flag(_query(request), "expandSubResources")
        value: Any = document.get(field.name)
        key = request.params.get("line")
        if field.kind == "subrecord":
            if value is None or key:
                raise no_record(request.path)
            return Response(showing.subrecord(field, value, url), media_type=SINGULAR)
        if key is None:
            return Response(showing.lines(field, value or [], url, expand=expand), media_type=_COLLECTION)
        line = _line(field, value or [], key, request.path)
        if inner := request.params.get("inner"):
            there = field.by_name.get(inner)
            if there is None or there.kind != "subrecord" or line.get(inner) is None:
                raise no_record(request.path)
            return Response(showing.subrecord(there, line[inner], f"{url}/{key}/{inner}"), media_type=SINGULAR)
        return Response(showing.line(field, line, url, expand=expand), media_type=SINGULAR)

    def add_line(self, request: Request) -> Response:
        """`POST /<type>/<id>/<sublist>`: a new line, 204 and where it is."""
        record_type, document, field = self._part(request)
        if field.kind != "sublist":
            raise no_record(request.path)
        body, warnings = self._content(request, record_type, within=field.name)
        there = lines_of(document, field.name)
        before = {line_key(field, line) for line in there}
        lines = [*there, *lines_of(body, field.name)]
        after = self._written(record_type, document, field, lines)
        added = [line_key(field, line) for line in after if line_key(field, line) not in before]
        where = f"{base_url(request)}/{record_type.name}/{document['id']}/{field.name}"
        return _saved(f"{where}/{added[-1]}" if added else where, warnings)

    def change_line(self, request: Request) -> Response:
        """`PATCH /<type>/<id>/<sublist>/<line>`: 204."""
        record_type, document, field = self._part(request)
        line = _line(field, lines_of(document, field.name), request.params["line"], request.path)
        body, warnings = self._content(request, record_type, within=field.name)
        keys = {name: line[name] for name in field.key}
        with self._state.transaction():
            self._saving.change(record_type, str(document["id"]), {field.name: [{**body[field.name][0], **keys}]})
        where = f"{base_url(request)}/{record_type.name}/{document['id']}/{field.name}/{request.params['line']}"
        return _saved(where, warnings)

    def remove_line(self, request: Request) -> Response:
        """`DELETE /<type>/<id>/<sublist>/<line>`: 204."""
        record_type, document, field = self._part(request)
        lines = lines_of(document, field.name)
        gone = _line(field, lines, request.params["line"], request.path)
        self._written(record_type, document, field, [line for line in lines if line is not gone])
        return Response(None, 204)

    def _written(
        self, record_type: RecordType, document: Document, field: Field, lines: list[Document]
    ) -> list[Document]:
        with self._state.transaction():
            key = self._saving.change(record_type, str(document["id"]), {field.name: lines}, {field.name})
        return self._saving.held(record_type, key)[field.name]

    def _part(self, request: Request) -> tuple[RecordType, Document, Field]:
        record_type = record_type_of(request)
        document = self._saving.held(record_type, request.params["id"])
        field = record_type.by_name.get(request.params["part"])
        if field is None or field.kind not in ("sublist", "subrecord"):
            raise no_record(request.path)
        return record_type, document, field

    def _made(self, request: Request, record_type: RecordType, make: Any, warnings: list[str]) -> Response:
        form = _FORM in request.headers.get("accept", "").replace(" ", "").lower()
        try:
            with self._state.transaction():
                key: str = make()
                if form:
                    raise _UndoneError(self._saving.held(record_type, key))
        except _UndoneError as undone:
            document = {name: value for name, value in undone.document.items() if name != "tranId"}
            shown = Showing(self._records, base_url(request)).record(record_type, document, expand=True)
            shown = {name: value for name, value in shown.items() if name not in ("id", "links")}
            return Response(shown, media_type="application/vnd.oracle.resource+json; type=create-form")
        return _saved(f"{base_url(request)}/{record_type.name}/{key}", warnings)

    def _content(
        self, request: Request, record_type: RecordType, within: str = ""
    ) -> tuple[Document, list[str]]:  # fmt: skip
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in _BODIES:
            raise Refusal("INVALID_CONTENT_TYPE", f"{media_type} is not supported; send application/json.", 415)
        try:
            body = request.json()
        except msgspec.MsgspecError as unreadable:
            raise Refusal("INVALID_CONTENT", f"Invalid content in the request body: {unreadable}.") from None
        sent: object = {within: {"items": [body]}} if within else body
        how = request.headers.get("x-netsuite-propertynamevalidation", VALIDATION_DEFAULT).lower()
        if how not in VALIDATIONS:
            raise invalid_header("X-NetSuite-PropertyNameValidation", "Use Error, Warning or Ignore.")
        warnings = list[str]()

        def unknown(refusal: Refusal) -> None:
            if how == "error":
                raise refusal
            if how == "warning":
                warnings.append(f'299 NetSuite "{refusal.detail}"')

        return Content(self._records, unknown).read(record_type, sent), warnings


_COLLECTION = "application/vnd.oracle.resource+json; type=collection; charset=UTF-8"


def base_url(request: Request) -> str:
    """URL of the record service as the client sees it."""
    return f"{origin(request)}{RECORD}"


def origin(request: Request) -> str:
    """Scheme and host as the client sees them."""
    return f"{request.headers.get('x-forwarded-proto', 'http')}://{request.headers.get('host', 'localhost')}"


def record_type_of(request: Request, parameter: str = "type") -> RecordType:
    """The record type that the path names, in any case.

    Raises:
        Refusal: there is no such type.
    """
    name = request.params[parameter]
    found = BY_LOWER_CASE.get(name.lower())
    if found is None:
        raise Refusal(
            "INVALID_RECORD_TYPE", f"Record type '{name}' does not exist.", 404, path=name, where="o:urlPath"
        )  # fmt: skip
    return found


def _line(field: Field, lines: list[Document], key: str, path: str) -> Document:
    for line in lines:
        if line_key(field, line) == key:
            return line
    raise no_record(path)


def _saved(location: str, warnings: list[str]) -> Response:
    headers = {"location": location}
    if warnings:
        headers["warning"] = ", ".join(warnings)
    return Response(None, 204, headers)


def _query(request: Request) -> dict[str, str]:
    query = request.query
    if unknown := sorted(query.keys() - _PARAMETERS):
        raise invalid_parameter(unknown[0], f"Query parameter '{unknown[0]}' is not supported here.")
    return query


def _flag(query: dict[str, str], name: str) -> bool:
    value = query.get(name, "false").lower()
    if value not in ("true", "false"):
        raise invalid_parameter(name, f"{name} is true or false.")
    return value == "true"


def _replaced(request: Request) -> frozenset[str]:
    return frozenset(one.strip() for one in _query(request).get("replace", "").split(",") if one.strip())
