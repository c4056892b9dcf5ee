"""Envelopes in and out: what a client sent, checked against the service's records; results and faults."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.etree.ElementTree import Element as Node
from xml.sax.saxutils import escape

from sandboxes.kit.xml import XmlRefusedError, local, parse_xml
from sandboxes.oracle.soap.declare import (
    ADF,
    ERRORS,
    FIND_RECORDS,
    SIMPLE,
    Operation,
    Record,
    Service,
    SoapRefusal,
    Tree,
)

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_NIL = "{http://www.w3.org/2001/XMLSchema-instance}nil"
_ADF_RECORDS = {one.name: one for one in FIND_RECORDS}
_HEAD = (
    f'<?xml version="1.0" encoding="UTF-8"?><env:Envelope xmlns:env="{ENVELOPE}" xmlns:wsa="http://www.w3.org/2005/08/addressing">'
    "<env:Body>"
)
_TAIL = "</env:Body></env:Envelope>"


def parse(document: bytes) -> Node:
    """The root of a document, names with their namespaces as ElementTree writes them.

    Raises:
        SoapRefusal: It is not XML, or XML that nobody reads here.
    """
    try:
        return parse_xml(document)
    except XmlRefusedError as refused:
        raise SoapRefusal(f"The request cannot be read: {refused}.", "OSB-XML") from None


def called(service: Service, document: bytes) -> tuple[Operation, dict[str, Any]]:
    """The operation that an envelope calls, and its arguments.

    Raises:
        SoapRefusal: There is none, or something in it is unknown.
    """
    body = parse(document).find(f"{{{ENVELOPE}}}Body")
    node = next(iter(body), None) if body is not None else None
    if node is None or not node.tag.startswith(f"{{{service.types}}}"):
        raise SoapRefusal("The request names no operation of this service.", "JBO-26061")
    operation = service.operation.get(local(node))
    if operation is None:
        raise SoapRefusal(f"The operation {local(node)} does not exist.", "JBO-26061")
    arguments: dict[str, Any] = {}
    for one in node:
        kind = operation.takes.get(local(one))
        if kind is None or not one.tag.startswith(f"{{{service.types}}}"):
            raise SoapRefusal(f"The argument {local(one)} is unknown.", "JBO-26061")
        arguments[local(one)] = _value(service, kind, one)
    return operation, arguments


def answer(service: Service, operation: Operation, rows: Sequence[Tree]) -> str:
    """The envelope of a result."""
    written = [_written(service.record[operation.gives], service, row) for row in rows]
    if operation.wrapped:
        inside = "".join(f"<d:Value>{one}</d:Value>" for one in written)
        results = f"<o:result>{inside}</o:result>"
    else:
        results = "".join(f"<o:result>{one}</o:result>" for one in written)
    name = f"{operation.name}Response"
    return (
        f'{_HEAD}<o:{name} xmlns:o="{service.types}" xmlns:d="{service.records_namespace}">{results}</o:{name}>{_TAIL}'
    )


def fault(refusal: SoapRefusal) -> str:
    """The envelope of a fault."""
    attribute = f"<e:attributeName>{escape(refusal.attribute)}</e:attributeName>" if refusal.attribute else ""
    text = escape(f"{refusal.code}: {refusal.text}")
    return (
        f"{_HEAD}<env:Fault><faultcode>env:Server</faultcode><faultstring>{text}</faultstring><detail>"
        f'<e:ServiceErrorMessage xmlns:e="{ERRORS}"><e:code>{escape(refusal.code)}</e:code>'
        f"<e:message>{escape(refusal.text)}</e:message><e:severity>SEVERITY_ERROR</e:severity>{attribute}"
        f"</e:ServiceErrorMessage></detail></env:Fault>{_TAIL}"
    )


def _value(service: Service, kind: str, node: Node) -> Any:
    if node.get(_NIL) == "true":
        return None
    if kind in SIMPLE:
        return _simple(kind, (node.text or "").strip(), local(node))
    if kind in _ADF_RECORDS:
        return _tree(service, _ADF_RECORDS[kind], node, ADF)
    return _tree(service, service.record[kind], node, service.records_namespace)


def _tree(service: Service, record: Record, node: Node, namespace: str) -> Tree:
    tree: Tree = {}
    for one in node:
        element = record.by_name.get(local(one))
        if element is None or not one.tag.startswith(f"{{{namespace}}}"):
            raise SoapRefusal(f"{record.name} has no element {local(one)} in this namespace.", "JBO-29104")
        value = _value(service, element.type, one)
        if element.many:
            tree.setdefault(element.name, []).append(value)
        else:
            tree[element.name] = value
    return tree


def _simple(kind: str, text: str, name: str) -> str:
    try:
        if kind in ("long", "int"):
            int(text)
        elif kind == "decimal":
            Decimal(text)
        elif kind == "date":
            date.fromisoformat(text[:10])
    except (ValueError, InvalidOperation):
        raise SoapRefusal(f"The value of {name} is not a valid {kind}.", "JBO-25009", name) from None
    return text


def _written(record: Record, service: Service, row: Mapping[str, Any]) -> str:
    written = ""
    for element in record.elements:
        value = row.get(element.name)
        if value is None:
            continue
        for one in value if element.many else [value]:
            inside = (
                escape(str(one)) if element.type in SIMPLE else _written(service.record[element.type], service, one)
            )
            written += f"<d:{element.name}>{inside}</d:{element.name}>"
    return written
