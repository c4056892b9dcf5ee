"""Keeps the org's records: one SQLite table per object, one column per stored field.

The calls are synchronous on purpose: a request is served between two awaits, which makes it atomic, and a look-up
takes microseconds.
"""
# ruff: noqa: S608 - names come from the catalogue, values travel as parameters

import sqlite3
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from sandboxes.kit import State
from sandboxes.salesforce.schema import Catalogue, Field, SObject

Row = dict[str, Any]
Insert = Callable[[str, Mapping[str, Any]], None]
_BOOKKEEPING = """
CREATE TABLE IF NOT EXISTS _sequence (name TEXT PRIMARY KEY, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _permission_assignment (user TEXT, name TEXT, PRIMARY KEY (user, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _page (cursor TEXT, start INTEGER, total INTEGER, records BLOB, created REAL,
                                  PRIMARY KEY (cursor, start)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _job (number INTEGER PRIMARY KEY, id TEXT UNIQUE, job BLOB, open INTEGER, created REAL);
CREATE TABLE IF NOT EXISTS _job_upload (job TEXT PRIMARY KEY, content BLOB) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS _job_open ON _job (number) WHERE open = 1;
CREATE TABLE IF NOT EXISTS _event (replay INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT, uuid TEXT, record TEXT,
                                   payload BLOB, created REAL);
CREATE TABLE IF NOT EXISTS _managed (name TEXT PRIMARY KEY, topic TEXT, replay INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _component (type TEXT, name TEXT COLLATE NOCASE, id TEXT UNIQUE, component BLOB,
                                       PRIMARY KEY (type, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _deployment (id TEXT PRIMARY KEY, deployment BLOB, package BLOB, open INTEGER);
CREATE TABLE IF NOT EXISTS _dataset (id TEXT PRIMARY KEY, alias TEXT UNIQUE COLLATE NOCASE, dataset BLOB,
                                     content BLOB);
CREATE INDEX IF NOT EXISTS _event_topic ON _event (topic, replay);
CREATE INDEX IF NOT EXISTS _event_record ON _event (record) WHERE record <> '';
CREATE TABLE IF NOT EXISTS _async_job (id TEXT PRIMARY KEY, job BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS _async_batch (number INTEGER PRIMARY KEY, id TEXT UNIQUE, job TEXT, batch BLOB, content BLOB,
                                         result BLOB, open INTEGER);
CREATE INDEX IF NOT EXISTS _async_batch_job ON _async_batch (job, number);
CREATE INDEX IF NOT EXISTS _async_batch_open ON _async_batch (number) WHERE open = 1;
CREATE TABLE IF NOT EXISTS _job_part (job TEXT, kind TEXT, start INTEGER, count INTEGER, lines BLOB,
                                      PRIMARY KEY (job, kind, start)) WITHOUT ROWID;
"""


class Store:
    """The records of one org.

    Args:
        path: The database file, or None for memory.
        catalogue: The objects to keep.
        seed: Fills a new database; gets a function that inserts a row of an object by name.
    """

    def __init__(self, path: Path | None, catalogue: Catalogue, seed: Callable[[Insert], None]) -> None:
        self.catalogue = catalogue

        def fill(connection: sqlite3.Connection) -> None:
            def insert(name: str, row: Mapping[str, Any]) -> None:
                _insert(connection, name, row)

            seed(insert)

        self._state = State(path, _ddl(catalogue), fill)
        self._connection = self._state.connection
        self._connection.row_factory = None
        self._depth = 0
        self._notes: list[Any] = []
        self.before_commit: Callable[[list[Any]], None] = _ignore
        self.after_commit: Callable[[], None] = _silent
        self._reading: dict[str, tuple[tuple[str, ...], str]] = {}
        self._catch_up()

    def select(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        return self._connection.execute(sql, parameters).fetchall()

    def execute(self, sql: str, parameters: Sequence[object] = ()) -> None:
        """Run a statement that answers nothing."""
        self._connection.execute(sql, parameters)

    def insert(self, sobject: SObject, row: Row) -> None:
        """Add a record; `row` holds stored values by field name."""
        _insert(self._connection, sobject.name, row)

    def update(self, sobject: SObject, record_id: str, changes: Row) -> None:
        """Change columns of a record."""
        assignments = ", ".join(f'"{name}" = ?' for name in changes)
        sql = f'UPDATE "{sobject.name}" SET {assignments} WHERE "Id" = ?'
        self._connection.execute(sql, (*changes.values(), record_id))

    def fetch(self, sobject: SObject, record_id: str) -> Row | None:
        """The stored columns of a record, deleted or not."""
        rows = self._rows(sobject, '"Id" = ?', record_id)
        return rows[0] if rows else None

    def shared(self, sobject: SObject, field: Field, value: object, but: str) -> str | None:
        """The id of another record than `but` that carries this value and is not deleted."""
        sql = f'SELECT "Id" FROM "{sobject.name}" WHERE "{field.name}" = ? AND "IsDeleted" = 0 AND "Id" <> ? LIMIT 1'
        rows = self.select(sql, (value, but))
        return rows[0][0] if rows else None

    def find(self, sobject: SObject, field: Field, value: object) -> list[Row]:
        """The records that carry this value and are not deleted."""
        return self._rows(sobject, f'"{field.name}" = ? AND "IsDeleted" = 0', value)

    def _rows(self, sobject: SObject, condition: str, value: object) -> list[Row]:
        names, sql = self._reading.get(sobject.name) or self._learnt(sobject)
        return [dict(zip(names, row, strict=True)) for row in self.select(sql + condition, (value,))]

    def _learnt(self, sobject: SObject) -> tuple[tuple[str, ...], str]:
        whole = self.catalogue.get(sobject.name) or sobject  # callers may see less of it
        names = tuple(field.name for field in whole.columns)
        columns = ", ".join(f'"{name}"' for name in names)
        self._reading[sobject.name] = names, f'SELECT {columns} FROM "{sobject.name}" WHERE '
        return self._reading[sobject.name]

    def remove(self, sobject: SObject, record_id: str) -> None:
        """Erase a record for good."""
        self._connection.execute(f'DELETE FROM "{sobject.name}" WHERE "Id" = ?', (record_id,))

    def cursor(self, sql: str, parameters: Sequence[object] = ()) -> sqlite3.Cursor:
        """A query whose rows are read bit by bit."""
        return self._connection.execute(sql, parameters)

    def next_number(self, name: str) -> int:
        """The next number of a named sequence, from 1."""
        sql = "INSERT INTO _sequence VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET last = last + 1 RETURNING last"
        return int(self.select(sql, (name,))[0][0])

    @contextmanager
    def savepoint(self) -> Generator[None]:
        """Everything inside is kept, or nothing when it raises; may be nested. Don't await inside."""
        name, noted = f"level{self._depth}", len(self._notes)
        self.execute(f"SAVEPOINT {name}")
        self._depth += 1
        try:
            yield
            if self._depth == 1 and self._notes:
                self.before_commit(self._notes)
        except BaseException:
            del self._notes[noted:]
            self.execute(f"ROLLBACK TO {name}")
            raise
        finally:
            self._depth -= 1
            self.execute(f"RELEASE {name}")
        if self._depth == 0 and self._notes:
            self._notes.clear()
            self.after_commit()

    def note(self, note: object) -> None:
        """Remember something until the transaction commits; what is rolled back takes its notes along."""
        self._notes.append(note)

    def _catch_up(self) -> None:
        """Add the columns that the org's own objects have gained since the file was made."""
        self._connection.executescript(_BOOKKEEPING)
        for sobject in _stored(self.catalogue):
            self._widen(sobject)

    def follow_catalogue(self) -> None:
        """Make tables and columns what the catalogue says now: what an administrator deleted goes with its values."""
        self._reading.clear()
        self.execute('DROP VIEW IF EXISTS "Name"')
        for (name,) in self.select(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%\\_\\_c' ESCAPE '\\'"
        ):
            if self.catalogue.get(name) is None:
                self.execute(f'DROP TABLE "{name}"')
        for sobject in _stored(self.catalogue):
            if self.select("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (sobject.name,)):
                self._widen(sobject)
                self._narrow(sobject)
            else:
                for statement in _table(sobject):
                    self.execute(statement)
        self.execute(_names(self.catalogue))

    def _widen(self, sobject: SObject) -> None:
        known = self._columns(sobject)
        for field in sobject.columns:
            if field.name not in known:
                self.execute(f'ALTER TABLE "{sobject.name}" ADD COLUMN "{field.name}" {field.column_type}')
                if field.default is not None or field.type == "boolean":
                    self.execute(f'UPDATE "{sobject.name}" SET "{field.name}" = ?', (field.default or 0,))

    def _narrow(self, sobject: SObject) -> None:
        kept = {field.name for field in sobject.columns}
        for name in self._columns(sobject):
            if name.endswith("__c") and name not in kept:
                self.execute(f'DROP INDEX IF EXISTS "{sobject.name}.{name}"')
                self.execute(f'ALTER TABLE "{sobject.name}" DROP COLUMN "{name}"')

    def _columns(self, sobject: SObject) -> set[str]:
        return {row[1] for row in self.select(f'PRAGMA table_info("{sobject.name}")')}

    def reset(self) -> None:
        """Back to the seed."""
        self._state.reset()

    def close(self) -> None:
        """Let go of the file."""
        self._state.close()


def _ignore(notes: list[Any]) -> None:
    del notes


def _silent() -> None:
    return None


def _insert(connection: sqlite3.Connection, name: str, row: Mapping[str, Any]) -> None:
    connection.execute(_insertion(name, tuple(row)), tuple(row.values()))


@lru_cache(256)
def _insertion(name: str, columns: tuple[str, ...]) -> str:
    quoted = ", ".join(f'"{column}"' for column in columns)
    return f'INSERT INTO "{name}" ({quoted}) VALUES ({", ".join("?" * len(columns))})'


def _ddl(catalogue: Catalogue) -> str:
    tables = [statement for sobject in _stored(catalogue) for statement in _table(sobject)]
    return ";\n".join([_BOOKKEEPING, *tables, _names(catalogue), ""])


def _names(catalogue: Catalogue) -> str:
    """References to several objects (Task.WhatId) are walked through one view of all names."""
    arms = [
        f'SELECT "Id", "{each.name_field.name}" AS "Name", \'{each.name}\' AS "Type" FROM "{each.name}"'
        for each in _stored(catalogue)
    ]
    return f'CREATE VIEW IF NOT EXISTS "Name" AS {" UNION ALL ".join(arms)}'


def _stored(catalogue: Catalogue) -> list[SObject]:
    return [sobject for sobject in catalogue if not sobject.event]


def _table(sobject: SObject) -> list[str]:
    columns = [
        f'"{field.name}" {field.column_type}' + (" PRIMARY KEY" if field.type == "id" else "")
        for field in sobject.columns
    ]
    indexed = [
        field.name
        for field in sobject.columns
        if field.type == "reference" or field.external_id or field.unique or field.name == "SystemModstamp"
    ]
    indexes = [f'CREATE INDEX "{sobject.name}.{name}" ON "{sobject.name}" ("{name}")' for name in indexed]
    return [f'CREATE TABLE "{sobject.name}" ({", ".join(columns)})', *indexes]
