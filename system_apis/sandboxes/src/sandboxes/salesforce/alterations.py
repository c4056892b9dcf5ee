"""What an administrator changes in the schema while clients run: fields hidden, retyped, values deactivated."""

from collections.abc import Callable
from typing import Any

import msgspec

from sandboxes.salesforce.schema import Catalogue, Field, SObject


class Alterations:
    """Changes to a catalogue that can be taken back.

    Args:
        catalogue: The org's objects.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._undo: list[Callable[[], None]] = []

    def hide_object(self, name: str) -> None:
        """Take an object out of sight, as if it were not licensed or not permitted."""
        sobject = self._known(name)
        del self._catalogue.sobjects[sobject.name.lower()]
        self._undo.append(lambda: self._catalogue.sobjects.update({sobject.name.lower(): sobject}))

    def hide_field(self, name: str, field: str) -> None:
        """Take a field out of sight, as if it were deleted or not permitted; records keep what is in it."""
        sobject = self._known(name)
        hidden = self._field(sobject, field)
        parents = {key: each for key, each in sobject.parents.items() if each.name == hidden.name}
        del sobject.fields[hidden.name.lower()]
        sobject.parents = {key: each for key, each in sobject.parents.items() if key not in parents}

        def undo() -> None:
            sobject.fields[hidden.name.lower()] = hidden
            sobject.parents.update(parents)

        self._undo.append(undo)

    def change_field(self, name: str, field: str, facts: dict[str, Any]) -> None:
        """Change what a field is, e.g. {"type": "double"} or {"inactive": ["Approved"]}; other facts stay."""
        sobject = self._known(name)
        old = self._field(sobject, field)
        new = msgspec.convert({**msgspec.structs.asdict(old), **facts}, Field)
        _swap(sobject, old, new)
        self._undo.append(lambda: _swap(sobject, new, old))

    def take_back(self) -> None:
        """Everything as it was."""
        while self._undo:
            self._undo.pop()()

    def _known(self, name: str) -> SObject:
        sobject = self._catalogue.get(name)
        if sobject is None:
            raise ValueError(f"there is no object {name}")
        return sobject

    def _field(self, sobject: SObject, name: str) -> Field:
        field = sobject.fields.get(name.lower())
        if field is None:
            raise ValueError(f"{sobject.name} has no field {name}")
        return field


def _swap(sobject: SObject, old: Field, new: Field) -> None:
    def swapped(each: Field) -> Field:
        return new if each is old else each

    sobject.fields = {key: swapped(each) for key, each in sobject.fields.items()}
    sobject.parents = {key: swapped(each) for key, each in sobject.parents.items()}
    sobject.columns = tuple(swapped(each) for each in sobject.columns)
    sobject.required = tuple(field for field in sobject.columns if field.required)
    sobject.unique = tuple(field for field in sobject.columns if field.unique)
