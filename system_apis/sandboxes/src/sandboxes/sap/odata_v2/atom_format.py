"""Entities as Atom, which is what a client gets that does not ask for JSON.

Source: OData 2.0 "Atom Format".
"""

from datetime import datetime
from xml.sax.saxutils import escape, quoteattr

from sandboxes.sap.odata_v2.behaviour import Node
from sandboxes.sap.odata_v2.edm import Property, Row, Service, Value
from sandboxes.sap.odata_v2.primitives import to_text
from sandboxes.sap.odata_v2.query import Shape
from sandboxes.sap.odata_v2.reading import etag_of
from sandboxes.sap.odata_v2.resource import address

_PROLOGUE = '<?xml version="1.0" encoding="utf-8"?>'
_DATA = "http://schemas.microsoft.com/ado/2007/08/dataservices"
_NAMESPACES = f'xmlns="http://www.w3.org/2005/Atom" xmlns:m="{_DATA}/metadata" xmlns:d="{_DATA}"'


def entity_atom(node: Node, shape: Shape, service: Service, root: str, now: datetime) -> bytes:
    """One entity as an entry document; `root` is the absolute URI of the service."""
    return (_PROLOGUE + _Writer(service, root, now).entry(node, shape, _base(root))).encode()


def collection_atom(
    nodes: list[Node],
    shape: Shape,
    service: Service,
    root: str,
    now: datetime,
    title: str,
    count: int | None,
    following: str | None,
) -> bytes:
    """A page of entities as a feed document."""
    writer = _Writer(service, root, now)
    counted = "" if count is None else f"<m:count>{count}</m:count>"
    link = f'<link rel="next" href={quoteattr(following)}/>' if following else ""
    entries = "".join(writer.entry(node, shape) for node in nodes)
    head = writer.head(f"{root}/{title}", title)
    itself = f'<link href="{title}" rel="self" title="{title}"/>'
    return f"{_PROLOGUE}<feed {_base(root)}>{head}{counted}{itself}{entries}{link}</feed>".encode()


def property_xml(prop: Property, value: Value) -> bytes:
    """A single property."""
    return (_PROLOGUE + _element(prop, value, f' xmlns:d="{_DATA}" xmlns:m="{_DATA}/metadata"')).encode()


def service_document_xml(service: Service, root: str) -> bytes:
    """The service document."""
    collections = "".join(
        f'<app:collection href="{name}"><atom:title type="text">{name}</atom:title></app:collection>'
        for name in service.sets
    )
    return (
        f'{_PROLOGUE}<app:service xml:base="{escape(root)}/" xmlns:app="http://www.w3.org/2007/app" '
        f'xmlns:atom="http://www.w3.org/2005/Atom"><app:workspace><atom:title type="text">Data</atom:title>'
        f"{collections}</app:workspace></app:service>"
    ).encode()


def function_xml(name: str, service: Service, returns: str, rows: list[Row], *, many: bool) -> bytes:
    """The result of a function import that returns a complex type."""
    properties = service.complex_types[returns]
    bodies = ["".join(_element(one, row[one.name]) for one in properties) for row in rows]
    typed = f'm:type="{service.name}.{returns}"'
    content = "".join(f"<d:element {typed}>{body}</d:element>" for body in bodies) if many else bodies[0]
    opening = f'{name} xmlns:d="{_DATA}" xmlns:m="{_DATA}/metadata"' + ("" if many else f" {typed}")
    return f"{_PROLOGUE}<d:{opening}>{content}</d:{name}>".encode()


class _Writer:
    def __init__(self, service: Service, root: str, now: datetime) -> None:
        self._service, self._root = service, root
        self._updated = now.strftime("%Y-%m-%dT%H:%M:%SZ")

    def head(self, identifier: str, title: str) -> str:
        return (
            f'<id>{escape(identifier)}</id><title type="text">{escape(title)}</title><updated>{self._updated}</updated>'
        )

    def entry(self, node: Node, shape: Shape, attributes: str = "") -> str:
        path = address(node.set, node.row)
        etag = etag_of(node.set, node.row)
        tag = f" m:etag={quoteattr(etag)}" if etag else ""
        shown = [one for name, one in node.set.properties.items() if shape.select is None or name in shape.select]
        properties = "".join(_element(one, node.row[one.name]) for one in shown)
        links = "".join(
            self._link(node, name, shape, path)
            for name in node.set.navigations
            if shape.select is None or name in shape.select
        )
        term = f"{self._service.name}.{node.set.type_name}"
        return (
            f"<entry {attributes}{tag}>{self.head(f'{self._root}/{path}', f'{node.set.name}')}"
            f'<category term="{term}" scheme="{_DATA}/scheme"/>'
            f'<link href={quoteattr(path)} rel="self" title="{node.set.type_name}"/>{links}'
            f'<content type="application/xml"><m:properties>{properties}</m:properties></content></entry>'
        )

    def _link(self, node: Node, name: str, shape: Shape, path: str) -> str:
        kind = "feed" if node.set.navigations[name].many else "entry"
        inline = ""
        if name in node.links:
            linked, below = node.links[name], shape.expand.get(name, Shape())
            entries = linked if isinstance(linked, list) else [linked] if linked else []
            body = "".join(self.entry(one, below) for one in entries)
            if kind == "feed":
                body = f"<feed>{self.head(f'{self._root}/{path}/{name}', name)}{body}</feed>"
            inline = f"<m:inline>{body}</m:inline>"
        return (
            f'<link href={quoteattr(f"{path}/{name}")} rel="{_DATA}/related/{name}" '
            f'type="application/atom+xml;type={kind}" title="{name}">{inline}</link>'
        )


def _base(root: str) -> str:
    return f'{_NAMESPACES} xml:base="{escape(root)}/"'


def _element(prop: Property, value: Value, attributes: str = "") -> str:
    text = to_text(prop, value)
    typed = "" if prop.type == "Edm.String" else f' m:type="{prop.type}"'
    if text is None:
        return f'<d:{prop.name}{attributes}{typed} m:null="true"/>'
    return f"<d:{prop.name}{attributes}{typed}>{escape(_printable(text))}</d:{prop.name}>"


def _printable(text: str) -> str:
    """XML 1.0 has no way to write most control characters; Gateway leaves them out."""
    return "".join(char for char in text if char >= " " or char in "\t\n\r")
