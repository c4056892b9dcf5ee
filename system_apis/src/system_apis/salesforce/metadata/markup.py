"""XML of the Metadata API, read without trust and written from trees.

Read with expat, the parser that CPython ships and keeps patched: no further dependency. It stops where a document
type begins, so no entity can be declared, and nothing outside the document is ever opened.
"""

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat
from xml.sax.saxutils import escape

from shared.binding.problems import BackendFault

Tree: TypeAlias = Mapping[str, "str | bool | int | Tree | Sequence[str | Tree] | None"]
"""Elements by name, in their order; what is None is left out, a list repeats its element."""

NAMESPACE: Final = "http://soap.sforce.com/2006/04/metadata"
_DEEPEST = 50


def parse(document: bytes) -> Element:
    """The root of a document, tags and attributes without namespaces.

    Raises:
        BackendFault: It is not XML, brings a document type, or is nested without measure.
    """
    builder = TreeBuilder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    depth = 0

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise BackendFault("Salesforce answered with XML that is nested without measure.")
        builder.start(_local(tag), {_local(name): value for name, value in attributes.items()})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_local(tag))

    def refuse(*_: object) -> None:
        raise BackendFault("Salesforce answered with a document type, which nothing here reads.")

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = builder.data, refuse
    try:
        parser.Parse(document, True)
    except (expat.ExpatError, ValueError, LookupError):  # the latter two: encodings that nobody knows
        raise BackendFault("Salesforce answered with something that is not XML.") from None
    return builder.close()


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


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
