"""The cells of spreadsheets: reading, putting and appending values."""

import json
from pathlib import Path
from typing import Any, cast

from sandboxes.google_sheets.ranges import Range, parse, spelled
from sandboxes.google_sheets.refusals import invalid, not_found
from sandboxes.google_sheets.seed import SCHEMA, seed
from sandboxes.kit import State

_INPUTS = ("RAW", "USER_ENTERED")
_LONGEST = 50_000
Grid = list[list[Any]]


class Spreadsheets:
    """All spreadsheets that are shared with the account."""

    def __init__(self, path: Path | None) -> None:
        self.state = State(path, SCHEMA, seed)

    def titles(self, spreadsheet: str) -> list[tuple[str, int]]:
        """The sheets of a spreadsheet with their rows; refuses one that is not there."""
        found = self.state.connection.execute(
            "SELECT title, rows FROM sheet WHERE spreadsheet = ? ORDER BY rowid", (spreadsheet,)
        ).fetchall()
        if not found:
            raise not_found()
        return [(row["title"], row["rows"]) for row in found]

    def read(self, spreadsheet: str, text: str, render: str) -> dict[str, Any]:
        """A ValueRange; empty cells and rows at the end are left out."""
        place = parse(text)
        cells, rows = self._load(spreadsheet, place)
        if place.top >= rows:
            raise invalid(f"Range ({text}) exceeds grid limits. Max rows: {rows}, max columns: 26")
        bottom = min(rows if place.bottom is None else place.bottom, rows)
        shown = [[_shown(cell, render) for cell in row[place.left : place.right]] for row in cells[place.top : bottom]]
        values = _trimmed([_trimmed_row(row) for row in shown])
        right = place.right or 26
        told: dict[str, Any] = {
            "range": spelled(place.sheet, place.top, place.left, bottom, right), "majorDimension": "ROWS"
        }  # fmt: skip
        return {**told, "values": values} if values else told

    def put(self, spreadsheet: str, option: str, data: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Put values into ranges, all or none; null leaves a cell alone."""
        _check_option(option)
        with self.state.transaction():
            return [self._put(spreadsheet, option, one) for one in data]

    def append(self, spreadsheet: str, text: str, option: str, values: Grid, *, insert: bool) -> dict[str, Any]:
        """Add rows below the table at a range."""
        _check_option(option)
        place = parse(text)
        with self.state.transaction():
            cells, rows = self._load(spreadsheet, place)
            end = next((n for n in range(place.top, len(cells)) if not _trimmed_row(cells[n])), len(cells))
            if insert:
                cells[end:end] = [[] for _ in values]
                rows += len(values)
            self._write(cells, end, 0, values, option)
            self._save(spreadsheet, place.sheet, cells, max(rows, len(cells)))
        width = max((len(row) for row in values), default=0)
        updates = _updates(spreadsheet, spelled(place.sheet, end, 0, end + len(values), width), values)
        table = {"tableRange": spelled(place.sheet, place.top, 0, end, 26)} if end > place.top else {}
        return {"spreadsheetId": spreadsheet, **table, "updates": updates}

    def ledger(self) -> dict[str, Any]:
        """Every sheet by title, formulas as formulas."""
        rows = self.state.connection.execute("SELECT title, cells FROM sheet").fetchall()
        return {"sheets": {row["title"]: [_trimmed_row(cells) for cells in json.loads(row["cells"])] for row in rows}}

    def _put(self, spreadsheet: str, option: str, one: dict[str, Any]) -> dict[str, Any]:
        place, values = parse(str(one.get("range", ""))), one.get("values", [])
        height, width = len(values), max((len(row) for row in values), default=0)
        if (place.bottom is not None and height > place.bottom - place.top) or (
            place.right is not None and width > place.right - place.left
        ):
            raise invalid(f"Requested writing within range [{one['range']}], but tried writing outside of it")
        cells, rows = self._load(spreadsheet, place)
        if place.top + height > rows:
            raise invalid(f"Range ({one['range']}) exceeds grid limits. Max rows: {rows}, max columns: 26")
        self._write(cells, place.top, place.left, values, option)
        self._save(spreadsheet, place.sheet, cells, rows)
        told = spelled(place.sheet, place.top, place.left, place.top + height, place.left + width)
        return _updates(spreadsheet, told, values)

    def _load(self, spreadsheet: str, place: Range) -> tuple[Grid, int]:
        self.titles(spreadsheet)
        found = self.state.connection.execute(
            "SELECT cells, rows FROM sheet WHERE spreadsheet = ? AND title = ?", (spreadsheet, place.sheet)
        ).fetchone()
        if found is None:
            raise invalid(f"Unable to parse range: {place.sheet}")
        return json.loads(found["cells"]), found["rows"]

    def _save(self, spreadsheet: str, title: str, cells: Grid, rows: int) -> None:
        self.state.connection.execute(
            "UPDATE sheet SET cells = ?, rows = ? WHERE spreadsheet = ? AND title = ?",
            (json.dumps(cells), rows, spreadsheet, title),
        )

    def _write(self, cells: Grid, top: int, left: int, values: Grid, option: str) -> None:
        cells += [[] for _ in range(top + len(values) - len(cells))]
        for number, given in enumerate(values, top):
            row = cells[number]
            row += [None] * (left + len(given) - len(row))
            for place, value in enumerate(given, left):
                if value is not None:
                    row[place] = _entered(value, option)


def _entered(value: Any, option: str) -> Any:
    """What a cell holds; a text that a user entered may be a formula, a number or a truth."""
    if isinstance(value, dict | list):
        raise invalid("Invalid values: struct_value")
    if not isinstance(value, str):
        return value
    if len(value) > _LONGEST:
        raise invalid("Your input contains more than the maximum of 50000 characters in a single cell.")
    if option == "RAW":
        return value or None
    if value.startswith(("=", "+")):
        return {"formula": "=" + value.removeprefix("=")}
    if value.upper() in ("TRUE", "FALSE"):
        return value.upper() == "TRUE"
    try:
        return float(value)
    except ValueError:
        return value.removeprefix("'") or None


def _shown(cell: Any, render: str) -> Any:
    if isinstance(cell, dict):
        return cast(dict[str, str], cell)["formula"] if render == "FORMULA" else "#NAME?"
    if render == "FORMATTED_VALUE" and cell is not None and not isinstance(cell, str):
        return str(cell).upper() if isinstance(cell, bool) else f"{cell:g}"
    return "" if cell is None else cell


def _trimmed_row(row: list[Any]) -> list[Any]:
    while row and row[-1] in (None, ""):
        row = row[:-1]
    return row


def _trimmed(rows: Grid) -> Grid:
    while rows and not rows[-1]:
        rows = rows[:-1]
    return rows


def _check_option(option: str) -> None:
    if option not in _INPUTS:
        raise invalid("'valueInputOption' is required but not specified")


def _updates(spreadsheet: str, told: str, values: Grid) -> dict[str, Any]:
    width = max((len(row) for row in values), default=0)
    cells = sum(len(row) for row in values)
    return {
        "spreadsheetId": spreadsheet, "updatedRange": told, "updatedRows": len(values), "updatedColumns": width,
        "updatedCells": cells,
    }  # fmt: skip
