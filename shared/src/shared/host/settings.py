"""Settings of backends: from the topology file, with secrets by reference and sandboxes by name."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from shared.host.topology import TopologyRefused
from shared.security.secrets import decode_reference, decode_secret

_S = TypeVar("_S", bound=msgspec.Struct)

SANDBOX = "sandbox:"


def read_settings(
    kind: type[_S], backends: Mapping[str, Mapping[str, Any]], sandboxes: Mapping[str, str], state: Path
) -> _S:
    """The settings Struct of one backend from `[backends.<folder of the Struct>]`.

    `url = "sandbox:salesforce"` becomes the address of that stand-in backend; `{state}` in a string becomes
    the state directory.

    Raises:
        TopologyRefused: The section is missing or wrong; says which field and why.
    """
    return _converted(kind, backends, sandboxes, state, decode_secret)


def look_at_settings(kind: type[_S], backends: Mapping[str, Mapping[str, Any]]) -> _S:
    """The same settings where nothing runs: stand-ins have no address, and no secret is read.

    Raises:
        TopologyRefused: As `read_settings`.
    """
    sandboxes = {text.removeprefix(SANDBOX): "" for text in _texts(backends) if text.startswith(SANDBOX)}
    return _converted(kind, backends, sandboxes, Path(), decode_reference)


def _converted(
    kind: type[_S],
    backends: Mapping[str, Mapping[str, Any]],
    sandboxes: Mapping[str, str],
    state: Path,
    decode: Callable[[type, Any], Any],
) -> _S:
    backend = kind.__module__.split(".")[1]
    section = backends.get(backend)
    if section is None:
        raise TopologyRefused(f"The topology has no [backends.{backend}]; say at least its url there.")
    values = {name: _resolve(value, backend, sandboxes, state) for name, value in section.items()}
    unknown = values.keys() - {field.encode_name for field in msgspec.structs.fields(kind)}
    if unknown:
        raise TopologyRefused(f"[backends.{backend}] has unknown settings: {', '.join(sorted(unknown))}.")
    try:
        return msgspec.convert(values, kind, dec_hook=decode)
    except (msgspec.ValidationError, ValueError) as error:
        raise TopologyRefused(f"[backends.{backend}]: {error}.") from None


def _texts(value: Any) -> Iterator[str]:
    """Every text in tables within tables."""
    if isinstance(value, Mapping):
        table: Mapping[str, Any] = value  # pyright: ignore[reportUnknownVariableType] - TOML keys are text
        for each in table.values():
            yield from _texts(each)
    elif isinstance(value, str):
        yield value


def _resolve(value: Any, backend: str, sandboxes: Mapping[str, str], state: Path) -> Any:
    if isinstance(value, dict):
        table: dict[str, Any] = value  # pyright: ignore[reportUnknownVariableType] - TOML keys are text
        return {name: _resolve(each, backend, sandboxes, state) for name, each in table.items()}
    if isinstance(value, list):
        several: list[Any] = value  # pyright: ignore[reportUnknownVariableType] - the same
        return [_resolve(each, backend, sandboxes, state) for each in several]
    if not isinstance(value, str):
        return value
    if value.startswith(SANDBOX):
        name = value.removeprefix(SANDBOX)
        if name not in sandboxes:
            raise TopologyRefused(f"[backends.{backend}] wants the sandbox {name!r}, which is not running.")
        return sandboxes[name]
    return value.replace("{state}", str(state.resolve()))
