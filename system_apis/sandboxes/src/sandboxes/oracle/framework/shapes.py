"""The parameters that choose what a reply shows: `fields`, `expand`, `orderBy`, `finder`, `limit`, `offset`."""

from collections.abc import Mapping

from sandboxes.oracle.framework.declare import Node, Resource, Row
from sandboxes.oracle.framework.filter import Condition
from sandboxes.oracle.framework.problems import RestError, refuse
from sandboxes.oracle.framework.request import DEFAULT_LIMIT, MOST, Shape
from sandboxes.oracle.framework.values import from_text, to_column


def shape_of(query: Mapping[str, str], resource: Resource) -> Shape:
    """What `fields` or else `expand` asks for; with `fields` there is no `expand`.

    Raises:
        RestError: 400, it names what is not there.
    """
    if "fields" in query:
        return _fields(query["fields"], resource)
    shape = Shape()
    for path in filter(None, query.get("expand", "").split(",")):
        if path.strip() == "all":
            _expand_all(shape, resource)
            continue
        names = path.strip().split(".")
        _resource_at(resource, names, "expand")
        shape.child(names)
    return shape


def shape_sent(node: Node) -> Shape:
    """The children that a client sent, which the answer to a POST shows again."""
    shape = Shape()
    for name, below in node.children.items():
        shape.children[name] = _merged([shape_sent(one) for one in below])
    return shape


def order_of(query: Mapping[str, str], resource: Resource) -> str:
    """The ORDER BY that `orderBy` asks for; rows of equal values keep the order they were added in.

    Raises:
        RestError: 400.
    """
    terms: list[str] = []
    for one in filter(None, query.get("orderBy", "").replace(";", ",").split(",")):
        name, _, direction = one.strip().partition(":")
        if name not in resource.by_name or direction.lower() not in ("", "asc", "desc"):
            raise _unknown("orderBy", one)
        number = resource.by_name[name].kind == "number"
        column = f'CAST(t."{name}" AS REAL)' if number else f't."{name}"'
        terms.append(f"{column} {direction.upper() or 'ASC'}")
    return "ORDER BY " + ", ".join([*terms, 't."@id"'])


def finder_condition(text: str, resource: Resource) -> Condition:
    """What `finder=Name;Variable=value,…` asks for.

    Raises:
        RestError: 400.
    """
    name, _, variables = text.partition(";")
    key = [resource.key] if resource.key else []
    allowed = resource.finders.get(name, key if name == "PrimaryKey" else None)
    if allowed is None:
        raise _unknown("finder", name)
    sql, parameters = list[str](), list[str | int | None]()
    for one in filter(None, variables.split(",")):
        variable, _, value = one.partition("=")
        if variable not in allowed:
            raise _unknown("finder", variable)
        field = resource.by_name[variable]
        try:
            parameters.append(to_column(from_text(field, value)))
        except ValueError:
            raise _unknown("finder", value) from None
        sql.append(f't."{variable}" = ?')
    return Condition(" AND ".join(sql) or "1", parameters)


def depending(text: str, resource: Resource) -> Row:
    """What `dependency=Attribute=value,…` sets before a row is shown, and nothing keeps.

    Raises:
        RestError: 400.
    """
    values: Row = {}
    for one in filter(None, text.split(",")):
        name, _, value = one.partition("=")
        if name not in resource.by_name:
            raise _unknown("dependency", name)
        try:
            values[name] = from_text(resource.by_name[name], value)
        except ValueError:
            raise _unknown("dependency", value) from None
    return values


def window(query: Mapping[str, str]) -> tuple[int, int]:
    """Limit and offset.

    Raises:
        RestError: 400, one is no number.
    """
    found: list[int] = []
    for name, default in (("limit", DEFAULT_LIMIT), ("offset", 0)):
        text = query.get(name, str(default))
        if not text.isdigit():
            raise _unknown(name, text)
        found.append(int(text))
    return min(found[0] or DEFAULT_LIMIT, MOST), found[1]


def _fields(text: str, resource: Resource) -> Shape:
    shape = Shape(frozenset())
    for group in filter(None, text.split(";")):
        accessor, colon, names = group.rpartition(":")
        path = accessor.strip().split(".") if colon else []
        there = _resource_at(resource, path, "fields")
        chosen = {name.strip() for name in names.split(",") if name.strip()}
        if unknown := chosen - there.by_name.keys():
            raise _unknown("fields", min(unknown))
        at = shape.child(path)
        at.attributes = (at.attributes or frozenset()) | chosen
    return shape


def _resource_at(resource: Resource, path: list[str], parameter: str) -> Resource:
    for name in path:
        if name not in resource.below:
            raise _unknown(parameter, name)
        resource = resource.below[name]
    return resource


def _expand_all(shape: Shape, resource: Resource) -> None:
    for child in resource.children:
        _expand_all(shape.child([child.name]), child)


def _merged(shapes: list[Shape]) -> Shape:
    whole = Shape()
    for one in shapes:
        for name, below in one.children.items():
            whole.children[name] = _merged([whole.children.get(name, Shape()), below])
    return whole


def _unknown(parameter: str, text: str) -> RestError:
    return refuse(400, f"URL request parameter {parameter} with value {text.strip()} is not valid.", "ADF-27046")
