"""Rows as Analytics takes them: metadata that describes them, CSV in compressed parts."""

import asyncio
import csv
import io
import zlib
from collections.abc import AsyncGenerator, AsyncIterable, Sequence
from contextlib import aclosing
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, TypeAlias

import msgspec

Cell: TypeAlias = str | bool | int | float | Decimal | date | None
MOST_PART_BYTES = 10 * 1024 * 1024
"""Of a part, before it becomes base64 (Analytics External Data API, "InsightsExternalDataPart")."""
_GZIP = 31
_SLICE = 64 * 1024


class Column(msgspec.Struct, frozen=True):
    """A field of a dataset.

    Attributes:
        unique: Tells rows apart; upserts and deletions need exactly one such column.
        format: Of a Date, in Java's letters.
        precision: Digits in all of a Numeric, `scale` of them after the point.
    """

    name: str
    type: Literal["Text", "Numeric", "Date"] = "Text"
    label: str = ""
    unique: bool = False
    format: str = "yyyy-MM-dd"
    precision: Annotated[int, msgspec.Meta(ge=1, le=18)] = 18
    scale: Annotated[int, msgspec.Meta(ge=0, le=17)] = 2


def metadata_of(dataset: str, columns: Sequence[Column]) -> bytes:
    """The metadata JSON of a dataset (Analytics External Data Format Reference)."""
    described = {
        "connector": "CSV", "name": dataset, "fullyQualifiedName": dataset, "label": dataset,
        "fields": [_described(dataset, column) for column in columns],
    }  # fmt: skip
    form = {
        "charsetName": "UTF-8", "fieldsDelimitedBy": ",", "fieldsEnclosedBy": '"', "linesTerminatedBy": "\r\n",
        "numberOfLinesToIgnore": 1,
    }  # fmt: skip
    return msgspec.json.encode({"fileFormat": form, "objects": [described]})


async def parts_of(
    columns: Sequence[Column], rows: AsyncIterable[Sequence[Cell]], most: int = MOST_PART_BYTES
) -> AsyncGenerator[bytes]:
    """Compressed CSV of any number of rows in parts of at most `most` bytes; one part is held at a time.

    Raises:
        ValueError: A row has another number of cells than there are columns.
    """
    packing = zlib.compressobj(level=6, wbits=_GZIP)
    packed = bytearray()
    async with aclosing(_slices(columns, rows)) as slices:
        async for text in slices:
            packed += packing.compress(text)
            while len(packed) >= most:
                yield bytes(packed[:most])
                del packed[:most]
    packed += packing.flush()
    for start in range(0, len(packed), most):
        yield bytes(packed[start : start + most])


async def _slices(columns: Sequence[Column], rows: AsyncIterable[Sequence[Cell]]) -> AsyncGenerator[bytes]:
    text = io.StringIO(newline="")
    writer = csv.writer(text)  # ends lines with CR LF (RFC 4180)
    writer.writerow([column.name for column in columns])
    async for row in rows:
        if len(row) != len(columns):
            raise ValueError(f"A row has {len(row)} cells, but the dataset has {len(columns)} columns.")
        writer.writerow([_shown(cell) for cell in row])
        if text.tell() >= _SLICE:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
            await asyncio.sleep(0)  # compressing keeps the loop busy; let others in
    yield text.getvalue().encode()


def _described(dataset: str, column: Column) -> dict[str, str | int | bool]:
    shown: dict[str, str | int | bool] = {
        "name": column.name, "fullyQualifiedName": f"{dataset}.{column.name}", "label": column.label or column.name,
        "type": column.type,
    }  # fmt: skip
    if column.type == "Numeric":
        shown |= {"precision": column.precision, "scale": column.scale, "defaultValue": ""}
    if column.type == "Date":
        shown["format"] = column.format
    return shown | ({"isUniqueId": True} if column.unique else {})


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    return format(cell, "f") if isinstance(cell, Decimal) else str(cell)
