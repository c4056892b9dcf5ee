"""POST, PATCH, PUT and DELETE on resources."""

from dataclasses import dataclass, field

from sandboxes.oracle.framework.declare import Node, Resource, Row, Value, Work
from sandboxes.oracle.framework.effective import History, Range, from_start
from sandboxes.oracle.framework.payload import read_document, read_node
from sandboxes.oracle.framework.problems import RestError, refuse
from sandboxes.oracle.framework.records import change_indicator, path_key
from sandboxes.oracle.framework.request import ITEM, Call, Shape
from sandboxes.oracle.framework.shapes import shape_sent


@dataclass(frozen=True, slots=True)
class Place:
    """What a path names: a resource, the row (None for the collection), the row above, and what follows."""

    resource: Resource
    row: Row | None
    parent: Row | None
    path: str
    tail: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """What a write left: a row to show with its path and status, or no row after a DELETE."""

    row: Row | None
    path: str = ""
    status: int = 200
    shape: Shape = field(default_factory=Shape)


class Writing:
    """Does one write.

    Args:
        work: What behaviours work with.
        call: What is asked.
    """

    def __init__(self, work: Work, call: Call) -> None:
        self._work, self._call = work, call
        self._range = Range(call.headers.get("effective-of", ""))

    def write(self, place: Place) -> Written:
        """Do what the call asks at a place.

        Raises:
            RestError: The refusal.
        """
        match self._call.method, place.row:
            case "POST", None:
                self._call.sends(ITEM)
                node = read_node(place.resource, read_document(self._call.body), creating=True)
                return self._upsert(place, node) if self._call.upsert else self._create(place, node)
            case "PATCH", row if row is not None:
                self._call.sends(ITEM)
                return self._update(place, row, read_document(self._call.body))
            case "PUT", row if row is not None:
                self._call.sends(ITEM)
                return self._replace(place, row)
            case "DELETE", row if row is not None:
                return self._delete(place, row)
            case _:
                raise _not_allowed()

    def _create(self, place: Place, node: Node) -> Written:
        create = place.resource.behaviour.create
        if create is None:
            raise _not_allowed()
        if key := place.resource.effective:
            if work_has(self._work, place, node.values.get(key)):
                raise refuse(400, f"A record with this {key} exists already.", "JBO-25013", f"/{key}")
            node.values |= from_start(self._range, self._work.today)
        row = self._work.records.again(place.resource, create(self._work, place.resource, place.parent, node))
        return Written(row, f"{place.path}/{path_key(place.resource, row)}", 201, shape_sent(node))

    def _upsert(self, place: Place, node: Node) -> Written:
        """Change the row with the same alternate key, or make one."""
        keys = place.resource.alternate if not place.resource.effective else ()
        if not keys:
            raise refuse(400, f"{place.resource.name} has no alternate key, which Upsert-Mode needs.", "ADF-27020")
        row = self._work.records.get(place.resource, **{name: node.values.get(name) for name in keys})
        if row is None:
            return self._create(place, node)
        document = {name: one for name, one in read_document(self._call.body).items() if name not in keys}
        return self._update(place, row, document, path=f"{place.path}/{path_key(place.resource, row)}")

    def _update(self, place: Place, row: Row, document: dict[str, object], path: str = "") -> Written:
        update = place.resource.behaviour.update
        if update is None:
            raise _not_allowed()
        checked(self._call, place.resource, row)
        if place.resource.effective:
            node = read_node(place.resource, document, creating=False)
            return Written(History(self._work, place.resource, row).write(self._range, node.values), place.path)
        update(self._work, place.resource, row, read_node(place.resource, document, creating=False))
        return Written(self._work.records.again(place.resource, row), path or place.path)

    def _replace(self, place: Place, row: Row) -> Written:
        """PUT: what is left out becomes empty."""
        document = read_document(self._call.body)
        empty = {one.name: None for one in place.resource.fields if one.writable and one.updatable and not one.required}
        return self._update(place, row, {**empty, **document})

    def _delete(self, place: Place, row: Row) -> Written:
        delete = place.resource.behaviour.delete
        if delete is None:
            raise _not_allowed()
        checked(self._call, place.resource, row)
        if place.resource.effective:
            History(self._work, place.resource, row).end(self._range)
            return Written(None)
        delete(self._work, place.resource, row)
        return Written(None)


def work_has(work: Work, place: Place, value: Value) -> bool:
    """Whether a logical record of this name is there, on whatever days."""
    parent = place.parent["@id"] if place.parent else None
    return bool(work.records.find(place.resource, **{place.resource.effective: value, "@parent": parent}))


def checked(call: Call, resource: Resource, row: Row) -> None:
    """Check `If-Match`, if there is one.

    Raises:
        RestError: 412, the row has changed since.
    """
    wanted = call.headers.get("if-match", "*").strip()
    if wanted not in ("*", f'"{change_indicator(resource, row)}"', change_indicator(resource, row)):
        raise refuse(412, "The resource item was changed by another user.", "ADF-27105")


def _not_allowed() -> RestError:
    return refuse(405, "The method is not allowed on this resource.", "ADF-27009")
