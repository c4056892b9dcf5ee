"""Builds services from what their constructors ask for. There is no registry to edit."""

from collections.abc import Callable
from typing import Any

import msgspec

from shared.binding.declare import Contract
from shared.host.call_graph import constructor_parameters, is_class


class NotWirable(Exception):  # noqa: N818 - reads as what it is
    """A constructor asks for something the host cannot give; the text says what and where."""


class Wiring:
    """Constructor injection by type.

    A parameter typed by a contract gets a client of it; by a Struct, the settings of that name; by a type the
    host provides, that object; by any other class of the same tier, one instance built in the same way.

    Args:
        provided: Objects of the host by type.
        peer: Gives a client for a contract.
        settings: Gives the settings for a Struct type.
    """

    def __init__(
        self,
        provided: dict[type[Any], Any],
        peer: Callable[[type[Contract]], Contract],
        settings: Callable[[type[msgspec.Struct]], msgspec.Struct],
    ) -> None:
        self._provided = provided
        self._peer = peer
        self._settings = settings
        self._built: dict[type[Any], Any] = {}

    @property
    def built(self) -> list[Any]:
        """Everything built so far, dependencies first."""
        return list(self._built.values())

    def build(self, kind: type[Any]) -> Any:
        """An instance of `kind` with everything it needs; the same one every time."""
        if kind not in self._built:
            parameters = constructor_parameters(kind)
            arguments = {name: self._argument(kind, name, hint) for name, hint in parameters.items()}
            self._built[kind] = kind(**arguments)
        return self._built[kind]

    def _argument(self, kind: type[Any], name: str, hint: Any) -> Any:
        if hint in self._provided:
            return self._provided[hint]
        if is_class(hint):
            if issubclass(hint, Contract):
                return self._peer(hint)
            if issubclass(hint, msgspec.Struct):
                return self._settings(hint)
            if hint.__module__.split(".")[0] == kind.__module__.split(".")[0]:
                return self.build(hint)
        raise NotWirable(
            f"{kind.__module__}.{kind.__qualname__} asks for {name}: {hint!r}, which the host cannot give. "
            "Ask for a contract, a settings Struct, a class of your own tier, or one of: "
            + ", ".join(sorted(provided.__name__ for provided in self._provided))
        )
