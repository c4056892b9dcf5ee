"""How a record type is declared: one description that REST, SuiteQL, SOAP and the metadata catalog all read."""

from collections.abc import Mapping
from functools import cached_property
from typing import Literal

from msgspec import Struct

Kind = Literal[
    "string", "text", "integer", "number", "boolean", "date", "dateTime", "reference", "select", "sublist", "subrecord"
]


class Field(Struct, frozen=True, dict=True):
    """A field, sublist or subrecord of a record.

    Args:
        name: As REST spells it; `soap` where SOAP spells it otherwise.
        kind: What it holds; dates are ISO 8601, select values are ids of `choices`.
        target: Record type that a reference names.
        choices: Ids of a select and what people read.
        most: Greatest length of a string.
        fixed: The account computes it: what a request says of it is ignored.
        inner: Fields of a sublist's lines or of a subrecord.
        key: Fields that address a line of a sublist.
    """

    name: str
    kind: Kind = "string"
    target: str = ""
    choices: Mapping[str, str] = {}
    most: int = 0
    fixed: bool = False
    inner: tuple["Field", ...] = ()
    key: tuple[str, ...] = ()
    soap: str = ""

    @cached_property
    def by_name(self) -> dict[str, "Field"]:
        """The inner fields by name."""
        return {one.name: one for one in self.inner}

    @property
    def soap_name(self) -> str:
        """The name of the element over SOAP."""
        return self.soap or self.name


class RecordType(Struct, frozen=True, dict=True):
    """A type of record.

    Args:
        name: As REST and SOAP spell it, e.g. `salesOrder`.
        title: What people read, e.g. "Sales Order".
        numbers: The sequence its internal ids come from: entities share one, so do transactions and items.
        fields: Everything it holds except `id` and `links`.
        shown: The field that names a record where others refer to it.
        package: Where the WSDL keeps it, e.g. "relationships" of "lists".
        writable: Whether requests may create, change and delete it.
        code: What SuiteQL calls it in `type`.
    """

    name: str
    title: str
    numbers: str
    fields: tuple[Field, ...]
    shown: str = "name"
    package: tuple[str, str] = ("accounting", "lists")
    writable: bool = True
    code: str = ""

    @cached_property
    def by_name(self) -> dict[str, Field]:
        """The fields by name."""
        return {one.name: one for one in self.fields}

    @cached_property
    def sublists(self) -> tuple[Field, ...]:
        """The sublists."""
        return tuple(one for one in self.fields if one.kind == "sublist")


def string(name: str, most: int = 0, *, fixed: bool = False) -> Field:
    """A line of text."""
    return Field(name, "string", most=most, fixed=fixed)


def number(name: str, *, fixed: bool = False) -> Field:
    """An amount, rate or quantity."""
    return Field(name, "number", fixed=fixed)


def boolean(name: str, *, fixed: bool = False) -> Field:
    """Yes or no."""
    return Field(name, "boolean", fixed=fixed)


def reference(name: str, target: str, *, fixed: bool = False) -> Field:
    """Another record."""
    return Field(name, "reference", target=target, fixed=fixed)


def select(name: str, choices: Mapping[str, str], *, fixed: bool = False) -> Field:
    """One of a list that the account does not keep as records."""
    return Field(name, "select", choices=choices, fixed=fixed)


def moment(name: str) -> Field:
    """When something happened; set by the account."""
    return Field(name, "dateTime", fixed=True)
