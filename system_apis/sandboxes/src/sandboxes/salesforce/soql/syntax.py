"""The syntax tree of a SOQL query: values only, names as written."""

from typing import Literal

from msgspec import Struct


class Path(Struct, frozen=True):
    """A field or relationship path, e.g. Account.Owner.Name."""

    text: str
    at: int

    @property
    def names(self) -> list[str]:
        """Its parts."""
        return self.text.split(".")


class Call(Struct, frozen=True):
    """A function of a path or of another call; COUNT() has no argument."""

    name: str
    argument: "Path | Call | None"
    at: int


Expression = Path | Call


class Item(Struct, frozen=True):
    """A selected expression and its alias, if any."""

    expression: Expression
    alias: str


class AllFields(Struct, frozen=True):
    """FIELDS(ALL|STANDARD|CUSTOM)."""

    group: str
    at: int


class TypeOf(Struct, frozen=True):
    """TYPEOF What WHEN Account THEN Phone ELSE Name END."""

    path: Path
    branches: "tuple[tuple[str, tuple[Path, ...]], ...]"
    otherwise: tuple[Path, ...]


class Text(Struct, frozen=True):
    """A string literal; `pattern` keeps the escapes LIKE understands."""

    value: str
    pattern: str


class Number(Struct, frozen=True):
    """A number, or an amount of money whose currency is dropped."""

    value: float | int


class Boolean(Struct, frozen=True):
    """True or false."""

    value: bool


class Null(Struct, frozen=True):
    """No value."""


class Day(Struct, frozen=True):
    """A date literal as written."""

    value: str


class Moment(Struct, frozen=True):
    """A datetime literal in the stored form: UTC, milliseconds, +0000."""

    value: str


class Span(Struct, frozen=True):
    """A relative date range: TODAY, LAST_N_DAYS:7."""

    name: str
    count: int


Literal_ = Text | Number | Boolean | Null | Day | Moment | Span


class Comparison(Struct, frozen=True):
    """Expression, operator (=, !=, <, <=, >, >=, LIKE), value."""

    left: Expression
    operator: str
    value: Literal_
    at: int


class Membership(Struct, frozen=True):
    """IN, NOT IN, INCLUDES or EXCLUDES a list of values."""

    left: Expression
    operator: str
    values: tuple[Literal_, ...]
    at: int


class Join(Struct, frozen=True):
    """IN or NOT IN a query (semi-join, anti-join)."""

    left: Expression
    operator: str
    query: "Query"
    at: int


class Not(Struct, frozen=True):
    """Negation."""

    condition: "Condition"


class Every(Struct, frozen=True):
    """AND."""

    conditions: "tuple[Condition, ...]"


class Either(Struct, frozen=True):
    """OR."""

    conditions: "tuple[Condition, ...]"


Condition = Comparison | Membership | Join | Not | Every | Either


class Ordering(Struct, frozen=True):
    """One ORDER BY term; nulls come first on ASC and last on DESC unless stated."""

    expression: Expression
    descending: bool
    nulls_first: bool


class Source(Struct, frozen=True):
    """An entry of FROM: object or path, and alias."""

    path: Path
    alias: str


class Query(Struct, frozen=True):
    """A whole query or subquery."""

    text: str
    items: "tuple[Item | AllFields | TypeOf | Query, ...]"
    sources: tuple[Source, ...]
    scope: str
    where: Condition | None
    grouping: Literal["", "PLAIN", "ROLLUP", "CUBE"]
    groups: tuple[Expression, ...]
    having: Condition | None
    order: tuple[Ordering, ...]
    limit: int | None
    offset: int | None
