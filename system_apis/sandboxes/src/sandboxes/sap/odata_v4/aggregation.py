"""`$apply`: rows filtered, put into groups and summed up.

Source: OData Extension for Data Aggregation 4.0: `filter`, `groupby` and `aggregate` with sum, average, min, max,
countdistinct and `$count`, in the order `filter(...)/groupby((A,B),aggregate(C with sum as D))`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from sandboxes.sap.odata_v2.edm import EntitySet, Property, Row, Value
from sandboxes.sap.odata_v2.errors import ODataError, refuse
from sandboxes.sap.odata_v2.expression import Expression, Operation
from sandboxes.sap.odata_v4.expression import outside_brackets, parse_expression

_APPLY = "/IWBEP/CM_V4_COS/015"
_STEP = re.compile(r"(filter|groupby|aggregate)\((.*)\)", re.DOTALL)
_GROUPED = re.compile(r"\(([^()]*)\)(?:,aggregate\((.*)\))?", re.DOTALL)
_FIGURE = re.compile(r"(\w+) with (\w+) as (\w+)|(\$count) as (\w+)")
_EXACT = Decimal("0.000001")

_METHODS: Mapping[str, Callable[[list[Decimal]], Decimal]] = {
    "sum": lambda values: sum(values, Decimal(0)),
    "average": lambda values: (sum(values, Decimal(0)) / len(values)).quantize(_EXACT),
}
_ANY_TYPE = frozenset({"min", "max", "countdistinct"})


@dataclass(frozen=True, slots=True)
class Figure:
    """One sum: `name` for `method` over a property, None where rows are counted."""

    name: str
    method: str
    of: Property | None

    @property
    def shown(self) -> Property:
        """The result as a property."""
        if self.of is None or self.method == "countdistinct":
            return Property(self.name, "Edm.Int64")
        if self.method == "average":
            return Property(self.name, "Edm.Decimal")
        return replace(self.of, name=self.name)


@dataclass(frozen=True, slots=True)
class Aggregation:
    """What `$apply` asks for: rows that meet a condition, by the values of `groups`, and figures of each group."""

    condition: Expression | None
    groups: tuple[Property, ...]
    figures: tuple[Figure, ...]

    @property
    def shown(self) -> dict[str, Property]:
        """The properties of the result by name."""
        return {one.name: one for one in (*self.groups, *(figure.shown for figure in self.figures))}

    def of(self, rows: list[Row]) -> list[Row]:
        """The result, by groups in order; without groups one row, even of nothing."""
        grouped: dict[tuple[Value, ...], list[Row]] = {} if self.groups else {(): []}
        for row in rows:
            grouped.setdefault(tuple(row[one.name] for one in self.groups), []).append(row)
        return [
            {**dict(zip((one.name for one in self.groups), key, strict=True)), **self._summed(members)}
            for key, members in sorted(grouped.items(), key=lambda one: tuple(map(orderable, one[0])))
        ]

    def _summed(self, rows: list[Row]) -> Row:
        return {figure.name: _figure(figure, rows) for figure in self.figures}


def parse_apply(text: str, entity_set: EntitySet) -> Aggregation:
    """What a text asks of a set.

    Raises:
        ODataError: 400, it is no chain of filters that ends in groupby or aggregate, or names what is not there.
    """
    *filters, last = [_step(one.strip()) for one in outside_brackets(text, "/")]
    if any(kind != "filter" for kind, _ in filters) or last[0] == "filter":
        raise refuse(400, _APPLY, "$apply is read as filter(...)/groupby(...) or filter(...)/aggregate(...) here")
    condition: Expression | None = None
    for _, content in filters:
        more = parse_expression(content)
        condition = more if condition is None else Operation("and", (condition, more), 0)
    if last[0] == "aggregate":
        return Aggregation(condition, (), _figures(last[1], entity_set, ()))
    grouped = _GROUPED.fullmatch(last[1].strip())
    names = [name.strip() for name in grouped[1].split(",")] if grouped else [""]
    if grouped is None or not all(names):
        raise refuse(400, _APPLY, f"groupby cannot be read at '{last[1][:60]}'")
    groups = tuple(_property(name, entity_set) for name in names)
    return Aggregation(condition, groups, _figures(grouped[2], entity_set, groups) if grouped[2] else ())


def orderable(value: Value) -> tuple[bool, bool | int | float | Decimal | str]:
    """A value as something that can be compared with others of its property; what is unset comes first."""
    if value is None:
        return (False, 0)
    return (True, value if isinstance(value, bool | int | float | Decimal) else str(value))


def _step(text: str) -> tuple[str, str]:
    found = _STEP.fullmatch(text)
    if found is None:
        raise refuse(400, _APPLY, f"The transformation '{text[:60]}' is not supported")
    return found[1], found[2]


def _figures(text: str, entity_set: EntitySet, groups: tuple[Property, ...]) -> tuple[Figure, ...]:
    figures: list[Figure] = []
    taken = {one.name for one in groups}
    for one in outside_brackets(text, ","):
        found = _FIGURE.fullmatch(" ".join(one.split()))
        if found is None:
            raise refuse(400, _APPLY, f"aggregate cannot be read at '{one[:60]}'")
        name = found[3] or found[5]
        figure = Figure(name, found[2] or "$count", None if found[4] else _property(found[1], entity_set))
        if name in taken:
            raise refuse(400, _APPLY, f"'{name}' stands for two things in $apply", name)
        _check(figure)
        taken.add(name)
        figures.append(figure)
    return tuple(figures)


def _check(figure: Figure) -> None:
    if figure.of is None or figure.method in _ANY_TYPE:
        return
    if figure.method not in _METHODS or not figure.of.numeric:
        raise refuse(400, _APPLY, f"'{figure.of.name}' cannot be aggregated with {figure.method}", figure.of.name)


def _figure(figure: Figure, rows: list[Row]) -> Value:
    if figure.of is None:
        return len(rows)
    values = [value for row in rows if (value := row[figure.of.name]) is not None]
    if figure.method == "countdistinct":
        return len(set(values))
    if not values:
        return None
    if figure.method in _ANY_TYPE:
        return (min if figure.method == "min" else max)(values, key=orderable)
    total = _METHODS[figure.method]([Decimal(str(value)) for value in values])
    return total if figure.shown.type == "Edm.Decimal" else int(total)


def _property(name: str, entity_set: EntitySet) -> Property:
    found = entity_set.properties.get(name)
    if found is None:
        raise _unknown(name, entity_set)
    return found


def _unknown(name: str, entity_set: EntitySet) -> ODataError:
    return refuse(400, "/IWBEP/CM_V4_COS/017", f"'{name}' is not defined in type '{entity_set.type_name}'", name)
