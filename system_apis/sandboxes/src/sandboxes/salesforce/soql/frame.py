"""One FROM clause: its object, aliases, and the joins that paths through parents ask for."""

from collections.abc import Iterator

from msgspec import Struct

from sandboxes.salesforce.faults import soql_error, unknown_column, unknown_entity, unknown_relationship
from sandboxes.salesforce.schema import Catalogue, Field, SObject, parent_name
from sandboxes.salesforce.soql.syntax import Path, Source

_DEEPEST = 5

NAME = SObject(
    name="Name",
    label="Name",
    plural="Names",
    prefix="",
    fields={
        field.name.lower(): field
        for field in (
            Field(name="Id", type="id", length=18),
            Field(name="Name", type="string", length=255, name_field=True),
            Field(name="Type", type="picklist", length=40),
        )
    },
    parents={},
    children={},
)
"""What references to several objects have in common; a view of the same name backs it."""


class Table(Struct):
    """An object joined under an SQL alias; `path` leads to it from the root."""

    sobject: SObject
    alias: str
    path: tuple[str, ...]


class Column(Struct):
    """A field of a joined table."""

    table: Table
    field: Field

    @property
    def sql(self) -> str:
        """Its SQL."""
        return f'{self.table.alias}."{self.field.name}"'


class Frame:
    """Resolves the paths of one query level against the catalogue.

    Args:
        catalogue: The org's objects.
        soql: The whole text, for messages.
        sobject: The object of FROM.
        sources: FROM's entries; the first is the object itself, the others name parents of it.
        aliases: Numbers that make SQL aliases, shared by all levels of the query.
        named: Gets object and field of every column that is named, at any level.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        soql: str,
        sobject: SObject,
        sources: tuple[Source, ...],
        aliases: Iterator[int],
        named: set[tuple[str, str]],
    ) -> None:
        self.catalogue, self.soql, self._numbers, self._named = catalogue, soql, aliases, named
        self.root = Table(sobject, f"t{next(aliases)}", ())
        self._joined: dict[tuple[str, ...], Table] = {(): self.root}
        self._joins: list[str] = []
        self._names: dict[str, Table] = {sobject.name.lower(): self.root}
        if sources[0].alias:
            self._names[sources[0].alias.lower()] = self.root
        for source in sources[1:]:
            table = self.table(source.path, source.path.names)
            if source.alias:
                self._names[source.alias.lower()] = table

    @property
    def sql(self) -> str:
        """FROM with every join asked for so far."""
        return f'FROM "{self.root.sobject.name}" {self.root.alias}' + "".join(self._joins)

    def column(self, path: Path) -> Column:
        """The field at the end of a path; ApiError INVALID_FIELD names what is not there."""
        names = path.names
        table = self.table(path, names[:-1])
        field = table.sobject.fields.get(names[-1].lower())
        if field is None:
            message = unknown_column(names[-1], table.sobject.name)
            raise soql_error("INVALID_FIELD", message, self.soql, path.at)
        return self.named(table, field)

    def named(self, table: Table, field: Field) -> Column:
        """A field of a table that the query names, one way or another."""
        if table.sobject is not NAME:
            self._named.add((table.sobject.name, field.name))
        return Column(table, field)

    def table(self, path: Path, names: list[str]) -> Table:
        """The table that relationship names lead to from the root or from an alias."""
        start = self._names.get(names[0].lower()) if names else None
        table, rest = (start, names[1:]) if start else (self.root, names)
        for name in rest:
            table = self._parent(path, table, name)
        return table

    def _parent(self, path: Path, child: Table, name: str) -> Table:
        field = child.sobject.parents.get(name.lower())
        if field is None or len(child.path) >= _DEEPEST:
            message = unknown_relationship(name, "field path")
            raise soql_error("INVALID_FIELD", message, self.soql, path.at)
        way = (*child.path, parent_name(field))
        if way not in self._joined:
            single = self.catalogue.get(field.to[0]) if len(field.to) == 1 else NAME
            self._join(way, child, field, single or NAME)
        return self._joined[way]

    def variant(self, path: Path, sobject_name: str) -> Table:
        """The table of one of the objects that the reference at the end of `path` may point to (TYPEOF)."""
        names = path.names
        child = self.table(path, names[:-1])
        field = child.sobject.parents.get(names[-1].lower())
        sobject = self.catalogue.get(sobject_name)
        if field is None:
            message = unknown_relationship(names[-1], "field path")
            raise soql_error("INVALID_FIELD", message, self.soql, path.at)
        if sobject is None:
            raise soql_error("INVALID_TYPE", unknown_entity(sobject_name), self.soql, path.at)
        way = (*child.path, f"{parent_name(field)}:{sobject.name}")
        if way not in self._joined:
            self._join(way, child, field, sobject)
        return self._joined[way]

    def _join(self, way: tuple[str, ...], child: Table, field: Field, sobject: SObject) -> None:
        table = Table(sobject, f"t{next(self._numbers)}", way)
        self._joins.append(
            f' LEFT JOIN "{sobject.name}" {table.alias} ON {table.alias}."Id" = {child.alias}."{field.name}"'
        )
        self._joined[way] = table
