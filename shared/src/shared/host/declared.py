"""What `triptych check` finds wrong with the declarations of the installed APIs."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from shared.binding.declare import Contract
from shared.binding.openapi import openapi_document
from shared.host.api import Api
from shared.host.backend_access import access_document, declaration_findings
from shared.host.call_graph import ForbiddenCall, call_graph_markdown, check_calls


def check_declared(apis: Sequence[Api], deploy: Path, *, write: bool) -> list[str]:
    """Everything wrong, a sentence each; empty when all is well.

    Args:
        apis: The installed APIs.
        deploy: Where `call_graph.md`, `openapi/` and `access/` lie.
        write: Write these files anew instead of comparing them.
    """
    findings = [finding for api in apis for finding in _unimplemented(api)]
    try:
        check_calls(apis)
    except ForbiddenCall as refusal:
        findings.append(str(refusal))
    findings += _scopes(apis)
    findings += [finding for api in apis for finding in declaration_findings(api)]
    if write:
        write_generated(apis, deploy)
    stale = _stale(apis, deploy)
    return findings + [f"{path} is out of date; run `triptych check --write` and commit it." for path in stale]


def write_generated(apis: Sequence[Api], deploy: Path) -> list[Path]:
    """Write the generated files anew; those that changed."""
    stale = _stale(apis, deploy)
    for path, content in stale.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return list(stale)


def _stale(apis: Sequence[Api], deploy: Path) -> dict[Path, bytes]:
    """What generated files must hold where they do not."""
    generated = _generated(apis, deploy).items()
    return {path: content for path, content in generated if not path.exists() or path.read_bytes() != content}


def _unimplemented(api: Api) -> list[str]:
    missing = [name for name in api.contract.operations if name not in vars(api.service)]
    unsigned = [one.name for one in api.contract.operations.values() if one.signed and api.service.signature is None]
    findings = [
        f"{api.service.__name__} does not say how its backend signs {name}; give it `signature` and `signatures()`."
        for name in unsigned
    ]
    return findings + [
        f"{api.service.__name__} does not implement {api.contract.__name__}.{name}; write it." for name in missing
    ]


def _scopes(apis: Sequence[Api]) -> list[str]:
    """Each API owns its scopes: a scope of two would let a token for one open the other after an exchange."""
    owners: dict[str, type[Contract]] = {}
    findings: list[str] = []
    for contract in {api.contract for api in apis}:
        for scope in contract.scopes():
            other = owners.setdefault(scope, contract)
            if other is not contract:
                findings.append(f"{contract.__name__} and {other.__name__} both own the scope {scope}; rename one.")
    return findings


def _generated(apis: Sequence[Api], deploy: Path) -> dict[Path, bytes]:
    files = {deploy / "call_graph.md": call_graph_markdown(apis).encode()}
    for contract in {api.contract for api in apis}:
        signatures = [api.service.signature for api in apis if api.contract is contract]
        described = openapi_document(contract, schemes=[scheme for scheme in signatures if scheme])
        document = msgspec.json.format(msgspec.json.encode(described), indent=2)
        files[deploy / "openapi" / f"{contract.slug}.json"] = document + b"\n"
    for api in apis:
        if api.access is not None:
            files[deploy / "access" / f"{api.contract.slug}-{api.vendor}.json"] = access_document(api.access.usual())
    return files
