"""`triptych permission-set` and `triptych drift`: what we may do in a backend, and whether it is as we know it."""

# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false, reportUnusedFunction=false
# rich-click leaves type parameters of its decorators open
# ruff: noqa: PLC0415

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path

import rich_click as click

from shared.host.topology import Topology

_FILE = click.Path(path_type=Path, dir_okay=False)


def register(cli: click.Group, load: Callable[[str], Topology]) -> None:
    """Add the commands to the `triptych` command; `load` reads a topology by name or file."""

    @cli.command("permission-set")
    @click.argument("backend")
    @click.option("--topology", default="fused", show_default=True, help="Name or file; its settings name the fields.")
    @click.option("--output", type=_FILE, default=None, help="Write it into this file instead.")
    def permission_set(backend: str, topology: str, output: Path | None) -> None:
        """Print the permissions that BACKEND's integration user needs, and no more.

        For salesforce it is a PermissionSet of the Metadata API. Nothing has to run.
        """
        from shared.host.backend_access import permission_set_of

        document, others = permission_set_of(load(topology), backend)
        if output is None:
            click.echo(document, nl=False)
        else:
            _write(output, document)
        for name in others:
            click.echo(f"{name} does what its callers ask for; add what they may.", err=True)

    @cli.command()
    @click.argument("backend")
    @click.option("--topology", default=None, help="Name or file, instead of the running suite's.")
    @click.option("--json", "as_json", is_flag=True, help="One line of JSON instead of a table.")
    def drift(backend: str, topology: str | None, as_json: bool) -> None:
        """Compare the live schema of BACKEND with what our APIs need, and say what breaks and what to do.

        Ends with 1 if an operation breaks, with 2 if the backend cannot be asked.
        """
        from shared.host.backend_drift import drift_of, findings_as_json, print_findings
        from shared.host.runtime import read_runtime, state_directory

        if topology is None:
            runtime = read_runtime(state_directory())
            loaded, sandboxes, state = load(runtime.topology), runtime.sandboxes, Path(runtime.state)
        else:
            loaded, sandboxes, state = load(topology), dict[str, str](), state_directory()
        findings = asyncio.run(drift_of(loaded, backend, sandboxes, state))
        if as_json:
            click.echo(findings_as_json(backend, findings))
        else:
            print_findings(backend, findings)
        sys.exit(1 if any(each.breaking for each in findings) else 0)


def _write(output: Path, document: str) -> None:
    try:
        output.write_text(document, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{output} cannot be written ({error.strerror}); name another file.") from None
