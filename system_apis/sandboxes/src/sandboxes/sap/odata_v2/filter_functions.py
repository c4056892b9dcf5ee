"""The functions of `$filter`: what each takes, gives, and how SQL writes it.

Source: OData 2.0 "URI Conventions", section 4.5.
"""

from typing import Literal, NamedTuple

NUMBERS = frozenset({"Edm.Decimal", "Edm.Int32", "Edm.Int64", "Edm.Double"})
MOMENTS = frozenset({"Edm.DateTime", "Edm.DateTimeOffset"})

_Kind = Literal["text", "number", "moment"]


class FilterFunction(NamedTuple):
    """A function: the kinds of its operands, the EDM type of its result, and SQL with a place for each operand."""

    operands: tuple[_Kind, ...]
    result: str
    sql: str


def _part(pattern: str) -> FilterFunction:
    return FilterFunction(
        ("moment",), "Edm.Int32", f"CAST(strftime('{pattern}', {{0}} / 1000000, 'unixepoch') AS INTEGER)"
    )


# by name and number of operands
FUNCTIONS: dict[tuple[str, int], FilterFunction] = {
    ("substringof()", 2): FilterFunction(("text", "text"), "Edm.Boolean", "(contains({0}, {1}))"),
    ("startswith()", 2): FilterFunction(("text", "text"), "Edm.Boolean", "(starts({0}, {1}))"),
    ("endswith()", 2): FilterFunction(("text", "text"), "Edm.Boolean", "(ends({0}, {1}))"),
    ("tolower()", 1): FilterFunction(("text",), "Edm.String", "fold('lower', {0})"),
    ("toupper()", 1): FilterFunction(("text",), "Edm.String", "fold('upper', {0})"),
    ("trim()", 1): FilterFunction(("text",), "Edm.String", "trim({0})"),
    ("length()", 1): FilterFunction(("text",), "Edm.Int32", "length({0})"),
    ("concat()", 2): FilterFunction(("text", "text"), "Edm.String", "({0} || {1})"),
    ("replace()", 3): FilterFunction(("text", "text", "text"), "Edm.String", "replace({0}, {1}, {2})"),
    ("indexof()", 2): FilterFunction(("text", "text"), "Edm.Int32", "(instr({0}, {1}) - 1)"),
    ("substring()", 2): FilterFunction(("text", "number"), "Edm.String", "substr({0}, CAST({1} AS INTEGER) + 1)"),
    ("substring()", 3): FilterFunction(
        ("text", "number", "number"), "Edm.String", "substr({0}, CAST({1} AS INTEGER) + 1, CAST({2} AS INTEGER))"
    ),
    ("round()", 1): FilterFunction(("number",), "Edm.Decimal", "calculate('round', {0}, '1')"),
    ("floor()", 1): FilterFunction(("number",), "Edm.Decimal", "calculate('floor', {0}, '1')"),
    ("ceiling()", 1): FilterFunction(("number",), "Edm.Decimal", "calculate('ceiling', {0}, '1')"),
    ("year()", 1): _part("%Y"),
    ("month()", 1): _part("%m"),
    ("day()", 1): _part("%d"),
    ("hour()", 1): _part("%H"),
    ("minute()", 1): _part("%M"),
    ("second()", 1): _part("%S"),
}
