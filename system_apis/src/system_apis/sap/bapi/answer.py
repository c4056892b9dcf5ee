"""What a function module answered, whichever transport and style brought it.

Names are compared without case and underscores, so `DOC_NUMBER`, `DocNumber` and `docnumber` are the same: the two
SOAP runtimes and the native protocol each spell them differently.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

from shared.binding.problems import BackendFault

Tree: TypeAlias = "str | Mapping[str, Tree] | Sequence[Tree]"
"""A field's text, a structure by name, or a table's rows."""

_NO_DATES = frozenset({"", "0000-00-00", "00000000"})
_SPELLING = str.maketrans("", "", "_-/")


class Fields:
    """The fields of a structure or of a table's row.

    Args:
        values: By name.
    """

    def __init__(self, values: Mapping[str, Tree]) -> None:
        self._values = {_key(name): value for name, value in values.items()}

    def has(self, name: str) -> bool:
        """Whether there is such a field, filled or not."""
        return _key(name) in self._values

    def text(self, name: str) -> str:
        """A field's text without blanks around it; empty if there is none."""
        value = self._values.get(_key(name), "")
        return value.strip() if isinstance(value, str) else ""

    def number(self, name: str) -> Decimal:
        """A number, zero where nothing is; SAP may put the sign behind it.

        Raises:
            BackendFault: It is none.
        """
        text = self.text(name) or "0"
        try:
            value = Decimal(f"-{text[:-1]}" if text.endswith("-") else text)
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite():
            raise BackendFault(f"SAP answered a number in {name} that is none.")
        return value

    def day(self, name: str) -> date | None:
        """A date, None where nothing is or where SAP has zeros.

        Raises:
            BackendFault: It is none.
        """
        text = self.text(name)
        if text in _NO_DATES:
            return None
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise BackendFault(f"SAP answered a date in {name} that is none.") from None

    def _value(self, name: str) -> Tree:
        return self._values.get(_key(name), "")


class Answer(Fields):
    """The exports and tables of a function."""

    def structure(self, name: str) -> Fields:
        """A structure; empty if there is none."""
        value = self._value(name)
        return Fields(value if isinstance(value, Mapping) else {})

    def table(self, name: str) -> list[Fields]:
        """A table's rows; a structure is one row, unless nothing in it is filled."""
        value = self._value(name)
        if isinstance(value, Mapping):
            value = [value] if any(value.values()) else []
        return [Fields(row) for row in ([] if isinstance(value, str) else value) if isinstance(row, Mapping)]


def _key(name: str) -> str:
    return name.translate(_SPELLING).upper()
