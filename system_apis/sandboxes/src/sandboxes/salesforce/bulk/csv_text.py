"""CSV as Bulk API 2.0 speaks it: a delimiter by name, one of two line endings, `#N/A` for null."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from msgspec import Struct

DELIMITERS = {"BACKQUOTE": "`", "CARET": "^", "COMMA": ",", "PIPE": "|", "SEMICOLON": ";", "TAB": "\t"}
LINE_ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
NULL = "#N/A"
_FIRST_LINES = 65_536
csv.field_size_limit(16_777_216)  # a field may hold 32,000 characters; the org says so itself, per record


class CsvDialect(Struct, frozen=True):
    """How the lines of a job look; both attributes are names of the API, `COMMA` and `LF`."""

    delimiter: str = "COMMA"
    line_ending: str = "LF"

    def rows(self, text: str) -> Iterator[list[str]]:
        """Header and records, without empty lines; csv.Error for text that is no CSV."""
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[self.delimiter], strict=True)
        return (row for row in reader if row)

    def written(self, rows: Iterable[Sequence[str]]) -> str:
        """Rows as text, every value in quotes."""
        out = io.StringIO()
        ending = LINE_ENDINGS[self.line_ending]
        writer = csv.writer(out, delimiter=DELIMITERS[self.delimiter], lineterminator=ending, quoting=csv.QUOTE_ALL)
        writer.writerows(rows)
        return out.getvalue()

    def fits(self, text: str) -> bool:
        """Whether the first line ends as the job said it would."""
        first = text[:_FIRST_LINES].partition("\n")
        return not first[1] or first[0].endswith("\r") == (self.line_ending == "CRLF")
