"""How rows become records: which column lands under which key, at which depth."""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

Row = Sequence[Any]
Record = dict[str, Any]
Decode = Callable[[Any], Any]


class Reading(Struct):
    """What a row alone does not say.

    Attributes:
        base: Where records live, e.g. /services/data/v66.0/sobjects/.
        kids: For each child subquery, the finished child lists by parent id.
    """

    base: str
    kids: list[dict[str, Record]]


class Value(Struct):
    """A column."""

    key: str
    at: int
    decode: Decode | None

    def read(self, row: Row, reading: Reading) -> Any:
        """Its JSON value."""
        del reading
        value = row[self.at]
        return value if self.decode is None or value is None else self.decode(value)


class Compound(Struct):
    """An address: several columns as one object, null when all are."""

    key: str
    parts: tuple[tuple[str, int], ...]

    def read(self, row: Row, reading: Reading) -> Any:
        """Its JSON object."""
        del reading
        values = {key: row[at] for key, at in self.parts}
        return values if any(value is not None for value in values.values()) else None


class Kids(Struct):
    """A child subquery, by its place in the select list."""

    key: str
    number: int
    id_at: int

    def read(self, row: Row, reading: Reading) -> Any:
        """The child list, null when there are no children."""
        return reading.kids[self.number].get(row[self.id_at])


class Node(Struct):
    """A record: the query's own or a parent's."""

    key: str
    sobject: str
    id_at: int
    type_at: int | None = None
    entries: "list[Value | Compound | Kids | Node | Variants]" = []

    def read(self, row: Row, reading: Reading) -> Record | None:
        """The record, null when the parent is missing."""
        record_id = row[self.id_at]
        if record_id is None:
            return None
        sobject = self.sobject if self.type_at is None else row[self.type_at]
        record: Record = {"attributes": {"type": sobject, "url": f"{reading.base}{sobject}/{record_id}"}}
        for entry in self.entries:
            record[entry.key] = entry.read(row, reading)
        return record


class Variants(Struct):
    """TYPEOF: the first of several parents that is there."""

    key: str
    nodes: list[Node]

    def read(self, row: Row, reading: Reading) -> Record | None:
        """The record of whichever type the reference points to."""
        for node in self.nodes:
            if (record := node.read(row, reading)) is not None:
                return record
        return None


def decoder(kind: str, *, formatted: bool = False) -> Decode | None:
    """How a stored value of this field type becomes JSON; None where it already is."""
    if kind == "boolean":
        return bool
    if formatted:
        return _formatted
    return None


def _formatted(value: Any) -> str:
    """format() for people, in the org's locale."""
    return f"{value:,.2f}" if isinstance(value, float) else str(value)
