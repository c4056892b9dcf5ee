"""Entities as JSON: the `d` wrapper, `__metadata`, `__deferred`.

Source: OData 2.0 "JSON Format"; collections as `{"d":{"results":[…]}}`.
"""

import msgspec

from sandboxes.sap.odata_v2.behaviour import Node
from sandboxes.sap.odata_v2.edm import Property, Row, Service, Value
from sandboxes.sap.odata_v2.primitives import to_json
from sandboxes.sap.odata_v2.query import Shape
from sandboxes.sap.odata_v2.reading import etag_of
from sandboxes.sap.odata_v2.resource import address

Json = dict[str, object]


def entity_json(node: Node, shape: Shape, service: Service, root: str) -> bytes:
    """One entity; `root` is the absolute URI of the service."""
    return msgspec.json.encode({"d": _entity(node, shape, service, root)})


def collection_json(
    nodes: list[Node], shape: Shape, service: Service, root: str, count: int | None, following: str | None
) -> bytes:
    """A page of entities; `following` is the URI of the next."""
    body: Json = {} if count is None else {"__count": str(count)}
    body["results"] = [_entity(node, shape, service, root) for node in nodes]
    if following:
        body["__next"] = following
    return msgspec.json.encode({"d": body})


def property_json(prop: Property, value: Value) -> bytes:
    """A single property."""
    return msgspec.json.encode({"d": {prop.name: to_json(prop, value)}})


def service_document_json(service: Service) -> bytes:
    """The service document."""
    return msgspec.json.encode({"d": {"EntitySets": list(service.sets)}})


def function_json(name: str, service: Service, returns: str, rows: list[Row], *, many: bool) -> bytes:
    """The result of a function import that returns a complex type: wrapped in its name, or results."""
    properties = service.complex_types[returns]
    items = [
        {"__metadata": {"type": f"{service.name}.{returns}"}}
        | {one.name: to_json(one, row[one.name]) for one in properties}
        for row in rows
    ]
    return msgspec.json.encode({"d": {"results": items} if many else {name: items[0]}})


def _entity(node: Node, shape: Shape, service: Service, root: str) -> Json:
    uri = f"{root}/{address(node.set, node.row)}"
    metadata: Json = {"id": uri, "uri": uri, "type": f"{service.name}.{node.set.type_name}"}
    if etag := etag_of(node.set, node.row):
        metadata["etag"] = etag
    entity: Json = {"__metadata": metadata}
    for name, prop in node.set.properties.items():
        if shape.select is None or name in shape.select:
            entity[name] = to_json(prop, node.row[name])
    for name in node.set.navigations:
        if shape.select is None or name in shape.select:
            entity[name] = _link(node, name, shape, service, root, uri)
    return entity


def _link(node: Node, name: str, shape: Shape, service: Service, root: str, uri: str) -> object:
    if name not in node.links:
        return {"__deferred": {"uri": f"{uri}/{name}"}}
    linked, below = node.links[name], shape.expand.get(name, Shape())
    if isinstance(linked, list):
        return {"results": [_entity(one, below, service, root) for one in linked]}
    return None if linked is None else _entity(linked, below, service, root)
