"""What happens in a database, as generators that yield statements and are sent their rows.

A transaction written so knows no driver: SQLite plays it on a thread, PostgreSQL on a connection. The SQL is
PostgreSQL's; the SQLite driver rewrites `$1`, `now()` and `FOR UPDATE`, which is all they may differ in.
"""

from collections.abc import Generator, Sequence
from typing import Any, NamedTuple, TypeVar

_T = TypeVar("_T")


class Statement(NamedTuple):
    """One statement with the values of `$1`, `$2`, …; moments are aware datetimes."""

    sql: str
    values: tuple[Any, ...] = ()


Rows = Sequence[Sequence[Any]]
Transaction = Generator[Statement, Rows, _T]
"""Returns the outcome; an exception out of it undoes everything."""
