"""Envelopes in and out: what a client sent, checked against the service's records; results and faults.

Read with expat, the parser of CPython itself, which stops where a document type begins.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any
from xml.etree.ElementTree import Element as Node
from xml.etree.ElementTree import TreeBuilder
from xml.parsers import expat
from xml.sax.saxutils import escape

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
_DEEPEST = 50
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
    builder, parser, depth = TreeBuilder(), expat.ParserCreate(namespace_separator="}"), 0
    parser.buffer_text = True

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise SoapRefusal("The document is nested too deeply.", "OSB-XML")
        builder.start(_named(tag), {_named(name): value for name, value in attributes.items()})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_named(tag))

    def refuse(*_: object) -> None:
        raise SoapRefusal("DOCTYPE is not allowed.", "OSB-XML")

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = builder.data, refuse
    try:
        parser.Parse(document, True)
        return builder.close()
    except (expat.ExpatError, ValueError, LookupError):
        raise SoapRefusal("The request is not well-formed XML.", "OSB-XML") from None


def called(service: Service, document: bytes) -> tuple[Operation, dict[str, Any]]:
    """The operation that an envelope calls, and its arguments.

    Raises:
        SoapRefusal: There is none, or something in it is unknown.
    """
    body = parse(document).find(f"{{{ENVELOPE}}}Body")
    node = next(iter(body), None) if body is not None else None
    if node is None or not node.tag.startswith(f"{{{service.types}}}"):
        raise SoapRefusal("The request names no operation of this service.", "JBO-26061")
    operation = service.operation.get(_local(node))
    if operation is None:
        raise SoapRefusal(f"The operation {_local(node)} does not exist.", "JBO-26061")
    arguments: dict[str, Any] = {}
    for one in node:
        kind = operation.takes.get(_local(one))
        if kind is None or not one.tag.startswith(f"{{{service.types}}}"):
            raise SoapRefusal(f"The argument {_local(one)} is unknown.", "JBO-26061")
        arguments[_local(one)] = _value(service, kind, one)
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
        return _simple(kind, (node.text or "").strip(), _local(node))
    if kind in _ADF_RECORDS:
        return _tree(service, _ADF_RECORDS[kind], node, ADF)
    return _tree(service, service.record[kind], node, service.records_namespace)


def _tree(service: Service, record: Record, node: Node, namespace: str) -> Tree:
    tree: Tree = {}
    for one in node:
        element = record.by_name.get(_local(one))
        if element is None or not one.tag.startswith(f"{{{namespace}}}"):
            raise SoapRefusal(f"{record.name} has no element {_local(one)} in this namespace.", "JBO-29104")
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


def _named(name: str) -> str:
    return "{" + name if "}" in name else name


def _local(node: Node) -> str:
    return node.tag.rpartition("}")[2]
