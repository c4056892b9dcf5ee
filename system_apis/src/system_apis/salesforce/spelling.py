"""Record types and SELECT lists in the words of one org: its custom fields, its currencies."""

from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from system_apis.salesforce.records import CompoundAddress, Rows

_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class Spelling:
    """Record types as one org spells them, and SELECT lists made from them.

    A field whose type is a Struct becomes a parent (`Product2.Name`), one of `Rows` a child subquery.

    Args:
        custom: API names of custom fields by our attribute name; empty for one the org does not have.
        multi_currency: Whether records have CurrencyIsoCode.
    """

    def __init__(self, custom: Mapping[str, str], *, multi_currency: bool) -> None:
        self._custom = custom
        self._multi_currency = multi_currency
        self._known: dict[type[msgspec.Struct], type[msgspec.Struct]] = {}

    def of(self, kind: type[_Struct]) -> type[_Struct]:
        """The record type with the org's names for custom fields."""
        if kind not in self._known:
            fields = [
                (field.name, self._respelt(field.type), self._field(field)) for field in msgspec.structs.fields(kind)
            ]
            self._known[kind] = msgspec.defstruct(kind.__name__, fields, bases=(kind,), frozen=True)
        return self._known[kind]  # pyright: ignore[reportReturnType] - it derives from `kind`

    def columns(self, kind: type[msgspec.Struct], children: Mapping[str, str]) -> str:
        """The SELECT list of a record type; `children` holds what follows FROM in each subquery."""
        return ",".join(self._columns(self.of(kind), "", children))

    def _columns(self, kind: type[msgspec.Struct], prefix: str, children: Mapping[str, str]) -> list[str]:
        columns: list[str] = []
        for field in msgspec.structs.fields(kind):
            name, inner = prefix + field.encode_name, without_none(field.type)
            if field.name == "currency_iso_code" and not self._multi_currency:
                continue
            if self._custom.get(field.name) == "":
                continue
            if get_origin(inner) is Rows:
                child = ",".join(self._columns(get_args(inner)[0], "", children))
                columns.append(f"(SELECT {child} FROM {name} {children[name]})")  # noqa: S608 - names of fields
            elif isinstance(inner, type) and issubclass(inner, msgspec.Struct) and inner is not CompoundAddress:
                columns += self._columns(inner, f"{name}.", {})
            else:
                columns.append(name)
        return columns

    def _field(self, field: msgspec.structs.FieldInfo) -> Any:
        name = self._custom.get(field.name) or field.encode_name
        return msgspec.field(name=name) if field.required else msgspec.field(name=name, default=field.default)

    def _respelt(self, kind: Any) -> Any:
        inner = without_none(kind)
        if get_origin(inner) is Rows:
            return Rows[self.of(get_args(inner)[0])] | None
        return kind


def without_none(kind: Any) -> Any:
    """The type without its `None`, if that leaves one."""
    parts = [part for part in get_args(kind) if part is not type(None)]
    return parts[0] if len(parts) == 1 and type(None) in get_args(kind) else kind
