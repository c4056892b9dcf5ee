"""XML from clients, read as every stand-in reads it.

Read with expat, the parser that CPython ships. It stops where a document type begins, so nobody can declare an entity,
and nothing outside the document is ever opened. Nesting is bounded, because whoever walks the tree may recurse.
"""

from xml.etree.ElementTree import Element, ParseError, TreeBuilder
from xml.parsers import expat

_DEEPEST = 50


class XmlRefusedError(ValueError):
    """It is no XML that is read here; the text says why."""


def parse_xml(document: bytes, *, bare: bool = False) -> Element:
    """The root of a document; tags and attributes as ElementTree writes them (`{namespace}name`).

    Args:
        document: In the encoding that it declares, else UTF-8.
        bare: Leaves the namespaces out.

    Raises:
        XmlRefusedError: It is not XML, brings a document type, or is nested more than 50 deep.
    """
    builder, parser, depth = TreeBuilder(), expat.ParserCreate(namespace_separator="}"), 0
    parser.buffer_text = True
    named = _bare if bare else _full

    def begin(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _DEEPEST:
            raise XmlRefusedError("The document is nested too deeply")
        builder.start(named(tag), {named(name): value for name, value in attributes.items()})

    def end(tag: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(named(tag))

    def refuse(*_: object) -> None:
        raise XmlRefusedError("DOCTYPE is not allowed")

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = builder.data, refuse
    try:
        parser.Parse(document, True)
        return builder.close()
    except XmlRefusedError:
        raise
    except (expat.ExpatError, ParseError, ValueError, LookupError, AssertionError) as error:  # the last: encodings
        raise XmlRefusedError(f"not well-formed XML: {error}") from None


def local(element: Element) -> str:
    """The name of an element without its namespace."""
    return _bare(element.tag)


def child(element: Element | None, name: str) -> Element | None:
    """The first child of this local name."""
    return next((one for one in element if local(one) == name), None) if element is not None else None


def _full(name: str) -> str:
    return f"{{{name}" if "}" in name else name


def _bare(name: str) -> str:
    return name.rpartition("}")[2]
