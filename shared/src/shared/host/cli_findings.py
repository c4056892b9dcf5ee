"""How `triptych prove` tells what it found."""

# pyright: reportUnknownMemberType=false

from typing import TYPE_CHECKING

import rich_click as click

if TYPE_CHECKING:
    from shared.host.proof.findings import Findings


def tell_findings(findings: "Findings", seed: int, seconds: float, *, as_json: bool) -> None:
    """Print the tables, and on standard error a sentence for each thing that was wrong; or one line of JSON."""
    if as_json:
        click.echo(_json(findings, seed, seconds))
        return
    ends = ", ".join(f"{count} {state}" for state, count in sorted(findings.orders.items()))
    click.echo(
        f"{findings.kills:,} workers killed in {seconds:.0f} s ({findings.kills / seconds:.0f}/s), {findings.frozen} "
        f"of them after a stop past their lease; seed {seed}. Orders: {ends}."
    )
    _tell_boundaries(findings)
    _tell_books(findings)
    _tell_calls(findings)
    click.echo(
        f"\n  orders that did not end: {findings.unfinished}"
        f"\n  writes accepted from a worker that had lost its order: {findings.stale}"
        f"\n  workers that one poisonous order could end: {findings.poisoned} (5 allowed)"
    )
    for sentence in findings.wrong:
        click.echo(sentence, err=True)


def _tell_boundaries(findings: "Findings") -> None:
    places = ("before:", "after:", "before-commit:", "after-commit:")
    subjects = dict.fromkeys(name.partition(":")[2] for name in findings.boundaries)
    click.echo(f"\n  {'kills':<32}{'before':>8}{'after':>8}{'before commit':>15}{'after commit':>14}")
    for subject in sorted(subjects):
        counts = [findings.boundaries.get(place + subject) for place in places]
        cells = ["" if count is None else f"{count:,}" for count in counts]
        click.echo(f"  {subject:<32}{cells[0]:>8}{cells[1]:>8}{cells[2]:>15}{cells[3]:>14}")


def _tell_books(findings: "Findings") -> None:
    click.echo(f"\n  {'':<12}{'effects':>8}{'lost':>8}{'doubled':>9}{'half done':>11}")
    for name, book in sorted(findings.books.items()):
        click.echo(f"  {name:<12}{book.effects:>8}{book.lost:>8}{book.doubled:>9}{book.half_done:>11}")


def _tell_calls(findings: "Findings") -> None:
    click.echo(f"\n  {'calls':<32}{'predicted':>10}{'made':>8}")
    for operation, calls in sorted(findings.calls.items()):
        click.echo(f"  {operation:<32}{calls.predicted:>10,}{calls.made:>8,}")
    predicted = sum(calls.predicted for calls in findings.calls.values())
    made = sum(calls.made for calls in findings.calls.values())
    click.echo(f"  calls: {predicted:,} predicted, {made:,} made")


def _json(findings: "Findings", seed: int, seconds: float) -> str:
    import msgspec  # noqa: PLC0415 - the command line starts faster without

    told = {"sound": findings.sound, "seed": seed, "seconds": round(seconds, 1), **msgspec.to_builtins(findings)}
    return msgspec.json.encode(told).decode()
