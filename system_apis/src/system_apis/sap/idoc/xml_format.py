"""IDocs as XML: `<ORDERS05><IDOC BEGIN="1"><EDI_DC40 SEGMENT="1">…</EDI_DC40><E1EDK01 SEGMENT="1">…`.

Children nest inside their parent's segment. The root is named for the type; one document may hold several IDocs.
Namespaces are passed over, so what came in a SOAP body reads the same.
"""

import re
from collections.abc import Iterable
from xml.etree import ElementTree as ET

from system_apis.sap.idoc.control import ControlRecord, control_fields, control_of
from system_apis.sap.idoc.document import Idoc, Segment
from system_apis.sap.idoc.refusals import IdocRefused

_CONTROL = "EDI_DC40"
_DEEPEST = 100
_NAME = re.compile(r"[A-Z_][A-Z0-9_.\-]{0,59}")
_UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot hold at all (§2.2)."""


def write_xml(idocs: Iterable[Idoc], namespace: str = "") -> bytes:
    """One XML document of IDocs of one type, in UTF-8.

    Args:
        idocs: At least one; all of the same type.
        namespace: Of the root, for SOAP.

    Raises:
        IdocRefused: There is none, they differ in type, or a name or value cannot be written.
    """
    documents = list(idocs)
    types = {one.control.IDOCTYP for one in documents}
    if len(types) != 1:
        raise IdocRefused(f"An XML document holds IDocs of one type; these have {len(types)}.")
    root = ET.Element(_name(types.pop()), {"xmlns": namespace} if namespace else {})
    for one in documents:
        body = ET.SubElement(root, "IDOC", {"BEGIN": "1"})
        control = ET.SubElement(body, _CONTROL, {"SEGMENT": "1"})
        _write_fields(control, control_fields(one.control))
        _write_segments(body, one.segments)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True)


def read_xml(document: bytes | str) -> list[Idoc]:
    """The IDocs of an XML document, none lost and nothing of them.

    Raises:
        IdocRefused: It is no XML, declares a document type, or is no document of IDocs.
    """
    parser = ET.XMLParser(target=_Builder())  # noqa: S314 - it stops at a document type, so no entities to expand
    try:
        parser.feed(document)
        root = parser.close()
    except (ET.ParseError, LookupError, RecursionError, UnicodeError) as error:
        raise IdocRefused(f"This is not XML: {error}.") from None
    return read_element(root)


class _Builder(ET.TreeBuilder):
    """Builds the tree, and stops where a document type begins."""

    def doctype(self, *_: object) -> None:
        """Raises IdocRefused."""
        raise IdocRefused("An IDoc declares no document type; leave <!DOCTYPE …> out.")


def read_element(root: ET.Element) -> list[Idoc]:
    """The IDocs below an element named for their type. Raises as `read_xml`."""
    bodies = [one for one in root if local(one) == "IDOC"]
    if not bodies or len(bodies) != len(root):
        raise IdocRefused(f"<{local(root)[:60]}> holds something else than <IDOC> elements; send IDocs alone.")
    return [_idoc(body, local(root)) for body in bodies]


def local(element: ET.Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def _idoc(body: ET.Element, kind: str) -> Idoc:
    records = list(body)
    if not records or local(records[0]) != _CONTROL:
        raise IdocRefused(f"An <IDOC> of {kind[:60]} begins with <{_CONTROL}>; this one does not.")
    read = _segment(records[0], 1)
    if read.below:
        raise IdocRefused(f"<{_CONTROL}> holds fields only.")
    control: ControlRecord = control_of(read.fields)
    if not control.IDOCTYP:
        control = control_of({**read.fields, "IDOCTYP": kind})
    return Idoc(control, tuple(_segment(one, 1) for one in records[1:]))


def _segment(element: ET.Element, level: int) -> Segment:
    name = local(element)
    if level > _DEEPEST:
        raise IdocRefused(f"Segments nest more than {_DEEPEST} deep.")
    _no_stray(element.text, name)
    fields: dict[str, str] = {}
    below: list[Segment] = []
    for one in element:
        _no_stray(one.tail, name)
        if "SEGMENT" in one.attrib or len(one):
            below.append(_segment(one, level + 1))
        elif local(one) in fields:
            raise IdocRefused(f"<{name[:60]}> has the field {local(one)[:60]} twice.")
        elif value := (one.text or "").rstrip(" "):
            fields[local(one)] = value
    return Segment(name, fields, tuple(below))


def _no_stray(text: str | None, name: str) -> None:
    if text and not text.isspace():
        raise IdocRefused(f"<{name[:60]}> holds text between its fields; SAP's segments do not.")


def _write_segments(parent: ET.Element, segments: Iterable[Segment]) -> None:
    for one in segments:
        element = ET.SubElement(parent, _name(one.name), {"SEGMENT": "1"})
        _write_fields(element, one.fields)
        _write_segments(element, one.below)


def _write_fields(parent: ET.Element, fields: dict[str, str]) -> None:
    for name, value in fields.items():
        if found := _UNWRITABLE.search(value):
            raise IdocRefused(f"{parent.tag}-{name} holds the character U+{ord(found[0]):04X}; XML cannot hold it.")
        if value:
            ET.SubElement(parent, _name(name)).text = value


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise IdocRefused(f"{name[:60]!r} is no name of a segment or field.")
    return name
