"""Values with every field filled, so that the translators show every field they can write."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Annotated, Any, Final, Literal, TypeVar, get_args, get_origin

import msgspec

from system_apis.salesforce.records import Rows
from system_apis.salesforce.spelling import without_none

_Struct = TypeVar("_Struct", bound=msgspec.Struct)

TEXT: Final = "801000000000001"
"""Any text; ids are texts of such a form, and currencies, SKUs and references need only be equal to each other."""

_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)
_PLAIN: Final[Mapping[Any, Any]] = MappingProxyType(
    {str: TEXT, Decimal: Decimal(1), date: _DAY.date(), datetime: _DAY, bool: True, int: 1}
)


def filled(kind: type[_Struct]) -> _Struct:
    """A value of a Struct with nothing left out."""
    return kind(**{field.name: _value(field.type) for field in msgspec.structs.fields(kind)})


def _value(kind: Any) -> Any:
    kind = without_none(kind)
    if get_origin(kind) is Annotated:
        return _value(get_args(kind)[0])
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    if get_origin(kind) is list:
        return [_value(get_args(kind)[0])]
    if get_origin(kind) is Rows:
        return Rows([_value(get_args(kind)[0])])
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return filled(kind)
    return _PLAIN[kind]
