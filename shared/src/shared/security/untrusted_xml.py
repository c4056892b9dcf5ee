"""XML from somebody we do not trust, such as a backend that was taken over or a page in its place.

Read with expat, the parser that CPython ships and keeps patched: no further dependency. It stops where a document type
begins, so no entity can be declared (no expansion, no external file), and nothing outside the document is ever opened.
Nesting is bounded, because whoever walks the tree may recurse.
"""

from typing import Final
from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

_DEEPEST: Final = 50


class NotXml(Exception):  # noqa: N818 - reads as what it is
    """It cannot be read; the text says what it is instead, to follow "answered with "."""


def parse_untrusted(document: bytes) -> Element:
    """The root of a document, tags and attributes without namespaces.

    Raises:
        NotXml: It is not XML, brings a document type, or is nested more than 50 deep.
    """
    builder, parser, depth = TreeBuilder(), expat.ParserCreate(namespace_separator=" "), 0
    parser.buffer_text = True

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise NotXml("XML that is nested without measure")
        builder.start(_local(tag), {_local(name): value for name, value in attributes.items()})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(_local(tag))

    def refuse(*_: object) -> None:
        raise NotXml("a document type, which nothing here reads")

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = builder.data, refuse
    try:
        parser.Parse(document, True)
        return builder.close()
    except (expat.ExpatError, ParseError, ValueError, LookupError, AssertionError):  # the last ones: unknown encodings
        raise NotXml("something that is not XML") from None


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
