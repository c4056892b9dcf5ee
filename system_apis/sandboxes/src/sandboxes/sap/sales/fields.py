"""Typed access to the properties of a row."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from sandboxes.sap.odata_v2.edm import Value


def text(row: Mapping[str, Value], name: str) -> str:
    """A string property; empty when unset."""
    return str(row.get(name) or "")


def number(row: Mapping[str, Value], name: str) -> Decimal:
    """A decimal property; zero when unset."""
    value = row.get(name)
    return value if isinstance(value, Decimal) else Decimal(0)


def day(row: Mapping[str, Value], name: str) -> datetime | None:
    """A date property; None when unset."""
    value = row.get(name)
    return value if isinstance(value, datetime) else None
