"""What a resource is declared by: fields, key, children, finders, and what writing to it does.

A resource is one table of SQLite. Its rows are dictionaries by field name; three more entries begin with `@`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from sandboxes.oracle.framework.records import Records

Value: TypeAlias = str | int | Decimal | bool | None
Row: TypeAlias = dict[str, Value]
"""Fields, and of a stored row `@id` (number within its table), `@parent` (the `@id` above) and `@version`."""

Kind = Literal["string", "integer", "number", "boolean", "date", "datetime"]


@dataclass(frozen=True, slots=True)
class Field:
    """One attribute.

    Args:
        name: As the wire spells it.
        kind: Its type; `date` is `2026-01-15`, `datetime` is `2026-01-15T09:00:00+00:00`.
        required: Whether a POST must have it.
        writable: Whether a client may send it at all; what is not is ignored on POST and refused on PATCH.
        updatable: Whether a PATCH may change it.
        default: What a POST that leaves it out stores.
        longest: Characters a string may have.
    """

    name: str
    kind: Kind = "string"
    required: bool = False
    writable: bool = True
    updatable: bool = True
    default: Value = None
    longest: int = 4000


def fields(names: str, kind: Kind = "string", *, writable: bool = True) -> tuple[Field, ...]:
    """Fields that differ in nothing but their names."""
    return tuple(Field(name, kind, writable=writable) for name in names.split())


@dataclass(slots=True)
class Node:
    """What a client sent for one row: its fields, and below each child resource the rows sent for it."""

    values: Row
    children: dict[str, list["Node"]] = field(default_factory=dict[str, list["Node"]])


@dataclass(frozen=True, slots=True)
class Work:
    """What a behaviour works with; it runs inside a transaction."""

    records: "Records"
    now: datetime
    user: str

    @property
    def stamp(self) -> str:
        """Now, as a `datetime` field holds it."""
        return self.now.isoformat(timespec="seconds")

    @property
    def today(self) -> str:
        """Today, as a `date` field holds it."""
        return self.now.date().isoformat()


Create: TypeAlias = Callable[[Work, "Resource", Row | None, Node], Row]
"""Makes a row (below a parent row, for a child); returns it as stored."""
Update: TypeAlias = Callable[[Work, "Resource", Row, Node], None]
Delete: TypeAlias = Callable[[Work, "Resource", Row], None]
Act: TypeAlias = Callable[[Work, Row | None, Mapping[str, object]], object]
"""Does an action on a row (None on a collection) with its parameters; what it returns becomes `result`."""


@dataclass(frozen=True)
class Behaviour:
    """What writes do; a write that is None is refused with 405."""

    create: Create | None = None
    update: Update | None = None
    delete: Delete | None = None
    actions: Mapping[str, Act] = field(default_factory=dict[str, Act])
    collection_actions: Mapping[str, Act] = field(default_factory=dict[str, Act])


@dataclass(frozen=True, eq=False)
class Resource:
    """A resource with the resources below it.

    Args:
        name: As paths spell it.
        table: Name of its SQLite table, unique in the sandbox.
        fields: Its attributes.
        key: The attribute that is its path key; None gives every row an opaque one.
        also: Other attributes that a path may have in place of the key.
        alternate: Attributes that together find a row for `Upsert-Mode: true`.
        finders: The attributes that each named finder takes; `PrimaryKey` comes by itself.
        children: Resources below.
        behaviour: What writes do.
        lists: The lists of values that its rows link to, each with the resource at the root that has them.
        effective: The attribute that names a logical record of several rows, each with EffectiveStartDate and
            EffectiveEndDate; empty where records have no dates.
    """

    name: str
    table: str
    fields: tuple[Field, ...]
    key: str | None = None
    also: tuple[str, ...] = ()
    alternate: tuple[str, ...] = ()
    finders: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Sequence[str]])
    children: tuple["Resource", ...] = ()
    behaviour: Behaviour = field(default_factory=Behaviour)
    lists: Mapping[str, str] = field(default_factory=dict[str, str])
    effective: str = ""

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        """Its fields by name."""
        return {one.name: one for one in self.fields}

    @cached_property
    def below(self) -> Mapping[str, "Resource"]:
        """Its children by name."""
        return {one.name: one for one in self.children}
