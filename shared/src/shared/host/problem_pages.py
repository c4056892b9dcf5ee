"""What the page of a problem says beyond its docstring."""

from collections.abc import Iterable, Sequence

import msgspec

from shared.binding.operation import Operation
from shared.binding.problem_document import write_problem
from shared.binding.problems import Forbidden, Problem, ProblemDetails, Refused, Transient, Unauthenticated
from shared.host.api import Api

_CONTRACTS = "shared.contracts."


def grouped(kinds: Iterable[type[Problem]]) -> list[tuple[str, list[type[Problem]]]]:
    """The kinds under headings that say what to do, each by status."""
    groups: dict[str, list[type[Problem]]] = {
        "The business says no": [], "Change the request": [], "Repeat later": [], "Not your fault": [],
    }  # fmt: skip
    for kind in sorted(kinds, key=lambda each: (each.status, each.slug)):
        groups[_heading(kind)].append(kind)
    return list(groups.items())


def _heading(kind: type[Problem]) -> str:
    if issubclass(kind, Transient):
        return "Repeat later"
    if kind.status >= 500:  # noqa: PLR2004 - server errors
        return "Not your fault"
    return "The business says no" if kind.__module__.startswith(_CONTRACTS) else "Change the request"


def advice(kind: type[Problem]) -> str:
    """What a client should do about it, in a sentence or two."""
    if issubclass(kind, Transient):
        return (
            "Repeat the same request later: after the seconds in Retry-After if they are given, else after 1, 2, 4, … "
            "seconds. Send a write again with the same Idempotency-Key."
        )
    if kind.status >= 500:  # noqa: PLR2004 - server errors
        return "Repeating is unlikely to help. Report it with its traceId, which leads to every span and log line."
    if issubclass(kind, Unauthenticated):
        return "Get a fresh token from the issuer, for the audience of this API, and send it as Authorization: Bearer …"
    if issubclass(kind, Forbidden):
        return "Ask for a token with the scope the operation needs; the same token will be refused again."
    if issubclass(kind, Refused):
        return (
            "A business rule forbids it as things stand; detail says which fact to change. Repeating changes nothing."
        )
    return "Change the request as detail and errors say; repeated unchanged it gets the same answer."


def raised_by(kind: type[Problem], apis: Sequence[Api]) -> list[Operation]:
    """The operations that declare it; none for the kinds that any operation may answer."""
    return [each for api in reversed(apis) for each in api.contract.operations.values() if kind in each.route.raises]


def example(kind: type[Problem]) -> str:
    """The wire form, as JSON to read."""
    details = ProblemDetails(
        type=kind.type_uri(),
        title=kind.title,
        status=kind.status,
        detail=(kind.__doc__ or kind.title).strip().splitlines()[0],
        instance="/experience/field-sales/v1/orders",
        trace_id="4bf92f3577b34da6a3ce929d0e0e4736",
        retry_after=2.0 if kind.transient else None,
    )
    return msgspec.json.format(write_problem(details), indent=2).decode()
