"""Date-effective records: one logical record is several rows, each of which holds for a range of days.

`Effective-Of` says for which days a write is meant and what becomes of the other rows; `effectiveDate` from which day
a read looks.

Source: REST API for Oracle Fusion Cloud, "Manage date-effective objects".
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from sandboxes.oracle.framework.declare import Resource, Row, Value, Work
from sandboxes.oracle.framework.problems import RestError, refuse

START, END = "EffectiveStartDate", "EffectiveEndDate"
LAST_DAY = "4712-12-31"
_NAMES = frozenset({"RangeStartDate", "RangeEndDate", "RangeMode", "RangeSpan"})
_SPANS = ("PHYSICAL_ROW_END_DATE", "LOGICAL_ROW_END_DATE")


class Range:
    """What `Effective-Of` says.

    Args:
        header: As sent; empty for none.

    Raises:
        RestError: 400, it cannot be read.
    """

    def __init__(self, header: str) -> None:
        pairs = [one.partition("=") for one in header.split(";") if one.strip()]
        said = {name.strip(): value.strip() for name, _, value in pairs}
        if unknown := said.keys() - _NAMES:
            raise _wrong(f"names {min(unknown)}, which is no attribute of a range")
        self.mode = said.get("RangeMode", "")
        self.start = _day(said.get("RangeStartDate", ""))
        self.end = _day(said.get("RangeEndDate", ""))
        span = said.get("RangeSpan", _SPANS[0])
        if span not in _SPANS or (self.start and self.end and self.end < self.start):
            raise _wrong("has a range that is none")
        self.logical = span == _SPANS[1]


class History:
    """The rows of the logical record that a row belongs to.

    Args:
        work: What behaviours work with.
        resource: Whose rows they are.
        row: The row in context.
    """

    def __init__(self, work: Work, resource: Resource, row: Row) -> None:
        self._records, self._resource, self._row = work.records, resource, row
        key = {resource.effective: row[resource.effective], "@parent": row["@parent"]}
        self._rows = sorted(work.records.find(resource, **key), key=lambda one: str(one[START]))

    def write(self, range_: Range, values: Row) -> Row:
        """Do what PATCH asks; returns the row that holds from the first day of the range on.

        Raises:
            RestError: 400, the mode is not known, or the range lies outside the record.
        """
        modes: Mapping[str, Callable[[Range, Row], Row]] = {"UPDATE": self._update, "CORRECTION": self._correct}
        if range_.mode in modes:
            return modes[range_.mode](range_, values)
        return self.end(range_)

    def end(self, range_: Range) -> Row:
        """Do what DELETE asks; returns a row that is left, or the row in context as it was.

        Raises:
            RestError: 400, as `write`.
        """
        at = self._rows.index(self._row)
        before = self._rows[at - 1] if at else None
        match range_.mode:
            case "ZAP":
                gone = self._rows
            case "DELETE_CHANGES":
                gone = [self._row] if before else []
                if before:
                    self._change(before, {END: self._row[END]})
            case "END_DATE" if range_.end or range_.start:
                last = range_.end or _before(range_.start)
                gone = [one for one in self._rows if str(one[START]) > last]
                self._change(self._row, {END: last})
            case _:
                raise _wrong("needs a RangeMode that this request knows")
        for one in gone:
            self._records.remove(self._resource, one)
        return before or self._row

    def _update(self, range_: Range, values: Row) -> Row:
        """From the first day on a row of its own; what comes after the range stays as it was."""
        start = range_.start or str(self._row[START])
        last = str(self._rows[-1][END] if range_.logical else self._row[END])
        end = range_.end or last
        if not str(self._row[START]) <= start <= str(self._row[END]) or end > last:
            raise _wrong("has a range outside the row")
        for one in self._rows:
            if str(self._row[END]) < str(one[START]) <= end:
                self._records.remove(self._resource, one)
        new = {**_own(self._row), **values, START: start, END: end}
        if end < str(self._row[END]):
            self._add({**_own(self._row), START: _after(end)})
        if start == self._row[START]:
            self._change(self._row, new)
            return self._records.again(self._resource, self._row)
        self._change(self._row, {END: _before(start)})
        return self._add(new)

    def _correct(self, range_: Range, values: Row) -> Row:
        """The rows of the range as they are, with other values."""
        start = range_.start or str(self._row[START])
        for one in self._rows:
            if one == self._row or (range_.logical and str(one[START]) >= start):
                self._change(one, values)
        return self._records.again(self._resource, self._row)

    def _add(self, row: Row) -> Row:
        return self._records.add(self._resource, row, self._row["@parent"])

    def _change(self, row: Row, values: Mapping[str, Value]) -> None:
        self._records.change(self._resource, row, dict(values))


def from_start(range_: Range, today: str) -> Row:
    """The days that a new record holds for."""
    return {START: range_.start or today, END: range_.end or LAST_DAY}


def day_asked(text: str) -> str:
    """The day of `effectiveDate`.

    Raises:
        RestError: 400, it is none.
    """
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise refuse(400, f"URL request parameter effectiveDate with value {text} is not valid.", "ADF-27046") from None


def _own(row: Row) -> Row:
    return {name: value for name, value in row.items() if not name.startswith("@")}


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError:
        raise _wrong(f"has {text}, which is no day") from None


def _before(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def _after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def _wrong(what: str) -> RestError:
    return refuse(400, f"The header Effective-Of {what}.", "ADF-27110")
