"""XML of SuiteTalk SOAP: envelopes written, answers read without trust."""

from typing import Final
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from shared.binding.problems import BackendFault
from shared.security.untrusted_xml import NotXml, parse_untrusted
from system_apis.netsuite.tokens import PASSPORT

_SOAP: Final = "http://schemas.xmlsoap.org/soap/envelope/"
_XSI: Final = "http://www.w3.org/2001/XMLSchema-instance"


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
    try:
        return parse_untrusted(document)
    except NotXml as instead:
        raise BackendFault(f"NetSuite answered with {instead}.") from None


def _namespace(name: str, version: str) -> str:
    return f"urn:{name}_{version}.platform.webservices.netsuite.com"
