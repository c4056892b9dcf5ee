"""The entity model as data: services, entity sets, typed properties, keys, navigations, function imports.

Source: Conceptual Schema Definition Language 2.0 and SAP's `sap:` metadata annotations.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

Value = str | int | float | bool | Decimal | datetime | timedelta | None
Row = dict[str, Value]

_TYPES = {
    "date": "Edm.DateTime",
    "dto": "Edm.DateTimeOffset",
    "time": "Edm.Time",
    "bool": "Edm.Boolean",
    "guid": "Edm.Guid",
    "int": "Edm.Int32",
    "long": "Edm.Int64",
    "double": "Edm.Double",
}
_NOTATION = re.compile(
    r"(?P<name>\w+)(?::(?P<kind>\w*)|=(?P<precision>\d+),(?P<scale>\d+))(?P<flags>[#!-]*)(?:@(?P<unit>\w+))?"
)


@dataclass(frozen=True, slots=True)
class Property:
    """One typed property.

    `alpha` marks a document number that is kept zero-padded and shown without zeros; `unit` names the
    property holding the currency or unit of measure.
    """

    name: str
    type: str
    max_length: int | None = None
    precision: int | None = None
    scale: int | None = None
    alpha: bool = False
    creatable: bool = True
    updatable: bool = True
    unit: str | None = None

    @property
    def numeric(self) -> bool:
        """Whether values compare as numbers."""
        return self.type in {"Edm.Decimal", "Edm.Int32", "Edm.Int64", "Edm.Double"}

    @property
    def initial(self) -> Value:
        """What an unset property reads as: SAP's initial value, which is null only for dates, times and identifiers."""
        initials: dict[str, Value] = {"Edm.String": "", "Edm.Decimal": Decimal(0), "Edm.Boolean": False}
        return 0 if self.type in {"Edm.Int32", "Edm.Int64", "Edm.Double"} else initials.get(self.type)


@dataclass(frozen=True, slots=True)
class Navigation:
    """A way from one entity to others: rows of `target` whose `join` properties equal this entity's."""

    name: str
    target: str
    many: bool
    join: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, eq=False)
class EntitySet:
    """A set of entities of one type, with what may be done to it."""

    name: str
    keys: tuple[str, ...]
    properties: dict[str, Property]
    navigations: dict[str, Navigation]
    label: str = ""
    etag: str | None = None
    creatable: bool = False
    updatable: bool = False
    deletable: bool = False
    page_size: int | None = None
    not_found: tuple[str, str] | None = None  # message code and text with one {key}

    @property
    def type_name(self) -> str:
        """The entity type's name: by SAP's habit the set's name followed by Type."""
        return f"{self.name}Type"


@dataclass(frozen=True, slots=True)
class FunctionImport:
    """A function import; `returns` names a complex type, `many` makes it a collection."""

    name: str
    method: str
    parameters: tuple[Property, ...]
    returns: str
    many: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Service:
    """One OData service with its sets, function imports and complex types."""

    name: str
    title: str
    sets: dict[str, EntitySet]
    functions: dict[str, FunctionImport] = field(default_factory=dict[str, FunctionImport])
    complex_types: dict[str, tuple[Property, ...]] = field(default_factory=dict[str, tuple[Property, ...]])
    version: int = 1
    namespace: str = "sap"
    suffix: str = ""  # how later versions are asked for, e.g. ";v=0002"
    component: str = "OPU-BSE"

    @property
    def root(self) -> str:
        """The path under which the service answers."""
        return f"/sap/opu/odata/{self.namespace}/{self.name}{self.suffix}"

    def table(self, entity_set: str) -> str:
        """The name of the table that holds a set's rows."""
        return f"{self.name}.{entity_set}"


def properties(notation: str) -> tuple[Property, ...]:
    """Properties from a line such as `SalesOrder:10#! TotalNetAmount=16,3!@TransactionCurrency CreationDate:date!`.

    `name:n` is a string of at most n characters (no n: unlimited), `name=p,s` a decimal, `name:date` and the
    like another type. Flags: `#` document number, `!` computed by the backend, `-` fixed after creation.
    """
    return tuple(_property(word) for word in notation.split())


def entity_set(
    name: str,
    keys: str,
    notation: str,
    navigations: Iterable[str] = (),
    *,
    label: str = "",
    etag: str | None = None,
    access: str = "",
    page_size: int | None = None,
    not_found: tuple[str, str] | None = None,
) -> EntitySet:
    """An entity set; `access` holds c, u, d for what may be done.

    Navigations read `name cardinality target property...`, e.g. `to_Item * A_Item Order=SalesOrder`.
    """
    return EntitySet(
        name=name,
        keys=tuple(keys.split()),
        properties={one.name: one for one in properties(notation)},
        navigations={one.name: one for one in map(_navigation, navigations)},
        label=label or name.removeprefix("A_"),
        etag=etag,
        creatable="c" in access,
        updatable="u" in access,
        deletable="d" in access,
        page_size=page_size,
        not_found=not_found,
    )


def _property(word: str) -> Property:
    found = _NOTATION.fullmatch(word)
    if found is None:
        raise ValueError(
            f"Property notation {word!r} cannot be read; write name:length, name:type or name=precision,scale."
        )
    kind, flags = found["kind"], found["flags"]
    decimal = found["precision"] is not None
    return Property(
        name=found["name"],
        type="Edm.Decimal" if decimal else _TYPES.get(kind, "Edm.String"),
        max_length=int(kind) if kind and kind.isdigit() else None,
        precision=int(found["precision"]) if decimal else None,
        scale=int(found["scale"]) if decimal else None,
        alpha="#" in flags,
        creatable="!" not in flags,
        updatable="!" not in flags and "-" not in flags,
        unit=found["unit"],
    )


def _navigation(notation: str) -> Navigation:
    name, cardinality, target, *pairs = notation.split()
    joined = tuple((left, right or left) for left, _, right in (pair.partition("=") for pair in pairs))
    return Navigation(name=name, target=target, many=cardinality == "*", join=joined)
