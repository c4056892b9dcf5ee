"""Parameters of an operation as OpenAPI describes them."""

from typing import Any, cast

import msgspec

from shared.binding.http_request import MAX_WAIT_SECONDS
from shared.binding.openapi_examples import with_example
from shared.binding.operation import Operation, Parameter


def parameter_object(parameter: Parameter, schema: Any) -> dict[str, Any]:
    """The Parameter Object of a path or query parameter; `schema` is that of its type."""
    described: dict[str, Any] = {
        "name": parameter.wire_name,
        "in": parameter.location,
        "required": parameter.required,
        "schema": _of_text(parameter, in_ecmascript(schema)),
        "description": parameter.description or _PARAMETERS.get(parameter.name, _words(parameter.name)),
    }
    described = with_example(described, parameter.type, parameter.wire_name)
    if not parameter.required and "example" in described:
        # in the schema, so that a try-it form does not begin with a filter or a cursor nobody asked for
        described["schema"] = {**described["schema"], "examples": [described.pop("example")]}
    return described


def _of_text(parameter: Parameter, schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value that travels as text: it may be left out but cannot be null."""
    given = [one for one in schema.get("anyOf", ()) if one != {"type": "null"}]
    plain = (
        {**{name: part for name, part in schema.items() if name != "anyOf"}, **given[0]} if len(given) == 1 else schema
    )
    default = {} if parameter.default is None else {"default": msgspec.to_builtins(parameter.default)}
    return {**plain, **default}


_PARAMETERS = {
    "cursor": "Where the previous page ended: its `nextCursor`.",
    "limit": "How many items a page may hold.",
    "search": "Part of the name.",
    "state": "Only those in this state.",
    "sku": "The stock keeping unit.",
}


def _words(name: str) -> str:
    """`crm_order_id` → `The id of the CRM order.`, for parameters that explain themselves."""
    *what, last = name.split("_")
    thing = " ".join({"crm": "CRM", "erp": "ERP"}.get(word, word) for word in what)
    return f"The {last} of the {thing}." if what and last in ("id", "number") else f"The {name.replace('_', ' ')}."


def in_ecmascript(schema: Any) -> Any:
    r"""The same schema with patterns as JSON Schema spells them: ECMA-262 has no `\Z`."""
    if isinstance(schema, list):
        return [in_ecmascript(one) for one in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    return {
        name: value[:-2] + "$" if name == "pattern" and str(value).endswith(r"\Z") else in_ecmascript(value)
        for name, value in cast("dict[str, Any]", schema).items()
    }


def header_parameters(operation: Operation) -> list[dict[str, Any]]:
    """The headers that steer this operation, as Parameter Objects."""
    found: list[tuple[str, str, str]] = []
    if operation.takes_idempotency_key:
        text = "A key of yours: the same key with the same body is carried out once."
        found.append(("Idempotency-Key", text, '"order-42-first-try"'))
    if operation.route.long_running or operation.route.waits:
        text = f"`wait=10` to wait up to that many seconds (at most {MAX_WAIT_SECONDS:g}), `respond-async` not to wait."
        found.append(("Prefer", text, "wait=10"))
    if operation.method == "GET":
        found.append(("If-None-Match", "An `ETag` you hold; answered 304 if nothing changed.", '"5d41402abc4b2a76b9"'))
    return [
        {
            "name": name, "in": "header", "required": False, "description": text,
            "schema": {"type": "string", "examples": [example]},
        }
        for name, text, example in found
    ]  # fmt: skip
