"""An IDoc as a tree, read from and written as XML."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

from sandboxes.kit.xml import XmlRefusedError, local, parse_xml

CONTROL = "EDI_DC40"


class NotAnIdoc(ValueError):  # noqa: N818 - reads as what it is
    """What came is no IDoc; the text says why."""


@dataclass(slots=True)
class Segment:
    """A segment, its fields in order and the segments nested in it."""

    name: str
    fields: dict[str, str] = field(default_factory=dict[str, str])
    below: "list[Segment]" = field(default_factory=list["Segment"])

    def get(self, name: str) -> str:
        """A field; empty when absent."""
        return self.fields.get(name, "")

    def every(self, name: str) -> "list[Segment]":
        """The nested segments of this name."""
        return [one for one in self.below if one.name == name]

    def qualified(self, name: str, by: str, qualifier: str) -> "Segment":
        """The nested segment of this name whose field `by` has this value; an empty one if there is none."""
        return next((one for one in self.every(name) if one.get(by) == qualifier), Segment(name))

    def walk(self) -> "Iterator[Segment]":
        """Every segment below, each after its parent."""
        for one in self.below:
            yield one
            yield from one.walk()


def read(root: ET.Element) -> list[Segment]:
    """The IDocs of a document: each a segment `IDOC` whose first child is the control record.

    Raises:
        NotAnIdoc: It is something else.
    """
    bodies = [_read(one) for one in root if local(one) == "IDOC"]
    if not bodies or any(not one.below or one.below[0].name != CONTROL for one in bodies):
        raise NotAnIdoc("No IDOC node with a control record EDI_DC40")
    return bodies


def parse(body: bytes) -> ET.Element:
    """The root element of a document.

    Raises:
        NotAnIdoc: It is not XML, or declares a document type.
    """
    try:
        return parse_xml(body)
    except XmlRefusedError as error:
        raise NotAnIdoc(f"XML parser: {error}") from None


def written(kind: str, *idocs: Segment) -> bytes:
    """IDocs as a document."""
    root = ET.Element(kind)
    for one in idocs:
        body = ET.SubElement(root, "IDOC", {"BEGIN": "1"})
        for segment in one.below:
            _write(body, segment)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def _read(element: ET.Element) -> Segment:
    made = Segment(local(element))
    for one in element:
        if "SEGMENT" in one.attrib or len(one):
            made.below.append(_read(one))
        else:
            made.fields[local(one)] = (one.text or "").rstrip(" ")
    return made


def _write(parent: ET.Element, segment: Segment) -> None:
    element = ET.SubElement(parent, segment.name, {"SEGMENT": "1"})
    for name, value in segment.fields.items():
        if value:
            ET.SubElement(element, name).text = value
    for one in segment.below:
        _write(element, one)
