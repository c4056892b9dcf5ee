"""SAQL that cannot be injected: a query is text with named places, values are bound by type.

CRM Analytics SAQL Developer Guide, "Quoted Identifiers", "filter".
"""

import math
import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final, TypeAlias

Value: TypeAlias = str | bool | int | float | Decimal | date | Sequence[str]

_PIECE = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|:([A-Za-z_][A-Za-z0-9_]*)|[\"']")
_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"})


class Loaded(str):
    """What stands after `load`, made from ids that the org gave; quoted, never escaped."""

    __slots__ = ()


def bound(saql: str, values: Mapping[str, Value]) -> str:
    """The query with a literal in every place.

    Args:
        saql: `:name` outside quotes marks the place of a value.
        values: One for each place.

    Raises:
        ValueError: A quote is not closed, a place has no value, a value has no place or no literal.
    """
    used: set[str] = set()

    def filled(piece: re.Match[str]) -> str:
        if len(piece[0]) == 1:
            raise ValueError("A quote in the query is not closed.")
        name = piece[1]
        if name is None:
            return piece[0]
        if name not in values:
            raise ValueError(f"The query has a place :{name}, but there is no value of this name.")
        used.add(name)
        return literal(values[name])

    query = _PIECE.sub(filled, saql)
    if unused := values.keys() - used:
        raise ValueError(f"The query has no place :{min(unused)}.")
    return query


def literal(value: Value) -> str:
    """A value as a SAQL literal; SAQL knows text and numbers, so truths and dates are text.

    Raises:
        ValueError: An infinite number, an empty list, or text with a control character.
    """
    if isinstance(value, Loaded):
        return f'"{value}"'
    if isinstance(value, bool):
        return f'"{str(value).lower()}"'
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, date):
        return _quoted(value.isoformat())
    if isinstance(value, int | float | Decimal):
        if not math.isfinite(value):
            raise ValueError("SAQL has no infinite numbers.")
        return format(Decimal(str(value)), "f")
    if not value:
        raise ValueError("in needs at least one value.")
    return f"[{', '.join(_quoted(each) for each in value)}]"


def _quoted(text: str) -> str:
    escaped = text.translate(_ESCAPES)
    if any(each < " " or each == "\x7f" for each in escaped):
        raise ValueError("Text in a query may hold no control characters.")
    return f'"{escaped}"'
