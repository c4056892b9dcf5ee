"""Oracle's functions that SQLite lacks, and dates.

A date is text that begins with a control character, then `YYYY-MM-DD HH:MM:SS`: it compares in order, and is told from
texts that look like dates.
"""

import calendar
import re
import sqlite3
from collections.abc import Callable
from datetime import datetime
from typing import Any

MARK = "\x01"
_FORMATS = {
    "YYYY": "%Y", "YY": "%y", "MM": "%m", "MON": "%b", "DD": "%d", "HH24": "%H", "HH12": "%I", "HH": "%I",
    "MI": "%M", "SS": "%S", "AM": "%p", "PM": "%p", "DAY": "%A",
}  # fmt: skip
_ELEMENT = re.compile("|".join(sorted(_FORMATS, key=len, reverse=True)), re.IGNORECASE)
ALLOWED = frozenset({
    "abs", "avg", "ceil", "coalesce", "count", "floor", "group_concat", "ifnull", "instr", "length", "like",
    "lower", "ltrim", "max", "min", "mod", "nullif", "power", "replace", "round", "row_number", "rtrim", "sign",
    "sqrt", "substr", "sum", "total", "trim", "upper", "lag", "lead", "rank", "dense_rank", "nvl", "nvl2",
    "decode", "to_char", "to_number", "to_date", "to_timestamp", "trunc", "add_months", "concat", "least",
    "greatest", "ns_now",
})  # fmt: skip
"""Functions that a query may name."""


def register(connection: sqlite3.Connection, now: Callable[[], datetime]) -> None:
    """Teach a connection the functions; `now` is SYSDATE."""
    for (name, count), function in _FUNCTIONS.items():
        connection.create_function(name, count, function, deterministic=True)
    connection.create_function("ns_now", 0, lambda: f"{MARK}{now():%Y-%m-%d %H:%M:%S}")


def shown(value: Any) -> str:
    """A value of a row as SuiteQL's answer spells it: everything is text, dates are in the account's format."""
    if isinstance(value, str) and value.startswith(MARK):
        moment = _moment(value)
        return f"{moment.month}/{moment.day}/{moment.year}"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def _date(text: str | None) -> str | None:
    """A date or moment as records keep it."""
    return None if text is None else f"{MARK}{text[:10]} {text[11:19] or '00:00:00'}"


def _moment(value: str) -> datetime:
    return datetime.fromisoformat(value.removeprefix(MARK))


def _python_format(form: str) -> str:
    return _ELEMENT.sub(lambda match: _FORMATS[match[0].upper()], form)


def _to_date(text: str | None, form: str = "MM/DD/YYYY") -> str | None:
    if text is None:
        return None
    moment = datetime.strptime(text, _python_format(form))  # noqa: DTZ007 - in the account's time zone
    return f"{MARK}{moment:%Y-%m-%d %H:%M:%S}"


def _to_char(value: Any, form: str = "MM/DD/YYYY") -> str | None:
    if value is None:
        return None
    if isinstance(value, str) and value.startswith(MARK):
        return _moment(value).strftime(_python_format(form))
    return shown(value)


def _trunc(value: Any, form: Any = "DD") -> Any:
    if not isinstance(value, str):
        return None if value is None else int(value)
    cut = {"MM": 7, "MONTH": 7, "YYYY": 4, "YEAR": 4}.get(str(form).upper(), 10)
    day = value.removeprefix(MARK)[:cut]
    return f"{MARK}{day}{'-01-01'[: 0 if cut == 10 else 3 if cut == 7 else 6]} 00:00:00"  # noqa: PLR2004 - day, month


def _add_months(value: str | None, months: int) -> str | None:
    if value is None:
        return None
    moment = _moment(value)
    year, month = divmod(moment.year * 12 + moment.month - 1 + int(months), 12)
    day = min(moment.day, calendar.monthrange(year, month + 1)[1])
    return f"{MARK}{moment.replace(year=year, month=month + 1, day=day):%Y-%m-%d %H:%M:%S}"


def _decode(value: Any, *branches: Any) -> Any:
    for at in range(0, len(branches) - 1, 2):
        if branches[at] == value:
            return branches[at + 1]
    return branches[-1] if len(branches) % 2 else None


def _nvl(value: Any, other: Any) -> Any:
    return other if value is None else value


def _nvl2(value: Any, there: Any, missing: Any) -> Any:
    return missing if value is None else there


def _to_number(value: Any) -> float | None:
    return None if value is None else float(value)


def _concat(one: Any, other: Any) -> str:
    return f"{one or ''}{other or ''}"


def _least(*values: Any) -> Any:
    return None if None in values else min(values)


def _greatest(*values: Any) -> Any:
    return None if None in values else max(values)


_FUNCTIONS: dict[tuple[str, int], Callable[..., Any]] = {
    ("ns_date", 1): _date,
    ("nvl", 2): _nvl,
    ("nvl2", 3): _nvl2,
    ("decode", -1): _decode,
    ("to_char", 1): _to_char,
    ("to_char", 2): _to_char,
    ("to_number", 1): _to_number,
    ("to_date", 1): _to_date,
    ("to_date", 2): _to_date,
    ("to_timestamp", 2): _to_date,
    ("trunc", 1): _trunc,
    ("trunc", 2): _trunc,
    ("add_months", 2): _add_months,
    ("concat", 2): _concat,
    ("least", -1): _least,
    ("greatest", -1): _greatest,
}
