"""What a SOAP service is declared by: its records and its operations. The WSDL and the checks come of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal, TypeAlias

from sandboxes.oracle.framework.declare import Work

Simple = Literal["string", "long", "int", "decimal", "boolean", "date"]
SIMPLE: frozenset[str] = frozenset({"string", "long", "int", "decimal", "boolean", "date"})
Tree: TypeAlias = dict[str, Any]
"""A record: text by element name, a list of trees for a record below."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element of a record: a simple type of XML Schema, or the name of another record."""

    name: str
    type: str
    many: bool = False


def elements(names: str, kind: Simple = "string") -> tuple[Element, ...]:
    """Elements that differ in nothing but their names."""
    return tuple(Element(name, kind) for name in names.split())


@dataclass(frozen=True)
class Record:
    """A complex type."""

    name: str
    elements: tuple[Element, ...]

    @cached_property
    def by_name(self) -> Mapping[str, Element]:
        """Its elements by name."""
        return {one.name: one for one in self.elements}


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation.

    Args:
        name: As the wire spells it.
        takes: Its arguments, by name: the name of a record, or a simple type.
        gives: Name of the record that its `result` holds.
        act: Does it; arguments are trees or texts, the answer is the rows of the result.
        wrapped: Whether rows come as `Value` elements of a `…Result`, as those of ADF's own operations do.
    """

    name: str
    takes: Mapping[str, str]
    gives: str
    act: Callable[[Work, Mapping[str, Any]], Sequence[Tree]]
    wrapped: bool = True


@dataclass(frozen=True)
class Service:
    """A service.

    Args:
        name: Of the service in its WSDL.
        path: Where it answers; `?WSDL` behind it describes it.
        types: Namespace of its operations.
        records_namespace: Namespace of its records.
        records: Its records.
        operations: Its operations.
    """

    name: str
    path: str
    types: str
    records_namespace: str
    records: tuple[Record, ...]
    operations: tuple[Operation, ...] = field(default=())

    @cached_property
    def record(self) -> Mapping[str, Record]:
        """Records by name."""
        return {one.name: one for one in self.records}

    @cached_property
    def operation(self) -> Mapping[str, Operation]:
        """Operations by name."""
        return {one.name: one for one in self.operations}


ADF = "http://xmlns.oracle.com/adf/svc/types/"
ERRORS = "http://xmlns.oracle.com/adf/svc/errors/"
FIND_RECORDS = (
    Record(
        "ViewCriteriaItem",
        (
            Element("conjunction", "string"),
            Element("upperCaseCompare", "boolean"),
            Element("attribute", "string"),
            Element("operator", "string"),
            Element("value", "string", many=True),
        ),
    ),
    Record(
        "ViewCriteriaRow",
        (
            Element("conjunction", "string"),
            Element("upperCaseCompare", "boolean"),
            Element("item", "ViewCriteriaItem", many=True),
        ),
    ),
    Record("ViewCriteria", (Element("conjunction", "string"), Element("group", "ViewCriteriaRow", many=True))),
    Record(
        "FindCriteria",
        (
            Element("fetchStart", "int"),
            Element("fetchSize", "int"),
            Element("filter", "ViewCriteria"),
            Element("findAttribute", "string", many=True),
            Element("excludeAttribute", "boolean"),
        ),
    ),
    Record("FindControl", (Element("retrieveAllTranslations", "boolean"),)),
)
"""The records of ADF's own namespace that every find operation takes."""


class SoapRefusal(Exception):  # noqa: N818 - reads as what it is
    """The call is refused: code, words, and the attribute it is about."""

    def __init__(self, text: str, code: str = "JBO-FND:::HZ", attribute: str = "") -> None:
        super().__init__(text)
        self.text, self.code, self.attribute = text, code, attribute
