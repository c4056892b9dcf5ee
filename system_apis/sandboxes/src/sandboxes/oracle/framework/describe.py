"""`describe`: what a resource has, as clients that generate code read it."""

from sandboxes.oracle.framework.declare import Behaviour, Field, Resource
from sandboxes.oracle.framework.request import DEFAULT_LIMIT

Document = dict[str, object]


def description(resource: Resource, href: str) -> Document:
    """A resource with the resources below it."""
    item = f"{href}/{{id}}"
    return {
        "discrColumnType": False,
        "title": resource.name,
        "attributes": [_attribute(one) for one in resource.fields],
        "collection": {
            "rangeSize": DEFAULT_LIMIT,
            "finders": _finders(resource),
            "links": [{"rel": "self", "href": href, "name": "self"}],
            "actions": _collection_actions(resource.behaviour),
        },
        "item": {
            "links": [{"rel": "self", "href": item, "name": "self"}],
            "actions": _item_actions(resource.behaviour),
        },
        "children": {one.name: description(one, f"{item}/child/{one.name}") for one in resource.children},
    }


def _attribute(field: Field) -> Document:
    described: Document = {
        "name": field.name,
        "type": field.kind,
        "updatable": field.writable and field.updatable,
        "mandatory": field.required,
        "queryable": True,
    }
    return described | ({"maxLength": field.longest} if field.kind == "string" else {})


def _finders(resource: Resource) -> list[Document]:
    key = {"PrimaryKey": [resource.key]} if resource.key else {}
    return [
        {"name": name, "attributes": [{"name": one} for one in names]}
        for name, names in {**key, **resource.finders}.items()
    ]


def _collection_actions(behaviour: Behaviour) -> list[Document]:
    found: list[Document] = [{"name": "get", "method": "GET"}]
    if behaviour.create:
        found.append({"name": "create", "method": "POST"})
    return [*found, *_named(list(behaviour.collection_actions))]


def _item_actions(behaviour: Behaviour) -> list[Document]:
    found: list[Document] = [{"name": "get", "method": "GET"}]
    if behaviour.update:
        found.append({"name": "update", "method": "PATCH"})
    if behaviour.delete:
        found.append({"name": "delete", "method": "DELETE"})
    return [*found, *_named(list(behaviour.actions))]


def _named(names: list[str]) -> list[Document]:
    return [
        {"name": name, "method": "POST", "requestType": ["application/vnd.oracle.adf.action+json"]} for name in names
    ]
