"""What formulas can call. Values are text, numbers, booleans and None for what is blank; dates are ISO text."""

import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct


class Function(Struct, frozen=True):
    """A function of values; `fewest` and `most` arguments."""

    fewest: int
    most: int
    call: Callable[..., Any]


def _number(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def text_of(value: Any) -> str:
    """A value as TEXT() shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _one(call: Callable[[Any], Any]) -> Function:
    return Function(1, 1, call)


def _two(call: Callable[[Any, Any], Any]) -> Function:
    return Function(2, 2, call)


def _every(*values: Any) -> bool:
    return all(values)


def _some(*values: Any) -> bool:
    return any(values)


def _either(condition: Any, then: Any, otherwise: Any) -> Any:
    return then if condition else otherwise


FUNCTIONS: dict[str, Function] = {
    "AND": Function(1, 255, _every),
    "OR": Function(1, 255, _some),
    "NOT": _one(lambda value: not value),
    "IF": Function(3, 3, _either),
    "ISBLANK": _one(lambda value: value is None or value == ""),
    "ISNULL": _one(lambda value: value is None),
    "LEN": _one(lambda value: len(text_of(value))),
    "REGEX": _two(lambda value, pattern: re.fullmatch(pattern, text_of(value)) is not None),
    "TEXT": _one(text_of),
    "VALUE": _one(_number),
    "ABS": _one(lambda value: None if value is None else abs(value)),
    "BEGINS": _two(lambda value, start: text_of(value).startswith(text_of(start))),
    "CONTAINS": _two(lambda value, part: text_of(part) in text_of(value)),
    "TRIM": _one(lambda value: text_of(value).strip()),
    "UPPER": _one(lambda value: text_of(value).upper()),
    "LOWER": _one(lambda value: text_of(value).lower()),
}


def equal(one: Any, other: Any) -> bool:
    """`=`: with case; blank equals blank and empty text."""
    return (None if one == "" else one) == (None if other == "" else other)


def _order(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def ordered(one: Any, other: Any) -> bool:
        return one is not None and other is not None and compare(one, other)  # a blank is neither more nor less

    return ordered


def _sum(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def computed(one: Any, other: Any) -> Any:
        return None if one is None or other is None else compute(one, other)

    return computed


OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": equal,
    "==": equal,
    "<>": lambda one, other: not equal(one, other),
    "!=": lambda one, other: not equal(one, other),
    "<": _order(lambda one, other: one < other),
    "<=": _order(lambda one, other: one <= other),
    ">": _order(lambda one, other: one > other),
    ">=": _order(lambda one, other: one >= other),
    "+": _sum(lambda one, other: one + other),
    "-": _sum(lambda one, other: one - other),
    "*": _sum(lambda one, other: one * other),
    "/": _sum(lambda one, other: one / other if other else None),
    "&": lambda one, other: text_of(one) + text_of(other),
    "&&": lambda one, other: bool(one) and bool(other),
    "||": lambda one, other: bool(one) or bool(other),
}
