"""`triptych simulate` and `triptych prove`: the proofs that a user can run. See `shared.durable.simulation`."""

# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false
# rich-click leaves type parameters of its decorators open
# ruff: noqa: PLC0415

import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import rich_click as click

if TYPE_CHECKING:
    from shared.host.proofs import Findings

_BUGS = click.Choice(["fence", "attempt"])


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
@click.option("--seed", default=1, show_default=True, type=click.IntRange(0), help="Decides where each is killed.")
@click.option("--planted-bug", "bug", default=None, type=_BUGS, help="Break the engine on purpose; must be found.")
def prove_quote_to_order(kills: int, seed: int, bug: str | None) -> None:
    """Kill quote-to-order at every boundary.

    Orders all approved quotes of the stand-in company in workers that end by SIGKILL before or after a call or a
    commit, again and again, some of them stopped past their lease first. Ends with 0 if the stand-ins' own books show
    each order exactly once.
    """
    import asyncio

    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from shared.host.project import TOPOLOGIES, project_folder
    from shared.host.proofs import prove_orders

    began = time.perf_counter()
    columns = (TextColumn("killing"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=kills)
        findings = asyncio.run(
            prove_orders(
                project_folder() / TOPOLOGIES / "fused.toml", kills, seed, bug,
                lambda done: progress.update(task, completed=done),
            )
        )  # fmt: skip
    _tell_findings(findings, time.perf_counter() - began)
    sys.exit(0 if findings.sound else 1)


def _tell_findings(findings: "Findings", seconds: float) -> None:
    ends = ", ".join(f"{count} {state}" for state, count in sorted(findings.orders.items()))
    click.echo(
        f"{findings.kills} workers killed in {seconds:.0f} s, {findings.frozen} of them after a stop. Orders: {ends}."
    )
    click.echo(f"\n  {'':<12}{'effects':>8}{'lost':>8}{'doubled':>9}{'half done':>11}")
    for name, book in sorted(findings.books.items()):
        click.echo(f"  {name:<12}{book.effects:>8}{book.lost:>8}{book.doubled:>9}{book.half_done:>11}")
    click.echo(
        f"\n  orders that did not end: {findings.unfinished}\n  writes accepted from a worker that had lost its order: "
        f"{findings.stale}\n  workers that one poisonous order could end: {findings.poisoned} (5 allowed)"
    )
