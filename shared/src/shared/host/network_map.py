"""The APIs of a topology as a picture: the tier decides the column, the constructors decide the edges."""

from collections.abc import Sequence
from dataclasses import dataclass

from shared.host.api import Api
from shared.host.call_graph import calls

COLUMNS = ("experience", "process", "system", "backend")
_WIDTH, _HEIGHT, _GAP_X, _GAP_Y, _TOP, _MARGIN, _LANE = 210, 56, 62, 18, 56, 4, 14


@dataclass(frozen=True)
class Node:
    """A box: an API, which leads to `href`, or a backend."""

    tier: str
    name: str
    more: str
    x: int
    y: int
    href: str = ""
    width: int = _WIDTH
    height: int = _HEIGHT


@dataclass(frozen=True)
class Edge:
    """A call, as an SVG path."""

    tier: str
    path: str
    title: str


@dataclass(frozen=True)
class Column:
    """The heading of a column."""

    label: str
    x: int


@dataclass(frozen=True)
class NetworkMap:
    """Everything to draw, in SVG user units."""

    width: int
    height: int
    columns: tuple[Column, ...]
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def network_map(apis: Sequence[Api]) -> NetworkMap:
    """The picture of these APIs, one for each contract."""
    by_column = {tier: [(api.contract.slug, api) for api in apis if api.tier == tier] for tier in COLUMNS[:3]}
    vendors = list(dict.fromkeys(api.vendor for api in apis if api.tier == "system" and api.vendor))
    rows = max(len(vendors), *(len(column) for column in by_column.values()))
    height = _TOP + rows * (_HEIGHT + _GAP_Y)
    nodes: dict[str, Node] = {}
    for index, tier in enumerate(COLUMNS[:3]):
        for (slug, api), place in zip(by_column[tier], _places(index, len(by_column[tier]), height), strict=True):
            count = len(api.contract.operations)
            nodes[slug] = Node(tier, api.contract.__name__, f"{count} operations", *place, href=f"#{slug}")
    for vendor, place in zip(vendors, _places(3, len(vendors), height), strict=True):
        nodes[f"backend {vendor}"] = Node("backend", _spelt(vendor), "backend", *place)
    columns = tuple(Column(tier, place) for tier, place in zip(COLUMNS, map(_x, range(4)), strict=True))
    return NetworkMap(_x(3) + _WIDTH + _MARGIN, height, columns, tuple(nodes.values()), _edges(apis, nodes))


def _edges(apis: Sequence[Api], nodes: dict[str, Node]) -> tuple[Edge, ...]:
    pairs = [(api, callee.slug) for api in apis for callee in sorted(calls(api), key=lambda each: each.__name__)]
    pairs += [(api, f"backend {api.vendor}") for api in apis if api.tier == "system" and api.vendor]
    process = [node for node in nodes.values() if node.tier == "process"]
    return tuple(
        _edge(api, nodes[api.contract.slug], nodes[target], process) for api, target in pairs if target in nodes
    )


def _edge(api: Api, caller: Node, callee: Node, between: list[Node]) -> Edge:
    x1, y1 = caller.x + _WIDTH, caller.y + _HEIGHT // 2
    x2, y2 = callee.x, callee.y + _HEIGHT // 2
    path = f"M{x1} {y1}"
    if between and x2 - x1 > _GAP_X:  # past a column: above its boxes or below them
        above = y2 <= y1
        lane = min(box.y for box in between) - _LANE if above else max(box.y for box in between) + _HEIGHT + _LANE
        left, right = between[0].x, between[0].x + _WIDTH
        path += f"{_curve(x1, y1, left, lane)}H{right}"
        x1, y1 = right, lane
    return Edge(api.tier, path + _curve(x1, y1, x2, y2), f"{caller.name} calls {callee.name}")


def _curve(x1: int, y1: int, x2: int, y2: int) -> str:
    bend = (x2 - x1) // 2
    return f"C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"


def _x(column: int) -> int:
    return _MARGIN + column * (_WIDTH + _GAP_X)


def _places(column: int, count: int, height: int) -> list[tuple[int, int]]:
    """Where the boxes of a column stand, the column centred."""
    top = _TOP + (height - _TOP - count * (_HEIGHT + _GAP_Y)) // 2
    return [(_x(column), top + row * (_HEIGHT + _GAP_Y)) for row in range(count)]


def _spelt(vendor: str) -> str:
    known = {"sap": "SAP", "wms": "Warehouse SQL", "easypost": "EasyPost", "netsuite": "NetSuite", "hubspot": "HubSpot"}
    return known.get(vendor, vendor.replace("_", " ").title())
