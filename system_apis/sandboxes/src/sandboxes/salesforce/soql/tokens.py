"""Cuts SOQL text into tokens."""

import re
from typing import Literal, NamedTuple

from sandboxes.salesforce.faults import soql_error

Kind = Literal["string", "datetime", "date", "number", "money", "span", "name", "symbol", "end"]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<string>'(?:[^'\\]|\\.)*')
    | (?P<datetime>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d))
    | (?P<date>\d{4}-\d\d-\d\d)
    | (?P<number>[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)
    | (?P<money>[A-Za-z]{3}\d+(?:\.\d+)?)(?![\w.])
    | (?P<span>[A-Za-z_]+:\d+)
    | (?P<name>[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*)
    | (?P<symbol><=|>=|!=|<>|[=<>(),:])
    )""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_BLANK = re.compile(r"\s*")


class Token(NamedTuple):
    """A piece of SOQL; `upper` is the keyword form, `at` the offset in the text."""

    kind: Kind
    text: str
    upper: str
    at: int


def tokenize(soql: str) -> list[Token]:
    """The tokens of a query, closed by an end token; ApiError MALFORMED_QUERY on a stray character."""
    tokens: list[Token] = []
    at = 0
    while match := _TOKEN.match(soql, at):
        kind: Kind = match.lastgroup  # pyright: ignore[reportAssignmentType]
        text = match[kind]
        if kind == "name" and "." in text:
            text = "".join(text.split())
        tokens.append(Token(kind, text, text.upper(), match.start(kind)))
        at = match.end()
    blank = _BLANK.match(soql, at)
    end = blank.end() if blank else at
    if end < len(soql):
        raise soql_error("MALFORMED_QUERY", f"unexpected token: '{soql[end]}'", soql, end)
    tokens.append(Token("end", "<EOF>", "<EOF>", end))
    return tokens
