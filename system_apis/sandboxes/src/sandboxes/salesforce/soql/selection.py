"""Turns a select list without aggregates into columns and the shape of their records."""

from collections.abc import Callable
from typing import NoReturn

from sandboxes.salesforce.faults import soql_error
from sandboxes.salesforce.schema import Field
from sandboxes.salesforce.soql import syntax
from sandboxes.salesforce.soql.expressions import compile_expression
from sandboxes.salesforce.soql.frame import NAME, Column, Frame, Table
from sandboxes.salesforce.soql.shapes import Compound, Kids, Node, Value, Variants, decoder

_MOST_ALL_FIELDS = 200


class Selection:
    """The columns of one query level and the record they make.

    Args:
        frame: Where paths lead.
        child: Compiles a child subquery; gets its place among the children, returns its key.
    """

    def __init__(self, frame: Frame, child: Callable[[syntax.Query, int], str]) -> None:
        self._frame, self._child = frame, child
        self.columns: list[str] = []
        self.fields: dict[int, Field] = {}
        self._places: dict[str, int] = {}
        self._nodes: dict[tuple[str, ...], Node] = {}
        self._seen: set[tuple[tuple[str, ...], str]] = set()
        self._children = 0
        self.node = self._node(frame.root)

    def add_all(self, query: syntax.Query) -> None:
        """Everything the query selects, in order."""
        for item in query.items:
            match item:
                case syntax.Item():
                    self._item(item)
                case syntax.AllFields():
                    self._all_fields(item, query)
                case syntax.TypeOf():
                    self._typeof(item)
                case syntax.Query():
                    self._add_child(item)

    def place(self, sql: str) -> int:
        """The number of the column with this SQL, added if it is not there yet."""
        if sql not in self._places:
            self._places[sql] = len(self.columns)
            self.columns.append(sql)
        return self._places[sql]

    def _node(self, table: Table) -> Node:
        """The record of this table, made and hung below its child's record when first asked for."""
        if table.path in self._nodes:
            return self._nodes[table.path]
        key = table.path[-1] if table.path else ""
        polymorphic = table.sobject is NAME
        node = Node(
            key=key,
            sobject=table.sobject.name,
            id_at=self.place(f'{table.alias}."Id"'),
            type_at=self.place(f'{table.alias}."Type"') if polymorphic else None,
            entries=[],
        )
        self._nodes[table.path] = node
        if table.path:
            self._above(table).entries.append(node)
        return node

    def _above(self, table: Table) -> Node:
        """The record below which this parent's record hangs; a path may skip records nobody selected from."""
        way = table.path[:-1]
        if way not in self._nodes:
            path = syntax.Path(".".join(way), 0)
            self._node(self._frame.table(path, list(way)))
        return self._nodes[way]

    def _item(self, item: syntax.Item) -> None:
        expression = compile_expression(item.expression, self._frame)
        if expression.column is None:
            self._refuse("MALFORMED_QUERY", "Grouped query must use aggregate functions", item.expression.at)
        if item.alias and isinstance(item.expression, syntax.Path):
            self._refuse("MALFORMED_QUERY", "only aggregate expressions use field aliasing", item.expression.at)
        column = expression.column
        seen = (column.table.path, item.alias or column.field.name)
        if seen in self._seen:
            message = f"duplicate field selected: {column.field.name}"
            self._refuse("INVALID_FIELD", message, item.expression.at)
        self._seen.add(seen)
        self._field(self._node(column.table), column, item.alias, formatted=expression.formatted)

    def _field(self, node: Node, column: Column, alias: str = "", *, formatted: bool = False) -> None:
        field, table = column.field, column.table
        if field.components:
            parts = tuple((key, self.place(f'{table.alias}."{name}"')) for key, name in field.components)
            node.entries.append(Compound(field.name, parts))
            return
        decode = decoder(field.type, formatted=formatted)
        place = self.place(column.sql)
        self.fields[place] = field
        node.entries.append(Value(alias or field.name, place, decode))

    def _all_fields(self, item: syntax.AllFields, query: syntax.Query) -> None:
        if item.group != "STANDARD" and (query.limit is None or query.limit > _MOST_ALL_FIELDS):
            message = "The SOQL FIELDS function must have a LIMIT of at most 200"
            self._refuse("MALFORMED_QUERY", message, item.at)
        for field in self._frame.root.sobject.fields.values():
            if _in_group(field, item.group) and ((), field.name) not in self._seen:
                self._seen.add(((), field.name))
                self._field(self.node, self._frame.named(self._frame.root, field))

    def _typeof(self, item: syntax.TypeOf) -> None:
        nodes: list[Node] = []
        for sobject, paths in item.branches:
            table = self._frame.variant(item.path, sobject)
            nodes.append(self._branch(table, paths))
        if item.otherwise:
            nodes.append(self._branch(self._frame.table(item.path, item.path.names), item.otherwise))
        self.node.entries.append(Variants(item.path.names[-1], nodes))

    def _branch(self, table: Table, paths: tuple[syntax.Path, ...]) -> Node:
        node = Node(
            key="",
            sobject=table.sobject.name,
            id_at=self.place(f'{table.alias}."Id"'),
            type_at=self.place(f'{table.alias}."Type"') if table.sobject is NAME else None,
            entries=[],
        )
        for path in paths:
            field = table.sobject.fields.get(path.text.lower())
            if field is None:
                self._refuse("INVALID_FIELD", f"No such column '{path.text}' on entity", path.at)
            self._field(node, self._frame.named(table, field))
        return node

    def _add_child(self, query: syntax.Query) -> None:
        key = self._child(query, self._children)
        self.node.entries.append(Kids(key, self._children, self.node.id_at))
        self._children += 1

    def _refuse(self, code: str, message: str, at: int) -> NoReturn:
        raise soql_error(code, message, self._frame.soql, at)


def _in_group(field: Field, group: str) -> bool:
    return group == "ALL" or field.custom == (group == "CUSTOM")
