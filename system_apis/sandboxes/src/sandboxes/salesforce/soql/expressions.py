"""Turns paths and function calls into SQL expressions with a type."""

from msgspec import Struct

from sandboxes.salesforce.faults import soql_error
from sandboxes.salesforce.schema import NUMBERS
from sandboxes.salesforce.soql.frame import Column, Frame
from sandboxes.salesforce.soql.syntax import Call, Expression, Path

_AGGREGATES = {
    "COUNT": "COUNT({})",
    "COUNT_DISTINCT": "COUNT(DISTINCT {})",
    "SUM": "CAST(SUM({}) AS REAL)",
    "AVG": "AVG({})",
    "MIN": "MIN({})",
    "MAX": "MAX({})",
}
# Stored moments and days both begin YYYY-MM-DD, so that parts can be cut out (UTC, fiscal year = calendar year).
_MONTH = "CAST(substr({0}, 6, 2) AS INTEGER)"
_DAY = "CAST(substr({0}, 9, 2) AS INTEGER)"
_DAY_IN_YEAR = "CAST(strftime('%j', substr({0}, 1, 10)) AS INTEGER)"
_CALENDAR_PARTS = {
    "CALENDAR_YEAR": "CAST(substr({0}, 1, 4) AS INTEGER)",
    "CALENDAR_QUARTER": f"(({_MONTH} + 2) / 3)",
    "CALENDAR_MONTH": _MONTH,
    "DAY_IN_MONTH": _DAY,
    "DAY_IN_WEEK": "(CAST(strftime('%w', substr({0}, 1, 10)) AS INTEGER) + 1)",
    "DAY_IN_YEAR": _DAY_IN_YEAR,
    "DAY_ONLY": "substr({0}, 1, 10)",
    "HOUR_IN_DAY": "CAST(substr({0}, 12, 2) AS INTEGER)",
    "WEEK_IN_MONTH": f"(({_DAY} + 6) / 7)",
    "WEEK_IN_YEAR": f"(({_DAY_IN_YEAR} + 6) / 7)",
}
_DATE_PARTS = _CALENDAR_PARTS | {
    name.replace("CALENDAR", "FISCAL"): sql for name, sql in _CALENDAR_PARTS.items() if "CALENDAR" in name
}
_SAME_VALUE = {"TOLABEL", "CONVERTCURRENCY", "CONVERTTIMEZONE"}
_UNSUMMABLE = frozenset({"boolean", "address"})


class Expr(Struct):
    """An SQL expression.

    Attributes:
        sql: The SQL, without parameters.
        type: A field type; date parts are int, formatted values string.
        key: The name under which a record shows it when no alias is given; empty for functions.
        column: The field behind it, if it is a plain field.
        aggregate: Whether it folds rows.
        formatted: Whether format() was asked for.
    """

    sql: str
    type: str
    key: str
    column: Column | None = None
    aggregate: bool = False
    formatted: bool = False


def compile_expression(expression: Expression, frame: Frame) -> Expr:
    """The SQL of a path or call; ApiError when a name or a combination is unknown."""
    if isinstance(expression, Path):
        column = frame.column(expression)
        return Expr(column.sql, column.field.type, column.field.name, column)
    name = expression.name
    if name == "COUNT" and expression.argument is None:
        return Expr("COUNT(*)", "int", "", aggregate=True)
    if expression.argument is None:
        raise soql_error("MALFORMED_QUERY", f"unexpected token: '{name}'", frame.soql, expression.at)
    inner = compile_expression(expression.argument, frame)
    if name in _AGGREGATES:
        return _aggregate(expression, inner, frame)
    if name in _DATE_PARTS:
        return _date_part(expression, inner, frame)
    if name in _SAME_VALUE:
        return inner
    if name == "FORMAT":
        return Expr(inner.sql, inner.type, inner.key, inner.column, inner.aggregate, formatted=True)
    raise soql_error("INVALID_FIELD", f"Invalid function: {name}", frame.soql, expression.at)


def _aggregate(call: Call, inner: Expr, frame: Frame) -> Expr:
    numeric_only = call.name in ("SUM", "AVG")
    if inner.aggregate or inner.type in _UNSUMMABLE or (numeric_only and inner.type not in NUMBERS):
        message = f"field {inner.key} does not support aggregate operator {call.name}"
        raise soql_error("MALFORMED_QUERY", message, frame.soql, call.at)
    kind = {"COUNT": "int", "COUNT_DISTINCT": "int", "SUM": "double", "AVG": "double"}.get(call.name, inner.type)
    return Expr(_AGGREGATES[call.name].format(inner.sql), kind, "", aggregate=True)


def _date_part(call: Call, inner: Expr, frame: Frame) -> Expr:
    if inner.type not in ("date", "datetime"):
        message = f"Invalid type for function {call.name}: {inner.type}"
        raise soql_error("INVALID_FIELD", message, frame.soql, call.at)
    kind = "date" if call.name == "DAY_ONLY" else "int"
    return Expr(_DATE_PARTS[call.name].format(inner.sql), kind, "")
