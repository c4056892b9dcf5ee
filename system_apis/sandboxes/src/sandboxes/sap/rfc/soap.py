"""SOAP of the RFC runtimes: the older one with a dot in its responses, and the newer one in two styles.

Names of the rfc styles are the dictionary's, with `/` written `_-`; those of the mc-style are CamelCase. Parameters
stand unqualified below a qualified function. A TABLES parameter that was not sent is not returned.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from sandboxes.kit.xml import XmlRefusedError, local, parse_xml
from sandboxes.sap.rfc.catalogue import MODULES, parameters
from sandboxes.sap.rfc.dictionary import Cell, Field, Fields, FunctionModule, Parameter, Value, read_cell, write_cell

RFC = "urn:sap-com:document:sap:rfc:functions"
MC = "urn:sap-com:document:sap:soap:functions:mc-style"
_SOAP = "http://schemas.xmlsoap.org/soap/envelope/"

Style = Literal["dot", "rfc", "mc"]
"""Of a response: `X.Response`, `XResponse`, or CamelCase."""


class SoapFault(Exception):  # noqa: N818 - reads as what it is
    """A call that never became one, or an exception of the function: a fault, not RETURN."""

    def __init__(self, code: Literal["Client", "Server"], text: str, exception: str = "", function: str = "") -> None:
        super().__init__(text)
        self.code, self.text, self.exception, self.function = code, text, exception, function


@dataclass(frozen=True, slots=True)
class RfcRequest:
    """A call as it came: its parameters' values, the names sent, and whether the caller wants a session kept."""

    module: FunctionModule
    given: Mapping[str, Value]
    tables: frozenset[str]
    style: Style
    keep_session: bool | None


def read_request(body: bytes, *, newer: bool) -> RfcRequest:
    """The call of an envelope.

    Raises:
        SoapFault: It is no envelope, the function does not exist, or a value does not fit its field.
        NotConvertible: A value is none of its field's type.
    """
    try:
        envelope = parse_xml(body)
    except XmlRefusedError as refused:
        raise SoapFault("Client", f"XML Deserialisation Error: {refused}") from None
    content = envelope.find(f"{{{_SOAP}}}Body")
    call = content[0] if content is not None and len(content) else None
    if call is None:
        raise SoapFault("Client", "SOAP Body without a function")
    namespace, _, name = call.tag.lstrip("{").rpartition("}")
    module = _module(name, namespace)
    if module is None:
        raise SoapFault("Client", f"Function module {name} not found", "FU_NOT_FOUND", name)
    style: Style = "mc" if namespace == MC else "rfc" if newer else "dot"
    given = {parameter.name: _read(parameter, sent) for parameter, sent in _sent(module, call)}
    tables = frozenset(one.name for one in module.tables if one.name in given)
    return RfcRequest(module, given, tables, style, _session(envelope))


def write_response(request: RfcRequest, results: Mapping[str, Value]) -> bytes:
    """The envelope of an answer: every export, and the tables that were sent."""
    module, style = request.module, request.style
    shown = (*module.exports, *(one for one in module.tables if one.name in request.tables))
    inner = "".join(_write(one, results.get(one.name), style) for one in shown)
    suffix = ".Response" if style == "dot" else "Response"
    tag, namespace = f"{_shown(module.name, style)}{suffix}", MC if style == "mc" else RFC
    return _envelope(f'<rfc:{tag} xmlns:rfc="{namespace}">{inner}</rfc:{tag}>')


def write_fault(fault: SoapFault) -> bytes:
    """The envelope of a fault."""
    detail = ""
    if fault.exception:
        tag = f"rfc:{escape(_shown(fault.function, 'dot'))}.Exception"
        detail = (
            f'<detail><{tag} xmlns:rfc="{RFC}"><Name>{escape(fault.exception)}</Name><Text>{escape(fault.text)}</Text>'
            f"<Message><ID>FL</ID><Number>046</Number></Message></{tag}></detail>"
        )
    return _envelope(
        f"<SOAP-ENV:Fault><faultcode>SOAP-ENV:{fault.code}</faultcode>"
        f"<faultstring>{escape(fault.text)}</faultstring>{detail}</SOAP-ENV:Fault>"
    )


def camel(name: str) -> str:
    """A dictionary name in mc-style."""
    return "".join(part.capitalize() for part in name.split("_"))


def encoded(name: str) -> str:
    """A dictionary name as XML can hold it."""
    return name.replace("/", "_-")


def _module(name: str, namespace: str) -> FunctionModule | None:
    if namespace == MC:
        return next((one for one in MODULES.values() if camel(one.name) == name), None)
    return MODULES.get(name.replace("_-", "/")) if namespace == RFC else None


def _sent(module: FunctionModule, call: ET.Element) -> list[tuple[Parameter, ET.Element]]:
    known = {name: one for one in parameters(module) for name in (encoded(one.name), camel(one.name))}
    return [(known[child.tag], child) for child in call if child.tag in known]


def _read(parameter: Parameter, sent: ET.Element) -> Value:
    if parameter.is_table:
        return [_row(parameter.fields, item) for item in sent if item.tag == "item"]
    if parameter.is_single:
        return read_cell(parameter.fields[0], sent.text or "")
    return _row(parameter.fields, sent)


def _row(fields: Sequence[Field], sent: ET.Element) -> dict[str, Cell]:
    texts = {child.tag: child.text or "" for child in sent}
    return {one.name: read_cell(one, texts.get(one.name, texts.get(camel(one.name), ""))) for one in fields}


def _session(envelope: ET.Element) -> bool | None:
    wanted = next((one for one in envelope.iter() if local(one) == "enableSession"), None)
    return None if wanted is None else (wanted.text or "").strip() in ("true", "1")


def _write(parameter: Parameter, value: Value, style: Style) -> str:
    name = _shown(parameter.name, style)
    if parameter.is_table:
        rows: Sequence[Fields] = value if isinstance(value, list) else ()
        inner = "".join(f"<item>{_write_row(parameter.fields, row, style)}</item>" for row in rows)
    elif parameter.is_single:
        cell = None if isinstance(value, Mapping | Sequence) and not isinstance(value, str) else value
        inner = escape(write_cell(parameter.fields[0], cell))
    else:
        inner = _write_row(parameter.fields, value if isinstance(value, Mapping) else {}, style)
    return f"<{name}>{inner}</{name}>"


def _write_row(fields: Sequence[Field], row: Fields, style: Style) -> str:
    texts = {_shown(one.name, style): escape(write_cell(one, row.get(one.name, one.initial))) for one in fields}
    return "".join(f"<{name}>{text}</{name}>" for name, text in texts.items())


def _shown(name: str, style: Style) -> str:
    return camel(name) if style == "mc" else encoded(name)


def _envelope(body: str) -> bytes:
    return (
        f'<?xml version="1.0" encoding="utf-8"?><SOAP-ENV:Envelope xmlns:SOAP-ENV="{_SOAP}">'
        f"<SOAP-ENV:Body>{body}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
    ).encode()
