"""What the index says of each API: what it promises, where it runs, whom it calls and whom it serves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from shared.binding.declare import Contract
from shared.binding.operation import Operation
from shared.host.api import Api
from shared.host.call_graph import calls
from shared.host.topology import Topology, process_of


@dataclass(frozen=True)
class Link:
    """Another API on the same page."""

    slug: str
    name: str


@dataclass(frozen=True)
class Card:
    """One API, ready to show."""

    slug: str
    name: str
    tier: str
    version: str
    promise: str
    process: str
    url: str
    vendor: str
    callees: tuple[Link, ...]
    callers: tuple[Link, ...]
    scopes: tuple[str, ...]
    operations: tuple[Operation, ...]


def index_cards(topology: Topology, apis: Sequence[Api], urls: Mapping[str, str]) -> list[Card]:
    """A card for each API.

    Args:
        topology: Says which process serves an API.
        apis: The chosen APIs.
        urls: Base URL of each process by name.
    """
    return [_card(api, apis, process_of(topology, api), urls) for api in apis]


def _card(api: Api, apis: Sequence[Api], process: str, urls: Mapping[str, str]) -> Card:
    contract = api.contract
    return Card(
        slug=contract.slug,
        name=contract.__name__,
        tier=api.tier,
        version=contract.version,
        promise=(contract.__doc__ or "").strip(),
        process=process,
        url=urls[process] + contract.prefix,
        vendor=f"its backend, {api.vendor}" if api.vendor else "nobody",
        callees=_links(calls(api)),
        callers=_links({caller.contract for caller in apis if contract in calls(caller)}),
        scopes=tuple(sorted(contract.scopes())),
        operations=tuple(contract.operations.values()),
    )


def _links(contracts: set[type[Contract]] | frozenset[type[Contract]]) -> tuple[Link, ...]:
    return tuple(Link(each.slug, each.__name__) for each in sorted(contracts, key=lambda each: each.__name__))
