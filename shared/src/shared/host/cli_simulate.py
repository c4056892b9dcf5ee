"""`triptych simulate`: seeded worlds of crashes, lost answers and zombies. See `shared.durable.simulation`."""

# pyright: reportUnknownMemberType=false, reportUntypedFunctionDecorator=false
# rich-click leaves type parameters of its decorators open
# ruff: noqa: PLC0415

import os
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

import rich_click as click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.durable.simulation.campaign import Portion
    from shared.durable.simulation.planted_bugs import Bug

_SIMULATED_BUGS = click.Choice(
    [
        "fence",
        "attempt",
        "doubt",
        "retry",
        "park",
        "undo",
        "order",
        "timer",
        "signal",
        "wake",
        "child",
        "key",
        "twice",
        "unsaved",
    ]
)
_ENDS = ("completed", "refused", "cancelled", "dead", "discarded", "retired")
_FAULTS = (
    "crashes", "stalls", "failed calls", "outages met", "lost replies", "slow network", "refusals", "store away",
    "lost commits", "slow commits", "operator acts",
)  # fmt: skip


@click.command()
@click.option("--seeds", default=1000, show_default=True, type=click.IntRange(1), help="How many worlds.")
@click.option("--first", default=0, show_default=True, type=click.IntRange(0), help="Seed of the first.")
@click.option("--seed", default=None, type=click.IntRange(0), help="Only this one, and tell its story.")
@click.option(
    "--jobs", default=os.cpu_count(), show_default="all cores", type=click.IntRange(1, 256), help="Processes."
)
@click.option("--planted-bug", "bug", default=None, type=_SIMULATED_BUGS, help="Break the engine on purpose.")
def simulate(seeds: int, first: int, seed: int | None, jobs: int, bug: "Bug | None") -> None:
    """Play durable flows in simulated worlds.

    Workers crash and stall, calls fail, answers get lost, commits come late, clients repeat and cancel, operators
    resume, edit and discard; one integer decides all of it. Ends with 0 if every flow of every world ended with exactly
    its effects; else prints the seed, and the story of its world.
    """
    if seed is not None:
        sys.exit(_replay(seed, bug))
    began, totals, spread, failures = time.perf_counter(), Counter[str](), Counter[int](), dict[int, str]()
    for portion in _portions(range(first, first + seeds), jobs, bug):
        totals.update(portion.totals)
        spread.update(portion.spread)
        failures.update(portion.failures)
    for number, trace in sorted(failures.items()):
        click.echo(f"{trace}\n\nReplay it with: triptych simulate --seed {number}{_planted(bug)}", err=True)
    _tell(spread, totals, time.perf_counter() - began)
    sys.exit(1 if failures else 0)


def _portions(seeds: range, jobs: int, bug: "Bug | None") -> "Iterator[Portion]":
    """Play them behind a progress bar with rate and time left, on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from shared.durable.simulation.campaign import play_many

    rate, began, played = TextColumn("{task.fields[rate]:.0f} seeds/s"), time.perf_counter(), 0
    columns = (TextColumn("simulating"), BarColumn(), MofNCompleteColumn(), rate, TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(seeds), rate=0.0)
        for portion in play_many(seeds, jobs, bug):
            played += portion.seeds
            progress.update(task, completed=played, rate=played / (time.perf_counter() - began))
            yield portion


def _replay(seed: int, bug: "Bug | None") -> int:
    """Tell all that happens in one world; the exit code."""
    from shared.durable.simulation import Broken, play
    from shared.durable.simulation.campaign import digest
    from shared.durable.simulation.planted_bugs import planted

    story: list[str] = []
    broken = ""
    try:
        with planted(bug):
            play(seed, story=story)
    except Broken as failure:
        broken = str(failure).splitlines()[0]
    click.echo("\n".join(story))
    click.echo(broken or f"seed {seed}: every promise was kept; digest {digest(story)}", err=bool(broken))
    return 1 if broken else 0


def _planted(bug: "Bug | None") -> str:
    return f" --planted-bug {bug}" if bug else ""


def _tell(spread: Counter[int], totals: Counter[str], seconds: float) -> None:
    played = max(1, spread.total())
    ends = ", ".join(f"{totals[end]} {end}" for end in _ENDS if totals[end])
    faults = ", ".join(f"{totals[kind]} {kind}" for kind in _FAULTS)
    tenth, half, most = (_quantile(spread, share) for share in (0.1, 0.5, 0.9))
    click.echo(f"{spread.total()} seeds in {seconds:.1f} s ({spread.total() / seconds:.0f}/s). Flows: {ends}.")
    click.echo(
        f"Faults: {totals['faults'] / played:.1f} a seed (a tenth of them at most {tenth}, half at most {half}, nine "
        f"tenths at most {most}): {faults}."
    )
    click.echo(
        f"{totals['retries']} retries, {totals['parks']} of them at an open circuit, {totals['refused_saves']} saves "
        f"refused for a lost fence, {totals['effects']} effects, {totals['events'] / played:.0f} events a seed, "
        f"{totals['seconds'] / 3600:.1f} virtual hours."
    )


def _quantile(spread: Counter[int], share: float) -> int:
    seen = 0
    for faults, seeds in sorted(spread.items()):
        seen += seeds
        if seen >= share * spread.total():
            return faults
    return 0
