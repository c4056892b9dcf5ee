"""XML of SuiteTalk SOAP: envelopes written, answers read.

Answers are read with expat, the parser that CPython ships and keeps patched. It stops where a document type begins, so
no entity can be declared, and nothing outside the document is ever opened.
"""

from typing import Final
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat
from xml.sax.saxutils import escape

from shared.binding.problems import BackendFault
from system_apis.netsuite.tokens import PASSPORT

_SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"
_DEEPEST = 50


def envelope(operation: str, content: str, version: str) -> bytes:
    """A request; its passport is put in for each attempt.

    Args:
        operation: E.g. `getDeleted`.
        content: Its elements as markup, in the messages namespace unless prefixed with `core:`.
        version: E.g. `2025_2`.
    """
    messages, core = _namespace("messages", version), _namespace("core", version)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="{_SOAP}" xmlns:xsi="{_XSI}" '
        f'xmlns:core="{core}"><soapenv:Header><tokenPassport xmlns="{messages}">{PASSPORT.decode()}</tokenPassport>'
        f'</soapenv:Header><soapenv:Body><{operation} xmlns="{messages}">{content}</{operation}></soapenv:Body>'
        "</soapenv:Envelope>"
    ).encode()


def text_of(text: str) -> str:
    """Text as markup; what XML cannot hold is left out."""
    return escape("".join(char for char in text if char.isprintable() or char in "\t\n"))


def parsed(document: bytes) -> Element:
    """The root of an answer; names come without namespaces.

    Raises:
        BackendFault: It is not XML, brings a document type, or is nested without measure.
    """
    builder, parser, depth = TreeBuilder(), expat.ParserCreate(namespace_separator=" "), 0
    parser.buffer_text = True

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise BackendFault("NetSuite answered with XML that is nested without measure.")
        builder.start(_local(tag), {_local(name): value for name, value in attributes.items()})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_local(tag))

    def refuse(*_: object) -> None:
        raise BackendFault("NetSuite answered with a document type, which nothing here reads.")

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = builder.data, refuse
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, ValueError, LookupError):  # the latter two: encodings that nobody knows
        raise BackendFault("NetSuite answered with something that is not XML.") from None
    return builder.close()


def _namespace(name: str, version: str) -> str:
    return f"urn:{name}_{version}.platform.webservices.netsuite.com"


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
