"""Resource paths: which entities, property or count a URI below the service root names.

Source: OData 2.0 "URI Conventions", section 3.
"""

from dataclasses import dataclass
from urllib.parse import quote

from sandboxes.sap.odata_v2.edm import EntitySet, Navigation, Property, Row, Service, Value
from sandboxes.sap.odata_v2.errors import MALFORMED_URI, NOT_FOUND, ODataError, refuse
from sandboxes.sap.odata_v2.expression import parse_literal
from sandboxes.sap.odata_v2.primitives import alpha_out, to_literal
from sandboxes.sap.storage import Records, table_of


@dataclass(frozen=True, slots=True)
class Resource:
    """Rows of a set whose properties equal `equal`; `single` names one entity, `prop` one property of it.

    `over` is the navigation that led here, when one did.
    """

    set: EntitySet
    equal: dict[str, Value]
    single: bool
    prop: Property | None = None
    raw: bool = False
    count: bool = False
    over: Navigation | None = None


def resolve(path: str, service: Service, records: Records) -> Resource:
    """The resource of a path (percent-decoded, without leading slash).

    Raises:
        ODataError: 404, a segment or an entity on the way does not exist; 400, a key cannot be read.
    """
    first, *rest = _segments(path)
    name, key = _key_part(first)
    entity_set = service.sets.get(name)
    if entity_set is None:
        raise no_segment(name)
    resource = Resource(entity_set, {} if key is None else _key(key, entity_set), single=key is not None)
    for step in rest:
        resource = _step(step, resource, service, records)
    return resource


def entity_of(resource: Resource, service: Service, records: Records) -> Row:
    """The one entity a resource names.

    Raises:
        ODataError: 404, there is none.
    """
    found = records.find(table_of(service, resource.set.name), **resource.equal)
    if not found:
        raise not_found(resource.set, resource.equal)
    return found[0]


def address(entity_set: EntitySet, row: Row) -> str:
    """The path of an entity below the service root, percent-encoded."""
    pairs = [(key, to_literal(entity_set.properties[key], row[key])) for key in entity_set.keys]
    literal = pairs[0][1] if len(pairs) == 1 else ",".join(f"{name}={text}" for name, text in pairs)
    quoted = quote(literal, safe="'=,:")
    return f"{entity_set.name}({quoted})"


def not_found(entity_set: EntitySet, key: dict[str, Value]) -> ODataError:
    """The error for an entity that does not exist."""
    if entity_set.not_found:
        code, text = entity_set.not_found
        return refuse(404, code, text.format(key=next(iter(key.values()), "")))
    return refuse(404, NOT_FOUND, f"Resource not found for segment '{entity_set.type_name}'")


def no_segment(name: str) -> ODataError:
    """The error for a path segment the service does not have."""
    return refuse(404, NOT_FOUND, f"Resource not found for segment '{name}'")


def _step(step: str, resource: Resource, service: Service, records: Records) -> Resource:
    if resource.raw or resource.count or (resource.prop and step != "$value"):
        raise no_segment(step)
    if step == "$count":
        return Resource(resource.set, resource.equal, resource.single, count=True)
    if not resource.single:
        raise no_segment(step)
    if step == "$value" and resource.prop:
        return Resource(resource.set, resource.equal, single=True, prop=resource.prop, raw=True)
    name, key = _key_part(step)
    if name in resource.set.properties and key is None:
        return Resource(resource.set, resource.equal, single=True, prop=resource.set.properties[name])
    navigation = resource.set.navigations.get(name)
    if navigation is None:
        raise no_segment(name)
    row = entity_of(resource, service, records)
    target = service.sets[navigation.target]
    equal = {there: row[here] for here, there in navigation.join}
    single = not navigation.many
    if key is not None:
        equal, single = equal | _key(key, target), True
    return Resource(target, equal, single, over=navigation)


def _segments(path: str) -> list[str]:
    """Split at slashes that are not inside a quoted key value."""
    segments, quoted = [""], False
    for char in path:
        quoted ^= char == "'"
        if char == "/" and not quoted:
            segments.append("")
        else:
            segments[-1] += char
    return [segment for segment in segments if segment] or [""]


def _key_part(segment: str) -> tuple[str, str | None]:
    name, opened, rest = segment.partition("(")
    if not opened:
        return name, None
    if not rest.endswith(")"):
        raise refuse(400, MALFORMED_URI, f"Malformed URI: segment '{segment[:60]}' lacks a closing bracket")
    return name, rest[:-1]


def _key(text: str, entity_set: EntitySet) -> dict[str, Value]:
    parts = _split_outside_quotes(text)
    if len(parts) == 1 and "=" not in parts[0].partition("'")[0]:
        if len(entity_set.keys) != 1:
            raise _key_error(entity_set)
        parts = [f"{entity_set.keys[0]}={parts[0]}"]
    key: dict[str, Value] = {}
    for part in parts:
        name, _, literal = part.partition("=")
        prop = entity_set.properties.get(name.strip())
        value = parse_literal(literal.strip())
        if prop is None or name.strip() not in entity_set.keys or not _suits(value.type, prop):
            raise _key_error(entity_set)
        key[name.strip()] = alpha_out(str(value.value)) if prop.alpha else value.value
    if len(key) != len(entity_set.keys):
        raise _key_error(entity_set)
    return key


def _suits(literal_type: str, prop: Property) -> bool:
    return literal_type == prop.type or (prop.numeric and literal_type in {"Edm.Decimal", "Edm.Int64", "Edm.Double"})


def _split_outside_quotes(text: str) -> list[str]:
    parts, quoted = [""], False
    for char in text:
        quoted ^= char == "'"
        if char == "," and not quoted:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def _key_error(entity_set: EntitySet) -> ODataError:
    return refuse(
        400,
        MALFORMED_URI,
        f"Invalid key predicate type or number for '{entity_set.type_name}'; expected {', '.join(entity_set.keys)}",
    )
