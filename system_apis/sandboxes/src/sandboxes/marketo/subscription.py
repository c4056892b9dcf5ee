"""The people of a subscription and what was recorded of them."""

import re
import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from sandboxes.company import company
from sandboxes.kit import Clock, State
from sandboxes.marketo.refusals import Refusal, blank, invalid

ACTIVITY_TYPE = 100_001
"""Number of the custom activity type that this subscription's administrator made and approved."""

PRIMARY, FURTHER = {"apiName": "reference", "name": "Reference"}, {"text": "Text"}
_SCHEMA = """
CREATE TABLE lead (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL COLLATE NOCASE,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    fields TEXT NOT NULL
);
CREATE INDEX lead_email ON lead (email);
CREATE TABLE activity (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    lead INTEGER NOT NULL,
    at TEXT NOT NULL,
    type INTEGER NOT NULL,
    primary_value TEXT NOT NULL,
    attributes TEXT NOT NULL
);
"""
_FIRST_ID = 310_000
FIELDS = {
    "email": ("Email Address", "email", 255),
    "firstName": ("First Name", "string", 255),
    "lastName": ("Last Name", "string", 255),
    "phone": ("Phone Number", "phone", 255),
    "title": ("Job Title", "string", 255),
    "company": ("Company Name", "string", 255),
    "website": ("Website", "url", 255),
    "postalCode": ("Postal Code", "string", 255),
}
"""API name to label, type and length."""

_USUAL = ("id", "email", "updatedAt", "createdAt", "firstName", "lastName")
_EMAIL = re.compile(r"[!-+\--?A-~]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")  # ASCII without commas and @


class Subscription:
    """Everything it holds; changes happen at the clock's time."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._clock = clock
        self.state = State(path, _SCHEMA, self._seed)

    def leads(self, column: str, values: Iterable[str | int]) -> list[sqlite3.Row]:
        """Those whose id or e-mail address is one of these, by id."""
        rows: list[sqlite3.Row] = []
        for value in values:
            rows += self.state.connection.execute(f"SELECT * FROM lead WHERE {column} = ?", (value,))  # noqa: S608 - one of two names
        return sorted({row["id"]: row for row in rows}.values(), key=lambda row: row["id"])

    def create(self, given: Mapping[str, Any]) -> int:
        """A new person."""
        email = str(given.get("email") or "")
        if not _EMAIL.fullmatch(email):
            raise Refusal(1003, f"Value for 'email' is invalid: {email}")
        now = self._now()
        row = self.state.connection.execute(
            "INSERT INTO lead (email, created, updated, fields) VALUES (?, ?, ?, ?)",
            (email, now, now, _encoded(_checked({}, given))),
        )
        return row.lastrowid or 0

    def update(self, row: sqlite3.Row, given: Mapping[str, Any]) -> int:
        """A person with these fields changed; null clears one."""
        fields = _encoded(_checked(msgspec.json.decode(row["fields"]), given))
        self.state.connection.execute(
            "UPDATE lead SET updated = ?, fields = ? WHERE id = ?", (self._now(), fields, row["id"])
        )
        return row["id"]

    def delete(self, key: int) -> bool:
        """Take a person away; False if there is nobody."""
        return bool(self.state.connection.execute("DELETE FROM lead WHERE id = ?", (key,)).rowcount)

    def shown(self, row: sqlite3.Row, names: Iterable[str] = _USUAL) -> dict[str, Any]:
        """A person as the API shows them."""
        held: dict[str, Any] = {
            **msgspec.json.decode(row["fields"]),
            "id": row["id"], "email": row["email"], "createdAt": row["created"], "updatedAt": row["updated"],
        }  # fmt: skip
        for name in (names := list(names)):
            if name not in held and name not in FIELDS:
                raise Refusal(1006, f"Field '{name}' not found")
        return {name: held.get(name) for name in dict.fromkeys(["id", *names])}

    def add(self, given: Mapping[str, Any]) -> int:
        """One more activity of the custom type."""
        for name in ("leadId", "activityDate", "activityTypeId", "primaryAttributeValue", "attributes"):
            if given.get(name) is None:
                raise blank(name)
        if not isinstance(given["leadId"], int):
            raise invalid("leadId", "integer")
        if not self.leads("id", [given["leadId"]]):
            raise Refusal(1004, "Lead not found")
        if given["activityTypeId"] != ACTIVITY_TYPE:
            raise Refusal(1003, f"Activity type {given['activityTypeId']} is not an approved custom activity")
        attributes = [_attribute(each) for each in given["attributes"]]
        row = self.state.connection.execute(
            "INSERT INTO activity (lead, at, type, primary_value, attributes) VALUES (?, ?, ?, ?, ?)",
            (given["leadId"], moment(given["activityDate"]), ACTIVITY_TYPE, str(given["primaryAttributeValue"])[:255],
             msgspec.json.encode(attributes).decode()),
        )  # fmt: skip
        return row.lastrowid or 0

    def activities(self, since: str, after: int, types: list[int], leads: list[int], most: int) -> list[sqlite3.Row]:
        """Those that happened later than a moment, behind a place, in the order in which they were recorded."""
        rows = self.state.connection.execute(
            "SELECT * FROM activity WHERE at >= ? AND id > ? ORDER BY id", (since, after)
        )
        wanted = (row for row in rows if row["type"] in types and (not leads or row["lead"] in leads))
        return [row for _, row in zip(range(most), wanted, strict=False)]

    def ledger(self) -> dict[str, object]:
        """All people and activities."""
        leads = self.state.connection.execute("SELECT * FROM lead ORDER BY id")
        activities = self.state.connection.execute("SELECT * FROM activity ORDER BY id")
        return {
            "leads": [self.shown(row, ["email", *FIELDS]) for row in leads],
            "activities": [shown_activity(row) for row in activities],
        }

    def _now(self) -> str:
        return _iso(self._clock.now())

    def _seed(self, connection: sqlite3.Connection) -> None:
        now = self._now()
        people = [(person, customer) for customer in company().customers for person in customer.contacts]
        connection.executemany(
            "INSERT INTO lead (id, email, created, updated, fields) VALUES (?, ?, ?, ?, ?)",
            [
                (_FIRST_ID + person.number, person.email, now, now, _encoded({
                    "firstName": person.first_name, "lastName": person.last_name, "phone": person.phone,
                    "title": person.title, "company": customer.name,
                }))
                for person, customer in people
            ],
        )  # fmt: skip


def shown_activity(row: sqlite3.Row) -> dict[str, Any]:
    """An activity as the API shows it."""
    return {
        "id": row["id"], "marketoGUID": str(row["id"]), "leadId": row["lead"], "activityDate": row["at"],
        "activityTypeId": row["type"], "primaryAttributeValue": row["primary_value"],
        "attributes": msgspec.json.decode(row["attributes"]),
    }  # fmt: skip


def moment(text: object) -> str:
    """An ISO 8601 moment as it is kept: UTC to the second."""
    try:
        at = datetime.fromisoformat(str(text))
        return _iso(at if at.tzinfo else at.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        raise Refusal(704, "Invalid date format") from None


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _encoded(fields: Mapping[str, Any]) -> str:
    return msgspec.json.encode({name: value for name, value in fields.items() if value is not None}).decode()


def _checked(held: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    for name, value in given.items():
        if name not in FIELDS:
            raise Refusal(1006, f"Field '{name}' not found")
        longest = FIELDS[name][2]
        if value is not None and len(str(value)) > longest:
            raise Refusal(1003, f"Value for '{name}' is longer than {longest}")
    changed = {name: value for name, value in given.items() if name != "email"}
    return {**held, **{name: value or None for name, value in changed.items()}}


def _attribute(given: Mapping[str, Any]) -> dict[str, Any]:
    """An attribute under its display name, however it was named."""
    names = {**FURTHER, **{name: name for name in FURTHER.values()}}
    name = names.get(str(given.get("apiName") or given.get("name")))
    if name is None:
        raise Refusal(1006, f"Field '{given.get('apiName') or given.get('name')}' not found")
    return {"name": name, "value": given.get("value")}
