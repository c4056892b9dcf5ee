"""The OpenAPI 3.1 document of a contract, from the same declaration that serves it.

Extensions, each explained to readers in `info.description`:
    x-audience: What a token names in `aud`.
    x-rate-limits: Of the API: what each SLA tier allows.
    x-rate-limit-group: Of an operation: which allowance it draws on.
    x-scope: Of an operation: what a token must hold.
    x-deadline-seconds: Of an operation: when the answer is a 504 at the latest.
    x-sensitive: Of a field: masked in logs, encrypted at rest.
"""

import inspect
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from shared.binding.declare import Contract
from shared.binding.http_request import MAX_BODY_BYTES
from shared.binding.inbound import deadline_seconds, limit_group
from shared.binding.openapi_examples import with_example
from shared.binding.openapi_parameters import header_parameters, in_ecmascript, parameter_object
from shared.binding.openapi_signatures import (
    Schemes,
    message_body,
    message_headers,
    opened_by,
    requirements,
    security_schemes,
)
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
    SignatureRefused,
    Unauthenticated,
    UnsupportedMediaType,
)
from shared.messaging.idempotency_key import IdempotencyKeyInFlight, IdempotencyKeyReused
from shared.resilience.rate_limit_policy import DEFAULT_TIERS, Policy, Tier
from shared.security.signature_schemes import SignatureScheme

_ALWAYS: tuple[type[Problem], ...] = (
    Invalid, Unauthenticated, Forbidden, NotAcceptable, QuotaExceeded, InternalFault, BackendFault,
    BackendUnavailable, DeadlineExceeded,
)  # fmt: skip
_OF_TOKENS = (Unauthenticated, Forbidden)
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


def openapi_document(
    contract: type[Contract],
    *,
    server: str = "",
    token_url: str = "",
    tiers: Mapping[str, Tier] = DEFAULT_TIERS,
    schemes: Sequence[SignatureScheme] = (),
) -> dict[str, Any]:
    """The OpenAPI 3.1 document, as plain JSON values.

    Args:
        contract: The declared contract.
        server: Base URL under which it is served, if known.
        token_url: Where a client gets tokens, if known.
        tiers: The SLA tiers of the deployment.
        schemes: How the backends of its implementations sign webhooks.
    """
    types = [kind for operation in contract.operations.values() for kind in _types(operation)]
    schemas, components = msgspec.json.schema_components(
        [*types, ProblemDetails], ref_template="#/components/schemas/{name}"
    )
    components["Problem"] = _problem_schema(components["ProblemDetails"])
    by_type = iter(schemas)
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for operation in contract.operations.values():
        found = [next(by_type) for _ in _types(operation)]
        paths[operation.path][operation.method.lower()] = _operation(operation, found, tuple(schemes))
    return {
        "openapi": "3.1.0",
        "info": _about(contract),
        "x-audience": contract.audience,
        "x-rate-limits": {name: _limits(contract, tier) for name, tier in tiers.items()},
        "servers": [{"url": server or "/"}],
        "tags": [{"name": contract.__name__}],
        "paths": dict(paths),
        "components": {
            "schemas": in_ecmascript(components),
            "examples": _problem_examples(contract),
            "headers": _HEADERS,
            "securitySchemes": _security(contract, token_url, tuple(schemes)),
        },
    }


_READING = f"""**Tokens** are JWTs that name `{{audience}}` in `aud` (`x-audience`) and hold the operation's scope
(`x-scope`). **Problems** are `{PROBLEM_MEDIA_TYPE}` (RFC 9457); each `type` leads to its explanation, `traceId` to
everything that was logged. **Limits** depend on the client's SLA tier (`x-rate-limits`) and are kept for each group
of operations (`x-rate-limit-group`); `RateLimit` says what is left. An answer takes no longer than
`x-deadline-seconds`, a body holds at most {MAX_BODY_BYTES // 1_048_576} MiB. Fields marked `x-sensitive` are masked
in logs and encrypted at rest. Amounts are decimal strings, times RFC 3339 in UTC."""


def _limits(contract: type[Contract], tier: Tier) -> dict[str, Any]:
    groups = {group: tier.groups[group] for group in _groups(contract) if group in tier.groups}
    return _allowance(tier.default) | {group: _allowance(policy) for group, policy in groups.items()}


def _groups(contract: type[Contract]) -> list[str]:
    return sorted({limit_group(operation) for operation in contract.operations.values()})


def _allowance(policy: Policy) -> dict[str, int]:
    return {"requests": policy.limit, "windowSeconds": policy.window_seconds, "burst": policy.burst}


def _about(contract: type[Contract]) -> dict[str, Any]:
    summary, _, rest = inspect.cleandoc(contract.__doc__ or "").partition("\n")
    reading = _READING.format(audience=contract.audience)
    return {
        "title": f"{contract.__name__} ({contract.tier.title()} API)",
        "version": f"{contract.version.removeprefix('v')}.0.0",
        "summary": summary,
        "description": "\n\n".join(part for part in (rest.strip(), reading) if part),
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }


def _security(contract: type[Contract], token_url: str, schemes: Schemes) -> dict[str, Any]:
    described = f"A JWT (RFC 9068) with `{contract.audience}` in `aud`."
    found: dict[str, Any] = {
        "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": described}
    }
    if token_url:
        scopes = {scope: ", ".join(_asking(contract, scope)) for scope in sorted(contract.scopes())}
        found["oauth2"] = {
            "type": "oauth2",
            "description": f"Send `audience={contract.audience}` along.",
            "flows": {"clientCredentials": {"tokenUrl": token_url, "scopes": scopes}},
        }
    if any(operation.signed for operation in contract.operations.values()):
        found |= security_schemes(schemes)
    return found


def _asking(contract: type[Contract], scope: str) -> list[str]:
    return [name for name, operation in contract.operations.items() if operation.scope == scope]


def _types(operation: Operation) -> list[Any]:
    """Types in the order in which `_operation` takes their schemas: parameters, then the result."""
    return [*(parameter.type for parameter in _described_parameters(operation)), operation.result_type]


def _described_parameters(operation: Operation) -> list[Parameter]:
    """All but a signed message, which is the sender's document and not ours to describe."""
    return [parameter for parameter in operation.parameters if parameter.location != "message"]


def _operation(operation: Operation, schemas: list[Any], schemes: Schemes) -> dict[str, Any]:
    *parameter_schemas, result = schemas
    described: dict[str, Any] = {
        "operationId": operation.qualified_name.replace(".", "_"),
        "summary": operation.summary,
        "description": _described(operation, f"Needs the scope `{operation.scope}`."),
        "tags": [operation.contract.__name__],
        "security": [{"bearer": [operation.scope]}],
        "x-scope": operation.scope,
        "x-rate-limit-group": limit_group(operation),
        "x-deadline-seconds": deadline_seconds(operation),
        "parameters": [
            parameter_object(parameter, schema)
            for parameter, schema in zip(_described_parameters(operation), parameter_schemas, strict=True)
            if parameter.location != "body"
        ]
        + header_parameters(operation),
        "responses": _responses(operation, result),
    }
    if operation.body:
        schema = parameter_schemas[operation.parameters.index(operation.body)]
        content = with_example({"schema": in_ecmascript(schema)}, operation.body.type, operation.body.wire_name)
        bare = {media_type: {"schema": {"type": "string"}} for media_type in operation.route.text_types}
        described["requestBody"] = {"required": True, "content": {"application/json": content, **bare}}
    return _signed(operation, described, schemes) if operation.signed else described


def _signed(operation: Operation, described: dict[str, Any], schemes: Schemes) -> dict[str, Any]:
    """The same operation as its sender knows it."""
    del described["x-scope"]
    return described | {
        "description": _described(operation, opened_by(schemes)),
        "security": requirements(schemes),
        "parameters": [*described["parameters"], *message_headers(schemes)],
        "requestBody": message_body(schemes),
    }


def _described(operation: Operation, opened: str) -> str:
    """What the docstring says beyond its first line, then what every caller asks: who may, time, repeats."""
    facts = [opened, f"Answers within {deadline_seconds(operation):g} seconds."]
    if operation.safe:
        facts.append("Changes nothing.")
    elif operation.takes_idempotency_key:
        facts.append("Send an `Idempotency-Key` to repeat it safely.")
    else:
        facts.append("Safe to repeat.")
    if operation.route.long_running:
        facts.append("Long work: `Prefer` chooses how long to wait, a 202 leads to its status.")
    return "\n\n".join(text for text in (operation.description, " ".join(facts)) if text)


_SUCCESS = {200: "Done; this is how it stands.", 201: "Done; this was made.", 204: "Done; there is nothing to say."}


def _responses(operation: Operation, result: Any) -> dict[str, Any]:
    common = ["RateLimit", "RateLimit-Policy", "Trace-Id"]
    success: dict[str, Any] = {
        "description": _SUCCESS[operation.route.status],
        "headers": _headers([*common, *_own_headers(operation)]),
    }
    if operation.route.status != 204:  # noqa: PLR2004 - no content
        content = with_example({"schema": in_ecmascript(result)}, operation.result_type)
        success["content"] = {"application/json": content}
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


def _kinds(operation: Operation) -> list[type[Problem]]:
    kinds = [*operation.route.raises, *_ALWAYS]
    if operation.signed:
        kinds = [SignatureRefused, *(kind for kind in kinds if kind not in _OF_TOKENS)]
    kinds += _WITH_BODY if operation.body or operation.signed else ()
    kinds += _KEYED if operation.takes_idempotency_key else ()
    return list(dict.fromkeys(kinds))


def _problem_examples(contract: type[Contract]) -> dict[str, Any]:
    kinds = {kind for operation in contract.operations.values() for kind in _kinds(operation)}
    return {kind.slug: _problem_example(kind) for kind in sorted(kinds, key=lambda each: each.slug)}


def _problem_example(kind: type[Problem]) -> dict[str, Any]:
    value: dict[str, Any] = {"type": kind.type_uri(), "title": kind.title, "status": kind.status}
    value |= {"detail": _first_line(kind), "traceId": "4bf92f3577b34da6a3ce929d0e0e4736"}
    return {"summary": _first_line(kind), "value": value | ({"retryAfter": 2.0} if kind.transient else {})}


def _problems(operation: Operation) -> dict[str, Any]:
    by_status: dict[int, list[type[Problem]]] = defaultdict(list)
    for kind in _kinds(operation):
        by_status[kind.status].append(kind)
    return {str(status): _problem_response(status, found) for status, found in sorted(by_status.items())}


def _problem_response(status: int, kinds: list[type[Problem]]) -> dict[str, Any]:
    named = {kind.slug: {"$ref": f"#/components/examples/{kind.slug}"} for kind in kinds}
    lines = [f"`{kind.type_uri()}`: {_first_line(kind)}" for kind in kinds]
    return {
        "description": "\n\n".join(lines) or HTTPStatus(status).phrase,
        "headers": _headers(["Trace-Id", *(["Retry-After"] if any(kind.transient for kind in kinds) else [])]),
        "content": {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}, "examples": named}},
    }


def _problem_schema(nested: dict[str, Any]) -> dict[str, Any]:
    """As in another document, but with further members beside the standard ones (RFC 9457 §3.2)."""
    standard = {name: schema for name, schema in nested["properties"].items() if name != "extensions"}
    described = "What went wrong (RFC 9457). Some types have further members."
    return nested | {
        "title": "Problem", "description": described, "properties": standard, "additionalProperties": True
    }  # fmt: skip


def _first_line(kind: type[Problem]) -> str:
    return (kind.__doc__ or kind.title).strip().splitlines()[0]
