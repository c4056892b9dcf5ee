"""What a folder of a tier declares: its implementation, and its durable flows."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from shared.binding.declare import Contract
from shared.binding.operation import Tier
from shared.governance.access import AccessDeclaration
from shared.governance.drift import DriftGuard

ENTRY_POINTS = "triptych.tiers"
"""Each entry point names a package; every folder in it has an `api`, or `apis`, of that tier."""


@dataclass(frozen=True)
class Api:
    """An implementation that the host can serve.

    Attributes:
        service: The class that implements a contract; its constructor names what it needs.
        vendor: Which backend it speaks to; a topology chooses by it when several fill one capability.
        optional: Left out where the topology has no section for its backend: one vendor's own API, which none of ours
            calls.
        flows: Durable flows that this API runs; their constructors are part of the call graph.
        schedules: Those of them that start by the clock (`Schedule`).
        subscriptions: Those of them that start when something has happened (`Subscription`).
        access: What it does in its backend (`AccessDeclaration`); none for one that does what its callers ask for.
        drift: Compares its backend with what it needs (`DriftGuard`).
    """

    service: type[Contract]
    vendor: str = ""
    optional: bool = False
    flows: tuple[type[Any], ...] = field(default=())
    schedules: tuple[Any, ...] = field(default=())
    subscriptions: tuple[Any, ...] = field(default=())
    access: type[AccessDeclaration] | None = None
    drift: type[DriftGuard] | None = None

    @property
    def contract(self) -> type[Contract]:
        """The contract it implements."""
        return self.service.declared_by

    @property
    def tier(self) -> Tier:
        """Where it stands in API-led connectivity."""
        return self.contract.tier

    @property
    def parts(self) -> str:
        """Whose parts it is built of: system APIs of one folder share them, and so one connection to their backend."""
        if self.tier != "system":
            return self.contract.prefix
        return ".".join(self.service.__module__.split(".")[:2])

    @property
    def backend(self) -> str:
        """Which `[backends.…]` section it reads: its folder's name."""
        return self.service.__module__.split(".")[1]

    @property
    def name(self) -> str:
        """`crm (salesforce)`: for people."""
        return f"{self.contract.slug} ({self.vendor})" if self.vendor else self.contract.slug


class BrokenApi(Exception):  # noqa: N818 - reads as what it is
    """An installed API cannot be served; the text says which and why."""


@cache
def installed_apis() -> tuple[Api, ...]:
    """Every API of every installed tier, by tier and name.

    Raises:
        BrokenApi: A folder has neither `api` nor `apis`, or one in the wrong tier.
    """
    found = [api for point in entry_points(group=ENTRY_POINTS) for api in _apis_of(point.name, point.value)]
    order = ("system", "process", "experience")
    return tuple(sorted(found, key=lambda api: (order.index(api.tier), api.contract.slug, api.vendor)))


def _apis_of(tier: str, package_name: str) -> Iterator[Api]:
    package = importlib.import_module(package_name)
    for module in pkgutil.iter_modules(package.__path__):
        if not module.ispkg:
            continue
        name = f"{package_name}.{module.name}"
        for api in _declared_in(_imported(name), name):
            if api.tier != tier:
                raise BrokenApi(f"{name} implements a {api.tier} contract but lies in the {tier} tier; move it there.")
            yield api


def _declared_in(package: ModuleType, name: str) -> tuple[Api, ...]:
    """Its `apis` if it fills several contracts, or none yet, else its `api`."""
    apis: tuple[Any, ...] = getattr(package, "apis", (getattr(package, "api", None),))
    declared = tuple(api for api in apis if isinstance(api, Api))
    if len(declared) < len(apis):
        raise BrokenApi(f"{name} has no `api`; write `api = Api(service=…)` in its __init__.py, or `apis = (…, …)`.")
    return declared


def _imported(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:  # a declaration may refuse in many ways; whoever starts us needs the sentence
        raise BrokenApi(f"{name} cannot be imported: {error} ({type(error).__name__}).") from error
