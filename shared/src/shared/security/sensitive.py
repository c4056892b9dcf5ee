"""Fields that hold personal or secret values, declared once on the contract: `email: Sensitive[str]`."""

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, TypeVar, cast

import msgspec
from msgspec import inspect

_T = TypeVar("_T")
MASK = "***"

Sensitive = Annotated[_T, msgspec.Meta(extra={"sensitive": True}, extra_json_schema={"x-sensitive": True})]
"""Marks a field's value as masked in logs and encrypted at rest; on the wire it is an ordinary `T`."""


@cache
def sensitive_fields(struct: type[msgspec.Struct]) -> frozenset[str]:
    """The attribute names of `struct` that are marked Sensitive, not looking into nested Structs."""
    described = inspect.type_info(struct)
    if not isinstance(described, inspect.StructType):
        raise TypeError(f"{struct!r} is not a Struct.")
    return frozenset(field.name for field in described.fields if _marked(field.type))


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


def _marked(described: inspect.Type) -> bool:
    if isinstance(described, inspect.Metadata):
        extra = cast("dict[str, Any]", described.extra or {})  # pyright: ignore[reportUnknownMemberType]
        return bool(extra.get("sensitive")) or _marked(described.type)
    if isinstance(described, inspect.UnionType):
        return any(_marked(member) for member in described.types)
    if isinstance(described, inspect.CollectionType):
        return _marked(described.item_type)
    return isinstance(described, inspect.DictType) and (_marked(described.key_type) or _marked(described.value_type))
