"""Turns conditions into SQL. Values only ever travel as parameters."""

from collections.abc import Callable
from typing import NoReturn

from msgspec import Struct

from sandboxes.salesforce.faults import soql_error
from sandboxes.salesforce.ids import to_18
from sandboxes.salesforce.schema import ID_TYPES, NUMBERS
from sandboxes.salesforce.schema.expressible import filterable
from sandboxes.salesforce.soql import syntax
from sandboxes.salesforce.soql.expressions import Expr, compile_expression
from sandboxes.salesforce.soql.frame import Frame

_TYPE_NAMES = {"datetime": "dateTime", "id": "ID", "reference": "ID"}
_UNQUOTED = NUMBERS | {"boolean", "date", "datetime"}


class Edge(Struct, frozen=True):
    """A parameter known only when the query runs: the start or the end of a relative date range."""

    span: syntax.Span
    end: bool
    datetime: bool


class RunningUser(Struct, frozen=True):
    """A parameter known only when the query runs: the id of the user who asks."""


Parameter = str | int | float | bool | Edge | RunningUser
Fragment = tuple[str, tuple[Parameter, ...]]
Nested = Callable[[syntax.Query, Frame], Fragment]


class Filters:
    """Compiles the conditions of one query level.

    Args:
        frame: Where paths lead.
        nested: Compiles the query of a semi-join or anti-join.
        folded: Whether rows are folded already, so that aggregates may be tested (HAVING).
    """

    def __init__(self, frame: Frame, nested: Nested, *, folded: bool = False) -> None:
        self._frame, self._nested, self._folded = frame, nested, folded

    def condition(self, condition: syntax.Condition) -> Fragment:
        """SQL that is true for the records the condition keeps."""
        match condition:
            case syntax.Every():
                return self._joined(condition.conditions, " AND ")
            case syntax.Either():
                return self._joined(condition.conditions, " OR ")
            case syntax.Not():
                # SOQL is two-valued: what a null makes unknown counts as false, and NOT turns it into true.
                sql, parameters = self.condition(condition.condition)
                return f"NOT coalesce({sql}, 0)", parameters
            case syntax.Comparison():
                return self._comparison(condition)
            case syntax.Membership():
                return self._membership(condition)
            case syntax.Join():
                return self._join(condition)

    def _joined(self, conditions: tuple[syntax.Condition, ...], joiner: str) -> Fragment:
        parts = [self.condition(condition) for condition in conditions]
        sql = joiner.join(part[0] for part in parts)
        return f"({sql})", tuple(parameter for part in parts for parameter in part[1])

    def _left(self, expression: syntax.Expression, at: int) -> Expr:
        left = compile_expression(expression, self._frame)
        if left.column and not filterable(left.column.field):
            self._refuse("INVALID_FIELD", f"field '{left.key}' can not be filtered in a query call", at)
        if left.aggregate and not self._folded:
            self._refuse("MALFORMED_QUERY", "aggregate functions are only allowed in HAVING", at)
        return left

    def _comparison(self, condition: syntax.Comparison) -> Fragment:
        left = self._left(condition.left, condition.at)
        value, operator = condition.value, condition.operator
        if isinstance(value, syntax.Null) or (isinstance(value, syntax.Text) and not value.value):
            return self._against_null(left, operator, condition.at)
        if operator == "LIKE":
            return self._like(left, value, condition.at)
        if isinstance(value, syntax.Span):
            return self._in_span(left, operator, value, condition.at)
        if operator not in ("=", "!=") and left.type == "boolean":  # ids have an order: clients page by it
            message = f"invalid operator on {_TYPE_NAMES.get(left.type, left.type)} field"
            self._refuse("INVALID_QUERY_FILTER_OPERATOR", message, condition.at)
        parameter = self._value(left, value, condition.at)
        if operator == "!=":
            return f"({left.sql} <> ? OR {left.sql} IS NULL)", (parameter,)
        return f"{left.sql} {operator} ?", (parameter,)

    def _against_null(self, left: Expr, operator: str, at: int) -> Fragment:
        if operator == "=":
            return (f"{left.sql} = 0", ()) if left.type == "boolean" else (f"{left.sql} IS NULL", ())
        if operator == "!=":
            return (f"{left.sql} = 1", ()) if left.type == "boolean" else (f"{left.sql} IS NOT NULL", ())
        if operator == "LIKE":
            return "0", ()
        return self._refuse("INVALID_QUERY_FILTER_OPERATOR", "invalid operator on null value", at)

    def _like(self, left: Expr, value: syntax.Literal_, at: int) -> Fragment:
        if left.type in _UNQUOTED or left.type in ID_TYPES:
            message = f"invalid operator on {_TYPE_NAMES.get(left.type, left.type)} field"
            self._refuse("INVALID_QUERY_FILTER_OPERATOR", message, at)
        if not isinstance(value, syntax.Text):
            self._mistyped(left, at)
        return f"{left.sql} LIKE ? ESCAPE '\\'", (value.pattern,)

    def _in_span(self, left: Expr, operator: str, span: syntax.Span, at: int) -> Fragment:
        if left.type not in ("date", "datetime"):
            self._mistyped(left, at)
        start = Edge(span, end=False, datetime=left.type == "datetime")
        end = Edge(span, end=True, datetime=left.type == "datetime")
        match operator:
            case "=":
                return f"({left.sql} >= ? AND {left.sql} < ?)", (start, end)
            case "!=":
                return f"({left.sql} < ? OR {left.sql} >= ? OR {left.sql} IS NULL)", (start, end)
            case "<" | ">=":
                return f"{left.sql} {operator} ?", (start,)
            case "<=":
                return f"{left.sql} < ?", (end,)
            case _:
                return f"{left.sql} >= ?", (end,)

    def _membership(self, condition: syntax.Membership) -> Fragment:
        left = self._left(condition.left, condition.at)
        if condition.operator in ("INCLUDES", "EXCLUDES"):
            return self._includes(left, condition)
        spans = [value for value in condition.values if isinstance(value, syntax.Span)]
        if spans:
            equal = (syntax.Comparison(condition.left, "=", v, condition.at) for v in condition.values)
            either = syntax.Either(tuple(equal))
            return self.condition(either if condition.operator == "IN" else syntax.Not(either))
        nulls = any(isinstance(value, syntax.Null) for value in condition.values)
        values = [value for value in condition.values if not isinstance(value, syntax.Null)]
        parameters = tuple(self._value(left, value, condition.at) for value in values)
        marks = ", ".join("?" * len(parameters))
        if condition.operator == "IN":
            orphan = f" OR {left.sql} IS NULL" if nulls else ""
            return f"({left.sql} IN ({marks}){orphan})", parameters
        kept = f"AND {left.sql} IS NOT NULL" if nulls else f"OR {left.sql} IS NULL"
        return f"({left.sql} NOT IN ({marks}) {kept})", parameters

    def _includes(self, left: Expr, condition: syntax.Membership) -> Fragment:
        if left.type != "multipicklist":
            message = "includes and excludes operators are only valid on multipicklist fields"
            self._refuse("INVALID_QUERY_FILTER_OPERATOR", message, condition.at)
        alternatives: list[str] = []
        parameters: list[Parameter] = []
        for value in condition.values:
            wanted = str(self._value(left, value, condition.at)).split(";")
            alternatives.append(" AND ".join([f"instr(';' || {left.sql} || ';', ?) > 0"] * len(wanted)))
            parameters += [f";{each};" for each in wanted]
        sql = "(" + " OR ".join(f"({each})" for each in alternatives) + ")"
        return (sql if condition.operator == "INCLUDES" else f"NOT coalesce({sql}, 0)"), tuple(parameters)

    def _join(self, condition: syntax.Join) -> Fragment:
        left = self._left(condition.left, condition.at)
        if left.type not in ID_TYPES:
            message = f"The left operand of a semi-join must be an ID or reference field: '{left.key}'"
            self._refuse("MALFORMED_QUERY", message, condition.at)
        sql, parameters = self._nested(condition.query, self._frame)
        if condition.operator == "IN":
            return f"{left.sql} IN ({sql})", parameters
        return f"({left.sql} NOT IN ({sql}) OR {left.sql} IS NULL)", parameters

    def _value(self, left: Expr, value: syntax.Literal_, at: int) -> Parameter:
        """The parameter a literal becomes beside a field of this type; ApiError if the two don't go together."""
        match value:
            case syntax.Text() if left.type in ID_TYPES:
                record_id = to_18(value.value)
                if record_id is None:
                    message = f"invalid ID field: {value.value}"
                    self._refuse("INVALID_QUERY_FILTER_OPERATOR", message, at)
                return record_id
            case syntax.Text() if left.type not in _UNQUOTED:
                return value.value
            case syntax.Number() if left.type in NUMBERS:
                return value.value
            case syntax.Boolean() if left.type == "boolean":
                return int(value.value)
            case syntax.Day() if left.type == "date":
                return value.value
            case syntax.Moment() if left.type == "datetime":
                return value.value
            case _:
                return self._mistyped(left, at)

    def _mistyped(self, left: Expr, at: int) -> NoReturn:
        kind = _TYPE_NAMES.get(left.type, left.type if left.type in _UNQUOTED else "string")
        quoting = "should not be" if left.type in _UNQUOTED else "should be"
        message = (
            f"value of filter criterion for field '{left.key}' must be of type {kind} and {quoting} enclosed in quotes"
        )
        self._refuse("INVALID_FIELD", message, at)

    def _refuse(self, code: str, message: str, at: int) -> NoReturn:
        raise soql_error(code, message, self._frame.soql, at)
