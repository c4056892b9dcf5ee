"""What SQLite lacks for OData filters: exact decimals and Unicode-aware text functions."""

import sqlite3
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Decimal, DivisionByZero, InvalidOperation

from sandboxes.sap.odata_v2.primitives import alpha_out

_Column = str | int | float | None
_Arithmetic = Callable[[Decimal, Decimal], Decimal]

_ARITHMETIC: dict[str, _Arithmetic] = {
    "+": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": lambda one, other: one / other,
    "%": lambda one, other: one % other,
    "round": lambda one, _: one.to_integral_value(ROUND_HALF_UP),
    "floor": lambda one, _: one.to_integral_value(ROUND_FLOOR),
    "ceiling": lambda one, _: one.to_integral_value(ROUND_CEILING),
}


def register(connection: sqlite3.Connection) -> None:
    """Add the collation DECIMAL and the functions that filters compile to."""
    connection.create_collation("DECIMAL", _compare)
    connection.create_function("calculate", 3, _calculate, deterministic=True)
    connection.create_function("contains", 2, _contains, deterministic=True)
    connection.create_function("starts", 2, _starts, deterministic=True)
    connection.create_function("ends", 2, _ends, deterministic=True)
    connection.create_function("fold", 2, _fold, deterministic=True)
    connection.create_function("trim_zeros", 1, _trim_zeros, deterministic=True)


def _compare(left: str, right: str) -> int:
    one, other = _number(left), _number(right)
    return (one > other) - (one < other)


def _calculate(operator: str, left: _Column, right: _Column) -> str | None:
    """A decimal operation; null for null, and for a division by zero."""
    if left is None or right is None:
        return None
    try:
        return format(_ARITHMETIC[operator](_number(left), _number(right)), "f")
    except (DivisionByZero, InvalidOperation):
        return None


def _contains(part: str | None, whole: str | None) -> bool | None:
    return None if part is None or whole is None else part in whole


def _starts(whole: str | None, part: str | None) -> bool | None:
    return None if part is None or whole is None else whole.startswith(part)


def _ends(whole: str | None, part: str | None) -> bool | None:
    return None if part is None or whole is None else whole.endswith(part)


def _fold(case: str, text: str | None) -> str | None:
    if text is None:
        return None
    return text.lower() if case == "lower" else text.upper()


def _trim_zeros(number: str | None) -> str | None:
    return None if number is None else alpha_out(number)


def _number(value: str | float) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return Decimal(0)
