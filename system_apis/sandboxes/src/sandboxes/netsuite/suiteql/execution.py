"""Runs a query: nothing but reading of the views, no longer than a while, a page at a time."""

import re
import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sandboxes.netsuite.refusals import Refusal, invalid_parameter
from sandboxes.netsuite.suiteql.dialect import NotSuiteql, translate
from sandboxes.netsuite.suiteql.functions import ALLOWED, register, shown
from sandboxes.netsuite.suiteql.views import VIEWS, create_views

MOST_ROWS = 100_000
_STEPS = 50_000_000  # of SQLite's machine, about ten seconds
_READS = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE})
_NAMED = re.compile(r"(?<![\w.])((?!sqlite_|pragma_|json_)\w+)\s*(?:\([^()]*\)\s*)?AS\s*\(", re.IGNORECASE)
_NAME = re.compile(r"[A-Za-z_][\w$#]*")


class Suiteql:
    """Queries over the account's records.

    Args:
        connection: Where the records are.
        now: The time of SYSDATE.
    """

    def __init__(self, connection: sqlite3.Connection, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._tables = {str(row[0]).lower() for row in connection.execute("SELECT name FROM sqlite_master")}
        register(connection, now)
        create_views(connection)

    def page(self, query: str, limit: int, offset: int) -> tuple[list[dict[str, Any]], int]:
        """Rows of a page, keys in lower case, values as text, nulls left out; and how many rows there are in all.

        Raises:
            Refusal: INVALID_PARAMETER, the query cannot be read or asks for what is not there.
        """
        steps = 0

        def tick() -> int:
            nonlocal steps
            steps += 1
            return int(steps > _STEPS // 100_000)

        try:
            sql = translate(query)
            self._connection.set_authorizer(_Authorizer(query, self._tables).decide)
            self._connection.set_progress_handler(tick, 100_000)
            total = self._connection.execute(f"SELECT count(*) FROM (SELECT 1 FROM ({sql}) LIMIT {MOST_ROWS})")  # noqa: S608 - the authorizer lets nothing through but reading
            count = int(total.fetchone()[0])
            cursor = self._connection.execute(f"SELECT * FROM ({sql}) LIMIT ? OFFSET ?", (limit, offset))  # noqa: S608 - as above
            return [_row(cursor.description, row) for row in cursor.fetchall()], count
        except (NotSuiteql, sqlite3.Error, sqlite3.Warning) as wrong:
            raise _refused(str(wrong), query) from None
        finally:
            self._connection.set_authorizer(None)
            self._connection.set_progress_handler(None, 0)


class _Authorizer:
    """What a query may do: read views and what it names itself, and call the functions that SuiteQL has.

    Views may do as they like.
    """

    def __init__(self, query: str, tables: set[str]) -> None:
        named = {name.lower() for name in _NAMED.findall(query)}
        self._known = (named - tables) | VIEWS.keys() | {""}

    def decide(self, action: int, one: str | None, two: str | None, _: str | None, view: str | None) -> int:
        """SQLite's question, while it compiles the query."""
        if action in _READS or view is not None:
            return sqlite3.SQLITE_OK
        if action == sqlite3.SQLITE_READ:
            # Of the views' json_each SQLite asks without saying that a view wants it; no column is read by that.
            known = one is not None and (one.lower() in self._known or (one == "json_each" and two == ""))
            return sqlite3.SQLITE_OK if known else sqlite3.SQLITE_DENY
        if action == sqlite3.SQLITE_FUNCTION:
            return sqlite3.SQLITE_OK if (two or "").lower() in ALLOWED else sqlite3.SQLITE_DENY
        return sqlite3.SQLITE_DENY


def _row(description: Any, row: sqlite3.Row) -> dict[str, Any]:
    taken: dict[str, Any] = {"links": []}
    for place, (column, value) in enumerate(zip(description, row, strict=True), 1):
        name = str(column[0])
        if name.endswith("__df"):
            name = name.removesuffix("__df")
            if name in taken or any(str(one[0]) == name for one in description):
                continue
        key = name.lower() if _NAME.fullmatch(name) else f"expr{place}"
        if value is not None:
            taken[key] = shown(value)
    return taken


def _refused(why: str, query: str) -> Refusal:
    if match := re.fullmatch(r"no such column: (?:\w+\.)?(\w+)", why):
        why = f"Field '{match[1]}' was not found. Reason: REMOVED - Field is removed"
    elif match := re.fullmatch(r"no such table: (?:main\.)?(\w+)", why) or re.search(r"access to (\w+)\.", why):
        why = f"Record '{match[1]}' was not found."
    return invalid_parameter(
        "q",
        "Invalid search query. Detailed unprocessed description follows. "
        f"Search error occurred: {why} in: {query[:200]}",
    )
