"""Statements of SuiteQL.

The service takes no parameters, so values are written into the text, here and nowhere else.
"""

import re
from collections.abc import Iterable
from datetime import date

from shared.binding.problems import Invalid

_SLOT = re.compile(r"\{([a-z_]+)\}")
_LONGEST = 4000
"""Characters of an Oracle text literal."""

Value = str | int | date | Iterable[str] | Iterable[int]


def statement(text: str, **values: Value) -> str:
    """A statement with its values in the places `{name}`.

    Text comes in quotes, whole numbers bare, dates as `TO_DATE(…)`, several values in brackets with commas for `IN`.

    Args:
        text: Ours, never a caller's.
        values: Of any origin.

    Raises:
        Invalid: A text that no literal can hold, or nothing to choose from.
    """
    return _SLOT.sub(lambda found: _written(values[found[1]]), text)


def literal(text: str) -> str:
    """A text literal. A quote inside is doubled; nothing else has a meaning there.

    Raises:
        Invalid: It is too long, or holds a control character or half a surrogate pair.
    """
    if len(text) > _LONGEST or any(not char.isprintable() and char not in " \u00a0\u3000" for char in text):
        raise Invalid("A value to look for in NetSuite is too long or holds characters that do not print; correct it.")
    return "'" + text.replace("'", "''") + "'"


def _written(value: Value) -> str:
    if isinstance(value, str):
        return literal(value)
    if isinstance(value, date):
        return f"TO_DATE('{value.isoformat()}', 'YYYY-MM-DD')"
    if isinstance(value, int):
        return str(int(value))
    listed = [_written(each) for each in value]
    if not listed:
        raise Invalid("There is nothing to look for in NetSuite.")
    return f"({', '.join(listed)})"
