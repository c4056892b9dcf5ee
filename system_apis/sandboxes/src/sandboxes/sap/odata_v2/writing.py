"""Writes: request bodies to typed payloads, and rows that follow the model alone."""

import sqlite3
from collections.abc import Mapping
from typing import cast

import msgspec

from sandboxes.sap.odata_v2.behaviour import Behaviour, Node, Payload, Work
from sandboxes.sap.odata_v2.edm import EntitySet, Row, Service, Value
from sandboxes.sap.odata_v2.errors import MALFORMED_BODY, METHOD_REFUSED, Message, ODataError, refuse
from sandboxes.sap.odata_v2.primitives import from_json
from sandboxes.sap.odata_v2.resource import not_found

_DEEPEST = 4


def parse_body(body: bytes) -> dict[str, object]:
    """The JSON object of a request body, with or without the `d` wrapper.

    Raises:
        ODataError: 400, it is not a JSON object.
    """
    try:
        document: object = msgspec.json.decode(body)
    except msgspec.DecodeError as unreadable:
        raise refuse(400, MALFORMED_BODY, f"Error while parsing JSON: {unreadable}") from None
    if isinstance(document, dict) and set(cast("dict[str, object]", document)) == {"d"}:
        document = cast("dict[str, object]", document)["d"]
    if not isinstance(document, dict):
        raise refuse(400, MALFORMED_BODY, "Error while parsing JSON: the body must be one object")
    return cast("dict[str, object]", document)


def payload_of(document: Mapping[str, object], entity_set: EntitySet, service: Service, depth: int = 0) -> Payload:
    """A body as values and nested entities.

    Raises:
        ODataError: 400, a property is unknown or its value does not fit; all such are reported.
    """
    values: Row = {}
    children: dict[str, list[Payload]] = {}
    faults: list[Message] = []
    for name, raw in document.items():
        if name in entity_set.properties:
            try:
                values[name] = from_json(entity_set.properties[name], raw)
            except ValueError as misfit:
                faults.append(Message(MALFORMED_BODY, f"Property '{name}' has invalid value: {misfit}", target=name))
        elif name in entity_set.navigations and depth < _DEEPEST:
            if not _deferred(raw):
                target = service.sets[entity_set.navigations[name].target]
                children[name] = [payload_of(one, target, service, depth + 1) for one in _objects(name, raw)]
        elif not name.startswith("__"):
            faults.append(
                Message(MALFORMED_BODY, f"Property '{name}' is invalid in type '{entity_set.type_name}'", target=name)
            )
    if faults:
        raise ODataError(400, faults[0], tuple(faults))
    return Payload(values, children)


def create(work: Work, behaviour: Behaviour, entity_set: EntitySet, payload: Payload) -> Node:
    """Bring an entity into being: as the behaviour says, else as a plain row.

    Raises:
        ODataError: 405, the set cannot be created in; 400, the key exists or is incomplete.
    """
    if not entity_set.creatable:
        raise _refused("CREATE", entity_set)
    payload = Payload(
        {name: value for name, value in payload.values.items() if _settable(name, entity_set)}, payload.children
    )
    if own := behaviour.create.get(entity_set.name):
        return own(work, entity_set, payload)
    row: Row = {name: payload.values.get(name, prop.initial) for name, prop in entity_set.properties.items()}
    try:
        work.records.add(work.table(entity_set.name), row)
    except sqlite3.IntegrityError:
        raise refuse(400, "/IWBEP/CM_MGW_RT/019", f"Entity of type '{entity_set.type_name}' already exists") from None
    return Node(entity_set, row)


def update(work: Work, behaviour: Behaviour, entity_set: EntitySet, old: Row, changes: Row, *, whole: bool) -> None:
    """Change an entity; `whole` (PUT) sets what the body leaves out to its initial value.

    Raises:
        ODataError: 405, the set cannot be updated; 400, a property is fixed.
    """
    if not entity_set.updatable:
        raise _refused("UPDATE", entity_set)
    changeable = {
        name for name, prop in entity_set.properties.items() if prop.updatable and name not in entity_set.keys
    }
    fixed = [name for name, value in changes.items() if name not in changeable and value != old[name]]
    if fixed:
        raise refuse(
            400,
            "/IWBEP/CM_MGW_RT/061",
            f"Property '{fixed[0]}' of '{entity_set.type_name}' cannot be updated",
            fixed[0],
        )
    wanted: Row = {name: value for name, value in changes.items() if name in changeable}
    if whole:
        wanted = {name: wanted.get(name, entity_set.properties[name].initial) for name in sorted(changeable)}
    if own := behaviour.update.get(entity_set.name):
        own(work, entity_set, old, wanted)
    elif wanted:
        table = work.table(entity_set.name)
        work.records.change(table, table.key_of(old), wanted)


def delete(work: Work, behaviour: Behaviour, entity_set: EntitySet, row: Row) -> None:
    """Remove an entity.

    Raises:
        ODataError: 405, the set's entities cannot be deleted.
    """
    if not entity_set.deletable:
        raise _refused("DELETE", entity_set)
    if own := behaviour.delete.get(entity_set.name):
        own(work, entity_set, row)
    else:
        table = work.table(entity_set.name)
        work.records.remove(table, **table.key_of(row))


def with_parent(payload: Payload, equal: Mapping[str, Value], entity_set: EntitySet) -> Payload:
    """A payload posted to a navigation: the parent's key is the path's, whatever the body says."""
    if any(name not in entity_set.properties for name in equal):
        raise not_found(entity_set, dict(equal))
    return Payload(payload.values | dict(equal), payload.children)


def _settable(name: str, entity_set: EntitySet) -> bool:
    """What the backend computes is dropped silently, as Gateway does; keys are not."""
    return entity_set.properties[name].creatable or name in entity_set.keys


def _deferred(raw: object) -> bool:
    return isinstance(raw, dict) and "__deferred" in raw


def _objects(name: str, raw: object) -> list[dict[str, object]]:
    """Nested entities: a list, `{"results": [...]}`, one object for a to-one navigation, or null."""
    if isinstance(raw, dict):
        wrapped = cast("dict[str, object]", raw)
        raw = wrapped.get("results", [wrapped])
    listed = cast("list[object]", raw) if isinstance(raw, list) else [] if raw is None else [raw]
    if not all(isinstance(one, dict) for one in listed):
        raise refuse(400, MALFORMED_BODY, f"Error while parsing JSON: '{name}' must hold objects", name)
    return cast("list[dict[str, object]]", listed)


def _refused(operation: str, entity_set: EntitySet) -> ODataError:
    return refuse(
        405, METHOD_REFUSED, f"Operation '{operation}' not supported for Entity Type '{entity_set.type_name}'."
    )
