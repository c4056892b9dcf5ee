"""What a type has at a JSON Pointer: msgspec says of a value only that it is none of its closed set."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from msgspec import inspect


def allowed_values(kind: Any, pointer: str) -> list[str]:
    """The values of the enumeration or Literal at a JSON Pointer (RFC 6901) into a type; empty where none is."""
    return [text for each in _at(kind, pointer) for plain in _plain(each) for text in _values(plain)]


def is_known(kind: Any, pointer: str) -> bool:
    """Whether a type has something at a JSON Pointer; False only where a Struct has no field of that name."""
    return bool(_at(kind, pointer))


def _at(kind: Any, pointer: str) -> list[inspect.Type]:
    kinds = [inspect.type_info(kind)]
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        kinds = [below for each in kinds for plain in _plain(each) for below in _below(plain, name)]
    return kinds


def _plain(kind: inspect.Type) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.UnionType):
        for each in kind.types:
            yield from _plain(each)
    elif isinstance(kind, inspect.Metadata):
        yield from _plain(kind.type)
    else:
        yield kind


def _below(kind: inspect.Type, name: str) -> Iterator[inspect.Type]:
    if isinstance(kind, inspect.StructType):
        yield from (field.type for field in kind.fields if field.encode_name == name)
    elif isinstance(kind, inspect.CollectionType | inspect.VarTupleType):
        yield kind.item_type
    elif isinstance(kind, inspect.DictType):
        yield kind.value_type
    else:
        yield inspect.AnyType()  # nothing says what is below


def _values(kind: inspect.Type) -> Iterator[str]:
    values: Sequence[Any] = ()
    if isinstance(kind, inspect.LiteralType):
        values = kind.values
    elif isinstance(kind, inspect.EnumType):
        values = [member.value for member in kind.cls]
    yield from (text if isinstance(text, str) else msgspec.json.encode(text).decode() for text in values)
