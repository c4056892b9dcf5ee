"""An IDoc in memory: its control record and a tree of segments, whatever its type; typed views of what we know.

Nothing that came is lost: fields and segments that no view knows (customers' extensions, later releases) stay in the
tree, and are written back as they came.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_type_hints

import msgspec

from system_apis.sap.idoc.control import ControlRecord, check_widths
from system_apis.sap.idoc.refusals import IdocRefused

_Typed = TypeVar("_Typed", bound=msgspec.Struct)


class Segment(msgspec.Struct, frozen=True):
    """A segment with what is nested in it.

    Attributes:
        name: Of its type, `E1EDP01`.
        fields: Those that are not empty, in the segment's order.
        below: Nested segments, in order.
    """

    name: str
    fields: dict[str, str] = {}
    below: "tuple[Segment, ...]" = ()

    def typed(self, kind: type[_Typed]) -> _Typed:
        """Its fields as the segment type we know; what the type lacks is left out of the view only."""
        return msgspec.convert({name: value for name, value in self.fields.items() if value}, kind)

    def every(self, kind: type[_Typed]) -> list[tuple[_Typed, "Segment"]]:
        """The nested segments of a type, as views and as they are."""
        return every(self.below, kind)


class Idoc(msgspec.Struct, frozen=True):
    """One document."""

    control: ControlRecord
    segments: tuple[Segment, ...]

    def every(self, kind: type[_Typed]) -> list[tuple[_Typed, Segment]]:
        """The segments of a type at the top level, as views and as they are."""
        return every(self.segments, kind)


def every(segments: Iterable[Segment], kind: type[_Typed]) -> list[tuple[_Typed, Segment]]:
    """The segments of a type among these, as views and as they are."""
    return [(one.typed(kind), one) for one in segments if one.name == kind.__name__]


def segment(typed: msgspec.Struct, *below: Segment) -> Segment:
    """A segment from its typed form: fields in its order, empty ones left out.

    Raises:
        IdocRefused: A field holds more than it has room for.
    """
    kind = type(typed)
    fields: dict[str, str] = {name: value for name, value in msgspec.structs.asdict(typed).items() if value}
    check_widths(kind.__name__, fields, widths_of(kind))
    return Segment(kind.__name__, fields, below)


@cache
def widths_of(kind: type[msgspec.Struct]) -> dict[str, int]:
    """How many characters each field of a segment type holds."""
    hints = get_type_hints(kind, include_extras=True)
    return {name: _width(hints[name]) for name in kind.__struct_fields__}


def _width(hint: Any) -> int:
    meta: msgspec.Meta = get_args(hint)[1]
    if meta.max_length is None:
        raise TypeError("A field of a segment says how many characters it holds.")
    return meta.max_length


def walk(segments: Iterable[Segment]) -> Iterator[tuple[int, Segment]]:
    """Every segment with its level, 1 at the top, in the document's order."""
    waiting = [(1, iter(segments))]
    while waiting:
        level, rest = waiting[-1]
        found = next(rest, None)
        if found is None:
            waiting.pop()
            continue
        yield level, found
        waiting.append((level + 1, iter(found.below)))


def arranged(idoc: Idoc, order: tuple[str, ...]) -> Idoc:
    """The document with its segments in the order of its type; segments that the type lacks come last.

    Args:
        idoc: Which.
        order: Names of segment types as the type lists them, of all levels.

    Raises:
        IdocRefused: It has no segments at all.
    """
    if not idoc.segments:
        raise IdocRefused(f"An IDoc of type {idoc.control.IDOCTYP} without segments says nothing; add some.")
    places = {name: place for place, name in enumerate(order)}
    return Idoc(idoc.control, _arranged(idoc.segments, places))


def _arranged(segments: tuple[Segment, ...], places: dict[str, int]) -> tuple[Segment, ...]:
    placed = sorted(segments, key=lambda one: places.get(one.name, len(places)))
    return tuple(Segment(one.name, one.fields, _arranged(one.below, places)) for one in placed)


C1 = Annotated[str, msgspec.Meta(max_length=1)]
C2 = Annotated[str, msgspec.Meta(max_length=2)]
C3 = Annotated[str, msgspec.Meta(max_length=3)]
C4 = Annotated[str, msgspec.Meta(max_length=4)]
C5 = Annotated[str, msgspec.Meta(max_length=5)]
C6 = Annotated[str, msgspec.Meta(max_length=6)]
C8 = Annotated[str, msgspec.Meta(max_length=8)]
C9 = Annotated[str, msgspec.Meta(max_length=9)]
C10 = Annotated[str, msgspec.Meta(max_length=10)]
C12 = Annotated[str, msgspec.Meta(max_length=12)]
C15 = Annotated[str, msgspec.Meta(max_length=15)]
C16 = Annotated[str, msgspec.Meta(max_length=16)]
C17 = Annotated[str, msgspec.Meta(max_length=17)]
C18 = Annotated[str, msgspec.Meta(max_length=18)]
C20 = Annotated[str, msgspec.Meta(max_length=20)]
C25 = Annotated[str, msgspec.Meta(max_length=25)]
C30 = Annotated[str, msgspec.Meta(max_length=30)]
C35 = Annotated[str, msgspec.Meta(max_length=35)]
C40 = Annotated[str, msgspec.Meta(max_length=40)]
C50 = Annotated[str, msgspec.Meta(max_length=50)]
C70 = Annotated[str, msgspec.Meta(max_length=70)]
C241 = Annotated[str, msgspec.Meta(max_length=241)]
"""Text of at most so many characters, SAP's CHAR fields."""
