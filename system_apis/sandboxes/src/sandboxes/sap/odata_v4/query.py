"""System query options of version 4, which an expanded navigation may have of its own.

Source: OData 4.0 "URL Conventions", section 5.1.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandboxes.sap.odata_v2.edm import EntitySet
from sandboxes.sap.odata_v2.errors import ODataError, refuse
from sandboxes.sap.odata_v2.expression import Expression, Operation
from sandboxes.sap.odata_v2.query import Query, Shape
from sandboxes.sap.odata_v4.aggregation import Aggregation, parse_apply
from sandboxes.sap.odata_v4.expression import outside_brackets, parse_expression
from sandboxes.sap.odata_v4.model import ServiceV4
from sandboxes.sap.odata_v4.search import search_condition

_KNOWN = frozenset(
    {
        "$filter",
        "$orderby",
        "$top",
        "$skip",
        "$skiptoken",
        "$count",
        "$select",
        "$expand",
        "$format",
        "$search",
        "$apply",
    }
)
_OPTION = "/IWBEP/CM_V4_COS/014"
_DEEPEST = 5


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of a set: rows by `query`, properties (None: all), and navigations with options of their own.

    With `apply`, what is asked for are its groups, which `query` then only orders and cuts.
    """

    query: Query
    select: tuple[str, ...] | None = None
    expand: "dict[str, Options]" = field(default_factory=dict)
    apply: Aggregation | None = None


def parse_options(given: Mapping[str, str], service: ServiceV4, entity_set: EntitySet, depth: int = 0) -> Options:
    """The options of a request or of one expanded navigation; those without $ are not system options and pass.

    Raises:
        ODataError: 400, an option is unknown or cannot be read.
    """
    for name in given:
        if name.startswith("$") and name not in _KNOWN:
            raise refuse(400, _OPTION, f"System query option '{name}' is not supported")
    if given.get("$count", "false") not in {"true", "false"}:
        raise refuse(400, _OPTION, "The value of $count must be true or false")
    query = Query(
        shape=Shape(),
        filter=_condition(given, service, entity_set),
        order=tuple(map(_order, _split(given.get("$orderby", ""), ","))),
        top=_number(given, "$top"),
        skip=_number(given, "$skip") or 0,
        skip_token=_number(given, "$skiptoken"),
        inline_count=given.get("$count") == "true",
    )
    if "$apply" in given:
        return Options(query, apply=_apply(given, entity_set))
    return Options(query, _select(given, entity_set), _expand(given, service, entity_set, depth))


def _condition(given: Mapping[str, str], service: ServiceV4, entity_set: EntitySet) -> Expression | None:
    """What `$filter` and `$search` ask for together."""
    filtering, searching = given.get("$filter", "").strip(), given.get("$search")
    condition = parse_expression(filtering) if filtering else None
    if searching is None:
        return condition
    names = service.searched.get(entity_set.name)
    if names is None:
        raise refuse(400, _OPTION, f"'{entity_set.name}' cannot be searched; use $filter")
    found = search_condition(searching, names)
    return found if condition is None else Operation("and", (condition, found), 0)


def _apply(given: Mapping[str, str], entity_set: EntitySet) -> Aggregation:
    for name in ("$filter", "$search", "$select", "$expand", "$skiptoken"):
        if name in given:
            raise refuse(400, _OPTION, f"{name} beside $apply is not supported; use filter(...) and groupby(...)")
    return parse_apply(given["$apply"], entity_set)


def _select(given: Mapping[str, str], entity_set: EntitySet) -> tuple[str, ...] | None:
    names = _split(given.get("$select", ""), ",")
    if not names or "*" in names:
        return None
    for name in names:
        if name not in entity_set.properties and name not in entity_set.navigations:
            raise _unknown(name, entity_set)
    return tuple(names)


def _expand(given: Mapping[str, str], service: ServiceV4, entity_set: EntitySet, depth: int) -> dict[str, Options]:
    expanded: dict[str, Options] = {}
    for part in _split(given.get("$expand", ""), ","):
        name, opened, rest = part.partition("(")
        navigation = entity_set.navigations.get(name.strip())
        if navigation is None:
            raise _unknown(name.strip(), entity_set)
        if (opened and not rest.endswith(")")) or depth == _DEEPEST:
            raise refuse(400, _OPTION, f"The options of $expand={name} cannot be read")
        pairs = (one.partition("=") for one in _split(rest[:-1], ";"))
        inner = {option.strip(): value for option, _, value in pairs}
        expanded[navigation.name] = parse_options(inner, service, service.sets[navigation.target], depth + 1)
    return expanded


def _order(text: str) -> tuple[Expression, bool]:
    expression, _, direction = text.rpartition(" ")
    if direction in {"asc", "desc"} and expression:
        return parse_expression(expression), direction == "desc"
    return parse_expression(text), False


def _split(text: str, mark: str) -> list[str]:
    return [part.strip() for part in outside_brackets(text, mark) if part.strip()]


def _number(given: Mapping[str, str], name: str) -> int | None:
    text = given.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004 - fits SAP's INT4
        raise refuse(400, _OPTION, f"The value of {name} must be a number that is not negative")
    return int(text)


def _unknown(name: str, entity_set: EntitySet) -> ODataError:
    return refuse(400, "/IWBEP/CM_V4_COS/017", f"'{name}' is not defined in type '{entity_set.type_name}'", name)
