"""The metadata catalog: every record type as JSON Schema or within an OpenAPI document."""

from collections.abc import Callable, Mapping
from typing import Any

from sandboxes.kit import Request, Response
from sandboxes.netsuite.records.showing import link
from sandboxes.netsuite.refusals import Refusal
from sandboxes.netsuite.rest.record_service import RECORD, base_url, record_type_of
from sandboxes.netsuite.schema import BY_LOWER_CASE, RECORD_TYPES, RecordType
from sandboxes.netsuite.schema.model import Field

_SCHEMA, _SWAGGER = "application/schema+json", "application/swagger+json"
_JSON_TYPES: Mapping[str, dict[str, Any]] = {
    "string": {"type": "string"},
    "text": {"type": "string"},
    "integer": {"type": "integer", "format": "int64"},
    "number": {"type": "number", "format": "double"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "dateTime": {"type": "string", "format": "date-time"},
}


def catalog(request: Request) -> Response:
    """`GET /metadata-catalog[?select=a,b]`: the types, or an OpenAPI document of the chosen ones."""
    chosen = [one for one in request.query.get("select", "").split(",") if one]
    if unknown := [one for one in chosen if one.lower() not in BY_LOWER_CASE]:
        raise Refusal(
            "INVALID_PARAMETER",
            f"Record type '{unknown[0]}' does not exist.",
            path="select",
            where="o:errorQueryParam",
        )
    types = [BY_LOWER_CASE[one.lower()] for one in chosen] or list(RECORD_TYPES.values())
    if _SWAGGER in request.headers.get("accept", ""):
        return Response(_openapi(types, base_url(request)), media_type=_SWAGGER)
    url = f"{base_url(request)}/metadata-catalog"
    items = [{"name": one.name, "links": _links(f"{url}/{one.name}")} for one in types]
    return Response({"links": [link("self", url)], "items": items})


def described(request: Request) -> Response:
    """`GET /metadata-catalog/<type>`: JSON Schema, or OpenAPI when that is accepted."""
    record_type = record_type_of(request)
    if _SWAGGER in request.headers.get("accept", ""):
        return Response(_openapi([record_type], base_url(request)), media_type=_SWAGGER)
    document = {"$schema": "http://json-schema.org/draft-06/schema#", **_schema(record_type, _by_catalog)}
    return Response(document, media_type=_SCHEMA)


def _links(url: str) -> list[dict[str, str]]:
    return [
        {"rel": "canonical", "href": url},
        {"rel": "describes", "href": url.replace("/metadata-catalog", ""), "mediaType": "application/json"},
        {"rel": "alternate", "href": url, "mediaType": _SWAGGER},
        {"rel": "alternate", "href": url, "mediaType": _SCHEMA},
    ]


def _by_catalog(name: str) -> str:
    return f"{RECORD}/metadata-catalog/{name}"


def _by_component(name: str) -> str:
    return f"#/components/schemas/{name}"


def _schema(record_type: RecordType, refer: Callable[[str], str]) -> dict[str, Any]:
    properties = {one.name: _property(one, refer) for one in record_type.fields}
    return {
        "type": "object",
        "properties": {
            "id": {"title": "Internal ID", "type": "string"},
            **properties,
            "links": {"type": "array", "readOnly": True},
        },
        "x-ns-filterable": [one.name for one in record_type.fields if one.kind not in ("sublist", "subrecord")],
    }


def _property(field: Field, refer: Callable[[str], str]) -> dict[str, Any]:
    title = {"title": field.name}
    if field.fixed:
        title |= {"readOnly": True}  # type: ignore[dict-item]
    if field.kind == "sublist":
        line = {"type": "object", "properties": {one.name: _property(one, refer) for one in field.inner}}
        items = {"items": {"type": "array", "items": line}}
        return {**title, "type": "object", "properties": items}
    if field.kind == "subrecord":
        inner = {one.name: _property(one, refer) for one in field.inner}
        return {**title, "type": "object", "properties": inner}
    if field.kind == "reference":
        if field.target in RECORD_TYPES:
            return {**title, "$ref": refer(field.target)}
        return {**title, "type": "object", "properties": {"id": {"type": "string"}}}
    if field.kind == "select":
        chosen = {"id": {"type": "string", "enum": list(field.choices)}, "refName": {"type": "string"}}
        return {**title, "type": "object", "properties": chosen}
    most = {"maxLength": field.most} if field.most else {}
    return {**title, **_JSON_TYPES[field.kind], **most}


def _openapi(types: list[RecordType], server: str) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for one in types:
        instance = {"200": {"description": "The record.", "content": {"application/vnd.oracle.resource+json": {
            "schema": {"$ref": _by_component(one.name)}}}}}  # fmt: skip
        empty = {"204": {"description": "Done."}}
        paths[f"/{one.name}"] = {
            "get": {"tags": [one.name], "responses": {"200": {"description": "Ids and links."}}},
            "post": {"tags": [one.name], "responses": empty},
        }
        paths[f"/{one.name}/{{id}}"] = {
            "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
            "get": {"tags": [one.name], "responses": instance},
            **{method: {"tags": [one.name], "responses": empty} for method in ("patch", "put", "delete")},
        }
    schemas = {one.name: _schema(one, _by_component) for one in RECORD_TYPES.values()}
    return {
        "openapi": "3.0.1",
        "info": {"title": "NetSuite REST Record API", "version": "v1"},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {"schemas": schemas},
    }
