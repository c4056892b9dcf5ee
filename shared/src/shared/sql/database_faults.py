"""What a database's exceptions mean to callers. Their texts stay out: they may quote values."""

import sqlite3

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, Problem

_RETRY_SECONDS = 1.0
# SQLITE_BUSY, LOCKED, NOMEM, READONLY, IOERR, FULL, CANTOPEN (sqlite.org/rescode.html): the low byte of each.
_AWAY_SQLITE = frozenset({5, 6, 7, 8, 10, 13, 14})
# Connection, rollback, resources, not in prerequisite state, operator, system
# (PostgreSQL Appendix A); a database that is down, full, restarting or standing by says one of these.
_AWAY_SQLSTATE = ("08", "40", "53", "55", "57", "58")
_CREDENTIALS_SQLSTATE = "28"
_REPEATABLE_SQLSTATE = frozenset({"40001", "40P01"})  # serialization failure, deadlock: the transaction never was


def is_repeatable(fault: Exception) -> bool:
    """Whether the database undid the transaction only because of others, so that it can be run again at once."""
    return getattr(fault, "sqlstate", None) in _REPEATABLE_SQLSTATE


def problem_of_fault(fault: Exception, backend: str) -> Problem | None:
    """What a driver's exception means; None if it is not the database's. Its text stays out: it may quote values."""
    if isinstance(fault, msgspec.ValidationError):
        return BackendFault(f"The database of {backend} holds a row that cannot be; have its tables checked.")
    sqlstate: str | None = getattr(fault, "sqlstate", None)
    if isinstance(fault, OSError) or (sqlstate or "").startswith(_AWAY_SQLSTATE) or _sqlite_code(fault) in _AWAY_SQLITE:
        return BackendUnavailable(f"The database of {backend} cannot serve now.", retry_after=_RETRY_SECONDS)
    if (sqlstate or "").startswith(_CREDENTIALS_SQLSTATE):
        return BackendFault(f"The database of {backend} does not accept our credentials.")
    if sqlstate or isinstance(fault, sqlite3.Error):
        return BackendFault(f"The database of {backend} refused a statement; have its schema checked.")
    return None


def _sqlite_code(fault: Exception) -> int:
    return getattr(fault, "sqlite_errorcode", 0) & 0xFF if isinstance(fault, sqlite3.Error) else 0
