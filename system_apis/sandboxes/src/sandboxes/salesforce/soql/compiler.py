"""Compiles a parsed query into a plan: SQL for SQLite, its parameters, the shape of its records."""
# ruff: noqa: S608 - names come from the catalogue, values travel as parameters

from itertools import count
from typing import NoReturn

from msgspec import Struct

from sandboxes.salesforce.faults import soql_error, unknown_entity, unknown_relationship
from sandboxes.salesforce.schema import Catalogue, Field, SObject
from sandboxes.salesforce.schema.expressible import filterable
from sandboxes.salesforce.soql import syntax
from sandboxes.salesforce.soql.aggregation import Aggregation, is_aggregate, ordered_by
from sandboxes.salesforce.soql.expressions import compile_expression
from sandboxes.salesforce.soql.filters import Filters, Fragment, Parameter, RunningUser
from sandboxes.salesforce.soql.frame import Frame
from sandboxes.salesforce.soql.selection import Selection
from sandboxes.salesforce.soql.shapes import Node, Value
from sandboxes.salesforce.touched import Reading

_MOST_CHILDREN = 20
_MOST_JOINS = 2


class ChildPlan(Struct):
    """A child subquery, run once for all parents; its first parameter is a JSON list of their ids."""

    key: str
    sql: str
    parameters: tuple[Parameter, ...]
    node: Node
    parent_at: int
    children: "list[ChildPlan]"
    fields: dict[int, Field]


class Plan(Struct):
    """A compiled query.

    Attributes:
        sobject: The object of FROM.
        sql: The SQL.
        parameters: Its parameters; some are known only when it runs.
        counts: Whether it is SELECT COUNT(), which answers with a number alone.
        node: The shape of records, None for aggregates.
        entries: The keys of AggregateResult rows.
        children: Child subqueries, in order.
        fields: The field behind each column that is one.
        reading: Every field that it names, with its object.
    """

    sobject: SObject
    sql: str
    parameters: tuple[Parameter, ...]
    counts: bool = False
    node: Node | None = None
    entries: list[Value] = []
    children: list[ChildPlan] = []
    fields: dict[int, Field] = {}
    reading: Reading = frozenset()


def compile_query(catalogue: Catalogue, query: syntax.Query, *, deleted: bool, depth: int) -> Plan:
    """The plan of a query.

    Args:
        catalogue: The org's objects.
        query: What was parsed.
        deleted: Whether deleted records count too (queryAll).
        depth: How many levels of child subqueries the API version allows.
    """
    compiler = _Compiler(catalogue, query.text, deleted=deleted, depth=depth)
    plan = compiler.plan(query)
    plan.reading = frozenset(compiler.named)
    return plan


class _Compiler:
    def __init__(self, catalogue: Catalogue, soql: str, *, deleted: bool, depth: int) -> None:
        self._catalogue, self._soql, self._deleted, self._depth = catalogue, soql, deleted, depth
        self._aliases = count()
        self._joins = 0
        self.named: set[tuple[str, str]] = set()

    def plan(self, query: syntax.Query) -> Plan:
        source = query.sources[0].path
        sobject = self._catalogue.get(source.text)
        if sobject is None:
            self._refuse("INVALID_TYPE", unknown_entity(source.text), source.at)
        frame = Frame(self._catalogue, self._soql, sobject, query.sources, self._aliases, self.named)
        limit = _limit(query)
        if _is_count(query):
            if query.groups or query.having or query.order:
                message = "COUNT() stands alone: group, test and order with COUNT(Id)"
                self._refuse("MALFORMED_QUERY", message, source.at)
            where = self._where(query, frame)
            sql = f"SELECT COUNT(*) FROM (SELECT 1 {frame.sql} WHERE {where[0]}{limit})"
            return Plan(sobject, sql, where[1], counts=True)
        if is_aggregate(query):
            aggregation = Aggregation(frame, query, self._semi_join)
            sql, parameters = aggregation.sql(self._where(query, frame))
            return Plan(sobject, sql + limit, parameters, entries=aggregation.entries)
        return self._rows(query, frame, limit)

    def _rows(self, query: syntax.Query, frame: Frame, limit: str) -> Plan:
        children: list[ChildPlan] = []
        selection = self._selection(query, frame, children, 1)
        where = self._where(query, frame)
        order = self._order(query, frame)
        sql = f"SELECT {', '.join(selection.columns)} {frame.sql} WHERE {where[0]}{order}{limit}"
        return Plan(
            frame.root.sobject,
            sql,
            where[1],
            node=selection.node,
            children=children,
            fields=selection.fields,
        )

    def _selection(self, query: syntax.Query, frame: Frame, children: list[ChildPlan], level: int) -> Selection:
        def child(nested: syntax.Query, number: int) -> str:
            if number >= _MOST_CHILDREN or level > self._depth:
                self._refuse("MALFORMED_QUERY", "too many child relationship queries", 0)
            children.append(self._child(nested, frame.root.sobject, level))
            return children[-1].key

        selection = Selection(frame, child)
        selection.add_all(query)
        return selection

    def _child(self, query: syntax.Query, parent: SObject, level: int) -> ChildPlan:
        path = query.sources[0].path
        link = parent.children.get(path.names[-1].lower())
        sobject = self._catalogue.get(link.sobject) if link else None
        if link is None or sobject is None:
            message = unknown_relationship(path.text, "FROM part of query call")
            self._refuse("INVALID_TYPE", message, path.at)
        if is_aggregate(query):
            self._refuse("MALFORMED_QUERY", "Aggregate functions are not allowed in child subqueries", path.at)
        frame = Frame(self._catalogue, self._soql, sobject, query.sources, self._aliases, self.named)
        children: list[ChildPlan] = []
        selection = self._selection(query, frame, children, level + 1)
        owner = f'{frame.root.alias}."{link.field.name}"'
        parent_at = selection.place(owner)
        where, parameters = self._where(query, frame)
        order = self._order(query, frame)
        columns = ", ".join(f"{column} AS c{at}" for at, column in enumerate(selection.columns))
        place = f"ROW_NUMBER() OVER (PARTITION BY {owner}{order}) AS place"
        inner = f"SELECT {columns}, {place} {frame.sql} WHERE {owner} IN (SELECT value FROM json_each(?)) AND {where}"
        sql = f"SELECT * FROM ({inner}){_window(query)} ORDER BY place"
        key = _spelled(parent, link.field.children)
        return ChildPlan(key, sql, parameters, selection.node, parent_at, children, selection.fields)

    def _where(self, query: syntax.Query, frame: Frame) -> Fragment:
        kept = "1" if self._deleted else f'{frame.root.alias}."IsDeleted" = 0'
        parameters: tuple[Parameter, ...] = ()
        if query.scope == "MINE" and "ownerid" in frame.root.sobject.fields:
            kept += f' AND {frame.root.alias}."OwnerId" = ?'
            parameters = (RunningUser(),)
        if query.where is not None:
            sql, tested = Filters(frame, self._semi_join).condition(query.where)
            kept, parameters = f"{sql} AND {kept}", (*tested, *parameters)
        return kept, parameters

    def _semi_join(self, query: syntax.Query, outer: Frame) -> Fragment:
        """The query inside IN (…): one id column; nulls never match."""
        del outer
        self._joins += 1
        source, item = query.sources[0].path, query.items[0]
        sobject = self._catalogue.get(source.text)
        if sobject is None:
            self._refuse("INVALID_TYPE", unknown_entity(source.text), source.at)
        if self._joins > _MOST_JOINS or len(query.items) != 1 or not isinstance(item, syntax.Item):
            self._refuse("MALFORMED_QUERY", "Only two semi-joins of one ID field each are allowed", source.at)
        frame = Frame(self._catalogue, self._soql, sobject, query.sources, self._aliases, self.named)
        selected = compile_expression(item.expression, frame)
        if selected.aggregate or query.groups:
            self._refuse("MALFORMED_QUERY", "A semi-join selects an ID field, not an aggregate", source.at)
        where, parameters = self._where(query, frame)
        sql = f"SELECT {selected.sql} {frame.sql} WHERE {where} AND {selected.sql} IS NOT NULL{_limit(query)}"
        return sql, parameters

    def _order(self, query: syntax.Query, frame: Frame) -> str:
        terms: list[str] = []
        for term in query.order:
            expression = compile_expression(term.expression, frame)
            if expression.aggregate or (expression.column and not filterable(expression.column.field)):
                message = f"field '{expression.key}' can not be sorted in a query call"
                self._refuse("INVALID_FIELD", message, term.expression.at)
            terms.append(ordered_by(expression.sql, term))
        return " ORDER BY " + ", ".join(terms) if terms else ""

    def _refuse(self, code: str, message: str, at: int) -> NoReturn:
        raise soql_error(code, message, self._soql, at)


def _is_count(query: syntax.Query) -> bool:
    only = query.items[0]
    return (
        len(query.items) == 1
        and isinstance(only, syntax.Item)
        and isinstance(only.expression, syntax.Call)
        and only.expression.name == "COUNT"
        and only.expression.argument is None
    )


def _limit(query: syntax.Query) -> str:
    if query.limit is None and query.offset is None:
        return ""
    return f" LIMIT {-1 if query.limit is None else query.limit} OFFSET {query.offset or 0}"


def _window(query: syntax.Query) -> str:
    """LIMIT and OFFSET of a child subquery, which count for each parent."""
    first = query.offset or 0
    last = f" AND place <= {first + query.limit}" if query.limit is not None else ""
    return f" WHERE place > {first}{last}" if first or last else ""


def _spelled(parent: SObject, name: str) -> str:
    """The relationship's own spelling."""
    return parent.children[name.lower()].field.children
