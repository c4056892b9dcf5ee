"""SOQL that cannot be injected: statements are constants with named places, values are bound by type."""

import re
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Final, Generic, TypeAlias, TypeVar
from urllib.parse import quote

import msgspec

from system_apis.salesforce.child_pages import ChildPages, rows_decoder
from system_apis.salesforce.records import Rows

_Record = TypeVar("_Record", bound=msgspec.Struct)

Scalar: TypeAlias = str | bool | int | Decimal | date | datetime | None
Value: TypeAlias = Scalar | list[str] | tuple[str, ...]

MAX_LITERAL = 4_000
"""Characters of one string literal in WHERE that Salesforce accepts."""

_PLACE = re.compile(r":([a-z_]+)")
_KEYED = re.compile(r" WHERE Id=:([a-z_]+)$")
_ESCAPES: Final = str.maketrans(
    {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}
)
_WILDCARDS: Final = str.maketrans({"%": "\\%", "_": "\\_"})


class Pattern(str):
    """A LIKE pattern that is escaped already; made by `containing`."""

    __slots__ = ()


def containing(text: str) -> Pattern:
    """The LIKE pattern for values with `text` somewhere in them; `%` and `_` in it stand for themselves."""
    return Pattern(f"%{text.translate(_ESCAPES).translate(_WILDCARDS)}%")


def starting(text: str) -> Pattern:
    """The LIKE pattern for values that begin with `text`."""
    return Pattern(f"{text.translate(_ESCAPES).translate(_WILDCARDS)}%")


def literal(value: Value) -> str:
    """A value as a SOQL literal (SOQL and SOSL Reference, "Filtering with WHERE").

    Raises:
        ValueError: Salesforce has no literal for it: an infinite number, a moment without an offset, an
            empty list, or text too long for a filter.
    """
    if isinstance(value, Pattern):
        return _quoted(value)
    if isinstance(value, str):
        return _quoted(value.translate(_ESCAPES))
    if isinstance(value, list | tuple):
        return _listed(value)
    return _plain(value)


def _plain(value: bool | int | Decimal | date | datetime | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("A moment without an offset cannot be compared; give it one.")
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError("SOQL has no infinite numbers.")
        return format(value, "f")
    return str(value) if isinstance(value, int) else value.isoformat()


def _quoted(escaped: str) -> str:
    if len(escaped) > MAX_LITERAL:
        raise ValueError(f"Text in a filter may have at most {MAX_LITERAL} characters.")
    return f"'{escaped}'"


def _listed(values: Iterable[str]) -> str:
    literals = [literal(each) for each in values]
    if not literals:
        raise ValueError("IN needs at least one value.")
    return f"({','.join(literals)})"


class Statement(Generic[_Record]):
    """One SELECT, encoded for a URL once, so that only the values cost time.

    Args:
        root: Path of the API version, e.g. `/services/data/v66.0`.
        soql: Constant text; `:name` marks the place of a value.
        record: What each row is decoded into.
        name: As metrics call it.

    Attributes:
        record: What each row is decoded into.
        rows: Decodes an answer.
        children: Completes the child lists of a row.
        key: The place of the one id whose row is asked for (`… WHERE Id=:customer`); None for any other SELECT.
    """

    def __init__(self, root: str, soql: str, record: type[_Record], name: str = "other") -> None:
        pieces = _PLACE.split(soql)
        self.soql = soql
        self.name = name
        self.rows: Final[msgspec.json.Decoder[Rows[_Record]]] = rows_decoder(record)
        self.children: Final = ChildPages(record)
        self.record: Final = record
        self._root = root
        self._head = f"{root}/query?q={quote(pieces[0], safe='')}"
        self._places = list(zip(pieces[1::2], (quote(text, safe="") for text in pieces[2::2]), strict=True))
        keyed = _KEYED.search(soql)
        self.key: Final = keyed[1] if keyed else None

    def path(self, **values: Value) -> str:
        """The path and query that run it with these values; ValueError if one has no literal."""
        parts = [self._head]
        for name, text in self._places:
            parts += (_in_url(values[name]), text)
        return "".join(parts)

    @cached_property
    def of_several(self) -> "Statement[_Record]":
        """The same for several ids at once, in the place of the one. Only for a statement with a `key`."""
        return Statement(self._root, _KEYED.sub(r" WHERE Id IN :\1", self.soql), self.record, self.name)


def _in_url(value: Value) -> str:
    if isinstance(value, str) and value.isascii() and value.isalnum():
        return f"%27{value}%27"  # an id, mostly: nothing to escape or encode
    if type(value) is date:  # a datetime is one too, and has to be encoded
        return value.isoformat()
    return quote(literal(value), safe="")
