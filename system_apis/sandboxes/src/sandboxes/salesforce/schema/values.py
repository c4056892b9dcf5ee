"""Reads what a client sent for a field into what the store keeps."""

import base64
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

from sandboxes.salesforce.faults import ApiError, bad_field, json_error
from sandboxes.salesforce.ids import to_18
from sandboxes.salesforce.schema.model import NUMBERS, Field

_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+\.[^@\s,;<>.]{2,}")
_JSON_TOKENS = {
    "bool": "VALUE_TRUE",
    "int": "VALUE_NUMBER_INT",
    "float": "VALUE_NUMBER_FLOAT",
    "str": "VALUE_STRING",
}
_PRICE_SCALE = 4  # some currencies have more digits than the field shows


def stored_moment(moment: datetime) -> str:
    """A datetime as the API shows it and the store keeps it: UTC, milliseconds, +0000."""
    utc = moment.astimezone(UTC)
    return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}+0000"


def read_value(field: Field, value: Any) -> Any:
    """The stored form of `value`; ApiError with the code the org has for what is wrong. Empty text is null."""
    if value is None:
        return 0 if field.type == "boolean" else None
    if field.type in NUMBERS:
        return _number(field, value)
    reader = _READERS.get(field.type, _text)
    return reader(field, value)


def _text(field: Field, value: Any) -> str | None:
    if not isinstance(value, str):
        raise _undeserializable("string", value)
    text = value.strip()
    if field.length and len(text) > field.length:
        message = f"{field.label}: data value too large: {text} (max length={field.length})"
        raise bad_field("STRING_TOO_LONG", message, field.name)
    return text or None


def _email(field: Field, value: Any) -> str | None:
    text = _text(field, value)
    if text and not _EMAIL.fullmatch(text):
        message = f"{field.label}: invalid email address: {text}"
        raise bad_field("INVALID_EMAIL_ADDRESS", message, field.name)
    return text


def _picklist(field: Field, value: Any) -> str | None:
    text = _text(field, value)
    if not text:
        return None
    known = {each.lower(): each for each in field.values if each not in field.inactive}
    if field.restricted and text.lower() not in known:
        message = f"{field.label}: bad value for restricted picklist field: {text}"
        raise bad_field("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, field.name)
    return known.get(text.lower(), text)


def _base64(field: Field, value: Any) -> str | None:
    text = _text(field, value)
    try:
        base64.b64decode(text or "", validate=True)
    except ValueError:
        raise _undeserializable("base64Binary", value) from None
    return text


def _boolean(field: Field, value: Any) -> int:
    del field
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return int(value.lower() == "true")
    if not isinstance(value, bool):
        raise _undeserializable("boolean", value)
    return int(value)


def _number(field: Field, value: Any) -> float | int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise _undeserializable("double", value)
    try:
        number = float(value)
    except ValueError:
        raise _undeserializable("double", value) from None
    if not abs(number) < 10 ** (field.precision - field.scale):
        message = f"{field.label}: value outside of valid range on numeric field: {value}"
        raise bad_field("NUMBER_OUTSIDE_VALID_RANGE", message, field.name)
    if field.type in ("int", "long"):
        return round(number)
    return round(number, max(field.scale, _PRICE_SCALE) if field.type == "currency" else field.scale)


def _date(field: Field, value: Any) -> str:
    del field
    try:
        return date.fromisoformat(value[:10]).isoformat()
    except (TypeError, ValueError):
        raise _undeserializable("date", value) from None


def _datetime(field: Field, value: Any) -> str:
    del field
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise _undeserializable("datetime", value) from None
    return stored_moment(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _reference(field: Field, value: Any) -> str | None:
    text = value.strip() if isinstance(value, str) else ""
    if value == "":
        return None
    record_id = to_18(text)
    if record_id is None:
        raise bad_field("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", field.name)
    return record_id


def _undeserializable(kind: str, value: object) -> ApiError:
    seen = _JSON_TOKENS.get(type(value).__name__, "START_OBJECT")
    return json_error(
        f"Cannot deserialize instance of {kind} from {seen} value {value} or request may be missing a required field"
    )


_READERS: dict[str, Callable[[Field, Any], Any]] = {
    "base64": _base64,
    "boolean": _boolean,
    "date": _date,
    "datetime": _datetime,
    "email": _email,
    "picklist": _picklist,
    "reference": _reference,
    "id": _reference,
}
