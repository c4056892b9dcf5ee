"""Function modules as SAP's dictionary describes them: parameters, structures, fields, and values as SOAP writes them.

Fields are written `NAME:10` for characters, `:10#` for a number with leading zeros (ALPHA), `:n6` for digits, `=15.2`
for a decimal number, `:d` for a date, `:i` for an integer.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache

Cell = str | Decimal | date | int | None
Fields = Mapping[str, Cell]
Value = Cell | Fields | Sequence[Fields]

NO_DATE = "0000-00-00"
_FIELD = re.compile(r"([A-Z0-9_]+)(?::(n)?(\d+)(#)?|=(\d+)\.(\d+)|:(d|i))")


@dataclass(frozen=True, slots=True)
class Field:
    """A field: kind is char, alpha, numc, dec, date or int."""

    name: str
    kind: str
    length: int = 0
    decimals: int = 0

    @property
    def initial(self) -> Cell:
        """What it holds when nothing was put in."""
        return {"dec": Decimal(0), "date": None, "int": 0}.get(self.kind, "")


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: one field, a structure of several, or a table of rows."""

    name: str
    type: str
    fields: tuple[Field, ...]
    is_single: bool = False
    is_table: bool = False


@dataclass(frozen=True, slots=True)
class FunctionModule:
    """A function module and what goes in and out."""

    name: str
    imports: tuple[Parameter, ...]
    exports: tuple[Parameter, ...]
    tables: tuple[Parameter, ...]


class NotConvertible(Exception):  # noqa: N818 - reads as what it is
    """A value is none of its field's type."""


@cache
def fields(line: str) -> tuple[Field, ...]:
    """The fields of a line in the module's notation."""
    return tuple(_field(one) for one in line.split())


def structure(name: str, line: str, kind: str = "") -> Parameter:
    """A structured parameter."""
    return Parameter(name, kind or name, fields(line))


def table(name: str, line: str, kind: str = "") -> Parameter:
    """A TABLES parameter."""
    return Parameter(name, kind or name, fields(line), is_table=True)


def singles(line: str) -> tuple[Parameter, ...]:
    """Parameters of one field each."""
    return tuple(Parameter(one.name, one.name, (one,), is_single=True) for one in fields(line))


def read_cell(field: Field, text: str) -> Cell:
    """A field's text as its value.

    Raises:
        NotConvertible: It is none of that type.
    """
    text = text.strip() if field.kind not in ("char", "alpha") else text.rstrip()
    if not text:
        return field.initial
    try:
        match field.kind:
            case "dec":
                return Decimal(text)
            case "int":
                return int(text)
            case "date":
                return None if text == NO_DATE else date.fromisoformat(text)
            case "numc":
                return f"{int(text):0{field.length}d}"
            case "alpha":
                return text.zfill(field.length) if text.isdigit() else text
            case _:
                return text
    except (ValueError, InvalidOperation):
        raise NotConvertible(f"Value of {field.name} is not convertible") from None


def write_cell(field: Field, value: Cell) -> str:
    """A field's value as text."""
    if isinstance(value, Decimal):
        return f"{value:.{field.decimals}f}"
    if field.kind == "date":
        return value.isoformat()[:10] if isinstance(value, date) else NO_DATE
    text = "" if value is None else str(value)
    if field.kind == "numc" or (field.kind == "alpha" and text.isdigit()):
        return text.zfill(field.length)
    return text[: field.length] if field.kind in ("char", "alpha") else text


def _field(written: str) -> Field:
    found = _FIELD.fullmatch(written)
    if found is None:
        raise ValueError(written)
    name, numeric, length, alpha, digits, decimals, other = found.groups()
    if digits:
        return Field(name, "dec", int(digits), int(decimals))
    if other:
        return Field(name, "date" if other == "d" else "int", 10)
    return Field(name, "numc" if numeric else "alpha" if alpha else "char", int(length))
