"""search and parameterizedSearch: text found in whole words, at once, not after the index has caught up."""
# ruff: noqa: S608 - names come from the catalogue, values travel as parameters

from collections.abc import Iterable
from typing import Any

from sandboxes.salesforce.faults import ApiError, json_error, unknown_entity
from sandboxes.salesforce.http import Response, objects
from sandboxes.salesforce.resources.subrequests import text_of
from sandboxes.salesforce.rest import Call, Route
from sandboxes.salesforce.schema import Field, SObject
from sandboxes.salesforce.soql.shapes import Record
from sandboxes.salesforce.sosl.statements import SCOPES, Returned, Search, parse_search
from sandboxes.salesforce.sosl.terms import matcher, parse_terms

_MOST = 2_000
_WRAPPED_SINCE = 37.0
_TEXTS = frozenset({"string", "textarea", "email", "phone", "url", "picklist", "combobox"})
_BY_TYPE = {"EMAIL": "email", "PHONE": "phone"}


def _search(call: Call) -> Response:
    query = call.request.query
    if "q" not in query:
        raise ApiError(400, "MALFORMED_SEARCH", "a search string has to be specified")
    return _answer(call, parse_search(query["q"]))


def _parameterized_get(call: Call) -> Response:
    query = call.request.query
    names = [name.strip() for name in query.get("sobject", "").split(",") if name.strip()]
    fields = [name.strip() for name in query.get("fields", "").split(",") if name.strip()]
    body: dict[str, Any] = {"q": query.get("q", ""), "fields": fields, "sobjects": [{"name": name} for name in names]}
    for name in ("in", "overallLimit", "defaultLimit"):
        if name in query:
            body[name] = query[name]
    return _parameterized(call, body)


def _parameterized_post(call: Call) -> Response:
    return _parameterized(call, call.request.json_object())


def _parameterized(call: Call, body: dict[str, Any]) -> Response:
    text, scope = body.get("q"), str(body.get("in", "ALL")).upper().removesuffix(" FIELDS")
    if not isinstance(text, str) or not text.strip():
        raise json_error("Missing or malformed property 'q': expected a search string")
    if scope not in SCOPES:
        raise json_error(f"Malformed property 'in': {scope}")
    entries = objects(body, "sobjects") if body.get("sobjects") else []
    returning = tuple(_returned(entry, body) for entry in entries)
    return _answer(call, Search(parse_terms(text), scope, returning, _count(body, "overallLimit")))


def _returned(entry: dict[str, Any], body: dict[str, Any]) -> Returned:
    columns = [str(name) for name in entry.get("fields") or body.get("fields") or ("Id",)]
    clauses = f"WHERE {entry['where']}" if entry.get("where") else ""
    clauses += f" ORDER BY {entry['orderBy']}" if entry.get("orderBy") else ""
    most = _count(entry, "limit")
    most = _count(body, "defaultLimit") if most is None else most
    return Returned(text_of(entry, "name"), ",".join(columns), clauses + (f" LIMIT {most}" if most is not None else ""))


def _count(facts: dict[str, Any], name: str) -> int | None:
    found = str(facts.get(name, ""))
    if found and not found.isdigit():
        raise json_error(f"Malformed property '{name}': expected a number")
    return int(found) if found else None


def _answer(call: Call, search: Search) -> Response:
    most = min(_MOST, search.limit if search.limit is not None else _MOST)
    returning = search.returning or tuple(Returned(sobject.name) for sobject in _searchable(call))
    records = [record for entry in returning for record in _found(call, search, entry)][:most]
    return Response(200, {"searchRecords": records} if call.version >= _WRAPPED_SINCE else records)


def _searchable(call: Call) -> Iterable[SObject]:
    return (sobject for sobject in call.org.catalogue if not sobject.event)


def _found(call: Call, search: Search, entry: Returned) -> list[Record]:
    sobject = call.org.catalogue.get(entry.sobject)
    if sobject is None or sobject.event:
        raise ApiError(400, "INVALID_TYPE", unknown_entity(entry.sobject))
    ids = _matching(call, search, sobject)
    listed = ",".join(f"'{each}'" for each in ids) or "'000000000000000AAA'"
    where, _, rest = entry.clauses.partition(" ") if entry.clauses.upper().startswith("WHERE") else ("", "", "")
    condition, tail = _split(rest) if where else ("", entry.clauses)
    clauses = f"Id IN ({listed})" + (f" AND ({condition})" if condition else "")
    plan = call.org.queries.plan(
        f"SELECT {entry.fields} FROM {sobject.name} WHERE {clauses} {tail}", version=call.version
    )
    return call.org.queries.run(plan, call.rows, call.session.user_id).records


def _split(text: str) -> tuple[str, str]:
    """A condition, and the clauses after it."""
    upper, quoted = text.upper(), False
    for at, sign in enumerate(text):
        if sign == "'" and (at == 0 or text[at - 1] != "\\"):
            quoted = not quoted
        if not quoted and any(upper.startswith(word, at) for word in ("ORDER BY", "LIMIT ", "OFFSET ")):
            return text[:at], text[at:]
    return text, ""


def _matching(call: Call, search: Search, sobject: SObject) -> list[str]:
    fields = [field for field in sobject.columns if _is_searched(field, search.scope)]
    if not fields:
        return []
    matches = matcher(search.terms)
    columns = " || char(10) || ".join(f"coalesce(\"{field.name}\", '')" for field in fields)
    rows = call.org.store.select(f'SELECT "Id", {columns} FROM "{sobject.name}" WHERE "IsDeleted" = 0')
    return [key for key, text in rows if matches(text)][:_MOST]


def _is_searched(field: Field, scope: str) -> bool:
    if scope in _BY_TYPE:
        return field.type == _BY_TYPE[scope]
    if scope == "NAME":
        return field.name_field or field.compound == "Name"
    return field.type in _TEXTS


ROUTES = (
    Route("GET", "search", _search),
    Route("GET", "parameterizedsearch", _parameterized_get),
    Route("POST", "parameterizedsearch", _parameterized_post),
)
