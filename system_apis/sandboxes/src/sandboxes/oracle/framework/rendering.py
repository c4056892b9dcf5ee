"""Rows as documents: attributes, children, links."""

from sandboxes.oracle.framework.declare import Resource, Row
from sandboxes.oracle.framework.filter import Condition
from sandboxes.oracle.framework.records import Records, change_indicator, held_on, path_key
from sandboxes.oracle.framework.request import COLLECTION_VERSION, DEFAULT_LIMIT, Call, Shape
from sandboxes.oracle.framework.shapes import order_of, window

Document = dict[str, object]


class Rendering:
    """Makes the documents of one call.

    Args:
        call: The call.
        records: Where children are.
        day: From when records with dates are looked at.
    """

    def __init__(self, call: Call, records: Records, day: str) -> None:
        self._call, self._records, self._day = call, records, day

    def item(self, resource: Resource, row: Row, shape: Shape, path: str) -> Document:
        """A row; `path` is its own, below the version root."""
        shown = shape.attributes
        document: Document = {one.name: row[one.name] for one in resource.fields if shown is None or one.name in shown}
        for name, below in shape.children.items():
            document[name] = self._children(resource.below[name], row, below, f"{path}/child/{name}")
        if not self._call.only_data:
            document["links"] = self._links(resource, row, path)
        return document

    def collection(self, resource: Resource, condition: Condition, shape: Shape, path: str) -> Document:
        """One page of the rows that meet a condition."""
        limit, offset = window(self._call.query)
        order = f"{order_of(self._call.query, resource)} LIMIT {limit + 1} OFFSET {offset}"
        rows = self._records.select(resource, condition.sql, condition.parameters, order)
        items = [self.item(resource, row, shape, f"{path}/{path_key(resource, row)}") for row in rows[:limit]]
        document = _page(items, limit, offset, more=len(rows) > limit)
        if self._call.query.get("totalResults") == "true":
            document["totalResults"] = self._records.count(resource, condition.sql, condition.parameters)
        document["links"] = [self._link("self", path, resource.name, "collection")]
        return document

    def _children(self, resource: Resource, parent: Row, shape: Shape, path: str) -> object:
        """All rows in an array, or from version 3 on the first page of them."""
        where, day = held_on(resource, self._day)
        rows = self._records.select(resource, f'"@parent" = ? AND {where}', [int(str(parent["@id"])), *day])
        paged = self._call.version >= COLLECTION_VERSION
        kept = rows[:DEFAULT_LIMIT] if paged else rows
        items = [self.item(resource, row, shape, f"{path}/{path_key(resource, row)}") for row in kept]
        if not paged:
            return items
        document = _page(items, DEFAULT_LIMIT, 0, more=len(rows) > len(kept))
        if not self._call.only_data:
            document["links"] = [self._link("self", path, resource.name, "collection")]
        return document

    def _links(self, resource: Resource, row: Row, path: str) -> list[Document]:
        own = self._link("self", path, resource.name, "item")
        own["properties"] = {"changeIndicator": change_indicator(resource, row)}
        links = [own, self._link("canonical", path, resource.name, "item")]
        above, child, _ = path.rpartition("/child/")
        if child:
            links.append(self._link("parent", above, above.split("/")[-2], "item"))
        links += [self._link("child", f"{path}/child/{one.name}", one.name, "collection") for one in resource.children]
        return links + [self._link("lov", f"{path}/lov/{name}", name, "collection") for name in resource.lists]

    def _link(self, relation: str, path: str, name: str, kind: str) -> Document:
        return {"rel": relation, "href": f"{self._call.root}/{path}", "name": name, "kind": kind}


def _page(items: list[Document], limit: int, offset: int, *, more: bool) -> Document:
    return {"items": items, "count": len(items), "hasMore": more, "limit": limit, "offset": offset}
