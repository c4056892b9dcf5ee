"""Who calls whom, computed from constructors, with the rules of API-led connectivity."""

from collections.abc import Iterable
from typing import Any, TypeGuard, get_type_hints

from shared.binding.declare import Contract
from shared.host.api import Api

_MAY_CALL = {"experience": {"process", "system"}, "process": {"process", "system"}, "system": set[str]()}


class ForbiddenCall(Exception):  # noqa: N818 - reads as what it is
    """An API depends on one it must not call; the text says which and what to do."""


def dependencies_of(kind: type[Any]) -> frozenset[type[Contract]]:
    """Contracts that a class needs, through all that its constructor needs."""
    found: set[type[Contract]] = set()
    _collect(kind, found, set())
    return frozenset(found)


def constructor_parameters(kind: type[Any]) -> dict[str, Any]:
    """A class's constructor parameters by name, with their types."""
    if kind.__init__ is object.__init__:
        return {}
    hints = get_type_hints(kind.__init__)
    return {name: hint for name, hint in hints.items() if name != "return"}


def _collect(kind: type[Any], found: set[type[Contract]], seen: set[Any]) -> None:
    for hint in constructor_parameters(kind).values():
        if not is_class(hint) or hint in seen:
            continue
        seen.add(hint)
        if issubclass(hint, Contract):
            found.add(hint)
        elif hint.__module__.split(".")[0] == kind.__module__.split(".")[0]:
            _collect(hint, found, seen)


def is_class(hint: Any) -> TypeGuard[type[Any]]:
    """Whether an annotation is a plain class."""
    return isinstance(hint, type)


def calls(api: Api) -> frozenset[type[Contract]]:
    """The contracts an API calls, from its service, its flows and the feeds they subscribe to."""
    feeds = frozenset(each.source.contract for each in api.subscriptions if each.source is not None)
    return feeds.union(*(dependencies_of(kind) for kind in (api.service, *api.flows)))


def check_calls(apis: Iterable[Api]) -> None:
    """Refuse a call against the direction of the tiers, or a circle.

    Raises:
        ForbiddenCall: Says which API calls which, and why not.
    """
    graph: dict[type[Contract], set[type[Contract]]] = {}
    for api in apis:
        for callee in calls(api):
            if callee.tier not in _MAY_CALL[api.tier]:
                raise ForbiddenCall(
                    f"{api.name} is a {api.tier} API and depends on {callee.__name__}, a {callee.tier} API; "
                    "calls go from experience to process to system. Move the logic to the tier that may."
                )
            graph.setdefault(api.contract, set()).add(callee)
    for contract in graph:
        _refuse_circle(contract, graph, ())


def _refuse_circle(
    contract: type[Contract], graph: dict[type[Contract], set[type[Contract]]], path: tuple[type[Contract], ...]
) -> None:
    if contract in path:
        names = " → ".join(step.__name__ for step in (*path[path.index(contract) :], contract))
        raise ForbiddenCall(f"These APIs call each other in a circle: {names}. Take one of the calls out.")
    for callee in sorted(graph.get(contract, ()), key=lambda each: each.__name__):
        _refuse_circle(callee, graph, (*path, contract))


def call_graph_markdown(apis: Iterable[Api]) -> str:
    """The wiring as a Mermaid diagram and a table, for `deploy/call_graph.md`."""
    known = list(apis)
    lines = [
        "# Call graph",
        "",
        "Computed from constructors by `triptych apis --markdown`; `make check` fails when it is out of date.",
        "",
        "```mermaid",
        "flowchart LR",
    ]
    for tier in ("experience", "process", "system"):
        lines.append(f"  subgraph {tier}")
        names = {api.contract.__name__ for api in known if api.tier == tier}
        lines += [f"    {name}" for name in sorted(names)]
        lines.append("  end")
    edges = {(api.contract.__name__, callee.__name__) for api in known for callee in calls(api)}
    lines += [f"  {caller} --> {callee}" for caller, callee in sorted(edges)]
    lines += ["```", "", "| API | tier | calls | operations |", "|---|---|---|---|"]
    for api in known:
        callees = ", ".join(sorted(callee.__name__ for callee in calls(api))) or "its backend"
        lines.append(f"| {api.name} | {api.tier} | {callees} | {len(api.contract.operations)} |")
    return "\n".join(lines) + "\n"
