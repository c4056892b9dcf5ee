"""Rows of the entity sets in SQLite: one table per set, columns as the model types them.

Rows go in and out as Python values keyed by property name; document numbers are padded on the way in and shown
without zeros on the way out.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from sandboxes.sap.odata_v2.edm import EntitySet, Property, Row, Service, Value
from sandboxes.sap.odata_v2.primitives import from_column, to_column
from sandboxes.sap.sql_functions import register

Stored = str | int | float | None
_COLUMN_TYPES = {"Edm.String": "TEXT", "Edm.Decimal": "TEXT", "Edm.Guid": "TEXT", "Edm.Double": "REAL"}
_AS_STORED = frozenset({"Edm.String", "Edm.Guid", "Edm.Int32", "Edm.Int64", "Edm.Double"})
_NUMBER_RANGES = "CREATE TABLE number_range (object TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;"


@dataclass(frozen=True, eq=False)
class Table:
    """The table of one entity set; `table_of` hands out one per set."""

    service: Service
    set: EntitySet

    @cached_property
    def name(self) -> str:
        """The quoted table name."""
        return f'"{self.service.table(self.set.name)}"'

    @cached_property
    def insertion(self) -> str:
        """The INSERT of a whole row."""
        return f"INSERT INTO {self.name} VALUES ({', '.join('?' * len(self.set.properties))})"  # noqa: S608 - model names

    def key_of(self, row: Mapping[str, Value]) -> dict[str, Value]:
        """The key part of a row."""
        return {name: row[name] for name in self.set.keys}

    def encode(self, row: Mapping[str, Value]) -> list[Stored]:
        """A row's columns; what it leaves out takes its initial value, what the set does not have is left out."""
        columns = list(self._initials)
        for name, value in row.items():
            if (place := self._places.get(name)) is not None:
                columns[place] = to_column(self.set.properties[name], value)
        return columns

    def decoders(self, names: Iterable[str]) -> list[tuple[str, Property, bool]]:
        """Of each column: its name, its property, and whether its stored form differs from its value."""
        chosen = [self.set.properties[name] for name in names]
        return [(one.name, one, one.alpha or one.type not in _AS_STORED) for one in chosen]

    @cached_property
    def all_decoders(self) -> list[tuple[str, Property, bool]]:
        """The decoders of every column."""
        return self.decoders(self.set.properties)

    @cached_property
    def all_columns(self) -> str:
        """What follows SELECT for a whole row."""
        return _columns(self.all_decoders)

    @cached_property
    def order_by_key(self) -> str:
        """Rows in key order."""
        return "ORDER BY " + ", ".join(f't0."{key}"' for key in self.set.keys)

    @cached_property
    def _initials(self) -> tuple[Stored, ...]:
        return tuple(to_column(one, one.initial) for one in self.set.properties.values())

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: place for place, name in enumerate(self.set.properties)}


@cache
def table_of(service: Service, entity_set: str) -> Table:
    """The table of a set."""
    return Table(service, service.sets[entity_set])


class Records:
    """Reads and writes rows on one connection; the caller holds the transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        register(connection)

    def add(self, table: Table, *rows: Mapping[str, Value]) -> None:
        """Insert rows; what a row leaves out takes its initial value.

        Raises:
            sqlite3.IntegrityError: the key exists.
        """
        self.connection.executemany(table.insertion, map(table.encode, rows))

    def get(self, table: Table, **key: Value) -> Row | None:
        """The row with this key, or None."""
        found = self.find(table, **key)
        return found[0] if found else None

    def find(self, table: Table, **equal: Value) -> list[Row]:
        """All rows whose properties equal these, in key order."""
        where, parameters = matching(table.set, equal)
        return self.select(table, where, parameters)

    def select(
        self, table: Table, where: str, parameters: Sequence[Stored], tail: str = "", only: Iterable[str] | None = None
    ) -> list[Row]:
        """Rows aliased `t0` under a condition; `only` limits the columns, `tail` replaces the order by key."""
        decoders = table.decoders(only) if only else table.all_decoders
        names = _columns(decoders) if only else table.all_columns
        sql = f"SELECT {names} FROM {table.name} t0 WHERE {where} {tail or table.order_by_key}"  # noqa: S608 - model names, bound values
        return [_row(decoders, stored) for stored in self.connection.execute(sql, parameters)]

    def count(self, table: Table, where: str, parameters: Sequence[Stored]) -> int:
        """How many rows meet a condition."""
        found = self.connection.execute(f"SELECT count(*) FROM {table.name} t0 WHERE {where}", parameters)  # noqa: S608 - as above
        return int(found.fetchone()[0])

    def change(self, table: Table, key: Mapping[str, Value], changes: Mapping[str, Value]) -> None:
        """Set some properties of the rows with this (partial) key."""
        where, parameters = matching(table.set, key)
        setting = ", ".join(f'"{name}" = ?' for name in changes)
        values = [to_column(table.set.properties[name], value) for name, value in changes.items()]
        self.connection.execute(f"UPDATE {table.name} AS t0 SET {setting} WHERE {where}", [*values, *parameters])  # noqa: S608 - as above

    def remove(self, table: Table, **key: Value) -> None:
        """Delete the rows with this (partial) key."""
        where, parameters = matching(table.set, key)
        self.connection.execute(f"DELETE FROM {table.name} AS t0 WHERE {where}", parameters)  # noqa: S608 - as above

    def next_number(self, name: str, first: int) -> str:
        """The next number of a number range, which starts at `first`."""
        found = self.connection.execute(
            "INSERT INTO number_range VALUES (?, ?) ON CONFLICT (object) DO UPDATE SET last = last + 1 RETURNING last",
            (name, first),
        )
        return str(found.fetchone()[0])


def matching(entity_set: EntitySet, equal: Mapping[str, Value]) -> tuple[str, list[Stored]]:
    """The condition that properties of rows aliased `t0` equal these values."""
    where = " AND ".join(f't0."{name}" = ?' for name in equal) or "1"
    return where, [to_column(entity_set.properties[name], value) for name, value in equal.items()]


def schema(services: Iterable[Service], searched: Iterable[tuple[Table, str]] = ()) -> str:
    """The DDL of all sets of the services, with an index on each property that is `searched` by."""
    tables = (_create(table_of(service, name)) for service in services for name in service.sets)
    indexes = (
        f'CREATE INDEX "{table.service.table(table.set.name)}.{one}" ON {table.name} ("{one}");'
        for table, one in searched
    )
    return "".join([*tables, *indexes, _NUMBER_RANGES])


def _create(table: Table) -> str:
    columns = ", ".join(
        f'"{one.name}" {_COLUMN_TYPES.get(one.type, "INTEGER")}' for one in table.set.properties.values()
    )
    keys = ", ".join(f'"{key}"' for key in table.set.keys)
    return f"CREATE TABLE {table.name} ({columns}, PRIMARY KEY ({keys})) WITHOUT ROWID;"


def _columns(decoders: Sequence[tuple[str, Property, bool]]) -> str:
    return ", ".join(f't0."{name}"' for name, _, _ in decoders)


def _row(decoders: Sequence[tuple[str, Property, bool]], stored: Sequence[Stored]) -> Row:
    return {
        name: from_column(prop, value) if decoded else value
        for (name, prop, decoded), value in zip(decoders, stored, strict=True)
    }
