"""`triptych simulate` and `triptych prove`: the proofs that a user can run. See `shared.durable.simulation`."""

# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false
# rich-click leaves type parameters of its decorators open
# ruff: noqa: PLC0415

import sys
import time
from typing import TYPE_CHECKING, Any

import rich_click as click

from shared.host.cli_findings import tell_findings
from shared.host.cli_simulate import simulate

if TYPE_CHECKING:
    from shared.host.proof.campaign import Proof
    from shared.host.proof.findings import Findings

_PROVED_BUGS = click.Choice(["fence", "attempt", "twice", "unsaved"])


def register(cli: click.Group) -> None:
    """Add the commands to the `triptych` command."""
    cli.add_command(simulate)
    cli.add_command(prove)


@click.group()
def prove() -> None:
    """Kill the workers of real flows, and count what they left in the backends."""


@prove.command("quote-to-order")
@click.option("--kills", default=200, show_default=True, type=click.IntRange(1), help="How many workers to kill.")
@click.option("--seed", default=None, type=click.IntRange(0), help="Decides where each is killed; drawn if not given.")
@click.option(
    "--journal", default="sqlite", show_default=True, type=click.Choice(["sqlite", "postgres"]),
    help="Where flows are kept.",
)  # fmt: skip
@click.option(
    "--journal-url", default="", help="PostgreSQL server to make databases on, without a password; else one is started."
)
@click.option("--journal-password", default="", help="Where its password is: env:NAME or file:/path.")
@click.option(
    "--lanes", default=3, show_default=True, type=click.IntRange(1, 64), help="Backends, journals and workers abreast."
)
@click.option("--planted-bug", "bug", default=None, type=_PROVED_BUGS, help="Break the engine; must be found.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as one line of JSON.")
def prove_quote_to_order(kills: int, seed: int | None, as_json: bool, **options: Any) -> None:
    """Kill quote-to-order at every boundary.

    Orders the approved quotes of the stand-in company in workers that end by SIGKILL before or after a call or a
    commit: at each boundary as often as at the others, and in between anywhere; some are stopped past their lease
    first, some orders are cancelled on the way. Ends with 0 if the stand-ins' own books show each order exactly once,
    and their own logs no call that did not have to be made.
    """
    import secrets

    from shared.host.project import TOPOLOGIES, project_folder
    from shared.host.proof.campaign import Proof
    from shared.host.proof.findings import ProofFailed

    seed = secrets.randbelow(1_000_000) if seed is None else seed
    topology = project_folder() / TOPOLOGIES / "fused.toml"
    began = time.perf_counter()
    try:
        findings = _prove(Proof(topology=topology, kills=kills, seed=seed, **options))
    except ProofFailed as failure:
        click.echo(str(failure), err=True)
        sys.exit(2)
    tell_findings(findings, seed, time.perf_counter() - began, as_json=as_json)
    sys.exit(0 if findings.sound else 1)


def _prove(proof: "Proof") -> "Findings":
    import asyncio

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from shared.host.proof.campaign import prove_orders

    columns = (TextColumn("killing"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]}"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as progress:
        task, began = progress.add_task("", total=proof.kills, rate=""), time.perf_counter()

        def advance(kills: int) -> None:
            nonlocal began
            if kills <= 1:
                began = time.perf_counter()
            rate = kills / max(0.1, time.perf_counter() - began)
            progress.update(task, completed=min(kills, proof.kills), rate=f"{rate:.0f}/s")

        return asyncio.run(prove_orders(proof, advance))
