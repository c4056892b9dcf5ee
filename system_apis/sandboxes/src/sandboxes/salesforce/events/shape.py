"""What an event says of a record: which fields, under which names, nested how."""

from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any, TypeVar

from msgspec import Struct

from sandboxes.salesforce.schema import SObject
from sandboxes.salesforce.storage import Row

_T = TypeVar("_T")
_LEFT_OUT = frozenset({"Id", "IsDeleted", "SystemModstamp", "ReplayId", "EventUuid"})
_PERSON_NAME = ("Salutation", "FirstName", "LastName")


class Told(Struct, frozen=True):
    """A top-level field of an event.

    Attributes:
        name: Its name in the event.
        type: A describe type; `address` and `name` are records of parts.
        columns: The columns behind it.
        parts: Name in the nested record, column and type of each, empty for a plain field.
    """

    name: str
    type: str
    columns: tuple[str, ...]
    parts: tuple[tuple[str, str, str], ...] = ()

    def changed(self, row: Row, before: Row) -> list[str]:
        """The names of what differs: `Phone`, `BillingAddress.City`."""
        if not self.parts:
            return [self.name]
        return [f"{self.name}.{part}" for part, column, _ in self.parts if row.get(column) != before.get(column)]

    def nulled(self, row: Row, before: Row) -> list[str]:
        """The names of what differs and is nothing now."""
        if not self.parts:
            return [self.name] if row.get(self.name) is None else []
        return [
            f"{self.name}.{part}"
            for part, column, _ in self.parts
            if row.get(column) is None and before.get(column) is not None
        ]


def change_topic(sobject: SObject) -> str:
    """`/data/AccountChangeEvent`, `/data/Thing__ChangeEvent`."""
    return f"/data/{change_entity(sobject)}"


def change_entity(sobject: SObject) -> str:
    """The name of an object's change events."""
    return f"{sobject.name.removesuffix('c')}ChangeEvent" if sobject.custom else f"{sobject.name}ChangeEvent"


def worked_out_once(make: Callable[[SObject], _T]) -> Callable[[SObject], _T]:
    """The same function, asked once for each object, and again when the object has other fields."""
    known: dict[tuple[str, str], _T] = {}

    @wraps(make)
    def remembered(sobject: SObject) -> _T:
        key = sobject.name, sobject.shape
        if key not in known:
            known[key] = make(sobject)
        return known[key]

    return remembered


@worked_out_once
def top_level(sobject: SObject) -> tuple[Told, ...]:
    """The fields its events may have, in the order of the object."""
    return tuple(_told(sobject))


def _told(sobject: SObject) -> Iterator[Told]:
    fields = {field.name: field for field in sobject.fields.values()}
    person = {"FirstName", "LastName"} <= fields.keys()
    for name, field in fields.items():
        if name in _LEFT_OUT or field.compound or (person and name in _PERSON_NAME):
            continue
        if field.components:
            parts = tuple((key[0].upper() + key[1:], column, fields[column].type) for key, column in field.components)
            yield _nested(name, "address", parts)
        elif person and name == "Name":
            yield _nested(name, "name", tuple((each, each, "string") for each in _PERSON_NAME if each in fields))
        elif not field.calculated:
            yield Told(name, field.type, (name,))


def _nested(name: str, kind: str, parts: tuple[tuple[str, str, str], ...]) -> Told:
    return Told(name, kind, tuple(column for _, column, _ in parts), parts)


def shown(field: Told, row: Row) -> Any:
    """A field's value in the payload: JSON as the streaming doors send it; None for nothing."""
    if not field.parts:
        return _value(field.type, row.get(field.name))
    nested = {part: _value(kind, row.get(column)) for part, column, kind in field.parts}
    told = {part: value for part, value in nested.items() if value is not None}
    return told or None


def _value(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "boolean":
        return bool(value)
    if kind == "datetime":
        return str(value).removesuffix("+0000") + "Z"
    return value
