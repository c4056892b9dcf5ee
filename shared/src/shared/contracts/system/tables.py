"""The tables capability: lists that people keep by hand, in a spreadsheet, and that systems read and add to."""

from typing import Annotated

import msgspec

from shared.binding.declare import Contract, Cursor, Page, PageSize, get, put
from shared.binding.problems import Conflict, Invalid, NotFound
from shared.contracts.canonical.values import Id

TableName = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9\-]{0,62}$", examples=["price-agreements"])]
ColumnTitle = Annotated[str, msgspec.Meta(min_length=1, max_length=255, examples=["sku"])]
CellValue = (
    Annotated[str, msgspec.Meta(max_length=50_000)]
    | Annotated[int, msgspec.Meta(ge=-(2**53), le=2**53)]
    | Annotated[float, msgspec.Meta(ge=-1e300, le=1e300)]
    | bool
    | None
)
"""A text stays the text that it is, whatever it begins with; an empty cell is null. Numbers have 53 bits."""

Rows = Annotated[
    list[dict[ColumnTitle, CellValue]],
    msgspec.Meta(min_length=1, max_length=500, examples=[[{"sku": "TG-00001", "note": "from May"}]]),
]


class TableNotFound(NotFound):
    """No table is configured under this name."""


class ColumnNotInTable(Invalid):
    """The header of the table does not have this column; `errors` names it. People add columns, not systems."""


class KeyNotUnique(Conflict):
    """Several rows of the table have this key, so it names none of them; remove all but one by hand."""


class TableRow(msgspec.Struct, frozen=True, rename="camel"):
    """A row by the titles of its columns; `number` is its place in the sheet, whose header is row 1."""

    number: int
    cells: dict[ColumnTitle, CellValue]


class RowBatch(msgspec.Struct, frozen=True, rename="camel"):
    """Rows to add, each by the titles of its columns; what is left out stays empty."""

    rows: Rows


class BatchAppended(msgspec.Struct, frozen=True, rename="camel"):
    """Where the rows of a batch are, as they stood when this was told: people may move them."""

    table: TableName
    reference: Id
    first_row: int
    rows: int


class KeyedRows(msgspec.Struct, frozen=True, rename="camel"):
    """Rows to put in the place of those with the same value in the column `key`, or to add; each must have one.

    Of a row that is there, only the columns that are named change; null empties a cell.
    """

    key: ColumnTitle
    rows: Rows


class RowsPut(msgspec.Struct, frozen=True, rename="camel"):
    """How many rows were there and have been changed, and how many were added."""

    changed: int
    added: int


class Tables(Contract, tier="system", version="v1"):
    """Tables that people keep in spreadsheets. A table ends at its first empty row."""

    @get("/tables/{table}/rows", scope="tables:read", raises=[TableNotFound])
    async def read_rows(self, table: TableName, cursor: Cursor | None = None, limit: PageSize = 50) -> Page[TableRow]:
        """Return rows in the order of the sheet; rows that people move meanwhile may come twice or not at all."""
        ...

    @put("/tables/{table}/batches/{reference}", scope="tables:write", raises=[TableNotFound, ColumnNotInTable])
    async def append_rows(self, table: TableName, reference: Id, batch: RowBatch) -> BatchAppended:
        """Add rows below the table, all or none; a batch whose reference is there already is not added again."""
        ...

    @put("/tables/{table}/rows", scope="tables:write", raises=[TableNotFound, ColumnNotInTable, KeyNotUnique])
    async def upsert_rows(self, table: TableName, keyed: KeyedRows) -> RowsPut:
        """Put rows in the place of those with the same key, and add the others; repeating changes nothing."""
        ...
