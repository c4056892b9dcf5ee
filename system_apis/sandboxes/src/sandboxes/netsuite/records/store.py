"""Records as documents in SQLite: references and selects are ids, sublists are lists of lines."""

import sqlite3
from collections.abc import Collection, Iterator
from decimal import Decimal
from typing import Any

import msgspec

from sandboxes.netsuite.schema import RECORD_TYPES, RecordType
from sandboxes.netsuite.schema.entities import ADDRESS_ENTRY

Document = dict[str, Any]
"""A record: its fields under their REST names, and `id`."""

SCHEMA = """
CREATE TABLE record (
    type TEXT NOT NULL, id INTEGER NOT NULL, external_id TEXT, body TEXT NOT NULL, PRIMARY KEY (type, id)
) WITHOUT ROWID;
CREATE UNIQUE INDEX record_external ON record (type, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX record_id ON record (id);
CREATE INDEX record_entity ON record (type, json_extract(body, '$.entity'));
CREATE INDEX record_created_from ON record (json_extract(body, '$.createdFrom'));
CREATE INDEX record_entity_id ON record (type, json_extract(body, '$.entityId'));
CREATE INDEX record_item_id ON record (type, json_extract(body, '$.itemId'));
CREATE TABLE deleted (type TEXT NOT NULL, id INTEGER NOT NULL, external_id TEXT, at TEXT NOT NULL);
CREATE TABLE sequence (name TEXT PRIMARY KEY, last INTEGER NOT NULL);
CREATE TABLE seeded_sequence (name TEXT PRIMARY KEY, seeded INTEGER NOT NULL);
"""

_LABEL = (
    "SELECT json_extract(entry.value, '$.label') FROM record, json_each(body, '$.addressBook') entry "
    "WHERE record.type = 'customer' AND json_extract(entry.value, '$.id') = CAST(? AS INTEGER)"
)

# Amounts as JSON numbers, so that SQLite's JSON functions compute with them.
_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder = msgspec.json.Decoder(dict[str, Any])


class Records:
    """Reads and writes documents on one connection; the caller holds the transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def get(self, kind: str, key: object) -> Document | None:
        """The record with this internal id."""
        found = self.connection.execute(
            "SELECT body FROM record WHERE type = ? AND id = ?", (kind, _whole(key))
        ).fetchone()
        return _decoder.decode(found[0]) if found else None

    def by_external_id(self, kind: str, external_id: str) -> Document | None:
        """The record with this external id."""
        found = self.connection.execute(
            "SELECT body FROM record WHERE type = ? AND external_id = ?", (kind, external_id)
        ).fetchone()
        return _decoder.decode(found[0]) if found else None

    def transaction(self, key: object) -> tuple[RecordType, Document] | None:
        """A transaction by internal id, whatever its type."""
        found = self.connection.execute("SELECT type, body FROM record WHERE id = ?", (_whole(key),)).fetchall()
        for row in found:
            record_type = RECORD_TYPES[row[0]]
            if record_type.numbers == "transaction":
                return record_type, _decoder.decode(row[1])
        return None

    def every(self, kind: str) -> Iterator[Document]:
        """All records of a type, by id."""
        for row in self.connection.execute("SELECT body FROM record WHERE type = ? ORDER BY id", (kind,)).fetchall():
            yield _decoder.decode(row[0])

    def named(self, kind: str, field: str, value: str) -> Document | None:
        """The first record whose field has this value."""
        found = self.connection.execute(
            f"SELECT body FROM record WHERE type = ? AND json_extract(body, '$.{field}') = ? ORDER BY id",  # noqa: S608 - a field of the schema
            (kind, value),
        ).fetchone()
        return _decoder.decode(found[0]) if found else None

    def following(self, kind: str, created_from: str) -> list[Document]:
        """The transactions of a type that were made from another one."""
        rows = self.connection.execute(
            "SELECT body FROM record WHERE type = ? AND json_extract(body, '$.createdFrom') = ? ORDER BY id",
            (kind, created_from),
        ).fetchall()
        return [_decoder.decode(row[0]) for row in rows]

    def put(self, kind: str, document: Document) -> None:
        """Keep a record, new or changed.

        Raises:
            sqlite3.IntegrityError: another record of the type has its external id.
        """
        self.connection.execute(
            "INSERT INTO record VALUES (?1, ?2, ?3, ?4) "
            "ON CONFLICT (type, id) DO UPDATE SET external_id = ?3, body = ?4",
            (kind, int(document["id"]), document.get("externalId") or None, _encoder.encode(document).decode()),
        )

    def deleted(self, kinds: Collection[str], compared: str, at: str) -> list[tuple[str, str, str | None, str]]:
        """Type, id, external id and time of what was deleted on one side of a time, oldest first."""
        marks = ", ".join("?" * len(kinds))
        rows = self.connection.execute(
            f"SELECT type, id, external_id, at FROM deleted WHERE type IN ({marks}) AND at {compared} ? ORDER BY rowid",  # noqa: S608 - marks and an operator of ours
            (*kinds, at),
        ).fetchall()
        return [(str(row[0]), str(row[1]), row[2], str(row[3])) for row in rows]

    def delete(self, kind: str, key: str, at: str) -> None:
        """Forget a record, but not that it was there."""
        self.connection.execute(
            "INSERT INTO deleted SELECT type, id, external_id, ? FROM record WHERE type = ? AND id = ?",
            (at, kind, _whole(key)),
        )
        self.connection.execute("DELETE FROM record WHERE type = ? AND id = ?", (kind, _whole(key)))

    def next_id(self, name: str) -> str:
        """The next number of a sequence, from 1."""
        found = self.connection.execute(
            "INSERT INTO sequence VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET last = last + 1 RETURNING last",
            (name,),
        ).fetchone()
        return str(found[0])

    def shown(self, target: str, key: str) -> str:
        """What people read in place of an id; empty when there is no such record."""
        if target == "transaction":
            found = self.transaction(key)
            return f"{found[0].title} #{found[1].get('tranId', '')}" if found else ""
        if target == ADDRESS_ENTRY:
            found = self.connection.execute(_LABEL, (key,)).fetchone()
            return str(found[0]) if found else ""
        document = self.get(target, key)
        return display(RECORD_TYPES[target], document) if document else ""


def display(record_type: RecordType, document: Document) -> str:
    """What people read of a record: entities by number and name, all else by name."""
    if record_type.name == "customer":
        return f"{document.get('entityId', '')} {document.get('companyName', '')}".strip()
    return str(document.get(record_type.shown, ""))


def amount(document: Document, field: str) -> Decimal:
    """A number of a document; 0 when it is not there."""
    value = document.get(field)
    return Decimal(str(value)) if value is not None else Decimal(0)


def lines_of(document: Document, field: str = "item") -> list[Document]:
    """The lines of a sublist; none when it is not there."""
    lines: list[Document] | None = document.get(field)
    return lines or []


def _whole(key: object) -> int:
    """An internal id as SQLite keeps it; what is none becomes -1, which no record has."""
    text = str(key)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 15 else -1  # noqa: PLR2004 - within 64 bits
