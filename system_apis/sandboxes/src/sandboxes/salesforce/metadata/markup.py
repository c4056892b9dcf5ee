"""Metadata between XML, JSON and one form in between: text, lists and dicts of them."""

from typing import Any
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from sandboxes.kit.xml import XmlRefusedError, parse_xml

Tree = dict[str, Any]
NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
_LISTS = frozenset(
    {"enrichedFields", "fieldPermissions", "fields", "objectPermissions", "referenceTo", "validationRules", "value"}
)
_NUMBERS = frozenset({"length", "precision", "relationshipOrder", "scale", "startingNumber", "visibleLines"})


def parse(document: bytes) -> Element:
    """The root of a document; tags and attributes without their namespaces, which no client agrees on.

    Raises:
        XmlRefusedError: It is not XML, or XML that nobody reads here.
    """
    try:
        return parse_xml(document, bare=True)
    except XmlRefusedError as refused:
        raise XmlRefusedError(f"Error parsing file: {refused}") from None


def tree_of(element: Element) -> Tree:
    """The children of an element by name; several of a name become a list."""
    tree: Tree = {}
    for child in element:
        if child.get("nil") == "true":
            continue
        value: Any = tree_of(child) if len(child) else (child.text or "").strip()
        if child.tag in tree:
            known = tree[child.tag]
            tree[child.tag] = [*known, value] if isinstance(known, list) else [known, value]  # pyright: ignore[reportUnknownVariableType]
        else:
            tree[child.tag] = value
    return tree


def of_json(value: Any) -> Any:
    """A JSON value in the form in between; what is null is left out."""
    if isinstance(value, dict):
        members: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        return {name: of_json(each) for name, each in members.items() if each is not None}
    if isinstance(value, list):
        return [of_json(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    return str(value).lower() if isinstance(value, bool) else str(value)


def to_json(value: Any, name: str = "") -> Any:
    """The JSON that the Tooling API shows."""
    if isinstance(value, dict):
        members: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType]
        shown: Any = {key: to_json(each, key) for key, each in members.items()}
        return [shown] if name in _LISTS else shown
    if isinstance(value, list):
        return [to_json(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    if value in ("true", "false"):
        return value == "true"
    return int(value) if name in _NUMBERS and value.isdecimal() else value


def many(tree: Tree, name: str) -> list[Any]:
    """A member that may come once or several times."""
    found: Any = tree.get(name, [])
    return found if isinstance(found, list) else [found]  # pyright: ignore[reportUnknownVariableType]


def members(tree: Tree, name: str) -> list[Tree]:
    """Of a member that may come several times, those that have members."""
    return [each for each in many(tree, name) if isinstance(each, dict)]


def text(tree: Tree, name: str) -> str:
    """A member that is text, empty if it is missing or more than text."""
    found = tree.get(name, "")
    return found if isinstance(found, str) else ""


def inner(tree: Tree, name: str) -> Tree:
    """A member that has members, empty if it is missing or text."""
    found = tree.get(name)
    return found if isinstance(found, dict) else {}  # pyright: ignore[reportUnknownVariableType]


def markup(tree: Tree) -> str:
    """The members as XML: the full name first, then by name, as the WSDL has them."""
    return "".join(
        f"<{name}>{markup(each) if isinstance(each, dict) else escape(str(each))}</{name}>"  # pyright: ignore[reportUnknownArgumentType]
        for name in sorted(tree, key=lambda key: (key != "fullName", key))
        for each in many(tree, name)
    )


def file_of(kind: str, tree: Tree) -> bytes:
    """A file of a package, e.g. `objects/Site__c.object`."""
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<{kind} xmlns="{NAMESPACE}">{markup(tree)}</{kind}>\n'.encode()
