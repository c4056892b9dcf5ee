"""What a client sends for a row, checked against the resource's fields."""

from typing import Any, cast

import msgspec

from sandboxes.oracle.framework.declare import Node, Resource
from sandboxes.oracle.framework.problems import Detail, RestError, refuse
from sandboxes.oracle.framework.values import decode_json, from_json

Json = dict[str, Any]


def read_document(body: bytes) -> Json:
    """The JSON object that was sent.

    Raises:
        RestError: 400, it is none.
    """
    try:
        found: object = decode_json(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise refuse(400, "The request body is not well-formed JSON.", "ADF-27002") from None
    if not isinstance(found, dict):
        raise refuse(400, "The request body must be a JSON object.", "ADF-27002")
    return cast("Json", found)


def read_node(resource: Resource, document: Json, *, creating: bool, path: str = "") -> Node:
    """A row with the rows below it.

    Raises:
        RestError: 400, with everything that is wrong.
    """
    node, wrong = Node({}), list[Detail]()
    for name, value in document.items():
        try:
            _read(resource, name, value, node, creating=creating, path=f"{path}/{name}")
        except RestError as refused:
            wrong += refused.details
    if creating:
        wrong += _missing(resource, node, path)
        node.values = {one.name: one.default for one in resource.fields if one.default is not None} | node.values
    if wrong:
        raise RestError(400, *wrong)
    return node


def _read(resource: Resource, name: str, value: object, node: Node, *, creating: bool, path: str) -> None:
    if name in resource.below:
        rows = cast("Json", value).get("items") if isinstance(value, dict) else value
        if not isinstance(rows, list) or not all(isinstance(one, dict) for one in cast("list[object]", rows)):
            raise refuse(400, f"The child {name} must be an array of objects.", "ADF-27002", path)
        child = resource.below[name]
        node.children[name] = [
            read_node(child, one, creating=creating, path=f"{path}/{place}")
            for place, one in enumerate(cast("list[Json]", rows))
        ]
        return
    field = resource.by_name.get(name)
    if name == "links" or (field and creating and not field.writable):
        return
    if field is None:
        raise refuse(400, f"The attribute {name} is not defined for {resource.name}.", "ADF-27007", path)
    if not creating and not (field.writable and field.updatable):
        raise refuse(400, f"The attribute {name} cannot be updated.", "JBO-27008", path)
    node.values[name] = from_json(field, value, path)


def _missing(resource: Resource, node: Node, path: str) -> list[Detail]:
    required = (one.name for one in resource.fields if one.required and node.values.get(one.name) is None)
    return [Detail(f"The attribute {name} is required.", "JBO-27014", f"{path}/{name}") for name in required]
