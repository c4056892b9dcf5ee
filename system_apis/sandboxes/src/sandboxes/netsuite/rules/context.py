"""What rules work with: the records, the time, and the shape of a rule."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sandboxes.netsuite.records.store import Document, Records


@dataclass(frozen=True)
class Context:
    """The records of the account and its clock."""

    records: Records
    now: Callable[[], datetime]

    def stamp(self) -> str:
        """The time as records keep it."""
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def today(self) -> str:
        """The day as records keep it."""
        return self.now().date().isoformat()


@dataclass(frozen=True)
class Rule:
    """What a record type does when it is saved.

    Args:
        create: Completes a new document (its `id` is there already).
        change: Completes a changed document; gets the old one too.
        remove: Refuses what must stay, and undoes what the record did.
    """

    create: Callable[[Context, Document], Document]
    change: Callable[[Context, Document, Document], Document]
    remove: Callable[[Context, Document], None]
