"""Which objects and fields callers have read and written, whichever door they came through."""

from collections.abc import Iterable
from typing import Literal

Kind = Literal["read", "create", "edit"]
Reading = frozenset[tuple[str, str]]
"""Object and field, of everything a query names: selected, tested, sorted or grouped by."""


class Touched:
    """A record of access, kept until it is cleared; what the org does of its own accord is not in it."""

    def __init__(self) -> None:
        self._fields: dict[str, dict[Kind, set[str]]] = {}
        self._deleted: set[str] = set()

    def read(self, reading: Reading) -> None:
        """A query was run."""
        for sobject, field in reading:
            self._of(sobject)["read"].add(field)

    def saved(self, sobject: str, kind: Kind, fields: Iterable[str]) -> None:
        """A record was created or changed with these fields, or was meant to be."""
        self._of(sobject)[kind].update(fields)

    def deleted(self, sobject: str) -> None:
        """A record was deleted."""
        self._of(sobject)
        self._deleted.add(sobject)

    def clear(self) -> None:
        """Begin anew."""
        self._fields.clear()
        self._deleted.clear()

    def shown(self) -> dict[str, dict[str, object]]:
        """Everything touched, by object."""
        return {
            sobject: {**{kind: sorted(names) for kind, names in kinds.items()}, "delete": sobject in self._deleted}
            for sobject, kinds in sorted(self._fields.items())
        }

    def _of(self, sobject: str) -> dict[Kind, set[str]]:
        return self._fields.setdefault(sobject, {"read": set(), "create": set(), "edit": set()})
