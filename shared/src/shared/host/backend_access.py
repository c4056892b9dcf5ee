"""What the APIs of a topology do in one backend, and the document that grants exactly that."""

from collections.abc import Sequence
from typing import Any, NoReturn

import msgspec

from shared.governance.access import AccessDeclaration, together
from shared.host.api import Api, installed_apis
from shared.host.settings import look_at_settings
from shared.host.topology import Topology, chosen_apis
from shared.host.wiring import NotWirable, Wiring


class NothingDeclared(Exception):  # noqa: N818 - reads as what it is
    """No API of a backend declares what was asked for; the text says which do."""


def permission_set_of(topology: Topology, backend: str) -> tuple[str, list[str]]:
    """The document for the integration user of a backend, and the APIs it does not cover.

    Raises:
        NothingDeclared: No API of the topology declares what it does there.
        TopologyRefused: Its section of settings is missing or wrong.
    """
    chosen = chosen_apis(topology, installed_apis())
    declaring = apis_of_backend(chosen, backend, "access")
    wiring = Wiring({}, _no_peer, lambda kind: look_at_settings(kind, topology.backends))
    declarations: list[AccessDeclaration] = [wiring.build(kind) for api in declaring if (kind := api.access)]
    access = together(each for declared in declarations for each in declared.operations().values())
    others = [api.contract.__name__ for api in chosen if api.vendor == backend and api not in declaring]
    return declarations[0].permission_set(access), others


def apis_of_backend(apis: Sequence[Api], backend: str, port: str) -> list[Api]:
    """Those that speak to the backend and fill a port, `access` or `drift`; NothingDeclared if none does."""
    able = [api for api in apis if getattr(api, port) is not None]
    found = [api for api in able if api.vendor == backend]
    if not found:
        names = ", ".join(sorted({api.vendor for api in able})) or "none"
        raise NothingDeclared(
            f"No API of this topology declares its {port} for {backend!r}; there is that of: {names}."
        )
    return found


def declaration_findings(api: Api) -> list[str]:
    """What an access declaration leaves out or makes up, a sentence each."""
    if api.access is None:
        return []
    declaration, name = api.access.usual(), api.access.__name__
    declared, known = set(declaration.operations()), set(api.contract.operations)
    findings = [f"{name} declares nothing for {api.contract.__name__}.{each}; say there what it touches."
                for each in sorted(known - declared)]  # fmt: skip
    findings += [f"{name} declares {each}, which is no operation of {api.contract.__name__}; remove it."
                 for each in sorted(declared - known)]  # fmt: skip
    return findings + declaration.undeclared()


def access_document(declaration: AccessDeclaration) -> bytes:
    """The declaration as JSON, always in the same order, so that a review sees what changed."""
    access = {
        operation: {
            name: {key: value for key, value in msgspec.to_builtins(each, order="sorted").items() if value}
            for name, each in sorted(touched.items())
        }
        for operation, touched in sorted(declaration.operations().items())
    }
    return msgspec.json.format(msgspec.json.encode(_sorted(access)), indent=2) + b"\n"


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _sorted(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    return sorted(value) if isinstance(value, list) else value  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


def _no_peer(contract: type[Any]) -> NoReturn:
    raise NotWirable(f"An access declaration asks for {contract.__name__}; it may ask for settings only.")
