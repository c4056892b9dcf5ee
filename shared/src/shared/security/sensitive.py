"""Fields that hold personal or secret values, declared once on the contract: `email: Sensitive[str]`."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import msgspec

_T = TypeVar("_T")
MASK = "***"

Sensitive = Annotated[_T, msgspec.Meta(extra={"sensitive": True}, extra_json_schema={"x-sensitive": True})]
"""Marks a field's value as masked in logs and encrypted at rest; on the wire it is an ordinary `T`."""


@cache
def sensitive_fields(struct: type[msgspec.Struct]) -> frozenset[str]:
    """The attribute names of `struct` that are marked Sensitive, not looking into nested Structs.

    A Struct whose annotations cannot be resolved is treated as sensitive throughout.
    """
    try:
        hints = get_type_hints(struct, include_extras=True)
    except (NameError, TypeError, AttributeError):
        return frozenset(struct.__struct_fields__)
    return frozenset(name for name in struct.__struct_fields__ if _marked(hints.get(name)))


def masked(value: Any) -> Any:
    """A copy of `value` as plain dicts and lists under wire names, with sensitive values as `***`.

    A sensitive field that is None stays None: that nothing is known may be told.
    """
    if isinstance(value, msgspec.Struct):
        hidden = sensitive_fields(type(value))
        fields = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
        return {wire: _masked_field(getattr(value, name), hidden=name in hidden) for name, wire in fields}
    if isinstance(value, Mapping):
        return {str(key): masked(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [masked(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    return msgspec.to_builtins(value)


def _masked_field(value: Any, *, hidden: bool) -> Any:
    return MASK if hidden and value is not None else masked(value)


def _marked(annotation: Any) -> bool:
    for meta in getattr(annotation, "__metadata__", ()):
        extra: dict[str, Any] | None = meta.extra if isinstance(meta, msgspec.Meta) else None
        if extra is not None and extra.get("sensitive") is True:
            return True
    return any(_marked(inner) for inner in get_args(annotation))
