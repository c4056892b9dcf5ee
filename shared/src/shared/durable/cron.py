"""Cron expressions in a time zone: minute, hour, day of month, month, day of week.

As in cron(5): lists, ranges, steps and names; when both days are restricted, either may match. A local time that a
clock change skips happens at the change; one that it repeats happens once, the first time.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_MONTHS = {name: number for number, name in enumerate(
    ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
)}  # fmt: skip
_DAYS = {name: number for number, name in enumerate(("sun", "mon", "tue", "wed", "thu", "fri", "sat"))}
_FIELDS = (
    ("minute", 0, 59, dict[str, int]()),
    ("hour", 0, 23, dict[str, int]()),
    ("day of month", 1, 31, dict[str, int]()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 7, _DAYS),
)
_PART = re.compile(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d+))?")
_HORIZON = timedelta(days=366 * 8)  # 29 February may be eight years away


class Cron:
    """A cron expression in a time zone.

    Args:
        expression: Five fields, `30 6 * * mon-fri`.
        zone: IANA name, `Europe/Berlin`.

    Raises:
        ValueError: Says which field or zone is wrong, or that the expression names no day that exists.
    """

    def __init__(self, expression: str, zone: str = "UTC") -> None:
        fields = expression.lower().split()
        if len(fields) != len(_FIELDS):
            raise ValueError(f"{expression!r} has {len(fields)} fields; write minute hour day month weekday.")
        self.expression = expression
        try:
            self._zone = ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError(f"There is no time zone {zone!r}; use a name such as Europe/Berlin.") from None
        parsed = [_values(text, *field) for text, field in zip(fields, _FIELDS, strict=True)]
        self._minutes, self._hours, self._days, self._months, weekdays = parsed
        self._weekdays = {day % 7 for day in weekdays}
        self._either = fields[2] != "*" and fields[4] != "*"
        if next(self.after(datetime(2024, 1, 1, tzinfo=UTC)), None) is None:
            raise ValueError(f"{expression!r} names no day that exists; correct day or month.")

    def after(self, moment: datetime) -> Iterator[datetime]:
        """The times after a moment, in UTC, in order; ends when there is none for eight years."""
        local = moment.astimezone(self._zone).date() - timedelta(days=1)
        last = moment.astimezone(UTC)
        found = last
        while local - last.date() < _HORIZON:
            for at in self._of_day(local):
                if at > found:
                    found = last = at
                    yield at
            local += timedelta(days=1)

    def between(self, after: datetime, until: datetime) -> list[datetime]:
        """The times later than `after` and not later than `until`."""
        found: list[datetime] = []
        for at in self.after(after):
            if at > until:
                break
            found.append(at)
        return found

    def _of_day(self, day: date) -> list[datetime]:
        if day.month not in self._months or not self._on(day):
            return []
        local = (datetime.combine(day, time(h, m), self._zone) for h in self._hours for m in self._minutes)
        return sorted({_real(at) for at in local})

    def _on(self, day: date) -> bool:
        by_date, by_weekday = day.day in self._days, day.isoweekday() % 7 in self._weekdays
        return (by_date or by_weekday) if self._either else (by_date and by_weekday)


def _real(local: datetime) -> datetime:
    """The instant of a local time; for one that a clock change skips, the instant of the change."""
    at = local.astimezone(UTC)
    if at.astimezone(local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None):
        return at
    before, after = local.replace(fold=1).astimezone(UTC), at  # in a gap, fold 1 is the offset after the change
    while after - before > timedelta(minutes=1):
        middle = before + (after - before) / 2
        if middle.astimezone(local.tzinfo).utcoffset() == before.astimezone(local.tzinfo).utcoffset():
            before = middle
        else:
            after = middle
    return after.replace(second=0, microsecond=0)


def _values(text: str, name: str, low: int, high: int, names: dict[str, int]) -> set[int]:
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(f"{part!r} is no {name}; write numbers {low} to {high}, lists, ranges or steps.")
        star, first, last, step = match.groups()
        begin = low if star else _number(first, name, low, high, names)
        end = high if star or (step and not last) else _number(last or first, name, low, high, names)
        if begin > end or step == "0":
            raise ValueError(f"{part!r} is no {name}: it is empty; put the smaller number first.")
        found.update(range(begin, end + 1, int(step or 1)))
    return found


def _number(text: str, name: str, low: int, high: int, names: dict[str, int]) -> int:
    value = names.get(text, int(text) if text.isdecimal() else -1)
    if not low <= value <= high:
        raise ValueError(f"{text!r} is no {name}; write {low} to {high}.")
    return value
