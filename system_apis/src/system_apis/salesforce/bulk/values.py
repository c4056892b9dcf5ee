"""From a record to the values of its line."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Final

import msgspec
from msgspec import UNSET

from shared.binding.problems import Invalid
from system_apis.salesforce.bulk.dialect import NULL

Record = Mapping[str, Any] | msgspec.Struct
"""Values by column. A column that a record lacks, or that is UNSET, leaves the field alone; None and "" clear it.

A parent may be named by an external id: `{"Account": {"ERP_Customer_Number__c": "7"}}`.
"""


class Columns:
    """The columns of a load; every record is read through them.

    Args:
        names: The header, in order.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self._known = frozenset(self.names)
        if len({name.lower() for name in self.names}) < len(self.names) or not self.names:
            raise Invalid("A bulk load needs at least one column, and none twice.")

    def row(self, record: Record, position: int) -> list[str]:
        """The values of one record in the order of the columns.

        Raises:
            Invalid: The record has a field that is no column, or a value that CSV cannot carry.
        """
        fields = fields_of(record)
        if not fields.keys() <= self._known:
            fields = flattened(fields)
            strange = sorted(fields.keys() - self._known)
            if strange:
                raise Invalid(f"Record {position} has the field {strange[0]!r}, which is none of the load's columns.")
        row: list[str] = []
        for name in self.names:
            value = fields.get(name, UNSET)
            if value.__class__ is str and value and value != NULL:
                row.append(value)
            else:
                row.append(_text(value, name, position))
        return row


def columns_of(record: Record) -> Columns:
    """The columns that a load whose first record is this one has."""
    return Columns(list(flattened(fields_of(record))))


def fields_of(record: Record) -> Mapping[str, Any]:
    """A record as a mapping, a Struct by its names on the wire."""
    if isinstance(record, msgspec.Struct):
        return {wire: getattr(record, name) for name, wire in _names(type(record))}
    return record


def flattened(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with parents spelt as columns, `Account.ERP_Customer_Number__c`."""
    flat: dict[str, Any] = {}
    for name, value in fields.items():
        if name == "attributes":
            continue
        if isinstance(value, Mapping):
            parent: Mapping[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
            flat |= {f"{name}.{key}": each for key, each in parent.items() if key != "attributes"}
        else:
            flat[name] = value
    return flat


@cache
def _names(kind: type[msgspec.Struct]) -> tuple[tuple[str, str], ...]:
    return tuple((field.name, field.encode_name) for field in msgspec.structs.fields(kind))


def _text(value: object, name: str, position: int) -> str:
    if value is UNSET:
        return ""
    if value is None or value == "":
        return NULL
    spell = _SPELLED.get(type(value)) or _spelling_of_kind(value)
    text = None if spell is None else spell(value)
    if text is None or text == NULL:
        raise Invalid(
            f"Record {position} has in {name!r} a value of type {type(value).__name__} that a bulk load cannot carry; "
            "moments need a time zone, numbers must be finite, and the text #N/A stands for null."
        )
    return text


def _spelling_of_kind(value: object) -> Callable[[Any], str | None] | None:
    if isinstance(value, Enum):
        return lambda each: str(each.value)
    if isinstance(value, str):
        return str
    return None


def _moment(value: datetime) -> str | None:
    if value.tzinfo is None:
        return None
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _number(value: float | Decimal) -> str | None:
    text = format(value, "f") if isinstance(value, Decimal) else repr(value)
    return text if text.lstrip("-")[:1].isdigit() else None


_SPELLED: Final[dict[type, Callable[[Any], str | None]]] = {
    str: str, int: str, bool: lambda value: "true" if value else "false", float: _number, Decimal: _number,
    datetime: _moment, date: date.isoformat, time: lambda value: value.isoformat(timespec="milliseconds") + "Z",
}  # fmt: skip
