"""The parts of the system; every module here that has an `area` is one."""

import pkgutil
from functools import cache
from importlib import import_module

from sandboxes.oracle.area import Area


@cache
def areas() -> tuple[Area, ...]:
    """All areas, in the order they seed."""
    modules = (import_module(f"{__name__}.{one.name}") for one in pkgutil.iter_modules(__path__))
    found = (getattr(module, "area", None) for module in modules)
    return tuple(sorted((one for one in found if isinstance(one, Area)), key=lambda one: (one.order, one.name)))
