"""System query options: what to filter, order, page, select and expand.

Source: OData 2.0 "URI Conventions", section 4.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandboxes.sap.odata_v2.edm import EntitySet, Service
from sandboxes.sap.odata_v2.errors import ODataError, refuse
from sandboxes.sap.odata_v2.expression import Expression, parse_expression

_KNOWN = frozenset(
    {"$filter", "$orderby", "$top", "$skip", "$skiptoken", "$inlinecount", "$select", "$expand", "$format"}
)


@dataclass(slots=True)
class Shape:
    """What to show of an entity: properties (None: all) and navigations to expand, each with its own shape."""

    select: set[str] | None = None
    expand: "dict[str, Shape]" = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Query:
    """The options of one read."""

    shape: Shape
    filter: Expression | None = None
    order: tuple[tuple[Expression, bool], ...] = ()  # expression, descending
    top: int | None = None
    skip: int = 0
    skip_token: int | None = None
    inline_count: bool = False


def parse_query(options: Mapping[str, str], service: Service, entity_set: EntitySet) -> Query:
    """The query of a request's options; options without $ are not system options and pass.

    Raises:
        ODataError: 400, an option is unknown or cannot be read.
    """
    for name in options:
        if name.startswith("$") and name not in _KNOWN:
            raise refuse(400, "/IWFND/CM_MGW/001", f"The system query option '{name}' is not defined")
    if options.get("$inlinecount", "none") not in {"allpages", "none"}:
        raise refuse(400, "/IWFND/CM_MGW/001", "The value of $inlinecount must be allpages or none")
    filtering = options.get("$filter", "")
    return Query(
        shape=_shape(options.get("$select", ""), options.get("$expand", ""), service, entity_set),
        filter=parse_expression(filtering) if filtering.strip() else None,
        order=tuple(map(_order, _split(options.get("$orderby", "")))),
        top=_number(options, "$top"),
        skip=_number(options, "$skip") or 0,
        skip_token=_number(options, "$skiptoken"),
        inline_count=options.get("$inlinecount") == "allpages",
    )


def _shape(selecting: str, expanding: str, service: Service, entity_set: EntitySet) -> Shape:
    root = Shape()
    for path in _split(expanding):
        shape, here = root, entity_set
        for step in path.split("/"):
            if step not in here.navigations:
                raise _unknown(step, here)
            shape = shape.expand.setdefault(step, Shape())
            here = service.sets[here.navigations[step].target]
    for path in _split(selecting):
        _select(root, path.split("/"), service, entity_set)
    return root


def _select(root: Shape, steps: list[str], service: Service, entity_set: EntitySet) -> None:
    shape, here = root, entity_set
    for step in steps[:-1]:
        if step not in here.navigations:
            raise _unknown(step, here)
        shape.select = (shape.select or set()) | {step}
        shape = shape.expand.get(step, Shape())
        here = service.sets[here.navigations[step].target]
    last = steps[-1]
    if last == "*":
        shape.select = (shape.select or set()) | set(here.properties)
    elif last in here.properties or last in here.navigations:
        shape.select = (shape.select or set()) | {last}
    else:
        raise _unknown(last, here)


def _order(text: str) -> tuple[Expression, bool]:
    expression, _, direction = text.rpartition(" ")
    if direction in {"asc", "desc"} and expression:
        return parse_expression(expression), direction == "desc"
    return parse_expression(text), False


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _number(options: Mapping[str, str], name: str) -> int | None:
    text = options.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):  # noqa: PLR2004 - fits SAP's INT4
        raise refuse(400, "/IWFND/CM_MGW/001", f"The value of {name} must be a number that is not negative")
    return int(text)


def _unknown(step: str, here: EntitySet) -> ODataError:
    return refuse(400, "/IWBEP/CM_MGW_RT/125", f"Resource not found for segment '{step}' in type {here.type_name}")
