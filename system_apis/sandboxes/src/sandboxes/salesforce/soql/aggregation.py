"""Turns a select list with aggregates or GROUP BY into SQL, ROLLUP and CUBE included."""
# ruff: noqa: S608 - names come from the catalogue, values travel as parameters

from itertools import combinations
from typing import NoReturn

from sandboxes.salesforce.faults import soql_error
from sandboxes.salesforce.schema.expressible import groupable
from sandboxes.salesforce.soql import syntax
from sandboxes.salesforce.soql.expressions import Expr, compile_expression
from sandboxes.salesforce.soql.filters import Filters, Fragment, Nested, Parameter
from sandboxes.salesforce.soql.frame import Frame
from sandboxes.salesforce.soql.shapes import Value, decoder

_FOLDING = {"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"}


def is_aggregate(query: syntax.Query) -> bool:
    """Whether the query answers with AggregateResult rows."""
    return bool(query.groups) or any(isinstance(item, syntax.Item) and _folds(item.expression) for item in query.items)


def _folds(expression: syntax.Expression) -> bool:
    while isinstance(expression, syntax.Call):
        if expression.name in _FOLDING:
            return True
        if expression.argument is None:
            return False
        expression = expression.argument
    return False


class Aggregation:
    """The SQL of one aggregate query and the entries of its rows."""

    def __init__(self, frame: Frame, query: syntax.Query, nested: Nested) -> None:
        self._frame, self._query, self._nested = frame, query, nested
        self._groups = [self._group(group) for group in query.groups]
        self._grouped = {group.sql for group in self._groups}
        self.entries: list[Value] = []
        self._selected = [self._item(item, at) for at, item in enumerate(query.items)]
        self._ordered = [self._expression(term.expression) for term in query.order]

    def sql(self, where: Fragment) -> Fragment:
        """The whole query but for LIMIT; one SELECT for each grouping set, joined by UNION ALL."""
        having, tested = self._having()
        arms: list[str] = []
        parameters: tuple[Parameter, ...] = ()
        for active in self._grouping_sets():
            arms.append(f"{self._select(active)} {self._frame.sql} WHERE {where[0]}{_group_by(active)}{having}")
            parameters += (*where[1], *tested)
        return f"SELECT * FROM ({' UNION ALL '.join(arms)}){self._order_by()}", parameters

    def _grouping_sets(self) -> list[list[str]]:
        every = [group.sql for group in self._groups]
        if self._query.grouping == "ROLLUP":
            return [every[:count] for count in range(len(every), -1, -1)]
        if self._query.grouping == "CUBE":
            counts = range(len(every), -1, -1)
            return [list(chosen) for count in counts for chosen in combinations(every, count)]
        return [every]

    def _select(self, active: list[str]) -> str:
        idle = self._grouped - set(active)
        columns = [
            f"{_in_set(expression, idle)} AS c{at}"
            for at, expression in enumerate(self._selected + [each.sql for each in self._ordered])
        ]
        return "SELECT " + ", ".join(columns)

    def _order_by(self) -> str:
        first = len(self._selected)
        terms = [ordered_by(f"c{first + at}", term) for at, term in enumerate(self._query.order)]
        return " ORDER BY " + ", ".join(terms) if terms else ""

    def _having(self) -> Fragment:
        if self._query.having is None:
            return "", ()
        filters = Filters(self._frame, self._nested, folded=True)
        sql, parameters = filters.condition(self._query.having)
        return f" HAVING {sql}", parameters

    def _group(self, group: syntax.Expression) -> Expr:
        expression = compile_expression(group, self._frame)
        if expression.aggregate or (expression.column and not groupable(expression.column.field)):
            message = f"field '{expression.key}' can not be grouped in a query call"
            self._refuse("INVALID_FIELD", message, group.at)
        return expression

    def _item(self, item: object, at: int) -> str:
        if not isinstance(item, syntax.Item):
            self._refuse("MALFORMED_QUERY", "Grouped query can select fields and aggregates only", 0)
        expression = self._expression(item.expression)
        unnamed = sum(entry.key.startswith("expr") for entry in self.entries)
        key = item.alias or expression.key or f"expr{unnamed}"
        decode = decoder(expression.type, formatted=expression.formatted)
        self.entries.append(Value(key, at, decode))
        return expression.sql

    def _expression(self, expression: syntax.Expression) -> Expr:
        if isinstance(expression, syntax.Call) and expression.name == "GROUPING" and expression.argument:
            inner = compile_expression(expression.argument, self._frame)
            return Expr(f"GROUPING:{inner.sql}", "int", "")
        compiled = compile_expression(expression, self._frame)
        if not compiled.aggregate and compiled.sql not in self._grouped:
            name = compiled.key or "expression"
            self._refuse("MALFORMED_QUERY", f"Field must be grouped or aggregated: {name}", expression.at)
        return compiled

    def _refuse(self, code: str, message: str, at: int) -> NoReturn:
        raise soql_error(code, message, self._frame.soql, at)


def _group_by(active: list[str]) -> str:
    return " GROUP BY " + ", ".join(active) if active else ""


def _in_set(sql: str, idle: set[str]) -> str:
    """What an expression is in a grouping set that leaves `idle` groups out."""
    if sql.startswith("GROUPING:"):
        return str(int(sql.removeprefix("GROUPING:") in idle))
    return "NULL" if sql in idle else sql


def ordered_by(sql: str, term: syntax.Ordering) -> str:
    """An ORDER BY term; SQLite's own order of nulls is SOQL's default, so that indexes serve it."""
    direction = " DESC" if term.descending else ""
    usual = term.nulls_first != term.descending
    return f"{sql}{direction}" + ("" if usual else f" NULLS {'FIRST' if term.nulls_first else 'LAST'}")
