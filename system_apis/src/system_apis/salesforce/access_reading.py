"""Which objects and fields a statement reads, from its text and from the records its rows become."""

import re
from collections.abc import Iterator
from typing import Any, Final, get_args, get_origin

import msgspec

from system_apis.salesforce.records import CompoundAddress, Rows
from system_apis.salesforce.spelling import without_none

Reading = frozenset[tuple[str, str]]
"""Object and field."""

_OBJECTS: Final = {
    "Contacts": "Contact",
    "Opportunities": "Opportunity",
    "Orders": "Order",
    "OrderItems": "OrderItem",
    "Product2": "Product2",
    "Quote": "Quote",
    "QuoteLineItems": "QuoteLineItem",
    "Quotes": "Quote",
}
"""Where relationships lead that our statements walk, up and down (Object Reference)."""
_TOKEN = re.compile(r"'(?:[^'\\]|\\.)*'|:\w+|[A-Za-z_][\w.]*|\S")
_NAME = re.compile(r"[A-Za-z_][\w.]*")
_WORDS: Final = frozenset(
    "SELECT FROM WHERE AND OR NOT IN LIKE ORDER BY ASC DESC NULLS FIRST LAST LIMIT null true false".split()  # noqa: SIM905 - reads as SOQL
)


def reading_of(soql: str) -> Reading:
    """Every field that a statement of ours selects, tests or sorts by.

    Raises:
        ValueError: It walks a relationship that `_OBJECTS` does not know.
    """
    found: set[tuple[str, str]] = set()
    _read_query(iter(_TOKEN.findall(soql)), found, outermost=True)
    return frozenset(found)


def _read_query(tokens: Iterator[str], found: set[tuple[str, str]], *, outermost: bool = False) -> None:
    """Read up to the parenthesis that closes a subquery; a subquery begins right after the one that opens it."""
    names: list[str] = []
    sobject, depth, before = "", 0, ""
    for piece in tokens:
        if piece == "SELECT" and before == "(":
            depth -= 1
            _read_query(tokens, found)
        elif before == "FROM":
            sobject = piece if outermost else _object_at(piece)
        elif piece in "()":
            depth += 1 if piece == "(" else -1
            if depth < 0:
                break
        elif _NAME.fullmatch(piece) and piece not in _WORDS:
            names.append(piece)
        before = piece
    found.update(_placed(sobject, name) for name in names)


def _placed(sobject: str, path: str) -> tuple[str, str]:
    *parents, field = path.split(".")
    return (_object_at(parents[-1]) if parents else sobject), field


def _object_at(relationship: str) -> str:
    if relationship not in _OBJECTS:
        raise ValueError(f"Say in {__name__} which object the relationship {relationship} leads to.")
    return _OBJECTS[relationship]


def kinds_of(record: type[msgspec.Struct], sobject: str) -> Iterator[tuple[tuple[str, str], Any]]:
    """Object and field of each column a record is made of, with the type its value has here."""
    for field in msgspec.structs.fields(record):
        kind: Any = without_none(field.type)
        if get_origin(kind) is Rows:
            yield from kinds_of(get_args(kind)[0], _object_at(field.encode_name))
        elif isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind is not CompoundAddress:
            yield from kinds_of(kind, _object_at(field.encode_name))
        else:
            yield (sobject, field.encode_name), kind
