"""Runs the steps of a SAQL query over datasets."""

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from msgspec import Struct

from sandboxes.salesforce.analytics.saql import AGGREGATES, Expression, Parser, SaqlError, Step
from sandboxes.salesforce.analytics.tables import Row

MOST_ROWS = 10_000


class _Stream(Struct):
    """Rows on their way; grouped ones keep the rows of each group under its keys."""

    fields: list[str]
    rows: list[Row]
    groups: list[list[Row]] | None = None


def run(saql: str, load: Callable[[str], tuple[list[str], list[Row]]]) -> list[Row]:
    """The records of a query; `load` gives the fields and rows of what it names, or raises SaqlError."""
    streams: dict[str, _Stream] = {}
    step = Step("", "")
    for step in Parser(saql).steps():
        if step.verb == "load":
            fields, rows = load(step.what)
            streams[step.target] = _Stream(fields, rows)
        elif step.source not in streams:
            raise SaqlError(f"Unknown stream {step.source}")
        else:
            streams[step.target] = _STEPS[step.verb](streams[step.source], step.what)
    found = streams[step.target]
    if found.groups is not None:
        raise SaqlError("A group must be followed by foreach")
    return found.rows[:MOST_ROWS]


def _filter(stream: _Stream, condition: Expression) -> _Stream:
    if stream.groups is not None:
        raise SaqlError("Filter before you group")
    _check_fields(stream, condition)
    return _Stream(stream.fields, [row for row in stream.rows if _holds(condition, row)])


def _group(stream: _Stream, names: list[str]) -> _Stream:
    _check_known(stream, names)
    groups: dict[tuple[Any, ...], list[Row]] = {} if names else {(): []}
    for row in stream.rows:
        groups.setdefault(tuple(row[name] for name in names), []).append(row)
    keys = [dict(zip(names, key, strict=True)) for key in groups]
    return _Stream(stream.fields, keys, list(groups.values()))


def _foreach(stream: _Stream, items: list[tuple[str, Expression]]) -> _Stream:
    for _, expression in items:
        _check_fields(stream, expression)
    if stream.groups is None:
        if any(_aggregates(expression) for _, expression in items):
            raise SaqlError("An aggregate needs a group before it")
        rows = [{name: _value(expression, row, [row]) for name, expression in items} for row in stream.rows]
    else:
        pairs = zip(stream.rows, stream.groups, strict=True)
        rows = [{name: _value(expression, key, group) for name, expression in items} for key, group in pairs]
    return _Stream([name for name, _ in items], rows)


def _order(stream: _Stream, orderings: list[tuple[str, bool]]) -> _Stream:
    _check_known(stream, [name for name, _ in orderings])
    rows = list(stream.rows)
    for name, descending in reversed(orderings):
        rows.sort(key=partial(_sorted_by, name), reverse=descending)
    return _Stream(stream.fields, rows)


def _sorted_by(name: str, row: Row) -> tuple[Any, ...]:
    """What is missing comes before everything."""
    return (False,) if row[name] is None else (True, row[name])


def _limit(stream: _Stream, count: int) -> _Stream:
    return _Stream(stream.fields, stream.rows[:count])


def _offset(stream: _Stream, count: int) -> _Stream:
    return _Stream(stream.fields, stream.rows[count:])


_STEPS: dict[str, Callable[[_Stream, Any], _Stream]] = {
    "filter": _filter, "group": _group, "foreach": _foreach, "order": _order, "limit": _limit, "offset": _offset,
}  # fmt: skip


def _aggregates(expression: Expression) -> bool:
    return expression[0] in AGGREGATES or any(_aggregates(each) for each in _inside(expression))


def _inside(expression: Expression) -> list[Expression]:
    return [each for each in expression[1:] if isinstance(each, tuple)]


def _check_known(stream: _Stream, names: Iterable[str]) -> None:
    for name in names:
        if name not in stream.fields:
            raise SaqlError(f"Undefined field '{name}'")


def _check_fields(stream: _Stream, expression: Expression) -> None:
    if expression[0] == "field" or (expression[0] in AGGREGATES and expression[1]):
        _check_known(stream, [expression[1]])
        ungrouped = stream.groups is not None and stream.rows and expression[1] not in stream.rows[0]
        if expression[0] == "field" and ungrouped:
            raise SaqlError(f"'{expression[1]}' is neither grouped by nor in an aggregate")
    for each in _inside(expression):
        _check_fields(stream, each)


def _value(expression: Expression, row: Row, group: list[Row]) -> Any:
    operator = expression[0]
    if operator == "field":
        return row[expression[1]]
    if operator == "value":
        return expression[1]
    if operator in AGGREGATES:
        return _aggregate(operator, expression[1], group)
    left, right = (_value(each, row, group) for each in expression[1:])
    if not isinstance(left, int | float) or not isinstance(right, int | float):
        return None
    if operator == "/":
        return left / right if right else None
    return left + right if operator == "+" else left - right if operator == "-" else left * right


def _aggregate(name: str, field: str, group: list[Row]) -> Any:
    if name == "count" and not field:
        return len(group)
    values = [row[field] for row in group if row[field] is not None]
    if name in ("count", "unique"):
        return len(values) if name == "count" else len(set(values))
    if not values:
        return None
    if name in ("first", "last"):
        return values[0 if name == "first" else -1]
    if not all(isinstance(each, int | float) for each in values):
        raise SaqlError(f"{name} needs numbers; '{field}' holds text")
    if name in ("min", "max"):
        return min(values) if name == "min" else max(values)
    return sum(values) if name == "sum" else sum(values) / len(values)


def _holds(condition: Expression, row: Row) -> bool:
    operator = condition[0]
    if operator == "and":
        return _holds(condition[1], row) and _holds(condition[2], row)
    if operator == "or":
        return _holds(condition[1], row) or _holds(condition[2], row)
    if operator == "not":
        return not _holds(condition[1], row)
    value = row[condition[1][1]]
    if operator == "null":
        return value is None
    wanted = [each[1] for each in condition[2:]]
    if value is None:
        return False
    if operator == "in":
        return value in wanted
    if operator in ("like", "matches"):
        return _resembles(operator, str(value), str(wanted[0]))
    if isinstance(value, str) != isinstance(wanted[0], str):
        raise SaqlError(f"'{condition[1][1]}' cannot be compared with {wanted[0]!r}")
    return _COMPARING[operator](value, wanted[0])


def _resembles(operator: str, value: str, wanted: str) -> bool:
    if operator == "matches":
        return wanted.lower() in value.lower()
    pattern = ".*".join(re.escape(each) for each in wanted.split("%"))
    return re.fullmatch(pattern, value, re.IGNORECASE | re.DOTALL) is not None


_COMPARING: dict[str, Callable[[Any, Any], bool]] = {
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}
