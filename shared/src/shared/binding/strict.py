"""Strict twins: the same type, refusing unknown fields, numbers of no sensible size and a line break after a pattern.

Canonical types stay tolerant, so that a peer may add a field to an answer before its callers know it;
what a caller *sends* is refused when it says something we would ignore (OWASP API3:2023), or when it is a
few bytes that become gigabytes as soon as somebody writes them out: `1E+999999999` is a valid Decimal (API4:2023).
"""

import types
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec

_CONTAINERS = (list, dict, tuple, set, frozenset)
_MAX_NUMBER = 10**18
_BOUNDS = msgspec.Meta(ge=-_MAX_NUMBER, le=_MAX_NUMBER)
_PLAIN_DECIMAL = Union[  # noqa: UP007 - a type, not an annotation
    Annotated[int, _BOUNDS],
    Annotated[float, _BOUNDS],
    Annotated[str, msgspec.Meta(pattern=r"^-?[0-9]{1,18}(\.[0-9]{1,18})?\Z")],
]
"""How a Decimal may be written: at most 18 digits on either side of the point, no exponent, no NaN."""


@cache
def strict_twin(kind: Any) -> Any:
    """`kind` with every Struct in it replaced by a copy that forbids unknown fields."""
    if kind is Decimal:
        return _PLAIN_DECIMAL
    if _is_struct(kind):
        return _strict_struct(kind)
    origin: Any = get_origin(kind)
    if origin is None:
        return kind
    if origin is Annotated:
        inner, *marks = get_args(kind)
        return Annotated[strict_twin(inner), *map(_strict_mark, marks)]
    args = tuple(strict_twin(arg) if arg is not Ellipsis else arg for arg in get_args(kind))
    if origin in (Union, types.UnionType):
        return Union[args]  # noqa: UP007 - built at run time
    if _is_struct(origin):
        return _strict_struct(kind)
    return types.GenericAlias(origin, args) if args and origin in _CONTAINERS else kind


def _strict_mark(mark: Any) -> Any:
    """`$` ends a pattern in a JSON schema; for Python it also matches before a final line break."""
    pattern: str | None = getattr(mark, "pattern", None)
    if pattern is None or not pattern.endswith("$") or pattern.endswith("\\$"):
        return mark
    return msgspec.Meta(pattern=pattern[:-1] + r"\Z", min_length=mark.min_length, max_length=mark.max_length)


def _strict_struct(kind: Any) -> type[msgspec.Struct]:
    struct: Any = get_origin(kind) or kind
    config = struct.__struct_config__
    fields: list[Any] = []
    rename: dict[str, str] = {}
    types_by_name = _field_types(kind)
    for field in msgspec.structs.fields(kind):
        twin = strict_twin(types_by_name[field.name])
        rename[field.name] = field.encode_name
        if field.required:
            fields.append((field.name, twin))
        elif field.default_factory is not msgspec.NODEFAULT:
            fields.append((field.name, twin, msgspec.field(default_factory=field.default_factory)))
        else:
            fields.append((field.name, twin, field.default))
    return msgspec.defstruct(
        struct.__name__, fields, frozen=True, forbid_unknown_fields=True, rename=rename, kw_only=True,
        tag=config.tag, tag_field=config.tag_field,
    )  # fmt: skip


def _field_types(kind: Any) -> dict[str, Any]:
    """Resolved field types; a generic Struct's parameters are already filled in by msgspec."""
    if get_origin(kind) is None:
        return get_type_hints(kind, include_extras=True)
    return {field.name: field.type for field in msgspec.structs.fields(kind)}


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
