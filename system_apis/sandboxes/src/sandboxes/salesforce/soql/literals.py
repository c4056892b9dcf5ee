"""Reads SOQL literals, and turns relative dates into moments on the org's clock."""

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta

from sandboxes.salesforce.schema.values import stored_moment
from sandboxes.salesforce.soql.syntax import Boolean, Day, Literal_, Moment, Null, Number, Span, Text
from sandboxes.salesforce.soql.tokens import Token

_ESCAPE = re.compile(r"\\(u[0-9A-Fa-f]{4}|.)", re.DOTALL)
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)
_LONGEST_INTEGER = 18  # digits that surely fit in 64 bits; longer numbers become floats

_PLAIN_SPANS = {"TODAY": ("DAY", 0), "YESTERDAY": ("DAY", -1), "TOMORROW": ("DAY", 1)}
_UNITS = ("WEEK", "MONTH", "QUARTER", "YEAR", "FISCAL_QUARTER", "FISCAL_YEAR")
_NAMED = re.compile(rf"(LAST|THIS|NEXT)_({'|'.join(_UNITS)})")
_NINETY = re.compile(r"(LAST|NEXT)_90_DAYS")
_COUNTED = re.compile(
    r"(?:(LAST|NEXT)_N_(DAYS|WEEKS|MONTHS|QUARTERS|YEARS|FISCAL_QUARTERS|FISCAL_YEARS)"
    r"|N_(DAYS|WEEKS|MONTHS|QUARTERS|YEARS|FISCAL_QUARTERS|FISCAL_YEARS)_AGO):(\d{1,4})"
)


def read_literal(token: Token) -> Literal_ | None:
    """The literal this token spells, or None if it spells none."""
    match token.kind:
        case "string":
            return _text(token.text[1:-1])
        case "number":
            return Number(_number(token.text))
        case "money":
            return Number(_number(token.text[3:]))
        case "date":
            return _date(token.text)
        case "datetime":
            return _datetime(token.text)
        case "span":
            return Span(token.upper, 0) if _COUNTED.fullmatch(token.upper) else None
        case "name":
            return _word(token.upper)
        case _:
            return None


def _number(text: str) -> float | int:
    return int(text) if len(text) <= _LONGEST_INTEGER and text.lstrip("+-").isdigit() else float(text)


def _date(text: str) -> Day | None:
    try:
        date.fromisoformat(text)
    except ValueError:
        return None
    return Day(text)


def _datetime(text: str) -> Moment | None:
    try:
        return Moment(stored_moment(datetime.fromisoformat(text)))
    except ValueError:
        return None


def _word(upper: str) -> Literal_ | None:
    if upper == "NULL":
        return Null()
    if upper in ("TRUE", "FALSE"):
        return Boolean(upper == "TRUE")
    known = upper in _PLAIN_SPANS or _NAMED.fullmatch(upper) or _NINETY.fullmatch(upper)
    return Span(upper, 0) if known else None


def _text(raw: str) -> Text:
    if "\\" not in raw:
        return Text(raw, raw)
    return Text(_ESCAPE.sub(_unescaped, raw), _ESCAPE.sub(_in_pattern, raw))


def _unescaped(match: re.Match[str]) -> str:
    code = match[1]
    if len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPED.get(code, code)


def _in_pattern(match: re.Match[str]) -> str:
    """An escape inside a LIKE pattern: wildcards and the backslash stay escaped."""
    code = match[1]
    return match[0] if code in "%_\\" else _unescaped(match)


def span_bounds(span: Span, now: datetime) -> tuple[date, date]:
    """First day of the range and the day after its last, on the org's calendar (UTC, weeks from Sunday)."""
    today = now.date()
    if span.name in _PLAIN_SPANS:
        start = today + _DAY * _PLAIN_SPANS[span.name][1]
        return start, start + _DAY
    if named := _NAMED.fullmatch(span.name):
        step = {"LAST": -1, "THIS": 0, "NEXT": 1}[named[1]]
        return _period(named[2].removeprefix("FISCAL_"), today, step, step)
    counted = _COUNTED.fullmatch(span.name)
    if counted is None:
        direction = span.name.partition("_")[0]
        return _window(direction, 90, today)
    count = int(counted[4])
    if counted[3]:
        unit = counted[3].removeprefix("FISCAL_")[:-1]
        return _period(unit, today, -count, -count)
    unit = counted[2].removeprefix("FISCAL_")[:-1]
    if unit == "DAY":
        return _window(counted[1], count, today)
    return _period(unit, today, -count, -1) if counted[1] == "LAST" else _period(unit, today, 1, count)


def _window(direction: str, count: int, today: date) -> tuple[date, date]:
    """LAST n days includes today; NEXT n days starts tomorrow."""
    if direction == "LAST":
        return today - _DAY * count, today + _DAY
    return today + _DAY, today + _DAY * (count + 1)


def _period(unit: str, today: date, first: int, last: int) -> tuple[date, date]:
    step = _STEPS[unit]
    return step(today, first), step(today, last + 1)


def _day(today: date, steps: int) -> date:
    return today + _DAY * steps


def _week(today: date, steps: int) -> date:
    return today - _DAY * (today.isoweekday() % 7) + _WEEK * steps


def _month(today: date, steps: int) -> date:
    months = today.year * 12 + today.month - 1 + steps
    return date(months // 12, months % 12 + 1, 1)


def _quarter(today: date, steps: int) -> date:
    return _month(date(today.year, (today.month - 1) // 3 * 3 + 1, 1), steps * 3)


def _year(today: date, steps: int) -> date:
    return date(today.year + steps, 1, 1)


_STEPS: dict[str, Callable[[date, int], date]] = {
    "DAY": _day,
    "WEEK": _week,
    "MONTH": _month,
    "QUARTER": _quarter,
    "YEAR": _year,
}
