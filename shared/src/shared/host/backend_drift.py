"""How a live backend differs from what the APIs of a topology need of it, asked from the command line."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import msgspec
from rich.console import Console
from rich.table import Table

from shared.governance.drift import DriftGuard, Finding
from shared.host.api import installed_apis
from shared.host.backend_access import apis_of_backend
from shared.host.settings import read_settings
from shared.host.topology import Topology, chosen_apis
from shared.host.wiring import NotWirable, Wiring
from shared.resilience.outbound import Outbound
from shared.resilience.wire_default import open_wire


async def drift_of(topology: Topology, backend: str, sandboxes: Mapping[str, str], state: Path) -> list[Finding]:
    """Every difference, breaking ones first.

    Args:
        topology: Names the backend's settings.
        backend: Its vendor, `salesforce`.
        sandboxes: URLs of running stand-ins by name.
        state: The state directory.

    Raises:
        NothingDeclared: No API of the topology compares this backend with anything.
        TopologyRefused: Its section of settings is missing or wrong.
        Problem: The backend cannot be asked.
    """
    apis = apis_of_backend(chosen_apis(topology, installed_apis()), backend, "drift")
    wire = open_wire()
    wiring = Wiring(
        {Outbound: Outbound(wire)}, _no_peer, lambda kind: read_settings(kind, topology.backends, sandboxes, state)
    )
    try:
        guards: list[DriftGuard] = [wiring.build(kind) for api in apis if (kind := api.drift)]
        found = [finding for guard in guards for finding in await guard.findings()]
    finally:
        for built in reversed(wiring.built):
            if aclose := getattr(built, "aclose", None):
                await aclose()
        await wire.aclose()
    return sorted(found, key=lambda each: not each.breaking)


def print_findings(backend: str, findings: Sequence[Finding]) -> None:
    """Print them as a table, a row each, under a sentence that counts them."""
    console = Console(highlight=False)
    if not findings:
        console.print(f"[green]✓[/] {backend} is as our contracts and translators need it.")
        return
    breaking = sum(each.breaking for each in findings)
    console.print(f"{backend} differs in {len(findings)} from what we need; {breaking} of them break operations.\n")
    table = Table(box=None, header_style="bold", padding=(0, 2, 1, 0), pad_edge=False)
    table.add_column("where", no_wrap=True)
    for column in ("what is so", "operations", "what to do"):
        table.add_column(column)
    for each in findings:
        mark = "[red]✗[/]" if each.breaking else "[yellow]![/]"
        place = each.subject.replace(".", ".\n  ")
        table.add_row(f"{mark} {place}", each.detail, "\n".join(each.operations), _plain(each.advice))
    console.print(table)


def findings_as_json(backend: str, findings: Sequence[Finding]) -> str:
    """One line of JSON."""
    breaking = any(each.breaking for each in findings)
    return msgspec.json.encode({"backend": backend, "breaking": breaking, "findings": findings}).decode()


def _plain(text: str) -> str:
    """Brackets in a sentence are no markup."""
    return text.replace("[", "\\[")


def _no_peer(contract: type[Any]) -> NoReturn:
    raise NotWirable(f"A drift guard asks for {contract.__name__}; it may ask for parts of its own backend only.")
