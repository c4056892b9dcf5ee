"""A1 notation: `'Price list'!A2:C`, `Sheet!1:1`, `Sheet` (developers.google.com/sheets/api/guides/concepts)."""

import re
from typing import NamedTuple

from sandboxes.google_sheets.refusals import invalid

COLUMNS = 26
_CELLS = re.compile(r"([A-Za-z]*)(\d*)(?::([A-Za-z]*)(\d*))?")


class Range(NamedTuple):
    """Cells of a sheet, counted from 0; the ends are outside, None for as far as the grid goes."""

    sheet: str
    top: int
    left: int
    bottom: int | None
    right: int | None


def parse(text: str) -> Range:
    """Read a range; refuses what is none."""
    sheet, bang, cells = text.rpartition("!")
    if not bang:
        sheet, cells = text, "A1:ZZZ"
    title = sheet[1:-1].replace("''", "'") if sheet.startswith("'") and sheet.endswith("'") else sheet
    found = _CELLS.fullmatch(cells)
    if found is None or not title or not (found[1] or found[2]):
        raise invalid(f"Unable to parse range: {text}")
    if not bang:
        return Range(title, 0, 0, None, None)
    left = column(found[1]) if found[1] else 0
    top = int(found[2]) - 1 if found[2] else 0
    if ":" not in cells:
        return Range(title, top, left, top + 1 if found[2] else None, left + 1 if found[1] else None)
    right = column(found[3]) + 1 if found[3] else None
    bottom = int(found[4]) if found[4] else None
    return Range(title, top, left, bottom, right)


def column(letters: str) -> int:
    """A is 0, AA is 26."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1


def letters(place: int) -> str:
    """0 is A, 26 is AA."""
    text, place = "", place + 1
    while place:
        place, rest = divmod(place - 1, 26)
        text = chr(ord("A") + rest) + text
    return text


def spelled(sheet: str, top: int, left: int, bottom: int, right: int) -> str:
    """A range as Google tells it: quoted where the title needs it."""
    title = sheet if re.fullmatch(r"[A-Za-z_]\w*", sheet) else "'" + sheet.replace("'", "''") + "'"
    first, last = f"{letters(left)}{top + 1}", f"{letters(max(right - 1, left))}{max(bottom, top + 1)}"
    return f"{title}!{first}" if first == last else f"{title}!{first}:{last}"
