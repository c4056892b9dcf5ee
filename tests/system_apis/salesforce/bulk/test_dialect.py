"""CSV both ways, cut anywhere."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.binding.problems import BackendFault
from system_apis.salesforce.bulk.dialect import Dialect

ROWS = [("Id", "Name"), ("1", 'with "quotes"'), ("2", "two\nlines"), ("3", "two\r\nother; lines"), ("4", "“ü”, 日本")]
SIGNS = st.text(alphabet='",;\r\n #A', max_size=4)


async def in_pieces(text: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(text), size):
        yield text[at : at + size]


@pytest.mark.parametrize("dialect", [Dialect(), Dialect("SEMICOLON", "CRLF"), Dialect("TAB"), Dialect("CARET")])
@pytest.mark.parametrize("size", [1, 3, 7, 64, 1_000])
async def test_rows_are_read_as_they_were_written_wherever_the_pieces_end(dialect: Dialect, size: int) -> None:
    encode = dialect.encoder()
    text = b"".join(map(encode, ROWS))
    assert text.count(b"\r\n") == (6 if dialect.line_ending == "CRLF" else 1)
    assert [row async for rows in dialect.rows(in_pieces(text, size)) for row in rows] == ROWS


async def test_a_byte_order_mark_and_a_missing_last_line_ending_are_no_trouble() -> None:
    text = "\ufeffId\n1".encode()
    assert [row async for rows in Dialect().rows(in_pieces(text, 2)) for row in rows] == [("Id",), ("1",)]


@pytest.mark.parametrize("text", [b"Id\n\xff\xfe\n", b'"Id"\n"1"x\n', b'"Id"\n"1'])
async def test_what_is_no_csv_is_a_fault(text: bytes) -> None:
    async def read() -> list[Any]:
        return [rows async for rows in Dialect().rows(in_pieces(text, 100))]

    with pytest.raises(BackendFault, match="no CSV"):
        await read()


def as_csv_reads(text: str, delimiter: str) -> list[tuple[str, ...]] | None:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        return [tuple(row) for row in reader if row]
    except csv.Error:
        return None


@given(rows=st.lists(st.lists(SIGNS, min_size=2, max_size=3), min_size=1, max_size=4), crlf=st.booleans())
def test_rows_that_are_all_in_quotes_are_read_as_csv_reads_them(rows: list[list[str]], crlf: bool) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n" if crlf else "\n").writerows(rows)
    dialect = Dialect(line_ending="CRLF" if crlf else "LF")
    assert dialect.parsed(out.getvalue()) == [tuple(row) for row in rows]


@given(text=st.text(alphabet='"",;\n\na', max_size=20), semicolon=st.booleans())
def test_nothing_is_read_that_csv_would_refuse_or_read_otherwise(text: str, semicolon: bool) -> None:
    dialect, quoted = Dialect("SEMICOLON" if semicolon else "COMMA"), f'"{text}"\n'
    try:
        found = dialect.parsed(quoted)
    except csv.Error:
        found = None
    assert found == as_csv_reads(quoted, ";" if semicolon else ",")
