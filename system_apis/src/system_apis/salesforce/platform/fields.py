"""Fields as the org describes them: found by path, in the org's own spelling, and values by their type."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final

from shared.binding.problems import FieldError, Invalid
from shared.contracts.system.salesforce_platform import (
    ChildRelationship,
    FieldDescription,
    FieldNotKnown,
    FieldValue,
    ObjectDescription,
)
from system_apis.salesforce.platform.describe import Describe
from system_apis.salesforce.soql import literal

_DAYS: Final = re.compile(
    r"(?:YESTERDAY|TODAY|TOMORROW|(?:LAST|NEXT)_90_DAYS|(?:LAST|THIS|NEXT)_(?:FISCAL_)?(?:WEEK|MONTH|QUARTER|YEAR)"
    r"|(?:(?:LAST|NEXT)_N_(?:DAYS|WEEKS|MONTHS|QUARTERS|YEARS|FISCAL_QUARTERS|FISCAL_YEARS)"
    r"|N_(?:DAYS|WEEKS|MONTHS|QUARTERS|YEARS|FISCAL_QUARTERS|FISCAL_YEARS)_AGO):[0-9]{1,5})"
)
"""SOQL and SOSL Reference, "Date Formats and Date Literals in WHERE"."""
_TIME: Final = re.compile(r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{3})?Z")
_WHOLE: Final = ("int", "long")
_NUMBERS: Final = ("double", "currency", "percent")


class Fields:
    """Looks fields up along references.

    Args:
        describe: What the org says of its objects.
    """

    def __init__(self, describe: Describe) -> None:
        self._describe = describe

    async def find(self, described: ObjectDescription, path: str) -> tuple[str, FieldDescription]:
        """The path as the org spells it, and the field it ends at.

        Raises:
            FieldNotKnown: A step of the path is no reference, or its end no field.
        """
        *steps, last = path.split(".")
        candidates, spelt = [described], ""
        for step in steps:
            found = _reference(candidates, step)
            if found is None:
                raise unknown_field(path, described.name)
            candidates = [await self._describe.object(name) for name in found.reference_to]
            spelt += f"{found.relationship_name}."
        for candidate in candidates:
            for field in candidate.fields:
                if field.name.lower() == last.lower():
                    return spelt + field.name, field
        raise unknown_field(path, described.name)

    async def spelt(self, described: ObjectDescription, paths: Iterable[str]) -> list[str]:
        """Paths as the org spells them, each once, for it refuses a field that is named twice; raises as `find`."""
        return list(dict.fromkeys([(await self.find(described, path))[0] for path in paths]))

    async def key(self, described: ObjectDescription, name: str) -> str:
        """A field whose values name rows, as the org spells it; FieldNotKnown if it is none."""
        spelt, field = await self.find(described, name)
        if "." in spelt or not (field.external_id or field.id_lookup):
            error = FieldError(detail="Not an external id of the object", pointer="/keyField")
            raise FieldNotKnown(f"{spelt} does not name rows; give an external id field as keyField.", errors=[error])
        return spelt

    async def child(self, described: ObjectDescription, relationship: str) -> tuple[str, ObjectDescription]:
        """A child relationship as the org spells it, and the object it leads to; FieldNotKnown if there is none."""
        found = child_named(described, relationship)
        if found is None or found.relationship_name is None:
            raise unknown_field(relationship, described.name)
        return found.relationship_name, await self._describe.object(found.child_s_object)


def child_named(described: ObjectDescription, relationship: str) -> ChildRelationship | None:
    """The child relationship of this name in any case."""
    wanted = relationship.lower()
    return next((one for one in described.child_relationships if (one.relationship_name or "").lower() == wanted), None)


def _reference(candidates: Sequence[ObjectDescription], step: str) -> FieldDescription | None:
    every = (field for candidate in candidates for field in candidate.fields)
    return next((field for field in every if (field.relationship_name or "").lower() == step.lower()), None)


def unknown_field(path: str, sobject: str) -> FieldNotKnown:
    """The object has nothing of this name that could be used here."""
    error = FieldError(detail=f"{sobject} has no such field or relationship", pointer=f"/fields/{path}")
    return FieldNotKnown(f"{sobject} has no field or relationship {path}; its description lists them.", errors=[error])


def typed_literal(field: FieldDescription, path: str, value: FieldValue) -> str:
    """A value as the SOQL literal that fits the type of a field.

    Raises:
        Invalid: The field holds another kind of value.
    """
    try:
        return _literal(field.type, value)
    except (ValueError, OverflowError):
        error = FieldError(
            detail=f"{path} is of type {field.type} and cannot be compared with this", pointer=f"/fields/{path}"
        )
        raise Invalid(f"A condition compares {path} with a value of another type.", errors=[error]) from None


def _literal(kind: str, value: FieldValue) -> str:
    if value is None:
        return "null"
    if kind == "boolean" or isinstance(value, bool):
        return literal(value) if kind == "boolean" and isinstance(value, bool) else _misfit()
    if kind in _WHOLE:
        return literal(value) if isinstance(value, int) else _misfit()
    if kind in _NUMBERS:
        return literal(Decimal(str(value))) if isinstance(value, int | float) else _misfit()
    if not isinstance(value, str) or "\0" in value:
        return _misfit()
    if kind in ("date", "datetime"):
        return value if _DAYS.fullmatch(value) else literal(_moment(kind, value))
    if kind == "time":
        return value if _TIME.fullmatch(value) else _misfit()
    return literal(value)


def _moment(kind: str, value: str) -> date:
    return date.fromisoformat(value) if kind == "date" else datetime.fromisoformat(value)


def _misfit() -> str:
    raise ValueError
