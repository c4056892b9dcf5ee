"""Changes as they will be sent: checked against the description, references as places in the list."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from shared.binding.problems import FieldError, Invalid, Problem
from shared.contracts.system.salesforce_platform import (
    Change,
    FieldNotKnown,
    FieldValue,
    ObjectDescription,
    ObjectNotFound,
    RowReference,
)
from system_apis.salesforce.platform.describe import Describe
from system_apis.salesforce.platform.fields import Fields
from system_apis.salesforce.platform.values import nested
from system_apis.salesforce.record_id import to_18

_NEEDS: Final = {"create": (), "update": ("rowId",), "delete": ("rowId",), "upsert": ("keyField", "key")}
_VERSIONED: Final = ("update", "delete", "upsert")


class Draft(msgspec.Struct, frozen=True):
    """One change, ready to be put into a call.

    Attributes:
        at: Its place among the changes.
        change: What was asked.
        sobject: API name, as the org spells it.
        fields: Values by path.
        links: By path, the place of the change whose row is referred to.
        relationship: If it refers to one row only: what the parent calls its children of this kind.
    """

    at: int
    change: Change
    sobject: str
    fields: dict[str, FieldValue]
    links: dict[str, int]
    relationship: str | None = None

    @property
    def kind(self) -> tuple[str, ...]:
        """What must be alike for one collection to hold both."""
        change = self.change
        return (change.action, self.sobject, change.key_field) if change.action == "upsert" else (change.action,)

    @property
    def literal(self) -> bool:
        """Whether it holds text that Composite would take for a reference; there is no escape for it."""
        texts = (self.change.row_id, self.change.key, *self.fields.values())
        return any(isinstance(text, str) and "@{" in text for text in texts)

    @property
    def repeatable(self) -> bool:
        """Whether making it twice does what making it once does."""
        return self.change.action in ("update", "upsert") and not self.change.version

    def body(self, **links: str) -> dict[str, Any]:
        """Its fields as JSON, references filled in by path."""
        return nested({**self.fields, **links})


async def drafts_of(changes: Sequence[Change], describe: Describe) -> list[Draft]:
    """The changes, checked.

    Raises:
        ObjectNotFound, FieldNotKnown: A name is none of the org's.
        Invalid: Something is missing, or a reference leads to no earlier change.
    """
    fields, names = Fields(describe), dict[str, int]()
    drafts: list[Draft] = []
    for at, change in enumerate(changes):
        _check(at, change, names)
        try:
            described = await describe.object(change.sobject)
            values, links = await _written(at, change, described, fields, names)
            key = await fields.key(described, change.key_field) if change.key_field else ""
        except (ObjectNotFound, FieldNotKnown) as problem:
            raise _at(at, problem) from None
        full = msgspec.structs.replace(change, key_field=key, row_id=_id_in(at, change) if change.row_id else "")
        parents = [await describe.object(drafts[target].sobject) for target in links.values()]
        drafts.append(Draft(at, full, described.name, values, links, _relationship(described, links, parents)))
        if change.reference:
            names[change.reference] = at
    return drafts


async def _written(
    at: int, change: Change, described: ObjectDescription, fields: Fields, names: dict[str, int]
) -> tuple[dict[str, FieldValue], dict[str, int]]:
    """The values and the references of a change, by path as the org spells it."""
    values: dict[str, FieldValue] = {}
    links: dict[str, int] = {}
    for path, value in change.fields.items():
        spelt, _ = await fields.find(described, path)
        if spelt in values or spelt in links:
            raise _refused(at, f"fields/{path}", "the field is named twice")
        if isinstance(value, RowReference):
            links[spelt] = _target(at, path, value, names)
        else:
            values[spelt] = value
    nested({**values, **links})
    return values, links


def _check(at: int, change: Change, names: dict[str, int]) -> None:
    """What names the row must fit the action: with a key too many, another row would be written."""
    given = {"rowId": change.row_id, "keyField": change.key_field, "key": change.key}
    needed = _NEEDS[change.action]
    for name, value in given.items():
        if name in needed and not value:
            raise _refused(at, name, f"{change.action} needs {' and '.join(needed)}")
        if value and name not in needed:
            raise _refused(at, name, f"{change.action} takes no {name}")
    if change.version and change.action not in _VERSIONED:
        raise _refused(at, "version", f"{change.action} takes no version")
    if change.action == "delete" and change.fields:
        raise _refused(at, "fields", "delete takes no fields")
    if change.reference in names:
        raise _refused(at, "reference", "another change has this reference")


def _id_in(at: int, change: Change) -> str:
    full = to_18(change.row_id)
    if full is None:
        raise _refused(at, "rowId", "not a record id of 15 or 18 characters")
    return full


def _target(at: int, path: str, value: RowReference, names: dict[str, int]) -> int:
    if value.reference not in names or "." in path:
        raise _refused(at, f"fields/{path}", "no earlier change has this reference")
    return names[value.reference]


def _relationship(
    described: ObjectDescription, links: dict[str, int], parents: Sequence[ObjectDescription]
) -> str | None:
    if len(links) != 1:
        return None
    for child in parents[0].child_relationships:
        if child.child_s_object == described.name and child.field in links:
            return child.relationship_name
    return None


def _at(at: int, problem: Problem) -> Problem:
    """The problem, telling which change it is about."""
    errors = [FieldError(detail=each.detail, pointer=f"/changes/{at}{each.pointer or ''}") for each in problem.errors]
    return type(problem)(f"Change {at}: {problem.detail}", errors=errors)


def _refused(at: int, where: str, why: str) -> Invalid:
    error = FieldError(detail=why, pointer=f"/changes/{at}/{where}")
    return Invalid(f"Change {at} cannot be made: {why}.", errors=[error])
