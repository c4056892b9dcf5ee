"""Rows of resources in SQLite; the caller holds the transaction."""

import hashlib
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import quote

from sandboxes.oracle.framework.declare import Resource, Row, Value
from sandboxes.oracle.framework.values import Stored, from_column, to_column

_TYPES = {"integer": "INTEGER", "boolean": "INTEGER"}


def schema(resources: Iterable[Resource]) -> str:
    """The DDL of resources and of all below them."""
    return "".join(_create(one) + schema(one.children) for one in resources)


def opaque_key(resource: Resource, number: object) -> str:
    """The path key of a row that has none of its own: a serialized key object in hexadecimal."""
    digest = hashlib.blake2b(f"{resource.table}/{number}".encode(), digest_size=16).hexdigest().upper()
    return f"00020000000EACED00057708{digest[:16]}0000000EACED00057708{digest[16:]}"


def path_key(resource: Resource, row: Row) -> str:
    """What stands for a row in its path, percent-encoded."""
    return quote(str(row[resource.key]), safe=":") if resource.key else opaque_key(resource, row["@id"])


def change_indicator(resource: Resource, row: Row) -> str:
    """The entity tag of a row."""
    digest = hashlib.blake2b(f"{resource.table}/{row['@id']}/{row['@version']}".encode(), digest_size=20)
    return f"ACED0005737200136A6176612E7574696C{digest.hexdigest().upper()}"


class Records:
    """Reads and writes rows on one connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        for name, fold in (("upper", str.upper), ("lower", str.lower)):  # SQLite's own know ASCII only
            connection.create_function(name, 1, _folding(fold), deterministic=True)

    def add(self, resource: Resource, row: Row, parent: Value = None) -> Row:
        """Insert a row, below the parent of this `@id`; returns it as stored."""
        columns = [name for name in row if name in resource.by_name]
        names = "".join(f', "{name}"' for name in columns)
        values = [to_column(row[name]) for name in columns]
        marks = ", ?" * len(columns)
        found = self.connection.execute(
            f'INSERT INTO "{resource.table}" ("@parent"{names}) VALUES (?{marks}) RETURNING *',  # noqa: S608 - declared names
            (parent, *values),
        )
        return _row(resource, found.fetchone())

    def find(self, resource: Resource, **equal: Value) -> list[Row]:
        """All rows whose fields equal these, in the order they were added."""
        return self.select(resource, *_matching(equal))

    def get(self, resource: Resource, **equal: Value) -> Row | None:
        """The first row whose fields equal these."""
        found = self.find(resource, **equal)
        return found[0] if found else None

    def below(self, resource: Resource, parent: Row) -> list[Row]:
        """The rows of a child resource below a row."""
        return self.select(resource, '"@parent" = ?', [_identity(parent)])

    def again(self, resource: Resource, row: Row) -> Row:
        """The row as it is now."""
        return self.select(resource, '"@id" = ?', [_identity(row)])[0]

    def select(self, resource: Resource, where: str, parameters: Sequence[Stored], tail: str = "") -> list[Row]:
        """Rows aliased `t` under a condition; `tail` replaces the order they were added in."""
        order = tail or 'ORDER BY "@id"'
        sql = f'SELECT * FROM "{resource.table}" t WHERE {where} {order}'  # noqa: S608 - declared names, bound values
        return [_row(resource, one) for one in self.connection.execute(sql, parameters)]

    def count(self, resource: Resource, where: str, parameters: Sequence[Stored]) -> int:
        """How many rows meet a condition."""
        sql = f'SELECT count(*) FROM "{resource.table}" t WHERE {where}'  # noqa: S608 - as above
        return int(self.connection.execute(sql, parameters).fetchone()[0])

    def change(self, resource: Resource, row: Row, changes: Row) -> None:
        """Set fields of a row; its change indicator changes too."""
        kept = {name: value for name, value in changes.items() if name in resource.by_name}
        setting = "".join(f', "{name}" = ?' for name in kept)
        values = [to_column(value) for value in kept.values()]
        sql = f'UPDATE "{resource.table}" SET "@version" = "@version" + 1{setting} WHERE "@id" = ?'  # noqa: S608 - as above
        self.connection.execute(sql, (*values, _identity(row)))

    def remove(self, resource: Resource, row: Row) -> None:
        """Delete a row and all below it."""
        for child in resource.children:
            for one in self.below(child, row):
                self.remove(child, one)
        self.connection.execute(f'DELETE FROM "{resource.table}" WHERE "@id" = ?', (_identity(row),))  # noqa: S608 - as above

    def by_path(self, resource: Resource, key: str, parent: Row | None, day: str) -> Row | None:
        """The row that a path names, below a parent row for a child; of a record with dates, as it holds on a day."""
        where, above = held_on(resource, day)
        if parent:
            where, above = f'{where} AND "@parent" = ?', [*above, _identity(parent)]
        if resource.key is None:
            rows = self.select(resource, where, above)
            return next((one for one in rows if opaque_key(resource, one["@id"]) == key), None)
        for name in (resource.key, *resource.also):
            if found := self.select(resource, f'{where} AND "{name}" = ?', [*above, key]):
                return found[0]
        return None

    def next_number(self, name: str, first: int) -> int:
        """The next number of a sequence, which starts at `first`."""
        found = self.connection.execute(
            "INSERT INTO oracle_sequence VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET last = last + 1 RETURNING last",
            (name, first),
        )
        return int(found.fetchone()[0])


SEQUENCES = "CREATE TABLE oracle_sequence (name TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;"


def held_on(resource: Resource, day: str) -> tuple[str, list[Stored]]:
    """The condition that a row holds on a day."""
    return ('"EffectiveStartDate" <= ? AND "EffectiveEndDate" >= ?', [day, day]) if resource.effective else ("1", [])


def _folding(fold: Callable[[str], str]) -> Callable[[str | None], str | None]:
    return lambda text: None if text is None else fold(str(text))


def _matching(equal: Row) -> tuple[str, list[Stored]]:
    where = " AND ".join(f't."{name}" IS ?' for name in equal) or "1"
    return where, [to_column(value) for value in equal.values()]


def _identity(row: Row) -> int:
    identity = row["@id"]
    if not isinstance(identity, int):
        raise TypeError(identity)
    return identity


def _create(resource: Resource) -> str:
    columns = "".join(f', "{one.name}" {_TYPES.get(one.kind, "TEXT")}' for one in resource.fields)
    sought = {"@parent", *([resource.key] if resource.key else []), *resource.also}
    sought |= set(resource.alternate[:1])
    indexes = "".join(
        f'CREATE INDEX "{resource.table}.{name}" ON "{resource.table}" ("{name}");' for name in sorted(sought)
    )
    own = '"@id" INTEGER PRIMARY KEY AUTOINCREMENT, "@parent" INTEGER, "@version" INTEGER NOT NULL DEFAULT 1'
    return f'CREATE TABLE "{resource.table}" ({own}{columns});{indexes}'


def _row(resource: Resource, stored: sqlite3.Row) -> Row:
    row: Row = {name: stored[name] for name in ("@id", "@parent", "@version")}
    return row | {one.name: from_column(one, stored[one.name]) for one in resource.fields}
