"""The `q` parameter of collections: `email START_WITH "a" AND dateCreated ON_OR_AFTER "1/1/2026"`."""

import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from sandboxes.netsuite.records.store import Document
from sandboxes.netsuite.refusals import Refusal, invalid_parameter
from sandboxes.netsuite.schema.model import Field, RecordType

Condition = Callable[[Document], bool]

_TOKEN = re.compile(r'\s*(?:(\()|(\))|(\[)|(\])|(,)|"((?:[^"\\]|\\.)*)"|([^\s()\[\],"]+))')
_TEXT: dict[str, Callable[[str, str], bool]] = {
    "IS": lambda have, want: have == want,
    "CONTAIN": lambda have, want: want in have,
    "START_WITH": lambda have, want: have.startswith(want),
    "ENDWITH": lambda have, want: have.endswith(want),
    "END_WITH": lambda have, want: have.endswith(want),
}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "EQUAL": lambda have, want: have == want,
    "GREATER": lambda have, want: have > want,
    "GREATER_OR_EQUAL": lambda have, want: have >= want,
    "LESS": lambda have, want: have < want,
    "LESS_OR_EQUAL": lambda have, want: have <= want,
}
_DAYS: dict[str, Callable[[date, date], bool]] = {
    "ON": lambda have, want: have == want,
    "AFTER": lambda have, want: have > want,
    "ON_OR_AFTER": lambda have, want: have >= want,
    "BEFORE": lambda have, want: have < want,
    "ON_OR_BEFORE": lambda have, want: have <= want,
}
_RANGES = frozenset({"BETWEEN", "WITHIN"})
_BY_KIND = {
    "string": {*_TEXT, "ANY_OF"},
    "text": set(_TEXT),
    "integer": {*_ORDER, *_RANGES, "ANY_OF"},
    "number": {*_ORDER, *_RANGES, "ANY_OF"},
    "boolean": {"IS"},
    "date": {*_DAYS, *_RANGES},
    "dateTime": {*_DAYS, *_RANGES},
    "reference": {"ANY_OF", "EQUAL", "IS"},
    "select": {"ANY_OF", "IS"},
}
_ID = Field("id", "integer")


def condition(record_type: RecordType, query: str) -> Condition:
    """What a `q` says of records of a type.

    Raises:
        Refusal: INVALID_PARAMETER, it cannot be read, or an operator does not fit its field.
    """
    parser = _Parser(record_type, query)
    read = parser.either()
    if parser.next is not None:
        raise parser.wrong(f"Unexpected '{parser.next[1]}'")
    return read


class _Parser:
    """Recursive descent over the tokens: kinds are ( ) [ ] , and "text", "word"."""

    def __init__(self, record_type: RecordType, query: str) -> None:
        self._type, self._tokens, self._at = record_type, _tokens(query), 0

    @property
    def next(self) -> tuple[str, str] | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def wrong(self, why: str) -> Refusal:
        return invalid_parameter("q", f"Invalid query: {why}.")

    def either(self) -> Condition:
        parts = [self.both()]
        while self._word("OR"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else lambda document: any(part(document) for part in parts)

    def both(self) -> Condition:
        parts = [self.single()]
        while self._word("AND"):
            parts.append(self.single())
        return parts[0] if len(parts) == 1 else lambda document: all(part(document) for part in parts)

    def single(self) -> Condition:
        if self._taken("("):
            inside = self.either()
            if not self._taken(")"):
                raise self.wrong("A parenthesis is not closed")
            return inside
        field = self._field()
        operator = self._take("word").upper()
        negated = operator.endswith("_NOT")
        operator = operator.removesuffix("_NOT")
        compare = self._comparison(field, operator)
        name = field.name
        return lambda document: compare(document.get(name)) is not negated

    def _comparison(self, field: Field, operator: str) -> Callable[[Any], bool]:
        if operator == "EMPTY":
            return lambda have: have in (None, "")
        if operator not in _BY_KIND.get(field.kind, set[str]()):
            raise self.wrong(f"Operator {operator} cannot be used on field {field.name}")
        wanted = [_read(field, one, self) for one in self._values()]
        if operator == "ANY_OF":
            return lambda have: have is not None and _read(field, str(have), self) in wanted
        if operator in _RANGES:
            if len(wanted) != 2:  # noqa: PLR2004 - from, to
                raise self.wrong(f"Operator {operator} needs two values")
            low, high = wanted
            return lambda have: have is not None and low <= _read(field, str(have), self) <= high
        if len(wanted) != 1:
            raise self.wrong(f"Operator {operator} needs one value")
        apply: Callable[[Any, Any], bool] = {**_TEXT, **_ORDER, **_DAYS}[operator]
        value = wanted[0]
        return lambda have: have is not None and apply(_read(field, str(have), self), value)

    def _values(self) -> list[str]:
        if not self._taken("["):
            return [self._value()]
        values = [self._value()]
        while self._taken(","):
            values.append(self._value())
        if not self._taken("]"):
            raise self.wrong("A list is not closed")
        return values

    def _value(self) -> str:
        token = self.next
        if token is None or token[0] not in ("text", "word"):
            raise self.wrong("A value is missing")
        self._at += 1
        return token[1]

    def _field(self) -> Field:
        name = self._take("word")
        field = _ID if name == "id" else self._type.by_name.get(name)
        if field is None or field.kind in ("sublist", "subrecord"):
            raise self.wrong(f"Field {name} does not exist on {self._type.name} or cannot be filtered by")
        return field

    def _take(self, kind: str) -> str:
        token = self.next
        if token is None or token[0] != kind:
            raise self.wrong(f"Expected a {kind} at the end" if token is None else f"Unexpected '{token[1]}'")
        self._at += 1
        return token[1]

    def _taken(self, kind: str) -> bool:
        token = self.next
        if token is None or token[0] != kind:
            return False
        self._at += 1
        return True

    def _word(self, word: str) -> bool:
        token = self.next
        if token is None or token[0] != "word" or token[1].upper() != word:
            return False
        self._at += 1
        return True


def _read(field: Field, text: str, parser: _Parser) -> Any:
    """A value, sent or stored, as something to compare by."""
    if field.kind in ("integer", "number"):
        try:
            return Decimal(text)
        except InvalidOperation:
            raise parser.wrong(f"{text} is not a number") from None
    if field.kind in ("date", "dateTime"):
        return _day(text, parser)
    return text.lower()


def _day(text: str, parser: _Parser) -> date:
    """A day in the account's format (month/day/year) or as ISO 8601, which is how records keep it."""
    if re.fullmatch(r"\d{4}-\d\d-\d\d.*", text):
        return date.fromisoformat(text[:10])
    try:
        return datetime.strptime(text, "%m/%d/%Y").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        raise parser.wrong(f"{text} is not a date in the format M/D/YYYY") from None


def _tokens(query: str) -> list[tuple[str, str]]:
    tokens = list[tuple[str, str]]()
    at = 0
    text = query.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise invalid_parameter("q", "Invalid query: a text is not closed.")
        at = match.end()
        kinds = ("(", ")", "[", "]", ",", "text", "word")
        kind, value = next((k, v) for k, v in zip(kinds, match.groups(), strict=True) if v is not None)
        tokens.append((kind, re.sub(r"\\(.)", r"\1", value) if kind == "text" else value))
    return tokens
