"""CSV as Bulk API 2.0 reads and writes it: a delimiter by name, one of two line endings, `#N/A` for null."""

import codecs
import csv
import io
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Sequence
from typing import Final, Literal

import msgspec

from shared.binding.problems import BackendFault

NULL: Final = "#N/A"
Delimiter = Literal["BACKQUOTE", "CARET", "COMMA", "PIPE", "SEMICOLON", "TAB"]
LineEnding = Literal["LF", "CRLF"]
Line = tuple[str, ...]
"""Values of a row as text. Tuples, because the cycle collector looks at each of them once and at lists for ever."""
Encode = Callable[[Sequence[str]], bytes]
_DELIMITERS: Final[dict[Delimiter, str]] = {
    "BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t",
}  # fmt: skip
_NO_CSV: Final = "Salesforce answered with something that is no CSV; nothing after it was used."


class _Line:
    """What csv writes to, and hands back."""

    def write(self, line: str) -> str:
        return line


class Dialect(msgspec.Struct, frozen=True):
    """How the lines of a job look, in the API's words.

    Attributes:
        delimiter: `columnDelimiter`.
        line_ending: `lineEnding`.
    """

    delimiter: Delimiter = "COMMA"
    line_ending: LineEnding = "LF"

    def encoder(self) -> Encode:
        """A function from values to a line in UTF-8 with its ending; quotes what needs it (RFC 4180 §2)."""
        # With CRLF for its ending csv puts both characters in quotes wherever they are part of a value.
        line = csv.writer(_Line(), delimiter=_DELIMITERS[self.delimiter], lineterminator="\r\n").writerow
        if self.line_ending == "CRLF":
            return lambda values: str(line(values)).encode()
        return lambda values: f"{str(line(values))[:-2]}\n".encode()

    async def rows(self, chunks: AsyncIterable[bytes]) -> AsyncGenerator[list[Line]]:
        """The rows of a text that arrives in pieces, as many at a time, at least one, as each piece completes.

        Raises:
            BackendFault: It is no CSV in UTF-8.
        """
        decoder, text = codecs.getincrementaldecoder("utf-8-sig")(), ""
        try:
            async for chunk in chunks:
                text += decoder.decode(chunk)
                end = _end_of_rows(text)
                if end:
                    if parsed := self.parsed(text[:end]):
                        yield parsed
                    text = text[end:]
            text += decoder.decode(b"", final=True)
            if parsed := self.parsed(text):
                yield parsed
        except (UnicodeDecodeError, csv.Error):
            raise BackendFault(_NO_CSV) from None

    def parsed(self, text: str) -> list[Line]:
        """The rows of whole lines; csv.Error for what is no CSV."""
        quoted = self._quoted(text)
        if quoted is not None:
            return quoted
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=_DELIMITERS[self.delimiter], strict=True)
        return [tuple(row) for row in reader if row]

    def _quoted(self, text: str) -> list[Line] | None:
        """The rows where every value is in quotes and none has a quote in it, as Salesforce mostly writes; else None.

        Each of a text's quotes then belongs to its two ends or to a separator, which a count proves; so values may hold
        delimiters and line breaks here too. It takes half the time of csv.
        """
        end = '"\n' if self.line_ending == "LF" else '"\r\n'
        if text[:1] != '"' or not text.endswith(end):
            return None
        between = f'"{_DELIMITERS[self.delimiter]}"'
        rows = [tuple(line.split(between)) for line in text[1 : -len(end)].split(f'{end}"')]
        return rows if 2 * sum(map(len, rows)) == text.count('"') else None


def _end_of_rows(text: str) -> int:
    """Where the last whole row ends; a line break in quotes, an odd number before it, ends none."""
    end = text.rfind("\n") + 1
    if not end:
        return 0
    inside = text.count('"', 0, end) % 2
    while end and inside:
        before = text.rfind("\n", 0, end - 1) + 1
        inside = (inside + text.count('"', before, end)) % 2
        end = before
    return end
