"""Words of expressions: what both versions of OData share, and what each writes in its own way.

Source: OData 2.0 "URI Conventions", section 4.5, and OData 4.0 "URL Conventions", section 5.1.1.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from sandboxes.sap.odata_v2.errors import ODataError, refuse

TYPED = "typed"
_NUMBER = r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_STRING = r"'(?:[^']|'')*'"


class Token(NamedTuple):
    """A word of an expression: its kind, its text and where it began."""

    kind: str
    text: str
    position: int


class Tokenizer:
    """Cuts an expression into words.

    Args:
        literals: Patterns of constants that are neither text nor number. One named `typed` is read as version 2 spells
            it (`datetime'...'`); any other is bare, and becomes that spelling under its name.
        suffix: Pattern of what may follow a number.
        name: Pattern of one step of a name.
        marks: The single characters that mean something.
    """

    def __init__(self, literals: Mapping[str, str], suffix: str, name: str, marks: str) -> None:
        kinds = {
            "space": r"\s+",
            **literals,
            "string": _STRING,
            "number": rf"{_NUMBER}{suffix}(?!\w)",
            "name": rf"{name}(?:/{name})*",
            "mark": f"[{re.escape(marks)}]",
        }
        self._pattern = re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in kinds.items()))
        self._bare = literals.keys() - {TYPED}

    def words(self, text: str) -> list[Token]:
        """The words of a text, and an `end`.

        Raises:
            ODataError: 400, something is no word.
        """
        found: list[Token] = []
        at = 0
        while at < len(text):
            match = self._pattern.match(text, at)
            if match is None:
                raise bad_syntax(at)
            kind = match.lastgroup or ""
            if kind in self._bare:
                found.append(Token(TYPED, f"{kind}'{match[0]}'", at))
            elif kind != "space":
                found.append(Token(kind, match[0], at))
            at = match.end()
        return [*found, Token("end", "", len(text))]


def bad_syntax(position: int) -> ODataError:
    """The error for text that does not follow the grammar."""
    return refuse(400, "/IWFND/CM_MGW_RT/022", f"Invalid filter or key expression at position {position + 1}")
