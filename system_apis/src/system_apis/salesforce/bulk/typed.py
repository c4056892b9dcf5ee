"""Text of CSV as values: each column read as the org describes its field."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from shared.binding.problems import BackendFault
from shared.contracts.system.salesforce_platform import FieldNotKnown, FieldValue
from system_apis.salesforce.platform.describe import Describe
from system_apis.salesforce.platform.fields import Fields

_WHOLE: Final = frozenset({"int", "long"})
_NUMBERS: Final = frozenset({"double", "currency", "percent"})
_BOOLEANS: Final[Mapping[str, bool]] = {"true": True, "false": False}


class TypedColumns:
    """Columns of one result.

    Args:
        names: Paths of their fields.
        kinds: The fields' types, in the org's words; empty for one that is not described any more.
    """

    def __init__(self, names: Sequence[str], kinds: Sequence[str]) -> None:
        self._columns = tuple(zip(names, kinds, strict=True))

    def row(self, line: Sequence[str]) -> dict[str, FieldValue]:
        """A row that the org has read; what is empty is null.

        Raises:
            BackendFault: A value is not of its field's type.
        """
        try:
            return {
                name: value_of(kind, text) if text else None
                for (name, kind), text in zip(self._columns, line, strict=True)
            }
        except (ValueError, KeyError):
            raise BackendFault(
                "Salesforce sent a value that is not of its field's type; the page was not used."
            ) from None

    def sent(self, line: Sequence[str], null: str) -> dict[str, FieldValue]:
        """A record as somebody sent it: without what it lacked; a value that fits no type is told as text."""
        found: dict[str, FieldValue] = {}
        for (name, kind), text in zip(self._columns, line, strict=True):
            if text == null:
                found[name] = None
            elif text:
                try:
                    found[name] = value_of(kind, text)
                except (ValueError, KeyError):
                    found[name] = text
        return found


async def typed_columns(describe: Describe, sobject: str, names: Sequence[str]) -> TypedColumns:
    """The columns of a result with these fields of an object."""
    described, fields, kinds = await describe.object(sobject), Fields(describe), list[str]()
    for name in names:
        try:
            kinds.append((await fields.find(described, name))[1].type)
        except FieldNotKnown:  # removed since the job, or spelt as only CSV knows it (`Owner:User.Username`)
            kinds.append("")
    return TypedColumns(names, kinds)


def value_of(kind: str, text: str) -> FieldValue:
    """A value of a field of this type; ValueError or KeyError if it is none."""
    if kind == "boolean":
        return _BOOLEANS[text.lower()]
    if kind in _WHOLE:
        return int(text.removesuffix(".0"))
    if kind in _NUMBERS:
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(text)
        return number
    return text
