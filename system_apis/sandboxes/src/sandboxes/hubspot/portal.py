"""The objects of a portal: contacts and notes, their properties and what they are associated with."""

import re
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from sandboxes.company import company
from sandboxes.hubspot.refusals import duplicate, invalid, invalid_property, not_found
from sandboxes.kit import Clock, State

NOTE_REFERENCE = "triptych_reference"
"""A text property of notes that this portal's administrator made."""

_SCHEMA = """
CREATE TABLE object (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    type TEXT NOT NULL,
    email TEXT UNIQUE,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    written REAL NOT NULL,
    properties TEXT NOT NULL
);
CREATE TABLE association (
    contact INTEGER NOT NULL REFERENCES object (id) ON DELETE CASCADE,
    note INTEGER NOT NULL REFERENCES object (id) ON DELETE CASCADE,
    PRIMARY KEY (contact, note)
);
CREATE TABLE property (type TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (type, name));
"""
_FIRST_ID = 51_000
_BUILT_IN = {
    "contacts": ("email", "firstname", "lastname", "phone", "company", "jobtitle", "website", "lifecyclestage"),
    "notes": ("hs_timestamp", "hs_note_body", "hubspot_owner_id", "hs_attachment_ids"),
}
_STAMPS = {"contacts": ("createdate", "lastmodifieddate"), "notes": ("hs_createdate", "hs_lastmodifieddate")}
_SHOWN = {"contacts": ("firstname", "lastname", "email"), "notes": ()}
_EMAIL = re.compile(r"[^\s@\"(),:;<>\[\]]+@[^\s@.]+(\.[^\s@.]+)+")
_LONGEST_NOTE = 65_536
_LONGEST_TEXT = 65_536


class Portal:
    """Everything the portal holds; `now` is when a change happened."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._clock = clock
        self.state = State(path, _SCHEMA, self._seed)

    def create(self, type_: str, properties: Mapping[str, Any], contacts: Iterable[str] = ()) -> dict[str, Any]:
        """A new object, associated with these contacts."""
        kept = self._valid(type_, {}, properties)
        if type_ == "notes" and "hs_timestamp" not in kept:
            raise invalid_property("hs_timestamp", "REQUIRED_FIELD", "hs_timestamp is required")
        if (email := kept.get("email")) and (row := self._by_email(email)):
            raise duplicate(str(row["id"]))
        linked = [self._row("contacts", contact, "hs_object_id")["id"] for contact in contacts]
        now, connection = self._now(), self.state.connection
        key = connection.execute(
            "INSERT INTO object (type, email, created, updated, written, properties) VALUES (?, ?, ?, ?, ?, ?)",
            (type_, kept.get("email"), now, now, self._clock.timestamp(), _encoded(kept)),
        ).lastrowid
        connection.executemany(
            "INSERT OR IGNORE INTO association VALUES (?, ?)", [(contact, key) for contact in linked]
        )
        return self.shown(self._row(type_, str(key), "hs_object_id"), properties)

    def update(self, type_: str, key: str, id_property: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """The object with these properties changed; an empty value clears one."""
        row = self._row(type_, key, id_property)
        kept = self._valid(type_, msgspec.json.decode(row["properties"]), properties)
        email = kept.get("email")
        if email and (other := self._by_email(email)) and other["id"] != row["id"]:
            raise duplicate(str(other["id"]))
        self.state.connection.execute(
            "UPDATE object SET email = ?, updated = ?, written = ?, properties = ? WHERE id = ?",
            (email, self._now(), self._clock.timestamp(), _encoded(kept), row["id"]),
        )
        return self.shown(self._row(type_, str(row["id"]), "hs_object_id"), properties)

    def upsert(self, key: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """The contact of this address, changed or new; `new` says which."""
        if self._by_email(key):
            return {**self.update("contacts", key, "email", properties), "new": False}
        return {**self.create("contacts", {"email": key, **properties}), "new": True}

    def get(self, type_: str, key: str, id_property: str, wanted: Iterable[str]) -> dict[str, Any]:
        """One object."""
        return self.shown(self._row(type_, key, id_property), wanted)

    def delete(self, type_: str, key: str) -> None:
        """Take an object away; one that is not there is no error (204 either way)."""
        if key.isdecimal():
            self.state.connection.execute("DELETE FROM object WHERE type = ? AND id = ?", (type_, int(key)))

    def rows(self, type_: str, *, written_until: float | None = None) -> list[sqlite3.Row]:
        """Every object of a type by id; as the index knows them, those written until a moment."""
        until = float("inf") if written_until is None else written_until
        return self.state.connection.execute(
            "SELECT * FROM object WHERE type = ? AND written <= ? ORDER BY id", (type_, until)
        ).fetchall()

    def associated(self, from_type: str, key: str) -> list[int]:
        """The notes of a contact, or the contacts of a note."""
        row = self._row(from_type, key, "hs_object_id")
        here, there = ("contact", "note") if from_type == "contacts" else ("note", "contact")
        rows = self.state.connection.execute(
            f"SELECT {there} FROM association WHERE {here} = ? ORDER BY {there}",  # noqa: S608 - one of two names
            (row["id"],),
        )
        return [found[0] for found in rows]

    def add_property(self, type_: str, name: str) -> None:
        """A custom property."""
        self.state.connection.execute("INSERT OR IGNORE INTO property VALUES (?, ?)", (type_, name))

    def shown(self, row: sqlite3.Row, wanted: Iterable[str]) -> dict[str, Any]:
        """An object as the API shows it: with the wanted properties and those that always come."""
        type_, held = row["type"], self.properties(row)
        names = dict.fromkeys((*_SHOWN[type_], *wanted, *_STAMPS[type_], "hs_object_id"))
        known = {name for (name,) in self._names(type_)} | {*_STAMPS[type_], "hs_object_id"}
        return {
            "id": str(row["id"]),
            "properties": {name: held.get(name) for name in names if name in known},
            "createdAt": row["created"],
            "updatedAt": row["updated"],
            "archived": False,
        }

    def properties(self, row: sqlite3.Row) -> dict[str, Any]:
        """Every property of an object."""
        created, updated = _STAMPS[row["type"]]
        held: dict[str, Any] = msgspec.json.decode(row["properties"])
        return held | {created: row["created"], updated: row["updated"], "hs_object_id": str(row["id"])}

    def _row(self, type_: str, key: str, id_property: str) -> sqlite3.Row:
        if id_property == "email" and type_ == "contacts":
            row = self._by_email(key)
        elif id_property != "hs_object_id":
            raise invalid(f"{id_property} is not a unique property of {type_}")
        else:
            number = int(key) if key.isascii() and key.isdecimal() and len(key) < 18 else -1  # noqa: PLR2004 - 64 bits
            row = self.state.connection.execute(
                "SELECT * FROM object WHERE type = ? AND id = ?", (type_, number)
            ).fetchone()
        if row is None:
            raise not_found()
        return row

    def _by_email(self, email: str) -> sqlite3.Row | None:
        return self.state.connection.execute("SELECT * FROM object WHERE email = ?", (email.lower(),)).fetchone()

    def _names(self, type_: str) -> list[tuple[str]]:
        custom = self.state.connection.execute("SELECT name FROM property WHERE type = ?", (type_,)).fetchall()
        return [*((name,) for name in _BUILT_IN[type_]), *((row["name"],) for row in custom)]

    def _valid(self, type_: str, held: Mapping[str, str], given: Mapping[str, Any]) -> dict[str, str]:
        known = {name for (name,) in self._names(type_)}
        result = dict(held)
        for name, value in given.items():
            if name not in known:
                raise invalid_property(name, "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist')
            text = _text(name, value)
            if text:
                result[name] = text
            else:
                result.pop(name, None)
        return result

    def _now(self) -> str:
        return iso(self._clock.now())

    def _seed(self, connection: sqlite3.Connection) -> None:
        now, at = self._now(), self._clock.timestamp() - 3600  # long indexed
        people = [(person, customer) for customer in company().customers for person in customer.contacts]
        connection.execute("INSERT INTO property VALUES ('notes', ?)", (NOTE_REFERENCE,))
        connection.executemany(
            "INSERT INTO object (id, type, email, created, updated, written, properties)"
            " VALUES (?, 'contacts', ?, ?, ?, ?, ?)",
            [
                (_FIRST_ID + person.number, person.email.lower(), now, now, at, _encoded(_person(person, customer)))
                for person, customer in people
            ],
        )


def _person(person: Any, customer: Any) -> dict[str, str]:
    return {
        "email": person.email.lower(),
        "firstname": person.first_name,
        "lastname": person.last_name,
        "phone": person.phone,
        "company": customer.name,
        "jobtitle": person.title,
    }


def iso(moment: datetime) -> str:
    """A moment as HubSpot writes it: UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _encoded(properties: Mapping[str, str]) -> str:
    return msgspec.json.encode(properties).decode()


def _text(name: str, value: Any) -> str:
    text = "" if value is None else str(value)
    if not text:
        return ""
    if name == "email":
        if not _EMAIL.fullmatch(text):
            raise invalid_property("email", "INVALID_EMAIL", f"Email address {text} is invalid")
        return text.lower()
    if name == "hs_timestamp":
        return _moment(text)
    longest = _LONGEST_NOTE if name == "hs_note_body" else _LONGEST_TEXT
    if len(text) > longest:
        raise invalid_property(name, "VALUE_TOO_LONG", f"{name} is longer than {longest} characters")
    return text


def _moment(text: str) -> str:
    """ISO 8601 or milliseconds since the epoch."""
    try:
        moment = datetime.fromtimestamp(int(text) / 1000, UTC) if text.isdecimal() else datetime.fromisoformat(text)
        return iso(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError, OSError):
        raise invalid_property("hs_timestamp", "INVALID_DATE", f"{text} was not a valid long.") from None
