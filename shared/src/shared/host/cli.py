"""The `triptych` command. Refusals are one line on standard error and exit status 2."""

# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false
# rich-click leaves type parameters of its decorators open
# Imports inside functions keep the other commands quick (PLC0415 is off for this reason alone).
# ruff: noqa: PLC0415

import asyncio
import json
import os
import sys
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import rich_click as click
import uvloop

from shared.binding.problems import Problem
from shared.host.api import BrokenApi, installed_apis
from shared.host.backend_access import NothingDeclared
from shared.host.call_graph import ForbiddenCall, call_graph_markdown
from shared.host.cli_cross_references import cross_references
from shared.host.cli_events import events
from shared.host.cli_flows import register as register_flows
from shared.host.cli_governance import register as register_governance
from shared.host.cli_new import register as register_new
from shared.host.cli_proofs import register as register_proofs
from shared.host.cli_quota import quota
from shared.host.project import TOPOLOGIES, project_folder
from shared.host.runtime import VERSION, NotRunning, StateRefused, read_runtime, state_directory
from shared.host.sandbox_process import SandboxesMissing
from shared.host.scaffold import ScaffoldRefused
from shared.host.server import PortTaken
from shared.host.topology import Topology, TopologyRefused, load_topology
from shared.host.wiring import NotWirable
from shared.security.secrets import UnreadableSecretError

_STARTED = time.perf_counter() - time.process_time()
"""When this process began: importing is all it has done, and that keeps one processor busy."""
_REFUSALS = (
    BrokenApi, ForbiddenCall, NothingDeclared, NotRunning, NotWirable, PortTaken, SandboxesMissing, ScaffoldRefused,
    StateRefused, TopologyRefused, UnreadableSecretError, Problem,
)  # fmt: skip
_STATE = click.Path(path_type=Path, file_okay=False)


def main() -> None:
    """Entry point."""
    try:
        cli(standalone_mode=False, prog_name="triptych")
    except _REFUSALS as refusal:
        sys.exit(_refuse(str(refusal)))
    except click.UsageError as refusal:
        command = refusal.ctx.command_path if refusal.ctx else "triptych"
        sys.exit(_refuse(f"{refusal.format_message()} Try `{command} --help`."))
    except click.ClickException as refusal:
        sys.exit(_refuse(refusal.format_message()))
    except (click.Abort, KeyboardInterrupt):
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _refuse(text: str) -> int:
    click.echo(f"{click.style('triptych:', fg='red', bold=True)} {' '.join(text.split())}", err=True)
    return 2


def run(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine on uvloop."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(work)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="triptych")
def cli() -> None:
    """Three-tier, API-led connectivity: System, Process and Experience APIs with one command."""


cli.add_command(cross_references)
cli.add_command(events)
cli.add_command(quota)
register_flows(cli)
register_new(cli)
register_proofs(cli)


def topology_path(name: str) -> Path:
    """A topology by name or by file."""
    given = Path(name)
    if given.suffix == ".toml" or len(given.parts) > 1:
        return given
    directory = Path(os.environ.get("TRIPTYCH_TOPOLOGIES") or project_folder() / TOPOLOGIES)
    return directory / f"{name}.toml"


def _load(name: str) -> tuple[Path, Topology]:
    path = topology_path(name)
    return path, load_topology(path)


register_governance(cli, lambda name: _load(name)[1])


@cli.command()
@click.argument("topology", default="fused")
@click.option(
    "--port", envvar="PORT", default=8080, show_default=True, type=click.IntRange(1, 65535), help="Of the edge."
)
@click.option("--order/--no-order", "with_order", default=False, help="Place one order to see it work.")
@click.option("--once", is_flag=True, help="End after the order; its last line is one JSON object.")
@click.option("--state", type=_STATE, default=None, help="State directory [default: .state].")
def up(topology: str, port: int, with_order: bool, once: bool, state: Path | None) -> None:
    """Start the whole suite on this machine, stand-in backends included.

    TOPOLOGY is fused (one process), tiered (two), split (three) or a file.
    """
    path, loaded = _load(topology)
    from shared.host.up import bring_up

    where = state or state_directory()
    sys.exit(run(bring_up(path, loaded, where, port, with_order=with_order or once, once=once, began=_STARTED)))


@cli.command()
@click.argument("process")
@click.option("--state", type=_STATE, default=None, help="State directory [default: .state].")
def serve(process: str, state: Path | None) -> None:
    """Run one process of a topology, as `up` does for several.

    PROCESS is one of those in the state directory's runtime.json, which says where everything is.
    """
    runtime = read_runtime(state or state_directory())
    if process not in runtime.processes:
        raise NotRunning(f"The topology has no process {process!r}; it has {', '.join(runtime.processes)}.")
    from shared.host.up import serve_process

    sys.exit(run(serve_process(runtime, process)))


@cli.command()
@click.option("--markdown", is_flag=True, help="As `deploy/call_graph.md` holds it.")
def apis(markdown: bool) -> None:
    """List the installed APIs and whom they call."""
    if markdown:
        click.echo(call_graph_markdown(installed_apis()), nl=False)
        return
    from shared.host.api_list import print_apis

    print_apis(installed_apis())


@cli.command()
@click.option("--client", default="field-sales-app", show_default=True, help="Which application of the topology.")
@click.option("--api", "slug", default=None, help="A token for this API instead, with all its scopes (development).")
def token(client: str, slug: str | None) -> None:
    """Print an access token for the running suite.

    For instance: `curl -H "Authorization: Bearer $(triptych token)" …`
    """
    from shared.host.tokens import app_token, development_token

    runtime = read_runtime(state_directory())
    click.echo(development_token(runtime, slug) if slug else run(app_token(runtime, client)))


@cli.command()
@click.argument("quote_id", required=False)
@click.option("--json/--no-json", "as_json", default=None, help="End with a line of JSON [default: if piped].")
def order(quote_id: str | None, as_json: bool | None) -> None:
    """Order a quote through the running suite and tell what happened.

    Without QUOTE_ID it is the first approved quote that stock and credit allow. Ends with 0 if the order stands.
    """
    from shared.host.demonstration import order_and_tell

    summary = run(order_and_tell(read_runtime(state_directory()), quote_id))
    if as_json or (as_json is None and not sys.stdout.isatty()):
        click.echo(json.dumps(summary))
    sys.exit(0 if summary["status"] == "completed" else 1)


@cli.command()
@click.argument("trace_id")
def trace(trace_id: str) -> None:
    """Show everything that happened under one trace id.

    That is each span in all processes, and what stand-in backends logged. TRACE_ID is the `Trace-Id` of an
    answer, or the `traceId` of a problem.
    """
    from shared.host.trace_view import show_trace

    sys.exit(run(show_trace(read_runtime(state_directory()), trace_id)))


@cli.command()
@click.option("--write", is_flag=True, help="Write generated files anew instead of comparing them.")
@click.option(
    "--deploy", type=_STATE, default=None, help="Where generated files lie [default: the project's deploy folder]."
)
def check(write: bool, deploy: Path | None) -> None:
    """Check declarations and generated files.

    Tiers, call graph, scopes, missing operations, and whether `deploy` holds what is declared.
    """
    from shared.host.declared import check_declared

    findings = check_declared(installed_apis(), deploy or project_folder() / TOPOLOGIES.parent, write=write)
    for finding in findings:
        click.echo(f"{click.style('✗', fg='red')} {finding}")
    if findings:
        sys.exit(1)
    mark = click.style("✓", fg="green")
    click.echo(f"{mark} {len(installed_apis())} APIs: call graph, scopes and generated files are in order")


@cli.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """Run stand-in backends alone.

    ARGUMENTS go to `python -m sandboxes`; see `triptych sandbox -- --help`.
    """
    given = list(arguments) if "--state" in arguments else ["--state", str(state_directory() / "sandboxes"), *arguments]
    os.execv(sys.executable, [sys.executable, "-m", "sandboxes", *given])  # noqa: S606 - our own interpreter and module
