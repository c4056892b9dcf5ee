"""Reads: rows of a resource under a query, expanded as asked."""

from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from sandboxes.sap.odata_v2.behaviour import Node
from sandboxes.sap.odata_v2.edm import EntitySet, Row, Service
from sandboxes.sap.odata_v2.expression import Expression
from sandboxes.sap.odata_v2.filter_sql import Parameter, condition, sort_key
from sandboxes.sap.odata_v2.query import Query, Shape
from sandboxes.sap.odata_v2.resource import Resource, entity_of
from sandboxes.sap.storage import Records, matching, table_of


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a collection: entities, the count over all pages if asked for, and where the next page starts."""

    nodes: list[Node]
    count: int | None
    next_token: int | None


def read_entity(resource: Resource, shape: Shape, service: Service, records: Records) -> Node:
    """The entity of a resource, expanded.

    Raises:
        ODataError: 404, there is none.
    """
    node = Node(resource.set, entity_of(resource, service, records))
    _expand([node], shape, service, records)
    return node


def read_page(resource: Resource, query: Query, service: Service, records: Records) -> Page:
    """One page of the collection; the page size is the client's `$top` or, where smaller, the set's own.

    Raises:
        ODataError: 400, filter or order do not fit the set.
    """
    table = table_of(service, resource.set.name)
    where, parameters = _where(resource, query, service)
    offset = query.skip + (query.skip_token or 0)
    wanted = None if query.top is None else max(query.top - (query.skip_token or 0), 0)
    limit = _smaller(wanted, resource.set.page_size)
    tail = f"{_order(query, resource.set, service)} LIMIT {-1 if limit is None else limit + 1} OFFSET {offset}"
    rows = records.select(
        table,
        where,
        [*parameters, *_order_parameters(query, resource.set, service)],
        tail,
        _columns(resource.set, query.shape),
    )
    more = limit is not None and len(rows) > limit and limit != wanted
    nodes = [Node(resource.set, row) for row in rows[:limit]]
    _expand(nodes, query.shape, service, records)
    count = records.count(table, where, parameters) if query.inline_count else None
    return Page(nodes, count, (query.skip_token or 0) + len(nodes) if more else None)


def rows_of(resource: Resource, condition: Expression | None, service: Service, records: Records) -> list[Row]:
    """Every row of a collection that meets a condition, in key order."""
    where, parameters = _where(resource, Query(Shape(), filter=condition), service)
    return records.select(table_of(service, resource.set.name), where, parameters)


def count_rows(resource: Resource, query: Query, service: Service, records: Records) -> int:
    """How many entities the resource has under the query's filter, `$skip` and `$top`."""
    where, parameters = _where(resource, query, service)
    count = max(records.count(table_of(service, resource.set.name), where, parameters) - query.skip, 0)
    return count if query.top is None else min(count, query.top)


def etag_of(entity_set: EntitySet, row: Row) -> str | None:
    """The weak entity tag of a row, from the property that the set names for it; None when it has none."""
    if entity_set.etag is None:
        return None
    value = row[entity_set.etag]
    if isinstance(value, datetime):
        moment = value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
        return f"W/\"datetimeoffset'{quote(moment, safe='-.')}'\""
    return f"W/\"'{quote(str(value or ''), safe='-.')}'\""


def _expand(nodes: list[Node], shape: Shape, service: Service, records: Records) -> None:
    for name, below in shape.expand.items():
        if shape.select is not None and name not in shape.select:
            continue
        for node in nodes:
            navigation = node.set.navigations[name]
            table = table_of(service, navigation.target)
            rows = records.find(table, **{there: node.row[here] for here, there in navigation.join})
            linked = [Node(table.set, row) for row in rows]
            _expand(linked, below, service, records)
            node.links[name] = linked if navigation.many else next(iter(linked), None)


def _columns(entity_set: EntitySet, shape: Shape) -> list[str] | None:
    """The columns a shape needs: what it shows, the key, the entity tag and what expansion joins on."""
    if shape.select is None:
        return None
    needed = shape.select | set(entity_set.keys)
    if entity_set.etag:
        needed.add(entity_set.etag)
    for name in shape.expand:
        needed |= {here for here, _ in entity_set.navigations[name].join}
    return [name for name in entity_set.properties if name in needed]


def _where(resource: Resource, query: Query, service: Service) -> tuple[str, list[Parameter]]:
    where, parameters = matching(resource.set, resource.equal)
    if query.filter is None:
        return where, parameters
    filtering = condition(service, resource.set, query.filter)
    return f"{where} AND {filtering.text}", [*parameters, *filtering.parameters]


def _order(query: Query, entity_set: EntitySet, service: Service) -> str:
    keys = [f't0."{key}"' for key in entity_set.keys]
    chosen = [
        f"{sort_key(service, entity_set, one).text} {'DESC' if descending else 'ASC'}"
        for one, descending in query.order
    ]
    return "ORDER BY " + ", ".join([*chosen, *keys])


def _order_parameters(query: Query, entity_set: EntitySet, service: Service) -> list[Parameter]:
    return [parameter for one, _ in query.order for parameter in sort_key(service, entity_set, one).parameters]


def _smaller(one: int | None, other: int | None) -> int | None:
    return min(one, other) if one is not None and other is not None else one if other is None else other
