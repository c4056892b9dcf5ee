"""The OpenAPI 3.1 document of a contract, from the same declaration that serves it."""

from collections import defaultdict
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec

from shared.binding.declare import Contract
from shared.binding.operation import Operation, Parameter
from shared.binding.problems import (
    PROBLEM_MEDIA_TYPE,
    BackendFault,
    BackendUnavailable,
    ContentTooLarge,
    DeadlineExceeded,
    Forbidden,
    InternalFault,
    Invalid,
    NotAcceptable,
    Problem,
    ProblemDetails,
    QuotaExceeded,
    Unauthenticated,
    UnsupportedMediaType,
)
from shared.messaging.idempotency_key import IdempotencyKeyInFlight, IdempotencyKeyReused

_ALWAYS: tuple[type[Problem], ...] = (
    Invalid, Unauthenticated, Forbidden, NotAcceptable, QuotaExceeded, InternalFault, BackendFault,
    BackendUnavailable, DeadlineExceeded,
)  # fmt: skip
_WITH_BODY: tuple[type[Problem], ...] = (ContentTooLarge, UnsupportedMediaType)
_KEYED: tuple[type[Problem], ...] = (IdempotencyKeyReused, IdempotencyKeyInFlight)

_HEADERS: dict[str, dict[str, Any]] = {
    "RateLimit": {
        "description": "What is left: `r` requests, full again in `t` seconds.",
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {"description": "The allowance: `q` requests per `w` seconds.", "schema": {"type": "string"}},
    "Trace-Id": {"description": "Leads to every span and log line of this call.", "schema": {"type": "string"}},
    "ETag": {"description": "The version of this answer, for `If-None-Match`.", "schema": {"type": "string"}},
    "Location": {"description": "Where to ask how far the work has come.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds after which to ask again.", "schema": {"type": "integer"}},
    "Link": {"description": 'The next page, `rel="next"`.', "schema": {"type": "string"}},
}


def openapi_document(contract: type[Contract], *, server: str = "", token_url: str = "") -> dict[str, Any]:
    """The OpenAPI 3.1 document, as plain JSON values.

    Args:
        contract: The declared contract.
        server: Base URL under which it is served, if known.
        token_url: Where a client gets tokens, if known.
    """
    types = [kind for operation in contract.operations.values() for kind in _types(operation)]
    schemas, components = msgspec.json.schema_components(
        [*types, ProblemDetails], ref_template="#/components/schemas/{name}"
    )
    by_type = iter(schemas)
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for operation in contract.operations.values():
        found = [next(by_type) for _ in _types(operation)]
        paths[operation.path][operation.method.lower()] = _operation(operation, found)
    return {
        "openapi": "3.1.0",
        "info": _about(contract),
        "servers": [{"url": server or "/"}],
        "tags": [{"name": contract.__name__, "description": (contract.__doc__ or "").strip()}],
        "paths": dict(paths),
        "components": {
            "schemas": components,
            "headers": _HEADERS,
            "securitySchemes": _security(contract, token_url),
        },
    }


def _about(contract: type[Contract]) -> dict[str, Any]:
    return {
        "title": f"{contract.__name__} ({contract.tier.title()} API)",
        "version": f"{contract.version.removeprefix('v')}.0.0",
        "summary": (contract.__doc__ or "").strip().splitlines()[0],
        "description": (
            f"{(contract.__doc__ or '').strip()}\n\nTokens name `{contract.audience}` in `aud`. "
            f"Problems are `{PROBLEM_MEDIA_TYPE}` (RFC 9457); each `type` leads to its explanation."
        ),
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }


def _security(contract: type[Contract], token_url: str) -> dict[str, Any]:
    schemes: dict[str, Any] = {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT (RFC 9068)"}}
    if token_url:
        scopes = {scope: f"Operations that ask for {scope}" for scope in sorted(contract.scopes())}
        schemes["oauth2"] = {
            "type": "oauth2",
            "flows": {"clientCredentials": {"tokenUrl": token_url, "scopes": scopes}},
        }
    return schemes


def _types(operation: Operation) -> list[Any]:
    """Types in the order in which `_operation` takes their schemas: parameters, then the result."""
    return [*(parameter.type for parameter in operation.parameters), operation.result_type]


def _operation(operation: Operation, schemas: list[Any]) -> dict[str, Any]:
    *parameter_schemas, result = schemas
    described: dict[str, Any] = {
        "operationId": operation.qualified_name.replace(".", "_"),
        "summary": operation.summary,
        "tags": [operation.contract.__name__],
        "security": [{"bearer": [operation.scope]}],
        "x-scope": operation.scope,
        "parameters": [
            _parameter(parameter, schema)
            for parameter, schema in zip(operation.parameters, parameter_schemas, strict=True)
            if parameter.location != "body"
        ]
        + _header_parameters(operation),
        "responses": _responses(operation, result),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.body:
        schema = parameter_schemas[operation.parameters.index(operation.body)]
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return described


def _parameter(parameter: Parameter, schema: Any) -> dict[str, Any]:
    described: dict[str, Any] = {
        "name": parameter.wire_name,
        "in": parameter.location,
        "required": parameter.required,
        "schema": schema,
    }
    if parameter.description:
        described["description"] = parameter.description
    return described


def _header_parameters(operation: Operation) -> list[dict[str, Any]]:
    found: list[tuple[str, str]] = []
    if operation.takes_idempotency_key:
        found.append(("Idempotency-Key", "A key of yours: the same key with the same body is carried out once."))
    if operation.route.long_running:
        found.append(("Prefer", "`wait=10` to wait up to that many seconds, `respond-async` not to wait (RFC 7240)."))
    if operation.method == "GET":
        found.append(("If-None-Match", "An `ETag` you hold; answered 304 if nothing changed."))
    return [
        {"name": name, "in": "header", "required": False, "description": text, "schema": {"type": "string"}}
        for name, text in found
    ]


def _responses(operation: Operation, result: Any) -> dict[str, Any]:
    common = ["RateLimit", "RateLimit-Policy", "Trace-Id"]
    success: dict[str, Any] = {"description": "Done.", "headers": _headers([*common, *_own_headers(operation)])}
    if operation.route.status != 204:  # noqa: PLR2004 - no content
        success["content"] = {"application/json": {"schema": result}}
    responses: dict[str, Any] = {str(operation.route.status): success}
    if operation.method == "GET":
        responses["304"] = {"description": "You have this version already."}
    if operation.route.long_running:
        headers = _headers([*common, "Location", "Retry-After"])
        responses["202"] = {**success, "description": "Under way; ask again at `Location`.", "headers": headers}
    return {**responses, **_problems(operation)}


def _own_headers(operation: Operation) -> list[str]:
    headers = ["ETag"] if operation.method == "GET" else []
    if any(parameter.name == "cursor" for parameter in operation.parameters):
        headers.append("Link")
    return [*headers, "Location"] if operation.route.long_running else headers


def _headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _problems(operation: Operation) -> dict[str, Any]:
    kinds = [*operation.route.raises, *_ALWAYS]
    kinds += _WITH_BODY if operation.body else ()
    kinds += _KEYED if operation.takes_idempotency_key else ()
    by_status: dict[int, list[type[Problem]]] = defaultdict(list)
    for kind in kinds:
        by_status[kind.status].append(kind)
    return {str(status): _problem_response(status, found) for status, found in sorted(by_status.items())}


def _problem_response(status: int, kinds: list[type[Problem]]) -> dict[str, Any]:
    lines = [f"`{kind.type_uri()}`: {_first_line(kind)}" for kind in kinds]
    return {
        "description": "\n\n".join(lines) or HTTPStatus(status).phrase,
        "headers": _headers(["Trace-Id", *(["Retry-After"] if any(kind.transient for kind in kinds) else [])]),
        "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ProblemDetails"}}},
    }


def _first_line(kind: type[Problem]) -> str:
    return (kind.__doc__ or kind.title).strip().splitlines()[0]
