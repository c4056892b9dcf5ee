"""Values of the EDM primitive types in each of their spellings: JSON, Atom text, URI literal and table column.

Sources: OData 2.0 "Abstract Type System" and "JSON Format". Decimal and Int64 travel as strings, DateTime as
`/Date(milliseconds)/`, document numbers without the zeros they are kept with.
"""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from uuid import UUID

from sandboxes.sap.odata_v2.edm import Property, Value

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_JSON_DATE = re.compile(r"/Date\((-?\d+)(?:([+-])(\d+))?\)/")
_DURATION = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.\d+)?S)?")
_MICROSECOND = timedelta(microseconds=1)


def alpha_in(value: str, length: int | None) -> str:
    """A document number as kept: padded with zeros when it is all digits (ABAP conversion exit ALPHA)."""
    return value.zfill(length or 10) if value.isascii() and value.isdigit() else value


def alpha_out(value: str) -> str:
    """A document number as shown: without leading zeros when it is all digits."""
    return value.lstrip("0") or "0" if value.isascii() and value.isdigit() else value


def to_column(prop: Property, value: Value) -> str | int | float | None:
    """A value as its table column holds it: exact decimals as text, moments as microseconds since 1970."""
    if isinstance(value, str):
        return alpha_in(value, prop.max_length) if prop.alpha else value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return (value - _EPOCH) // _MICROSECOND
    if isinstance(value, timedelta):
        return int(value.total_seconds())
    return value


def from_column(prop: Property, stored: str | float | None) -> Value:
    """The value of a table column."""
    if stored is None:
        return None
    match prop.type:
        case "Edm.String":
            return alpha_out(str(stored)) if prop.alpha else str(stored)
        case "Edm.Decimal":
            return Decimal(str(stored))
        case "Edm.DateTime" | "Edm.DateTimeOffset":
            return _EPOCH + timedelta(microseconds=int(stored))
        case "Edm.Time":
            return timedelta(seconds=int(stored))
        case "Edm.Boolean":
            return bool(stored)
        case _:
            return stored


def to_json(prop: Property, value: Value) -> str | int | float | bool | None:
    """A value as JSON writes it."""
    if isinstance(value, datetime):
        milliseconds = (value - _EPOCH) // timedelta(milliseconds=1)
        return f"/Date({milliseconds}{'+0000' if prop.type == 'Edm.DateTimeOffset' else ''})/"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, timedelta):
        return duration(value)
    return str(value) if prop.type == "Edm.Int64" and value is not None else value


def to_text(prop: Property, value: Value) -> str | None:
    """A value as Atom writes it; None for null."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S") + ("Z" if prop.type == "Edm.DateTimeOffset" else "")
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, timedelta):
        return duration(value)
    return None if value is None else str(value)


def to_literal(prop: Property, value: Value) -> str:
    """A value as a key in a URI writes it, not yet percent-encoded."""
    if value is None:
        return "null"
    prefixes = {
        "Edm.DateTime": "datetime",
        "Edm.DateTimeOffset": "datetimeoffset",
        "Edm.Time": "time",
        "Edm.Guid": "guid",
    }
    text = to_text(prop, value) or ""
    if prop.type == "Edm.String":
        return "'" + text.replace("'", "''") + "'"
    if prefix := prefixes.get(prop.type):
        return f"{prefix}'{text}'"
    return text + {"Edm.Decimal": "m", "Edm.Int64": "L"}.get(prop.type, "")


def from_json(prop: Property, raw: object) -> Value:
    """A value from a JSON request body.

    Raises:
        ValueError: it is not a value of the property's type, or too long for it.
    """
    if raw is None:
        return prop.initial if prop.type in {"Edm.String", "Edm.Boolean", "Edm.Decimal"} else None
    if prop.numeric:
        return _numeric(prop, raw)
    match prop.type, raw:
        case "Edm.Boolean", bool():
            return raw
        case (("Edm.DateTime" | "Edm.DateTimeOffset"), str()):
            return moment(raw)
        case "Edm.Time", str():
            return parse_duration(raw)
        case "Edm.Guid", str():
            return str(UUID(raw))
        case "Edm.String", str():
            return _string(prop, raw)
        case _:
            raise ValueError(f"{type(raw).__name__} is not a value of type {prop.type}")


def moment(text: str) -> datetime:
    """A point in time from `/Date(…)/` or ISO 8601; without an offset it is UTC.

    Raises:
        ValueError: the text is neither.
    """
    if found := _JSON_DATE.fullmatch(text):
        return _EPOCH + timedelta(milliseconds=int(found[1]))
    whole, dot, rest = text.partition(".")
    if dot:
        digits = re.match(r"\d*", rest)
        fraction = digits[0] if digits else ""
        text = f"{whole}.{fraction[:6].ljust(6, '0')}{rest[len(fraction) :]}"
    found_time = datetime.fromisoformat(text)
    return found_time.replace(tzinfo=UTC) if found_time.tzinfo is None else found_time.astimezone(UTC)


def parse_duration(text: str) -> timedelta:
    """A time of day from `PT13H45M00S`.

    Raises:
        ValueError: the text has another form.
    """
    found = _DURATION.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a time such as PT13H45M00S")
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def duration(value: timedelta) -> str:
    """A time of day as `PT13H45M00S`."""
    minutes, seconds = divmod(int(value.total_seconds()), 60)
    return f"PT{minutes // 60:02d}H{minutes % 60:02d}M{seconds:02d}S"


def _numeric(prop: Property, raw: object) -> Value:
    match prop.type, raw:
        case _, bool():
            pass
        case "Edm.Int32", int():
            return raw
        case "Edm.Int64", str() | int():
            return int(raw)
        case "Edm.Double", str() | int() | float():
            return float(raw)
        case "Edm.Decimal", str() | int() | float():
            return _decimal(prop, str(raw))
        case _:
            pass
    raise ValueError(f"{type(raw).__name__} is not a value of type {prop.type}")


def _decimal(prop: Property, text: str) -> Decimal:
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        raise ValueError(f"{text!r} is not a decimal number") from None
    if not number.is_finite():
        raise ValueError(f"{text!r} is not a decimal number")
    digits, exponent = len(number.as_tuple().digits), int(number.as_tuple().exponent)
    if -exponent > (prop.scale or 0) or digits + exponent > (prop.precision or 38) - (prop.scale or 0):
        raise ValueError(
            f"{text!r} does not fit a decimal of {prop.precision} digits with {prop.scale} after the point"
        )
    return number


def _string(prop: Property, text: str) -> str:
    length = len(text.encode("utf-16-le", "surrogatepass")) // 2  # as ABAP counts
    if prop.max_length is not None and length > prop.max_length:
        raise ValueError(f"{length} characters exceed the maximum length of {prop.max_length}")
    return alpha_out(text) if prop.alpha else text
