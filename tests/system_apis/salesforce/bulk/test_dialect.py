"""CSV both ways, cut anywhere."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from shared.binding.problems import BackendFault
from system_apis.salesforce.bulk.dialect import Dialect

ROWS = [["Id", "Name"], ["1", 'with "quotes"'], ["2", "two\nlines"], ["3", "two\r\nother; lines"], ["4", "“ü”, 日本"]]


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
    assert [row async for rows in Dialect().rows(in_pieces(text, 2)) for row in rows] == [["Id"], ["1"]]


@pytest.mark.parametrize("text", [b"Id\n\xff\xfe\n", b'"Id"\n"1"x\n', b'"Id"\n"1'])
async def test_what_is_no_csv_is_a_fault(text: bytes) -> None:
    async def read() -> list[Any]:
        return [rows async for rows in Dialect().rows(in_pieces(text, 100))]

    with pytest.raises(BackendFault, match="no CSV"):
        await read()
