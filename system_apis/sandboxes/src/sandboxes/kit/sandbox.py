"""What a folder declares to be a sandbox, and how declarations are found."""

import pkgutil
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import sandboxes
from sandboxes.kit.asgi import ASGIApp, Receive, Scope, Send
from sandboxes.kit.clock import Clock

Control = Callable[[dict[str, Any]], object]
Beside = Callable[[int], AbstractAsyncContextManager[str]]


def _nothing() -> None:
    return None


def _empty() -> dict[str, object]:
    return {}


@dataclass(frozen=True)
class SandboxApp:
    """A running stand-in: an ASGI app (HTTP only, no lifespan) and what the control path may ask of it.

    Args:
        asgi: Answers as the vendor does.
        close: Lets go of files; called once, after the last request.
        reset: Goes back to the seed.
        ledger: Says what the sandbox did, e.g. `{"orders": [...]}`; must be JSON-encodable.
        beside: Other servers of the sandbox by name, for protocols that are not HTTP/1.1. Each takes the port to
            listen on (0 for any) and yields its URL while it serves, on the running loop.
        controls: More control routes, `POST` or `PUT /__sandbox__/{name}`; each gets the JSON body, its result is sent
            back as JSON.
    """

    asgi: ASGIApp
    close: Callable[[], None] = _nothing
    reset: Callable[[], None] = _nothing
    ledger: Callable[[], Mapping[str, object]] = _empty
    beside: Mapping[str, Beside] = field(default_factory=dict[str, Beside])
    controls: Mapping[str, Control] = field(default_factory=dict[str, Control])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await self.asgi(scope, receive, send)


@dataclass(frozen=True)
class Sandbox:
    """A stand-in reached over HTTP; `create(state, clock)` keeps its state in memory when state is None.

    With `create_named(state, clock, name)` there can be several: whoever asks for `salesforce-emea` gets another
    `salesforce` under the name `emea`, on a port and with a state of its own.

    One that is `deferred` is created by its first request: a topology names every vendor's stand-in, and most
    runs use one of them. It has nothing `beside`.
    """

    name: str
    create: Callable[[Path | None, Clock], SandboxApp]
    create_named: Callable[[Path | None, Clock, str], SandboxApp] | None = None
    deferred: bool = False


@dataclass(frozen=True)
class DatabaseSandbox:
    """A stand-in that is a database file: `create(path)` makes it if it is not there and returns its URL."""

    name: str
    create: Callable[[Path], str]


class UnknownSandboxError(LookupError):
    """A sandbox was asked for that no folder declares."""


def _named(
    create: Callable[[Path | None, Clock, str], SandboxApp], name: str
) -> Callable[[Path | None, Clock], SandboxApp]:
    return lambda state, clock: create(state, clock, name)


def discover(only: frozenset[str] = frozenset()) -> dict[str, Sandbox | DatabaseSandbox]:
    """Every `sandbox` declared in a folder of this package, by name; `only` limits them to these.

    Raises:
        UnknownSandboxError: `only` names a sandbox that is not declared.
    """
    folders = [module.name for module in pkgutil.iter_modules(sandboxes.__path__) if module.ispkg]
    asked = only | {name.partition("-")[0] for name in only}
    wanted = [folder for folder in folders if not only or folder in asked]
    declared = (getattr(import_module(f"sandboxes.{folder}"), "sandbox", None) for folder in wanted)
    found = {one.name: one for one in declared if isinstance(one, Sandbox | DatabaseSandbox)}
    for name in sorted(only - found.keys()):
        first, _, another = name.partition("-")
        declaration = found.get(first)
        if another and isinstance(declaration, Sandbox) and (create := declaration.create_named):
            found[name] = Sandbox(name, _named(create, another))
    if only:
        found = {name: one for name, one in found.items() if name in only}
    if missing := only - found.keys():
        unknown, known = ", ".join(sorted(missing)), ", ".join(discover())
        raise UnknownSandboxError(f"No sandbox is called {unknown}; there are {known}.")
    return found
