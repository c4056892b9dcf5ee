"""Tables as ranges and cells, both ways, and what Google's errors mean. Pure."""

import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from shared.binding.problems import BackendFault, BackendUnavailable, FieldError, Invalid, Problem, QuotaExceeded
from shared.contracts.system.tables import CellValue, ColumnNotInTable, KeyNotUnique
from shared.resilience.outbound_faults import problem_of_status, retry_after_of
from shared.resilience.wire import WireReply
from system_apis.google_sheets.records import FaultEnvelope, ValueRange

NAME = "google_sheets"
_QUOTA_SECONDS = 60.0
"""Quotas are by the minute (developers.google.com/sheets/api/limits); Google seldom says when to come back."""
_FIRST_ROW = re.compile(r"![A-Z]+(\d+)")
Row = Mapping[str, CellValue]


class Header(NamedTuple):
    """The columns of a table by their titles, counted from 0."""

    places: Mapping[str, int]
    width: int

    def place(self, title: str, pointer: str) -> int:
        """Where a column is; raises ColumnNotInTable."""
        if title not in self.places:
            error = FieldError(detail="No column of this table", pointer=pointer)
            raise ColumnNotInTable(f"The table has no column {title}; it must stand in the header.", errors=[error])
        return self.places[title]


def to_header(table: str, values: Sequence[Sequence[CellValue]]) -> Header:
    """The first row of a sheet; raises BackendFault for one that is no header."""
    titles = [str(cell) if cell is not None else "" for cell in values[0]] if values else []
    named = [title for title in titles if title]
    if not named or len(set(named)) < len(named):
        raise BackendFault(f"The sheet of {table} has no header, or two columns of one title; have row 1 mended.")
    return Header({title: place for place, title in enumerate(titles) if title}, len(titles))


def column_letters(place: int) -> str:
    """A column as A1 notation names it: 0 is A, 26 is AA."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def a1(sheet: str, cells: str) -> str:
    """A range of a sheet; its title is quoted, so that any may be used."""
    return "'" + sheet.replace("'", "''") + f"'!{cells}"


def first_row(updated_range: str) -> int:
    """The row with which a range begins; raises BackendFault for what is none."""
    found = _FIRST_ROW.search(updated_range)
    if found is None:
        raise BackendFault("Google told a range of rows that cannot be read.")
    return int(found[1])


def until_blank(values: Sequence[Sequence[CellValue]]) -> list[Sequence[CellValue]]:
    """Rows up to the first that is empty, which is where a table ends."""
    rows: list[Sequence[CellValue]] = []
    for row in values:
        if all(_is_empty(cell) for cell in row):
            break
        rows.append(row)
    return rows


def to_cells(header: Header, row: Sequence[CellValue], hidden: str) -> dict[str, CellValue]:
    """A row by title, without the hidden column."""
    return {
        title: None if place >= len(row) or _is_empty(row[place]) else row[place]
        for title, place in header.places.items()
        if title != hidden
    }


def to_values(header: Header, row: Row, number: int, *, empty: CellValue, hidden: str) -> list[CellValue]:
    """A row as it is sent; columns that it does not name get `empty`, and null in it empties a cell."""
    values: list[CellValue] = [empty] * header.width
    for title, cell in row.items():
        pointer = f"/rows/{number}/{title.replace('~', '~0').replace('/', '~1')}"
        if title == hidden:
            raise Invalid(f"The column {hidden} is for references of ours; leave it out.")
        values[header.place(title, pointer)] = "" if cell is None else cell
    return values


def key_of(cell: CellValue) -> str:
    """How keys are compared: 5 that a person typed is "5" that a system sends; empty where there is none."""
    if cell is None or isinstance(cell, bool):
        return ""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def keys_of(rows: Sequence[Row], key: str) -> list[str]:
    """The key of each row; raises Invalid where one is missing or comes twice."""
    keys = [key_of(row.get(key)) for row in rows]
    seen: set[str] = set()
    for number, each in enumerate(keys):
        if not each or each in seen:
            error = FieldError(detail="The key is empty, or that of a row before", pointer=f"/rows/{number}")
            raise Invalid(f"Every row needs its own {key}.", errors=[error])
        seen.add(each)
    return keys


def rows_by_key(column: Sequence[Sequence[CellValue]], wanted: Sequence[str]) -> dict[str, int]:
    """Where in the sheet the wanted keys are, from its key column below the header; raises KeyNotUnique."""
    found: dict[str, int] = {}
    sought = set(wanted)
    for number, row in enumerate(column, 2):
        key = key_of(row[0]) if row else ""
        if key in found:
            raise KeyNotUnique(f"Rows {found[key]} and {number} of the table have the same key; remove one by hand.")
        if key in sought:
            found[key] = number
    return found


def put_row(sheet: str, header: Header, number: int, values: list[CellValue]) -> ValueRange:
    """One row to be changed."""
    return ValueRange(a1(sheet, f"A{number}:{column_letters(header.width - 1)}{number}"), [values])


def _is_empty(cell: CellValue) -> bool:
    return cell is None or cell == ""


def is_beyond_grid(reply: WireReply) -> bool:
    """Whether a range was refused because it begins below the last row of the sheet."""
    return reply.status == 400 and "exceeds grid limits" in _fault(reply).error.message  # noqa: PLR2004 - HTTP


def problem_of_reply(reply: WireReply) -> Problem | None:
    """What a reply means; a range beyond the grid passes as an answer."""
    status = reply.status
    if status == 429:  # noqa: PLR2004 - RESOURCE_EXHAUSTED
        return QuotaExceeded(
            "Google's quota of a minute is used up.", retry_after=retry_after_of(reply) or _QUOTA_SECONDS
        )
    if status >= 500:  # noqa: PLR2004 - the HTTP status classes (RFC 9110 §15)
        return BackendUnavailable(f"{NAME} answered {status}.", retry_after=retry_after_of(reply))
    if status in (403, 404):
        return BackendFault("Google has no such spreadsheet for our account; share it with its client_email to edit.")
    if is_beyond_grid(reply):
        return None
    if status == 400:  # noqa: PLR2004 - INVALID_ARGUMENT
        return BackendFault("Google refuses a range of ours; see that the spreadsheet has the configured sheet.")
    return problem_of_status(reply, NAME)


def problem_of_sign_in(reply: WireReply) -> Problem | None:
    """What a reply of the token endpoint means; its 400 says that we are not believed (RFC 6749 §5.2)."""
    if reply.status in (400, 401, 403):
        return BackendFault("Google gives our service account no token; compare client_email and private_key with it.")
    return problem_of_reply(reply)


def _fault(reply: WireReply) -> FaultEnvelope:
    try:
        return msgspec.json.decode(reply.body, type=FaultEnvelope)
    except msgspec.MsgspecError:
        raise BackendFault(f"{NAME} answered {reply.status} with a body of another shape than agreed.") from None
