"""The objects a sandbox account holds, as JSON documents in SQLite."""

import sqlite3
from pathlib import Path
from typing import Any

import msgspec

from sandboxes.easypost.refusals import not_found
from sandboxes.kit import State

_SCHEMA = """
CREATE TABLE record (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    reference TEXT,
    tracking_code TEXT,
    carrier TEXT,
    purchased INTEGER NOT NULL DEFAULT 0,
    created REAL NOT NULL,
    days INTEGER NOT NULL DEFAULT 0,
    document TEXT NOT NULL
);
CREATE INDEX record_by_reference ON record (kind, reference) WHERE reference IS NOT NULL;
CREATE INDEX record_by_tracking_code ON record (tracking_code) WHERE tracking_code IS NOT NULL;
"""

_CURSORS = {
    "before_id": "seq < (SELECT seq FROM record WHERE id = ?)",
    "after_id": "seq > (SELECT seq FROM record WHERE id = ?)",
}


class Record(msgspec.Struct, frozen=True):
    """One stored object; `created` in seconds, `days` a tracker's journey."""

    document: dict[str, Any]
    created: float
    days: int


class Records:
    """Everything the account holds."""

    def __init__(self, path: Path | None) -> None:
        self.state = State(path, _SCHEMA, _nothing)

    def add(
        self,
        kind: str,
        document: dict[str, Any],
        created: float,
        *,
        tracking_code: str | None = None,
        carrier: str | None = None,
        days: int = 0,
    ) -> None:
        """Keep a new object."""
        row = (document["id"], kind, document.get("reference"), tracking_code, carrier, created, days)
        self.state.connection.execute(
            "INSERT INTO record (id, kind, reference, tracking_code, carrier, created, days, document)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (*row, msgspec.json.encode(document).decode()),
        )

    def change(self, document: dict[str, Any], *, purchased: bool) -> None:
        """Keep the new form of an object."""
        self.state.connection.execute(
            "UPDATE record SET document = ?, purchased = ? WHERE id = ?",
            (msgspec.json.encode(document).decode(), purchased, document["id"]),
        )

    def remove(self, key: str) -> None:
        """Forget an object."""
        self.state.connection.execute("DELETE FROM record WHERE id = ?", (key,))

    def get(self, kind: str, key: str) -> Record:
        """The object with this id, else the newest with this reference; raises the refusal NOT_FOUND."""
        return _record(
            self._one("kind = ? AND id = ?", kind, key) or self._one("kind = ? AND reference = ?", kind, key)
        )

    def tracked(self, code: str, carrier: str | None) -> Record | None:
        """The newest tracker of this code, of this carrier when it is given."""
        row = self._one("kind = 'tracker' AND tracking_code = ? AND carrier = ifnull(?, carrier)", code, carrier)
        return _record(row) if row else None

    def page(self, kind: str, query: dict[str, str], *, purchased_only: bool = False) -> tuple[list[Record], bool]:
        """Newest first, with whether there are more (docs.easypost.com/docs/pagination).

        `before_id`, `after_id`, `page_size` (20, at most 100), `tracking_code` and `carrier` are read from the
        query.
        """
        size = min(max(int(query.get("page_size", "20")), 1), 100)
        clauses, values = ["kind = ?"], [kind]
        for column in ("tracking_code", "carrier"):
            if column in query:
                clauses.append(f"{column} = ?")
                values.append(query[column])
        for name, clause in _CURSORS.items():
            if name in query:
                clauses.append(clause)
                values.append(query[name])
        if purchased_only:
            clauses.append("purchased")
        order = "ASC" if "after_id" in query else "DESC"  # after_id takes the nearest, then turns them round
        # The clauses are written above; what the caller sent is bound.
        selection = f"SELECT * FROM record WHERE {' AND '.join(clauses)}"  # noqa: S608
        ordered = f"{selection} ORDER BY seq {order} LIMIT {size + 1}"
        rows = self.state.connection.execute(ordered, values).fetchall()
        chosen = rows[:size][::-1] if order == "ASC" else rows[:size]
        return [_record(row) for row in chosen], len(rows) > size

    def _one(self, where: str, *values: str | None) -> sqlite3.Row | None:
        query = f"SELECT * FROM record WHERE {where} ORDER BY seq DESC LIMIT 1"  # noqa: S608 - `where` is ours
        return self.state.connection.execute(query, values).fetchone()


def _record(row: sqlite3.Row | None) -> Record:
    if row is None:
        raise not_found()
    return Record(msgspec.json.decode(row["document"]), row["created"], row["days"])


def _nothing(_: sqlite3.Connection) -> None:
    """A new account holds nothing."""
