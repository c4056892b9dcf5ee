"""`triptych simulate` and `triptych prove`: the proofs that a user can run. See `shared.durable.simulation`."""

# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false
# rich-click leaves type parameters of its decorators open
# ruff: noqa: PLC0415

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import rich_click as click

from shared.host.cli_findings import tell_findings

if TYPE_CHECKING:
    from shared.host.proof.campaign import Proof
    from shared.host.proof.findings import Findings

_BUGS = click.Choice(["fence", "attempt"])
_PROVED_BUGS = click.Choice(["fence", "attempt", "twice", "unsaved"])


def register(cli: click.Group) -> None:
    """Add the commands to the `triptych` command."""
    cli.add_command(simulate)
    cli.add_command(prove)


@click.command()
@click.option("--seeds", default=1000, show_default=True, type=click.IntRange(1), help="How many worlds.")
@click.option("--first", default=0, show_default=True, type=click.IntRange(0), help="Seed of the first.")
@click.option("--seed", default=None, type=click.IntRange(0), help="Only this one: replay a failure.")
@click.option("--jobs", default=1, show_default=True, type=click.IntRange(1, 256), help="Processes.")
@click.option("--planted-bug", "bug", default=None, type=_BUGS, help="Break the engine on purpose; must be found.")
def simulate(seeds: int, first: int, seed: int | None, jobs: int, bug: str | None) -> None:
    """Play durable flows in simulated worlds.

    Workers crash and stall, calls fail, answers get lost, commits come late, clients repeat and cancel; one integer
    decides all of it. Ends with 0 if every flow of every world ended with exactly its effects; else prints the seed,
    and what happened last.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from shared.durable.simulation.campaign import play_many

    chosen = range(first, first + seeds) if seed is None else range(seed, seed + 1)
    totals: Counter[str] = Counter()
    failures: dict[int, str] = {}
    played, began = 0, time.perf_counter()
    columns = (TextColumn("simulating"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(chosen))
        for portion in play_many(chosen, jobs, bug):  # type: ignore[arg-type]
            totals.update(portion.totals)
            failures.update(portion.failures)
            played += portion.seeds
            progress.advance(task, portion.seeds)
    for number, trace in sorted(failures.items()):
        click.echo(f"{trace}\n\nReplay it with: triptych simulate --seed {number}", err=True)
    _tell(played, totals, time.perf_counter() - began)
    sys.exit(1 if failures else 0)


def _tell(played: int, totals: Counter[str], seconds: float) -> None:
    ends = ", ".join(f"{totals[end]} {end}" for end in ("completed", "refused", "cancelled", "dead") if totals[end])
    click.echo(f"{played} seeds in {seconds:.1f} s ({played / seconds:.0f}/s). Flows: {ends}.")
    click.echo(
        f"{totals['crashes']} crashes, {totals['stalls']} stalls, {totals['retries']} retries, "
        f"{totals['refused_saves']} saves refused for a lost fence, {totals['effects']} effects, "
        f"{totals['seconds'] / 3600:.1f} virtual hours."
    )


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
