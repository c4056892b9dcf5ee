"""What an upload holds: CSV under the fields its metadata describes, read into typed rows."""

import csv
import io
import zlib
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

MOST_BYTES = 256 * 1024 * 1024
_LONGEST_TEXT = 32_000
_GZIP = b"\x1f\x8b"
_PATTERNS = (
    ("yyyy", "%Y"), ("MM", "%m"), ("dd", "%d"), ("HH", "%H"), ("mm", "%M"), ("ss.SSS", "%S.%f"), ("ss", "%S"),
    ("'T'", "T"), ("'Z'", "Z"),
)  # fmt: skip
Row = dict[str, Any]


class UploadError(Exception):
    """The upload cannot be read; the text becomes its StatusMessage."""


class Column(Struct, rename="camel"):
    """A field of a dataset, as the metadata says it."""

    name: str
    type: str
    label: str = ""
    format: str = ""
    precision: int = 18
    scale: int = 0
    default_value: str = ""
    is_unique_id: bool = False


class _Format(Struct, rename="camel"):
    charset_name: str = "UTF-8"
    fields_delimited_by: str = ","
    fields_enclosed_by: str = '"'
    number_of_lines_to_ignore: int = 1


class _Described(Struct):
    fields: list[Column]
    name: str = ""
    label: str = ""


class _Metadata(Struct, rename="camel"):
    objects: list[_Described]
    file_format: _Format = msgspec.field(default_factory=_Format)


def read(parts: list[bytes], described: bytes) -> tuple[list[Column], list[Row], int]:
    """Columns and rows of an upload, and how many lines were left out because a value did not fit."""
    try:
        metadata = msgspec.json.decode(described, type=_Metadata)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UploadError(f"The metadata JSON cannot be read: {error}") from None
    columns = metadata.objects[0].fields if len(metadata.objects) == 1 else []
    if not columns or len({each.name for each in columns}) < len(columns):
        raise UploadError("The metadata JSON must describe one object with fields of different names")
    for each in columns:
        if each.type not in ("Text", "Numeric", "Date"):
            raise UploadError(f"The field {each.name} is of the unknown type {each.type}")
    form = metadata.file_format
    lines = csv.reader(
        io.StringIO(_text(b"".join(parts), form.charset_name), newline=""),
        delimiter=form.fields_delimited_by,
        quotechar=form.fields_enclosed_by,
    )
    return columns, *_rows(list(lines)[form.number_of_lines_to_ignore :], columns)


def _text(content: bytes, charset: str) -> str:
    if content.startswith(_GZIP):
        unpacking = zlib.decompressobj(wbits=31)
        try:
            content = unpacking.decompress(content, MOST_BYTES)
        except zlib.error:
            raise UploadError("The data is not the gzip it begins as") from None
        if not unpacking.eof:
            raise UploadError("The data is cut off, or larger than this org takes")
    try:
        return content.decode(charset)
    except (UnicodeDecodeError, LookupError):
        raise UploadError(f"The data is not {charset}") from None


def _rows(lines: list[list[str]], columns: list[Column]) -> tuple[list[Row], int]:
    rows: list[Row] = []
    for line in lines:
        if len(line) != len(columns):
            continue
        try:
            rows.append({each.name: _value(each, text) for each, text in zip(columns, line, strict=True)})
        except ValueError:
            continue
    return rows, len([line for line in lines if line]) - len(rows)


def _value(column: Column, text: str) -> Any:
    text = text or column.default_value
    if column.type == "Numeric":
        return float(text) if text else None
    if column.type == "Date" and text:
        pattern = column.format
        for token, directive in _PATTERNS:
            pattern = pattern.replace(token, directive)
        datetime.strptime(text, pattern)  # noqa: DTZ007 - only whether it fits
    return text[:_LONGEST_TEXT] or None
