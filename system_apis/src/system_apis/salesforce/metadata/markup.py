"""XML of the Metadata API, read without trust and written from trees."""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from shared.binding.problems import BackendFault
from shared.security.untrusted_xml import NotXml, parse_untrusted

Tree: TypeAlias = Mapping[str, "str | bool | int | Tree | Sequence[str | Tree] | None"]
"""Elements by name, in their order; what is None is left out, a list repeats its element."""

NAMESPACE: Final = "http://soap.sforce.com/2006/04/metadata"


def parse(document: bytes) -> Element:
    """The root of a document, tags and attributes without namespaces.

    Raises:
        BackendFault: It is not XML, brings a document type, or is nested without measure.
    """
    try:
        return parse_untrusted(document)
    except NotXml as instead:
        raise BackendFault(f"Salesforce answered with {instead}.") from None


def markup(tree: Tree) -> str:
    """The elements of a tree; text is escaped."""
    return "".join(_element(name, value) for name, value in tree.items())


def document(kind: str, tree: Tree) -> bytes:
    """A file of a package."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{kind} xmlns="{NAMESPACE}">{markup(tree)}</{kind}>\n'.encode()


def _element(name: str, value: "str | bool | int | Tree | Sequence[str | Tree] | None") -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return f"<{name}>{markup(value)}</{name}>"
    if isinstance(value, bool):
        return f"<{name}>{str(value).lower()}</{name}>"
    if isinstance(value, str | int):
        return f"<{name}>{escape(str(value))}</{name}>"
    return "".join(_element(name, each) for each in value)
