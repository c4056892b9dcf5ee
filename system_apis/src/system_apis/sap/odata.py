"""OData V2 spelling: literals that cannot be broken out of, dates, exact decimals, document numbers.

Source: OData 2.0 "URI Conventions" §2 (literals, quote doubling) and "JSON Format" §4 (`/Date(…)/`).
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from urllib.parse import quote

from shared.binding.problems import BackendFault

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_MILLISECONDS = 86_400_000
_JSON_DATE = re.compile(r"/Date\((-?\d{1,15})(?:[+-]\d{1,4})?\)/")


def text_literal(value: str) -> str:
    """A string literal; the value's own quotes are doubled, so it ends where it should."""
    return "'" + value.replace("'", "''") + "'"


def day_literal(value: date) -> str:
    """A day as `datetime'2026-01-15T00:00:00'`."""
    return f"datetime'{value.isoformat()}T00:00:00'"


def encoded(text: str) -> str:
    """Text for a URL, whatever is in it."""
    return quote(text, safe="'(),=$/")  # literals never hold a raw one of ?&#+% after this


def key(entity_set: str, *value: str, **values: str) -> str:
    """`A_SalesOrder('1')`, or `A_SalesOrderItem(SalesOrder='1',SalesOrderItem='10')`, percent-encoded."""
    parts = [quote(text_literal(one), safe="'") for one in value]
    parts += [f"{name}={quote(text_literal(one), safe=chr(39))}" for name, one in values.items()]
    return f"{entity_set}({','.join(parts)})"


def options(chosen: Mapping[str, str]) -> str:
    """System query options as a query string; names without their `$`."""
    return "&".join(f"${name}={encoded(value)}" for name, value in chosen.items())


def day_of(value: str | None) -> date | None:
    """The day that `/Date(1130112000000)/` falls on (UTC), None when unset.

    Raises:
        BackendFault: It is not a date of the years 1 to 9999.
    """
    if not value:
        return None
    found = _JSON_DATE.fullmatch(value)
    try:
        if found:
            return (_EPOCH + timedelta(milliseconds=int(found[1]))).date()
        return date.fromisoformat(value[:10])
    except (OverflowError, ValueError):
        raise BackendFault("SAP answered a date that is none.") from None


def json_date(value: date) -> str:
    """A day as JSON bodies write it: `/Date(1130112000000)/`."""
    days = value.toordinal() - _EPOCH.toordinal()
    return f"/Date({days * _DAY_MILLISECONDS})/"


def json_decimal(value: Decimal, *, digits: int, scale: int) -> str:
    """A number as JSON bodies write it: a plain decimal string.

    Args:
        digits: What the field holds before and after the point together.
        scale: What it holds after the point.

    Raises:
        ValueError: The number does not fit, or is none.
    """
    if not value.is_finite():
        raise ValueError("it is not a number")
    plain = f"{value:f}"
    whole, _, fraction = plain.lstrip("-").partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > scale:
        raise ValueError(f"it has more than {scale} places after the point")
    if len(whole.lstrip("0")) > digits - scale:
        raise ValueError(f"it has more than {digits - scale} places before the point")
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{fraction}" if fraction else f"{sign}{whole}"


def document_number(value: str) -> str:
    """A customer's or document's number as OData shows it: without leading zeros when it is all digits (ALPHA)."""
    return (value.lstrip("0") or "0") if value.isascii() and value.isdigit() else value
