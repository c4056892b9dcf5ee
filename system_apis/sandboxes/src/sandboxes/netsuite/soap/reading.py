"""Reads records, references and searches out of XML, into what the record service takes."""

from typing import Any
from xml.etree import ElementTree as ET

from sandboxes.kit.xml import XmlRefusedError, child, local, parse_xml
from sandboxes.netsuite.schema.model import Field, RecordType
from sandboxes.netsuite.soap.faults import SoapFault
from sandboxes.netsuite.soap.names import BY_TYPE_NAME, XSI, choices, list_name


def parsed(body: bytes) -> ET.Element:
    """The envelope.

    Raises:
        SoapFault: it is no XML, or brings a document type.
    """
    try:
        return parse_xml(body)
    except XmlRefusedError as wrong:
        raise SoapFault("unexpectedError", "UNEXPECTED_ERROR", f"The request cannot be read: {wrong}.") from None


def text(element: ET.Element | None, name: str) -> str:
    """The text of a child; empty when it is not there."""
    found = child(element, name)
    return (found.text or "").strip() if found is not None else ""


def kind_of(element: ET.Element) -> str:
    """The local name of `xsi:type`."""
    return element.get(f"{{{XSI}}}type", "").rpartition(":")[2]


def record_type_of(element: ET.Element) -> RecordType:
    """The type of a record element.

    Raises:
        SoapFault: there is no such type.
    """
    found = BY_TYPE_NAME.get(kind_of(element))
    if found is None:
        raise SoapFault("unexpectedError", "UNEXPECTED_ERROR", f"Unknown record type {kind_of(element) or '(none)'}.")
    return found


def record(element: ET.Element) -> tuple[RecordType, dict[str, Any], frozenset[str]]:
    """A record as REST would send it, and the sublists whose lines replace all others."""
    record_type = record_type_of(element)
    content, replaced = dict[str, Any](), set[str]()
    by_element = {list_name(one) if one.kind == "sublist" else one.soap_name: one for one in record_type.fields}
    for one in element:
        name = local(one)
        if name == "nullFieldList":
            content |= {(each.text or "").strip(): None for each in one}
        elif (field := by_element.get(name)) is None:
            content[name] = one.text
        elif field.kind == "sublist":
            content[field.name] = {"items": [_line(field, line) for line in one]}
            if one.get("replaceAll", "true") in ("true", "1"):
                replaced.add(field.name)
        else:
            content[field.name] = _value(field, one)
    if external_id := element.get("externalId"):
        content["externalId"] = external_id
    return record_type, content, frozenset(replaced)


def key_of(element: ET.Element) -> str:
    """The internal id of a reference or record, or `eid:` and its external id."""
    if internal_id := element.get("internalId"):
        return internal_id
    return f"eid:{element.get('externalId', '')}"


def _line(field: Field, line: ET.Element) -> dict[str, Any]:
    by_element = {one.soap_name: one for one in field.inner}
    taken = dict[str, Any]()
    for one in line:
        inner = by_element.get(local(one))
        taken[inner.name if inner else local(one)] = _value(inner, one) if inner else one.text
    return taken


def _value(field: Field, element: ET.Element) -> Any:
    if element.get(f"{{{XSI}}}nil") in ("true", "1"):
        return None
    if field.kind == "subrecord":
        return _line(field, element)
    if field.kind == "reference":
        external_id = element.get("externalId")
        return {"externalId": external_id} if external_id else {"id": element.get("internalId", "")}
    said = element.text or ""
    if field.kind == "boolean":
        return {"true": True, "1": True, "false": False, "0": False}.get(said.strip(), said)
    if field.kind == "select":
        return next((key for key, value in choices(field).items() if value == said.strip()), said)
    return said
