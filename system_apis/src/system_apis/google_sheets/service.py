"""The tables contract over Google Sheets."""

from collections.abc import Sequence
from typing import NamedTuple

from shared.binding.declare import Page
from shared.binding.paging import decode_cursor, encode_cursor
from shared.contracts.canonical.values import Id
from shared.contracts.system.tables import (
    BatchAppended,
    CellValue,
    KeyedRows,
    RowBatch,
    RowsPut,
    TableName,
    TableNotFound,
    TableRow,
    Tables,
)
from shared.resilience.once import Once
from system_apis.google_sheets.connector import GoogleSheets, SheetTable
from system_apis.google_sheets.records import ValueRange
from system_apis.google_sheets.translator import (
    Header,
    a1,
    column_letters,
    keys_of,
    put_row,
    rows_by_key,
    to_cells,
    to_header,
    to_values,
    until_blank,
)

_HEADER, _FIRST = "1:1", 2


class _Placed(NamedTuple):
    """Which keys have rows, by number, and how many rows were just added."""

    header: Header
    rows: dict[str, int]
    added: int


class GoogleSheetsTables(Tables):
    """Tables as sheets hold them.

    Args:
        sheets: The account's spreadsheets.
    """

    def __init__(self, sheets: GoogleSheets) -> None:
        self._sheets = sheets
        self._hidden = sheets.settings.reference_column
        self._appends: Once[BatchAppended] = sheets.once("batch")
        self._upserts: Once[_Placed] = sheets.once("upsert")

    async def read_rows(self, table: TableName, cursor: str | None = None, limit: int = 50) -> Page[TableRow]:
        """As promised by `Tables`."""
        start = max(_FIRST, decode_cursor(cursor, int)) if cursor else _FIRST
        place = self._place(table)
        found = await self._sheets.read(place, [_HEADER, f"{start}:{start + limit}"], "read_rows")
        if found is None:
            return Page([])
        header, rows = to_header(table, found[0]), until_blank(found[1])
        items = [TableRow(n, to_cells(header, row, self._hidden)) for n, row in enumerate(rows[:limit], start)]
        return Page(items, encode_cursor(start + limit) if len(rows) > limit else None)

    async def append_rows(self, table: TableName, reference: Id, batch: RowBatch) -> BatchAppended:
        """As promised by `Tables`."""
        place = self._place(table)
        header = await self._header_with_references(table, place)
        rows = [
            to_values(header, row, number, empty=None, hidden=self._hidden) for number, row in enumerate(batch.rows)
        ]
        column = header.places[self._hidden]
        for row in rows:
            row[column] = reference

        async def find() -> BatchAppended | None:
            kept = await self._column(place, column, "find_batch")
            numbers = [number for number, each in enumerate(kept, _FIRST) if each and each[0] == reference]
            return BatchAppended(table, reference, numbers[0], len(numbers)) if numbers else None

        async def post() -> BatchAppended:
            first = await self._sheets.append(place, rows, "append_rows")
            return BatchAppended(table, reference, first, len(rows))

        return await self._appends.make(f"{table}:{reference}", find, post)

    async def upsert_rows(self, table: TableName, keyed: KeyedRows) -> RowsPut:
        """As promised by `Tables`. Upserts of one table follow one another, over all processes."""
        place, keys = self._place(table), keys_of(keyed.rows, keyed.key)
        looked: list[_Placed] = []

        async def find() -> _Placed | None:
            placed = await self._look(table, place, keyed.key, keys)
            looked.append(placed)
            return placed if len(placed.rows) == len(keys) else None

        async def post() -> _Placed:
            header, there, _ = looked[-1]
            missing = [
                to_values(header, row, number, empty=None, hidden=self._hidden)
                for number, (key, row) in enumerate(zip(keys, keyed.rows, strict=True))
                if key not in there
            ]
            await self._sheets.append(place, missing, "add_rows")
            return _Placed(header, there, len(missing))

        placed = await self._upserts.make(table, find, post)
        before = len(looked[0].rows)
        await self._change(place, placed, keys, keyed)
        return RowsPut(before, len(keys) - before)

    def _place(self, table: str) -> SheetTable:
        place = self._sheets.settings.tables.get(table)
        if place is None:
            raise TableNotFound(f"No table is called {table}; [backends.google_sheets] tables names those there are.")
        return place

    async def _header_with_references(self, table: str, place: SheetTable) -> Header:
        """The header; our column is added if it lacks it, by whom ever at the same place."""
        found = await self._sheets.read(place, [_HEADER], "read_header") or [[]]
        header = to_header(table, found[0])
        if self._hidden in header.places:
            return header
        cell = f"{column_letters(header.width)}1"
        await self._sheets.put(place, [ValueRange(a1(place.sheet, cell), [[self._hidden]])], "add_reference_column")
        return Header({**header.places, self._hidden: header.width}, header.width + 1)

    async def _column(self, place: SheetTable, column: int, operation: str) -> Sequence[Sequence[CellValue]]:
        """The cells of a column below the header."""
        letters = column_letters(column)
        found = await self._sheets.read(place, [f"{letters}{_FIRST}:{letters}"], operation)
        return found[0] if found else []

    async def _look(self, table: str, place: SheetTable, key: str, keys: Sequence[str]) -> _Placed:
        found = await self._sheets.read(place, [_HEADER], "read_header") or [[]]
        header = to_header(table, found[0])
        column = await self._column(place, header.place(key, "/key"), "find_rows")
        return _Placed(header, rows_by_key(column, keys), 0)

    async def _change(self, place: SheetTable, placed: _Placed, keys: Sequence[str], keyed: KeyedRows) -> None:
        """Change what was there; rows that were just added are as they should be."""
        data = [
            put_row(
                place.sheet, placed.header, placed.rows[key],
                to_values(placed.header, row, number, empty=None, hidden=self._hidden),
            )
            for number, (key, row) in enumerate(zip(keys, keyed.rows, strict=True))
            if key in placed.rows
        ]  # fmt: skip
        if data:
            await self._sheets.put(place, data, "change_rows")
