"""Calls as SOAP envelopes, and replies read back without trust."""

from collections.abc import Mapping
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

from shared.security.untrusted_xml import NotXml, parse_untrusted
from system_apis.sap.bapi.answer import Answer, Tree

NAMESPACE: Final = "urn:sap-com:document:sap:rfc:functions"
_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_SESSION = "http://www.sap.com/webas/630/soap/features/session/"


class NotSoap(Exception):  # noqa: N818 - reads as what it is
    """A reply is no SOAP envelope; the text says what instead, without any of its content."""


class Fault(Exception):  # noqa: N818 - SOAP's own word
    """A SOAP fault.

    Args:
        code: `Client` or `Server`.
        text: SAP's words.
        name: The exception that the function raised; empty if none.
    """

    def __init__(self, code: str, text: str, name: str) -> None:
        super().__init__(text)
        self.code, self.text, self.name = code, text, name


def write_call(function: str, parameters: Mapping[str, Tree], *, keep_session: bool | None) -> bytes:
    """The envelope of a call.

    Args:
        function: Its name, `/` included.
        parameters: By name; an empty table asks for that table back.
        keep_session: True to keep the session for the next call, False to end it after this one, None for none.
    """
    envelope = Element("e:Envelope", {"xmlns:e": _ENVELOPE, "xmlns:r": NAMESPACE})
    if keep_session is not None:
        header = SubElement(SubElement(envelope, "e:Header"), "s:Session", {"xmlns:s": _SESSION})
        SubElement(header, "enableSession").text = str(keep_session).lower()
    call = SubElement(SubElement(envelope, "e:Body"), f"r:{_encoded(function)}")
    for name, value in parameters.items():
        _write(SubElement(call, _encoded(name)), value)
    return tostring(envelope, encoding="utf-8", xml_declaration=True)


def read_answer(body: bytes) -> Answer:
    """What a function answered, in any of SAP's styles.

    Raises:
        Fault: SAP answered a fault instead.
        NotSoap: It is no SOAP envelope at all.
    """
    envelope = _parsed(body)
    content = next((one for one in envelope if one.tag == "Body"), None)
    if envelope.tag != "Envelope" or content is None or not len(content):
        raise NotSoap("XML that is no SOAP envelope")
    if content[0].tag == "Fault":
        raise _fault(content[0])
    return Answer({one.tag: _tree(one) for one in content[0]})


def _write(element: Element, value: Tree) -> None:
    if isinstance(value, str):
        element.text = value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            _write(SubElement(element, _encoded(name)), one)
    else:
        for row in value:
            _write(SubElement(element, "item"), row)


def _tree(element: Element) -> Tree:
    if not len(element):
        return element.text or ""
    if all(one.tag == "item" for one in element):
        return [_tree(one) for one in element]
    return {one.tag: _tree(one) for one in element}


def _fault(element: Element) -> Fault:
    code = (element.findtext("faultcode") or "").rpartition(":")[2]
    name = next((one.text for one in element.iter("Name") if one.text), "")
    text = next((one.text for one in element.iter("Text") if one.text), "") or element.findtext("faultstring") or ""
    return Fault(code, text, name)


def _encoded(name: str) -> str:
    return name.replace("/", "_-")


def _parsed(body: bytes) -> Element:
    """The root, tags without namespaces."""
    try:
        return parse_untrusted(body)
    except NotXml as instead:
        raise NotSoap(str(instead)) from None
