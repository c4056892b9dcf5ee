"""What a contract may not declare. Each refusal says where and what to do instead."""

import inspect
import re
from typing import Annotated, Any, get_args, get_origin

import msgspec

from shared.binding.operation import Route
from shared.binding.problems import Problem, ProblemDetails
from shared.binding.signed_message import SignedMessage

_TIERS = ("system", "process", "experience")
_SCOPE = re.compile(r"^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*$")


def check_contract(
    cls: Any, tier: str | None, version: str | None, *, is_implementation: bool, complete: bool = False
) -> None:
    """Refuse a contract without tier, version, docstring or operations."""
    if is_implementation:
        return
    name = cls.__name__
    if tier not in _TIERS:
        raise TypeError(f'{name}: say its tier: class {name}(Contract, tier="system" | "process" | "experience", …).')
    if not version or not re.fullmatch(r"v[1-9]\d*", version):
        raise TypeError(f'{name}: say its version: class {name}(Contract, …, version="v1").')
    if not cls.__dict__.get("__doc__"):
        raise TypeError(f"{name} has no docstring; its first sentence is what the API catalog shows.")
    if complete:
        _check_routes(cls)


def _check_routes(cls: Any) -> None:
    if not cls.operations:
        raise TypeError(f"{cls.__name__} declares no operation; mark a method with @get(...) or another verb.")
    seen: dict[tuple[str, str], str] = {}
    for operation in cls.operations.values():
        key = (operation.method, re.sub(r"{\w+}", "{}", operation.route.path))
        if key in seen:
            raise TypeError(
                f"{cls.__name__}.{operation.name} and .{seen[key]} share {key[0]} {operation.route.path}; "
                "give one of them another path."
            )
        seen[key] = operation.name


def check_operation(
    where: str, route: Route, function: Any, signature: inspect.Signature, hints: dict[str, Any], doc: str
) -> None:
    """Refuse an operation that could not be served honestly."""
    if not inspect.iscoroutinefunction(function):
        raise TypeError(f"{where} is not async; write `async def`.")
    if not doc:
        raise TypeError(f"{where} has no docstring; its first sentence becomes the OpenAPI summary.")
    if not _SCOPE.match(route.scope):
        raise TypeError(
            f"{where} needs a scope such as 'crm:read' (got {route.scope!r}); an operation without one does not start."
        )
    if "return" not in hints:
        raise TypeError(f"{where} does not say what it returns; annotate the result (None for nothing).")
    _check_parameters(where, route, signature, hints)
    for problem in route.raises:
        if not (isinstance(problem, type) and issubclass(problem, Problem)):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"{where}: raises={problem!r} is not a Problem; subclass one of shared.binding.problems.")
        if not problem.__doc__:
            raise TypeError(f"{where}: {problem.__name__} has no docstring; it is the page its `type` leads to.")
    for label, kind in hints.items():
        _check_type(f"{where} ({label})", kind, set())
    _check_kind(where, route, hints)


def _check_parameters(where: str, route: Route, signature: inspect.Signature, hints: dict[str, Any]) -> None:
    if not route.path.startswith("/"):
        raise TypeError(f"{where}: the path {route.path!r} must start with '/'.")
    parameters = list(signature.parameters.values())[1:]
    names = {parameter.name for parameter in parameters}
    for name in re.findall(r"{(\w*)}", route.path):
        if name not in names:
            raise TypeError(
                f"{where}: the path names {{{name}}}, which is no parameter of the method; add or rename it."
            )
    bodies: list[str] = []
    for parameter in parameters:
        if parameter.kind is not inspect.Parameter.POSITIONAL_OR_KEYWORD:
            raise TypeError(f"{where}: {parameter.name} must be an ordinary parameter, without * or /.")
        if parameter.name not in hints:
            raise TypeError(f"{where}: {parameter.name} has no type; annotate it.")
        if is_struct(hints[parameter.name]):
            bodies.append(parameter.name)
    if len(bodies) > 1:
        raise TypeError(f"{where} takes two bodies ({', '.join(bodies)}); put them into one Struct.")
    if bodies and route.method in ("GET", "DELETE"):
        raise TypeError(f"{where}: a {route.method} has no body; make {bodies[0]} query parameters or use @post.")


def _check_type(where: str, kind: Any, seen: set[Any]) -> None:
    bare = get_origin(kind) or kind
    if isinstance(bare, type) and issubclass(bare, msgspec.Struct):
        if bare in seen or bare is ProblemDetails:  # its extension members are open by design (RFC 9457)
            return
        seen.add(bare)
        if not bare.__struct_config__.frozen:
            raise TypeError(
                f"{where}: {bare.__name__} is mutable, so one caller could change what another sees; "
                "declare it with frozen=True."
            )
        if not bare.__doc__:
            raise TypeError(f"{where}: {bare.__name__} has no docstring; it is its description in OpenAPI.")
        for field in msgspec.structs.fields(bare):
            _check_type(f"{where}.{field.name}", field.type, seen)
    elif bare in (Any, object, dict) and not get_args(kind):
        raise TypeError(f"{where}: {kind!r} promises nothing; name a Struct or a typed mapping.")
    for inner in get_args(kind)[:1] if get_origin(kind) is Annotated else get_args(kind):
        if inner is not Ellipsis:
            _check_type(where, inner, seen)


def _check_kind(where: str, route: Route, hints: dict[str, Any]) -> None:
    if route.text_types:
        _check_text(where, [hint for name, hint in hints.items() if name != "return" and is_struct(hint)])
    if route.long_running:
        _check_long_running(where, route.long_running, hints["return"])
    _check_message(where, route, [hint for name, hint in hints.items() if name != "return"])


def _check_message(where: str, route: Route, given: list[Any]) -> None:
    if route.signed and (given != [SignedMessage] or "{" in route.path):
        raise TypeError(
            f"{where} is a webhook, so it takes one SignedMessage and nothing else; the sender knows no more."
        )
    if not route.signed and SignedMessage in given:
        raise TypeError(f"{where} takes a SignedMessage, which only a webhook is given; mark it with @webhook(...).")


def _check_text(where: str, bodies: list[Any]) -> None:
    fields = msgspec.structs.fields(bodies[0]) if bodies else ()
    if len(fields) != 1:
        raise TypeError(f"{where} takes bare text, so its body is a Struct with one field; give it one.")


def _check_long_running(where: str, template: str, result: Any) -> None:
    fields = {field.name for field in msgspec.structs.fields(result)} if is_struct(result) else set[str]()
    missing = {"state", *re.findall(r"{(\w+)}", template)} - fields
    if missing:
        raise TypeError(f"{where} is long-running, so its result must have {', '.join(sorted(missing))}.")


def is_struct(kind: Any) -> bool:
    """Whether an annotation is a Struct, marked or generic ones included: such a parameter is the body."""
    bare = get_args(kind)[0] if get_origin(kind) is Annotated else get_origin(kind) or kind
    return isinstance(bare, type) and issubclass(bare, msgspec.Struct)
