"""A part of the system, declared by a module of `sandboxes.oracle.areas`; nothing else lists it.

A module exposes `area = Area(...)`. Its resources answer below `/fscmRestApi/resources/<version>` (or another API),
its plain endpoints anywhere else. Areas seed in order of `order`, then of name.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandboxes.kit import Request, Response
from sandboxes.oracle.framework.declare import Resource, Work

PlainEndpoint = Callable[[Work, Request], Response]
"""Answers a request that the framework does not, such as SOAP; logged on, inside a transaction."""


def _unseeded(_: Work) -> None:
    """Nothing to begin with."""


def _silent(_: Work) -> Mapping[str, object]:
    return {}


@dataclass(frozen=True, eq=False)
class Area:
    """One part of the system.

    Args:
        name: What it is about.
        resources: By API (`fscmRestApi`, `crmRestApi`), the resources at its version root.
        schema: DDL of its tables that are no resource.
        seed: Fills its tables from the seed company; `work.now` is when the system was set up.
        order: Areas seed by it, smallest first.
        endpoints: Method, path template of the kit's router, and what answers there.
        controls: What the control path may ask; each runs inside a transaction.
        ledger: What was done since the seed, for the sandbox's ledger.
    """

    name: str
    resources: Mapping[str, Sequence[Resource]] = field(default_factory=dict[str, Sequence[Resource]])
    schema: str = ""
    seed: Callable[[Work], None] = _unseeded
    order: int = 50
    endpoints: Sequence[tuple[str, str, PlainEndpoint]] = ()
    controls: Mapping[str, Callable[[Work, dict[str, Any]], object]] = field(
        default_factory=dict[str, Callable[[Work, dict[str, Any]], object]]
    )
    ledger: Callable[[Work], Mapping[str, object]] = _silent
