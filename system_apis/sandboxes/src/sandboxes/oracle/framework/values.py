"""Values between JSON, Python and SQLite columns."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

import msgspec

from sandboxes.oracle.framework.declare import Field, Value
from sandboxes.oracle.framework.problems import refuse

Stored = str | int | None
_BOOLEANS = {"true": True, "false": False, "Y": True, "N": False}
_INTEGER = re.compile(r"-?\d{1,18}")

decode_json = msgspec.json.Decoder(float_hook=Decimal).decode
"""Reads JSON with exact numbers."""
encode_json = msgspec.json.Encoder(decimal_format="number").encode
"""Writes decimals as JSON numbers."""


def to_column(value: Value) -> Stored:
    """A value as its column keeps it; decimals as text, so that none loses a digit."""
    if isinstance(value, bool):
        return int(value)
    return format(value, "f") if isinstance(value, Decimal) else value


def from_column(field: Field, stored: Stored) -> Value:
    """A column's value."""
    if stored is None:
        return None
    if field.kind == "number":
        return Decimal(stored)
    return bool(stored) if field.kind == "boolean" else stored


def from_json(field: Field, value: object, path: str) -> Value:
    """What a client sent for a field.

    Raises:
        RestError: 400, it is not of the field's kind.
    """
    try:
        made = _converted(field, value)
    except (ValueError, KeyError, InvalidOperation):
        raise refuse(400, f"The value of the attribute {field.name} is not valid.", "ADF-27008", path) from None
    if isinstance(made, str) and len(made) > field.longest:
        text = f"The value of the attribute {field.name} has more than {field.longest} characters."
        raise refuse(400, text, "JBO-27023", path)
    return made


def from_text(field: Field, text: str) -> Value:
    """What a client wrote for a field in a URL.

    Raises:
        ValueError: It is not of the field's kind.
    """
    try:
        return _converted(field, text)
    except (InvalidOperation, KeyError) as wrong:
        raise ValueError(text) from wrong


def _converted(field: Field, value: object) -> Value:
    if value is None:
        return None
    if field.kind == "boolean":
        return value if isinstance(value, bool) else _BOOLEANS[str(value)]
    if isinstance(value, bool):
        if field.kind != "string":
            raise ValueError(value)
        return str(value).lower()
    if not isinstance(value, str | int | Decimal):
        raise ValueError(value)  # noqa: TRY004 - one kind of wrong for whoever reads a body
    return _BY_KIND[field.kind](str(value))


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError(text)
    return int(text)


def _number(text: str) -> Decimal:
    number = Decimal(text)
    if not number.is_finite():
        raise ValueError(text)
    return number


def _moment(text: str) -> str:
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="seconds")


def _day(text: str) -> str:
    return date.fromisoformat(text[:10]).isoformat()


_BY_KIND: dict[str, Callable[[str], Value]] = {
    "string": str,
    "integer": _integer,
    "number": _number,
    "date": _day,
    "datetime": _moment,
}
